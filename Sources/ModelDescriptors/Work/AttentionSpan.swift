// SPDX-License-Identifier: GPL-3.0-or-later

/// Which earlier positions a token attends to, as far as cost depends on it.
///
/// A token at position p (0-based) sees p + 1 positions. Of these it attends to
/// `attended(visible: p + 1)` rows:
///
/// - full attention: all;
/// - a sliding window w: min(visible, w);
/// - chunked attention c (Llama 4): those of its own chunk, (p mod c) + 1;
/// - a compressed history (DeepSeek V4): the window, and one row per `compression` tokens;
/// - a learned selection (DSA, CSA, MSA): at most `selection` of the rows that would remain,
///   chosen by an indexer that scans `scanned(visible:)` rows;
/// - a recurrent layer: none.
///
/// Layers with equal spans share one `AttentionLoad`, so an engine sums over its sequences once
/// per distinct span of the model (`ModelDescriptor.attentionSpans`), not once per layer.
@frozen
public struct AttentionSpan: Hashable, Sendable, BitwiseCopyable {
  /// Tokens of the sliding window; 0 for none.
  public var window: Int
  /// Tokens of a local chunk; 0 for none.
  public var chunk: Int
  /// Tokens per row of the compressed history beside the window; 0 for none.
  public var compression: Int
  /// Most rows (of history) that the indexer lets through; 0 for all.
  public var selection: Int
  /// Tokens per row that the indexer scans; 0 when there is no indexer in this layer.
  public var scanCompression: Int
  /// Whether there is no attention at all: a recurrent layer or none.
  public var isRecurrent: Bool

  /// Creates a span; zero means that a bound is absent.
  @inlinable
  public init(
    window: Int = 0, chunk: Int = 0, compression: Int = 0, selection: Int = 0,
    scanCompression: Int = 0, isRecurrent: Bool = false
  ) {
    self.window = window
    self.chunk = chunk
    self.compression = compression
    self.selection = selection
    self.scanCompression = scanCompression
    self.isRecurrent = isRecurrent
  }

  /// Attention to every earlier position.
  @inlinable
  public static var full: AttentionSpan { AttentionSpan() }
  /// No attention: a recurrent layer.
  @inlinable
  public static var recurrent: AttentionSpan { AttentionSpan(isRecurrent: true) }

  /// Whether every visible position is attended to, so that sums grow by one per token.
  @inlinable
  public var isFull: Bool { self == .full }

  /// Rows that a token attends to when it sees `visible` positions, itself included.
  ///
  /// - Complexity: O(1).
  @inlinable
  public func attended(visible: Int) -> Int {
    if isRecurrent || visible <= 0 { return 0 }
    if chunk > 0 { return (visible - 1) % chunk + 1 }
    if compression > 0 || window > 0 {
      let near = window > 0 ? min(visible, window) : 0
      guard compression > 0 else { return near }
      let history = visible / compression
      return near + (selection > 0 ? min(history, selection) : history)
    }
    return selection > 0 ? min(visible, selection) : visible
  }

  /// Rows that the indexer scans for a token that sees `visible` positions.
  ///
  /// - Complexity: O(1).
  @inlinable
  public func scanned(visible: Int) -> Int {
    scanCompression > 0 && visible > 0 ? visible / scanCompression : 0
  }

  /// The sum of `attended(visible:)` over visible = from + 1 … from + count.
  ///
  /// - Complexity: O(1).
  @inlinable
  public func attendedSum(after from: Int, count: Int) -> Double {
    if isRecurrent || count <= 0 { return 0 }
    if chunk > 0 {
      return Self.chunkedSum(from + count, chunk) - Self.chunkedSum(from, chunk)
    }
    if compression > 0 || window > 0 {
      var sum = 0.0
      if window > 0 { sum = Self.cappedSum(from + count, window) - Self.cappedSum(from, window) }
      guard compression > 0 else { return sum }
      return sum + Self.historySum(from + count, compression, selection)
        - Self.historySum(from, compression, selection)
    }
    if selection > 0 {
      return Self.cappedSum(from + count, selection) - Self.cappedSum(from, selection)
    }
    return Self.triangle(from + count) - Self.triangle(from)
  }

  /// The sum of `scanned(visible:)` over visible = from + 1 … from + count.
  ///
  /// - Complexity: O(1).
  @inlinable
  public func scannedSum(after from: Int, count: Int) -> Double {
    guard scanCompression > 0, count > 0 else { return 0 }
    return Self.historySum(from + count, scanCompression, 0)
      - Self.historySum(from, scanCompression, 0)
  }

  /// Rows of keys and values that a chunk of prompt tokens reads from memory: those visible to any
  /// of its tokens, each once.
  ///
  /// - Complexity: O(1).
  @inlinable
  public func rowsRead(after from: Int, count: Int) -> Double {
    if isRecurrent || count <= 0 { return 0 }
    let end = from + count
    if chunk > 0 { return Double(end - from / chunk * chunk) }
    if compression > 0 || window > 0 {
      let near = window > 0 ? min(end, window + count) : 0
      guard compression > 0 else { return Double(near) }
      return Double(near + end / compression)
    }
    return Double(end)
  }

  /// Rows of keys and values that stay cached for a sequence of `length` tokens.
  ///
  /// A selection chooses anew for every token and frees nothing.
  ///
  /// - Complexity: O(1).
  @inlinable
  public func stored(length: Int) -> Int {
    if isRecurrent || length <= 0 { return 0 }
    if chunk > 0 { return min(length, chunk) }
    if compression > 0 || window > 0 {
      return (window > 0 ? min(length, window) : 0) + (compression > 0 ? length / compression : 0)
    }
    return length
  }

  /// 1 + 2 + … + n.
  @inlinable
  static func triangle(_ n: Int) -> Double { Double(n) * Double(n + 1) / 2 }

  /// Σ min(v, cap) for v = 1 … n.
  @inlinable
  static func cappedSum(_ n: Int, _ cap: Int) -> Double {
    n <= cap ? triangle(n) : triangle(cap) + Double(n - cap) * Double(cap)
  }

  /// Σ ((v − 1) mod chunk + 1) for v = 1 … n.
  @inlinable
  static func chunkedSum(_ n: Int, _ chunk: Int) -> Double {
    Double(n / chunk) * triangle(chunk) + triangle(n % chunk)
  }

  /// Σ floor(v / ratio) for v = 1 … n, each at most `cap` (0 for no cap).
  @inlinable
  static func historySum(_ n: Int, _ ratio: Int, _ cap: Int) -> Double {
    if cap > 0, n >= cap * ratio {
      // Up to v = cap × ratio − 1 no value is capped.
      return historySum(cap * ratio - 1, ratio, 0) + Double(n - cap * ratio + 1) * Double(cap)
    }
    let whole = n / ratio
    // Values 0 … whole − 1 occur `ratio` times each (0 once less), the last one for the rest.
    guard whole > 0 else { return 0 }
    return Double(ratio) * triangle(whole - 1) + Double(whole) * Double(n - whole * ratio + 1)
  }
}
