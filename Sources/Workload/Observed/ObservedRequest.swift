// SPDX-License-Identifier: GPL-3.0-or-later

/// One request of a measured run, as the benchmark that sent it wrote it down.
public struct ObservedRequest: Hashable, Sendable {
  /// What the benchmark called it.
  public var id: String
  /// When it arrived [s], since the first request of the run; `nil` where that was not written.
  public var arrivalSeconds: Double?
  /// Length of its prompt, in tokens.
  public var promptTokens: Int32
  /// Tokens that it got.
  public var outputTokens: Int32
  /// Time to its first token [ms]; `nil` where tokens did not come one by one.
  public var timeToFirstTokenMs: Double?
  /// Time to its last token [ms].
  public var endToEndMs: Double
  /// Time between being queued in the engine and being scheduled [ms], where that was written.
  public var queueMs: Double?

  /// A request.
  public init(
    id: String, arrivalSeconds: Double? = nil, promptTokens: Int32, outputTokens: Int32,
    timeToFirstTokenMs: Double? = nil, endToEndMs: Double, queueMs: Double? = nil
  ) {
    self.id = id
    self.arrivalSeconds = arrivalSeconds
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
    self.timeToFirstTokenMs = timeToFirstTokenMs
    self.endToEndMs = endToEndMs
    self.queueMs = queueMs
  }

  /// Time per output token after the first [ms]; `nil` of a single token.
  public var timePerOutputTokenMs: Double? {
    guard outputTokens > 1, let first = timeToFirstTokenMs else { return nil }
    return (endToEndMs - first) / Double(outputTokens - 1)
  }
}

/// The statistics of a figure, where a benchmark wrote no single values.
public struct ObservedStatistics: Hashable, Sendable {
  /// The number of values.
  public var count: Int?
  /// The arithmetic mean.
  public var mean: Double?
  /// The median.
  public var p50: Double?
  /// The 90th percentile.
  public var p90: Double?
  /// The 95th percentile.
  public var p95: Double?
  /// The 99th percentile.
  public var p99: Double?

  /// Statistics that know nothing yet.
  public init() {}
}
