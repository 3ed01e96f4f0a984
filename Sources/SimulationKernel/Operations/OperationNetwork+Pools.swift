// SPDX-License-Identifier: GPL-3.0-or-later

extension OperationNetwork {
  /// Reserves a part of a pool if there is room for it. O(1).
  ///
  /// - Returns: Whether it was reserved; a refusal changes nothing but the count of refusals.
  @inlinable
  public mutating func reserve(
    _ amount: Int64, of pool: PoolID, at time: SimulatedTime
  ) -> Bool {
    precondition(amount >= 0, "An amount is not negative.")
    let record = pools.base + Int(pool.index)
    guard amount <= record.pointee.capacity - record.pointee.used else {
      record.pointee.refusedCount &+= 1
      return false
    }
    record.pointee.used += amount
    record.pointee.reservedTotal &+= amount
    record.pointee.area &-= UInt128(amount) &* UInt128(time.nanoseconds)
    record.pointee.highWater = max(record.pointee.highWater, record.pointee.used)
    return true
  }

  /// Returns a part of a pool. O(1).
  ///
  /// - Precondition: At least `amount` is reserved.
  @inlinable
  public mutating func release(_ amount: Int64, of pool: PoolID, at time: SimulatedTime) {
    let record = pools.base + Int(pool.index)
    precondition(
      amount >= 0 && amount <= record.pointee.used, "No more is released than was reserved.")
    record.pointee.used -= amount
    record.pointee.area &+= UInt128(amount) &* UInt128(time.nanoseconds)
  }

  /// Changes what a pool can hold. It may then hold less than is reserved: nothing is taken away.
  @inlinable
  public mutating func setCapacity(of pool: PoolID, to capacity: Int64) {
    precondition(capacity >= 0, "A capacity is not negative.")
    pools[Int(pool.index)].capacity = capacity
  }

  /// What a pool can hold.
  @inlinable
  public func capacity(of pool: PoolID) -> Int64 { pools[Int(pool.index)].capacity }

  /// What is reserved of a pool.
  @inlinable
  public func used(of pool: PoolID) -> Int64 { pools[Int(pool.index)].used }

  /// What is free in a pool; negative if its capacity was reduced below what is reserved.
  @inlinable
  public func available(in pool: PoolID) -> Int64 {
    pools[Int(pool.index)].capacity - pools[Int(pool.index)].used
  }

  /// The most that was reserved of a pool at once since the last cut of the statistics.
  @inlinable
  public func highWater(of pool: PoolID) -> Int64 { pools[Int(pool.index)].highWater }
}
