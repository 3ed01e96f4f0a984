// SPDX-License-Identifier: GPL-3.0-or-later

/// The waits that ended at a server: one for each time that an operation obtained it.
///
/// An operation that started at once counts with a wait of zero; one that yielded and resumed
/// counts again.
public struct WaitingTally: Hashable, Sendable, BitwiseCopyable {
  /// The number of waits.
  public let count: Int
  /// The sum of the waits.
  public let total: SimulatedDuration
  /// The longest wait.
  public let maximum: SimulatedDuration
  let sumOfSquares: Double

  /// The mean wait in seconds; zero when there was none.
  public var mean: Double { count > 0 ? total.seconds / Double(count) : 0 }

  /// The standard deviation of the waits in seconds (with *n* in the denominator).
  public var standardDeviation: Double {
    guard count > 0 else { return 0 }
    return max(0, sumOfSquares / Double(count) - mean * mean).squareRoot()
  }
}

/// What has been observed of a server.
public struct ServerStatistics: Hashable, Sendable {
  /// The name with which it was added.
  public let name: String
  /// Its number of units.
  public let units: Int
  /// The time of observation.
  public let elapsed: SimulatedDuration
  /// The time for which its units were held, summed over the units.
  public let busyTime: SimulatedDuration
  /// The time that operations spent in its queue, summed over the operations.
  public let queueTime: SimulatedDuration
  /// The greatest length of its queue.
  public let maximumQueueLength: Int
  /// The operations that ended holding it.
  public let completedCount: Int
  /// The waits that ended.
  public let waiting: WaitingTally

  /// The share of its unit-time that was held, 0 to 1.
  public var utilisation: Double {
    let offered = elapsed.seconds * Double(units)
    return offered > 0 ? busyTime.seconds / offered : 0
  }

  /// The mean number of operations in its queue over time.
  public var timeWeightedQueueLength: Double {
    elapsed.nanoseconds > 0 ? queueTime.seconds / elapsed.seconds : 0
  }
}

/// What has been observed of a shared bandwidth.
public struct BandwidthStatistics: Hashable, Sendable {
  /// The name with which it was added.
  public let name: String
  /// Its rate at the end of the observation, units per second.
  public let rate: Double
  /// The time of observation.
  public let elapsed: SimulatedDuration
  /// The time during which at least one operation consumed it.
  public let busyTime: SimulatedDuration
  /// The time that operations spent consuming it, summed over the operations.
  public let userTime: SimulatedDuration
  /// The greatest number of operations that consumed it at once.
  public let maximumUserCount: Int
  /// The operations that ended having consumed it.
  public let completedCount: Int
  /// The units that went through it.
  public let workDone: Double
  /// The units that could have gone through it: the integral of its rate.
  public let workOffered: Double

  /// The share of its capacity that was used, 0 to 1.
  public var utilisation: Double { workOffered > 0 ? workDone / workOffered : 0 }

  /// The mean number of operations that consumed it over time.
  public var timeWeightedUserCount: Double {
    elapsed.nanoseconds > 0 ? userTime.seconds / elapsed.seconds : 0
  }
}

/// What has been observed of a capacity pool.
public struct PoolStatistics: Hashable, Sendable {
  /// The name with which it was added.
  public let name: String
  /// What it can hold.
  public let capacity: Int64
  /// What is reserved at the end of the observation.
  public let used: Int64
  /// The most that was reserved at once.
  public let highWater: Int64
  /// The mean of what was reserved, over time.
  public let meanUsed: Double
  /// The time of observation.
  public let elapsed: SimulatedDuration
  /// The sum of all reservations.
  public let reservedTotal: Int64
  /// The reservations that found no room.
  public let refusedCount: Int

  /// The mean share of the capacity that was reserved, 0 to 1.
  public var utilisation: Double { capacity > 0 ? meanUsed / Double(capacity) : 0 }
}
