// SPDX-License-Identifier: GPL-3.0-or-later

/// The state and the running sums of one server.
///
/// Areas are kept modulo 2⁶⁴ with each interval's ends added separately: an arrival at *t*
/// subtracts *t*, a departure adds it. The area up to *now* is then the sum plus level × *now*.
@frozen
@usableFromInline
struct ServerRecord: BitwiseCopyable {
  @usableFromInline var units: Int32
  @usableFromInline var free: Int32
  /// First and last ticket in the queue, most urgent first.
  @usableFromInline var head: UInt32 = .max
  @usableFromInline var tail: UInt32 = .max
  /// First of the holds that can be asked to yield.
  @usableFromInline var firstYieldable: UInt32 = .max
  @usableFromInline var queueLength: UInt32 = 0
  @usableFromInline var maximumQueueLength: UInt32 = 0
  @usableFromInline var busyArea: UInt64 = 0
  @usableFromInline var queueArea: UInt64 = 0
  @usableFromInline var grantCount: UInt64 = 0
  @usableFromInline var waitSum: UInt64 = 0
  @usableFromInline var waitMaximum: UInt64 = 0
  @usableFromInline var waitSquares: Double = 0
  @usableFromInline var completedCount: UInt64 = 0

  @inlinable
  init(units: Int32) {
    self.units = units
    self.free = units
  }
}

/// The state and the running sums of one shared bandwidth.
@frozen
@usableFromInline
struct BandwidthRecord: BitwiseCopyable {
  @usableFromInline var rate: Double
  /// The part of the rate that its users get at present.
  @usableFromInline var allocated: Double = 0
  @usableFromInline var firstUser: UInt32 = .max
  @usableFromInline var userCount: UInt32 = 0
  @usableFromInline var maximumUserCount: UInt32 = 0
  /// The last sharing pass that met it.
  @usableFromInline var mark: UInt32 = 0
  @usableFromInline var isSaturated: Bool = false
  @usableFromInline var isDirty: Bool = false
  /// Scratch of the sharing pass.
  @usableFromInline var remaining: Double = 0
  @usableFromInline var demand: Double = 0
  @usableFromInline var delivered: Double = 0
  /// Integral of the rate from the last cut to `rateSince`.
  @usableFromInline var offered: Double = 0
  @usableFromInline var rateSince: UInt64 = 0
  @usableFromInline var busyArea: UInt64 = 0
  @usableFromInline var userArea: UInt64 = 0
  @usableFromInline var completedCount: UInt64 = 0

  @inlinable
  init(rate: Double) {
    self.rate = rate
  }
}

/// The state and the running sums of one capacity pool.
@frozen
@usableFromInline
struct PoolRecord: BitwiseCopyable {
  @usableFromInline var capacity: Int64
  @usableFromInline var used: Int64 = 0
  @usableFromInline var highWater: Int64 = 0
  @usableFromInline var refusedCount: UInt64 = 0
  @usableFromInline var reservedTotal: Int64 = 0
  /// Modulo 2¹²⁸, as the areas of a server are modulo 2⁶⁴.
  @usableFromInline var area: UInt128 = 0

  @inlinable
  init(capacity: Int64) {
    self.capacity = capacity
  }
}
