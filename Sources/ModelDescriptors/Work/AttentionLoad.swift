// SPDX-License-Identifier: GPL-3.0-or-later

/// The attended lengths of a batch for layers of one span, summed, so that the work of a layer is
/// O(1) in the number of sequences.
///
/// ```swift
/// var load = AttentionLoad()
/// load.addDecode(visible: 1_024, span: layer.span)          // the 1,024th token of a sequence
/// load.addPrefill(position: 0, count: 512, span: layer.span)  // the first chunk of a prompt
/// let work = costs.attentionWork(load)
/// ```
@frozen
public struct AttentionLoad: Hashable, Sendable, BitwiseCopyable {
  /// Tokens that sequences compute one at a time, or verify several at a time.
  public var decodeSequences: Int
  /// Σ over decoding sequences of the rows that their token attends to.
  public var decodeContext: Double
  /// Σ over decoding sequences of the rows that an indexer scans.
  public var decodeScanned: Double
  /// Of ``decodeContext`` the rows that are read together with another token's of the same sequence.
  public var decodeShared: Double = 0
  /// The most rows that a decoding sequence's token attends to.
  public var decodeLongest: Double = 0
  /// Prompt tokens in the batch.
  public var prefillTokens: Int
  /// Prompts, or chunks of prompts, in the batch.
  public var prefillSequences: Int
  /// Σ over prompt tokens of the rows that they attend to.
  public var prefillPairs: Double
  /// Σ over prompt tokens of the rows that an indexer scans.
  public var prefillScanned: Double
  /// Σ over prompts of the rows read from memory, those of the chunk itself included.
  public var prefillContext: Double

  /// Creates the load of an empty batch.
  @inlinable
  public init() {
    decodeSequences = 0
    decodeContext = 0
    decodeScanned = 0
    prefillTokens = 0
    prefillSequences = 0
    prefillPairs = 0
    prefillScanned = 0
    prefillContext = 0
  }

  /// Tokens of the batch: one per decoding sequence, and the prompt tokens.
  @inlinable
  public var tokens: Int { decodeSequences + prefillTokens }

  /// Adds a sequence that computes one token, which sees `visible` positions, itself included.
  ///
  /// - Complexity: O(1).
  @inlinable
  public mutating func addDecode(visible: Int, span: AttentionSpan) {
    decodeSequences += 1
    let attended = Double(span.attended(visible: visible))
    decodeContext += attended
    if attended > decodeLongest { decodeLongest = attended }
    decodeScanned += Double(span.scanned(visible: visible))
  }

  /// Adds a sequence that verifies the drafted tokens at positions `position` ..< `position + count`:
  /// the kernel is that of decoding with several queries, which reads each row once for all of them.
  ///
  /// - Complexity: O(1).
  @inlinable
  public mutating func addVerification(position: Int, count: Int, span: AttentionSpan) {
    decodeSequences += count
    let attended = span.attendedSum(after: position, count: count)
    decodeContext += attended
    decodeShared += max(0, attended - span.rowsRead(after: position, count: count))
    let longest = Double(span.attended(visible: position + count))
    if longest > decodeLongest { decodeLongest = longest }
    decodeScanned += span.scannedSum(after: position, count: count)
  }

  /// Adds the prompt tokens at positions `position` ..< `position + count` of a sequence.
  ///
  /// - Complexity: O(1).
  @inlinable
  public mutating func addPrefill(position: Int, count: Int, span: AttentionSpan) {
    prefillTokens += count
    prefillSequences += 1
    prefillPairs += span.attendedSum(after: position, count: count)
    prefillScanned += span.scannedSum(after: position, count: count)
    prefillContext += span.rowsRead(after: position, count: count)
  }

  /// Adds `tokens` output tokens of a sequence that all attend to the `source` rows of an encoder's
  /// output: one, which decodes, or several that are computed again at once.
  ///
  /// - Complexity: O(1).
  @inlinable
  public mutating func addCross(tokens: Int, source: Int) {
    if tokens == 1 {
      decodeSequences += 1
      decodeContext += Double(source)
    } else {
      prefillTokens += tokens
      prefillSequences += 1
      prefillPairs += Double(tokens) * Double(source)
      prefillContext += Double(source)
    }
  }

  /// Adds prompt tokens that all attend to each other, as in an encoder.
  ///
  /// - Complexity: O(1).
  @inlinable
  public mutating func addBidirectional(count: Int) {
    prefillTokens += count
    prefillSequences += 1
    prefillPairs += Double(count) * Double(count)
    prefillContext += Double(count)
  }
}
