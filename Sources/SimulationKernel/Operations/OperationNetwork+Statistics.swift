// SPDX-License-Identifier: GPL-3.0-or-later

extension OperationNetwork {
  /// What has been observed of a server since the last cut, up to `time`.
  public func statistics(of server: ServerID, at time: SimulatedTime) -> ServerStatistics {
    let record = servers[Int(server.index)]
    let now = time.nanoseconds
    let busy = record.busyArea &+ UInt64(Int(record.units - record.free)) &* now
    let queued = record.queueArea &+ UInt64(record.queueLength) &* now
    return ServerStatistics(
      name: serverNames[Int(server.index)],
      units: Int(record.units),
      elapsed: SimulatedDuration(nanoseconds: now - statisticsStart),
      busyTime: SimulatedDuration(nanoseconds: busy),
      queueTime: SimulatedDuration(nanoseconds: queued),
      maximumQueueLength: Int(record.maximumQueueLength),
      completedCount: Int(record.completedCount),
      waiting: WaitingTally(
        count: Int(record.grantCount),
        total: SimulatedDuration(nanoseconds: record.waitSum),
        maximum: SimulatedDuration(nanoseconds: record.waitMaximum),
        sumOfSquares: record.waitSquares))
  }

  /// What has been observed of a shared bandwidth since the last cut, up to `time`.
  public func statistics(of bandwidth: BandwidthID, at time: SimulatedTime) -> BandwidthStatistics {
    let index = Int(bandwidth.index)
    let record = bandwidths[index]
    let now = time.nanoseconds
    let busy = record.busyArea &+ (record.userCount > 0 ? now : 0)
    let present = userTime(record, now)
    return BandwidthStatistics(
      name: bandwidthNames[index],
      rate: record.rate,
      elapsed: SimulatedDuration(nanoseconds: now - statisticsStart),
      busyTime: SimulatedDuration(nanoseconds: busy),
      userTime: SimulatedDuration(nanoseconds: present),
      maximumUserCount: Int(record.maximumUserCount),
      completedCount: Int(record.completedCount),
      workDone: record.delivered + workInFlight(index, now: now),
      workOffered: record.offered + record.rate * (Double(now - record.rateSince) * 1e-9))
  }

  /// What has been observed of a pool since the last cut, up to `time`.
  public func statistics(of pool: PoolID, at time: SimulatedTime) -> PoolStatistics {
    let record = pools[Int(pool.index)]
    let now = time.nanoseconds
    let area = record.area &+ UInt128(record.used) &* UInt128(now)
    let elapsed = now - statisticsStart
    return PoolStatistics(
      name: poolNames[Int(pool.index)],
      capacity: record.capacity,
      used: record.used,
      highWater: record.highWater,
      meanUsed: elapsed > 0 ? Double(area) / Double(elapsed) : Double(record.used),
      elapsed: SimulatedDuration(nanoseconds: elapsed),
      reservedTotal: record.reservedTotal,
      refusedCount: Int(record.refusedCount))
  }

  /// Starts all statistics anew, as at the end of a warm-up.
  ///
  /// Time-weighted figures count from `time` on. A wait that began earlier counts in full in the
  /// tally of waits when it ends.
  ///
  /// - Parameter time: The present instant of the simulation.
  public mutating func resetStatistics(at time: SimulatedTime) {
    let now = time.nanoseconds
    statisticsStart = now
    for index in 0..<servers.count {
      let server = servers[index]
      servers[index].busyArea = 0 &- UInt64(Int(server.units - server.free)) &* now
      servers[index].queueArea = 0 &- UInt64(server.queueLength) &* now
      servers[index].maximumQueueLength = server.queueLength
      servers[index].grantCount = 0
      servers[index].waitSum = 0
      servers[index].waitMaximum = 0
      servers[index].waitSquares = 0
      servers[index].completedCount = 0
    }
    for index in 0..<bandwidths.count {
      let bandwidth = bandwidths[index]
      bandwidths[index].busyArea = bandwidth.userCount > 0 ? 0 &- now : 0
      bandwidths[index].userArea = 0 &- UInt64(bandwidth.userCount) &* now
      bandwidths[index].maximumUserCount = bandwidth.userCount
      bandwidths[index].completedCount = 0
      bandwidths[index].delivered = -workInFlight(index, now: now)
      bandwidths[index].offered = 0
      bandwidths[index].rateSince = now
    }
    for index in 0..<pools.count {
      pools[index].area = 0 &- UInt128(pools[index].used) &* UInt128(now)
      pools[index].highWater = pools[index].used
      pools[index].reservedTotal = 0
      pools[index].refusedCount = 0
    }
  }

  func userTime(_ record: BandwidthRecord, _ now: UInt64) -> UInt64 {
    record.userArea &+ UInt64(record.userCount) &* now
  }

  /// Work done through a bandwidth that its users have not yet been credited with.
  func workInFlight(_ bandwidth: Int, now: UInt64) -> Double {
    var sum = 0.0
    var user = bandwidths[bandwidth].firstUser
    while user != .max {
      let slot = Int(user >> 4)
      let work = operations[slot].completedWork(at: now) - operations[slot].done
      sum += uses[Int(user)].weight * work
      user = uses[Int(user)].next
    }
    return sum
  }
}
