// SPDX-License-Identifier: GPL-3.0-or-later

/// How a run is seeded, warmed up and ended.
public struct RunOptions: Sendable {
  /// When the warm-up ends, after which figures are taken.
  public enum WarmUp: Sendable, Equatable {
    /// Once as many requests have completed as the batch holds, or a tenth of the workload when
    /// that is fewer: the batch has been filled from empty once.
    case automatic
    /// Once so many requests have completed.
    case requests(Int)
    /// With the first step that ends at a simulated time [s] or later.
    case seconds(Double)
    /// At once.
    case none
  }

  /// The seed of all random draws.
  public var seed: UInt64
  /// The replication within the seed.
  public var replication: UInt32
  /// When the warm-up ends.
  public var warmUp: WarmUp
  /// The simulated time at which the run is cut [s]; `nil` to run until the workload ends.
  public var maximumSeconds: Double?
  /// The number of requests of the workload, where it is known; sizes the automatic warm-up.
  public var expectedRequests: Int?

  /// The most windows in which the run is shown over time; `nil` for no ``RunHistory``.
  public var historyWindows: Int?

  /// Options of a run.
  public init(
    seed: UInt64 = 1, replication: UInt32 = 0, warmUp: WarmUp = .automatic,
    maximumSeconds: Double? = nil, expectedRequests: Int? = nil
  ) {
    self.seed = seed
    self.replication = replication
    self.warmUp = warmUp
    self.maximumSeconds = maximumSeconds
    self.expectedRequests = expectedRequests
  }
}

/// The limits that a request must meet to count towards goodput [ms]; `nil` where none is set.
public struct ServiceLevel: Sendable {
  /// The limit on time to first token [ms].
  public var ttftMs: Double?
  /// The limit on time per output token [ms].
  public var tpotMs: Double?
  /// The limit on end-to-end latency [ms].
  public var e2elMs: Double?

  /// Limits.
  public init(ttftMs: Double? = nil, tpotMs: Double? = nil, e2elMs: Double? = nil) {
    self.ttftMs = ttftMs
    self.tpotMs = tpotMs
    self.e2elMs = e2elMs
  }

  /// Whether no limit is set.
  public var isEmpty: Bool { ttftMs == nil && tpotMs == nil && e2elMs == nil }
}
