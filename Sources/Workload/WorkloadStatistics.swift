// SPDX-License-Identifier: GPL-3.0-or-later

/// What a trace looks like as a whole: how many requests, how fast, how bursty, how long.
///
/// Gathered in one pass, in memory that does not grow with the trace (but for the identities of
/// prefix blocks, which are counted up to a limit).
public struct WorkloadStatistics: Sendable {
  /// Mean and quantiles of a length, in tokens.
  public struct Lengths: Hashable, Sendable {
    /// The mean.
    public var mean: Double
    /// The shortest.
    public var minimum: Int
    /// The median.
    public var p50: Int
    /// Nine in ten are not longer.
    public var p90: Int
    /// Ninety-nine in a hundred are not longer.
    public var p99: Int
    /// The longest.
    public var maximum: Int
  }

  /// How many distinct prefix blocks are told apart; beyond that the hit share is not reported.
  public static let prefixIdentityLimit = 20_000_000

  /// How many requests there are.
  public private(set) var count = 0
  /// Seconds from the first arrival to the last.
  public private(set) var spanSeconds = 0.0
  /// Prefix blocks over all requests.
  public private(set) var prefixBlockCount = 0

  private var prompts = LengthHistogram()
  private var outputs = LengthHistogram()
  private var firstArrival: Int64 = 0
  private var lastArrival: Int64 = 0
  // Welford's recurrence over the gaps, in seconds.
  private var gapCount = 0.0
  private var gapMean = 0.0
  private var gapSquares = 0.0
  private var knownBlocks: Set<UInt64> = []
  private var repeatedBlocks = 0

  /// Creates statistics of nothing yet.
  public init() {}

  /// The statistics of a whole trace from where its reader stands.
  public init(reading reader: RequestTraceReader) throws {
    var record = RequestRecord()
    while try reader.next(into: &record) { add(record) }
  }

  /// Counts one request; arrivals come in order.
  public mutating func add(_ record: RequestRecord) {
    if count == 0 {
      firstArrival = record.arrivalNanoseconds
    } else {
      let gap = Double(record.arrivalNanoseconds - lastArrival) * 1e-9
      gapCount += 1
      let deviation = gap - gapMean
      gapMean += deviation / gapCount
      gapSquares += deviation * (gap - gapMean)
    }
    lastArrival = record.arrivalNanoseconds
    count += 1
    spanSeconds = Double(lastArrival - firstArrival) * 1e-9
    prompts.add(Int(record.promptTokens))
    outputs.add(Int(record.outputTokens))
    prefixBlockCount += record.prefixBlocks.count
    for block in record.prefixBlocks where knownBlocks.count < Self.prefixIdentityLimit {
      if !knownBlocks.insert(block).inserted { repeatedBlocks += 1 }
    }
  }

  /// Requests per second between the first arrival and the last, or `nil` of fewer than two, or of
  /// all at once.
  public var rate: Double? {
    count >= 2 && spanSeconds > 0 ? Double(count - 1) / spanSeconds : nil
  }

  /// Standard deviation of the gaps between arrivals over their mean: 1 of a Poisson process.
  public var gapVariation: Double? {
    gapCount > 0 && gapMean > 0 ? (gapSquares / gapCount).squareRoot() / gapMean : nil
  }

  /// Prompt lengths.
  public var prompt: Lengths { Self.lengths(prompts) }
  /// Output lengths.
  public var output: Lengths { Self.lengths(outputs) }

  /// The prompt length that a share of the prompts is not above.
  public func promptQuantile(_ share: Double) -> Int { prompts.quantile(share) }
  /// The output length that a share of the outputs is not above.
  public func outputQuantile(_ share: Double) -> Int { outputs.quantile(share) }

  /// The share of prefix blocks that occurred before, which a cache without limit would hit; `nil`
  /// where none are recorded or more than ``prefixIdentityLimit`` are distinct.
  public var prefixRepeatShare: Double? {
    guard prefixBlockCount > 0, knownBlocks.count < Self.prefixIdentityLimit else { return nil }
    return Double(repeatedBlocks) / Double(prefixBlockCount)
  }

  private static func lengths(_ histogram: LengthHistogram) -> Lengths {
    Lengths(
      mean: histogram.mean, minimum: histogram.count == 0 ? 0 : histogram.minimum,
      p50: histogram.quantile(0.5), p90: histogram.quantile(0.9), p99: histogram.quantile(0.99),
      maximum: histogram.maximum)
  }
}
