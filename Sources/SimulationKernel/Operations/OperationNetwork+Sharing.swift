// SPDX-License-Identifier: GPL-3.0-or-later

// Weighted max–min fairness by progressive filling (Bertsekas and Gallager, Data Networks, 2nd
// edition, section 6.5.2). Each operation's rate grows as its share times a common level, until
// a bandwidth that it crosses is exhausted or its maximum rate is reached. The share is counted
// in units of bandwidth: of two operations alone on a bandwidth, each consumes half of it,
// whatever the unit in which their work is counted. An operation whose weights differ is
// measured by its greatest one. A class of lower bandwidth priority is filled with the rest.

extension OperationNetwork {
  /// Changes the rate of a bandwidth and the progress of all that consume it.
  ///
  /// - Complexity: O(operations connected with it), times the number of bandwidths that limit.
  @inlinable
  public mutating func setRate(
    of bandwidth: BandwidthID, to rate: Double, in simulation: inout Simulation<Event>
  ) {
    precondition(rate >= 0 && rate < .infinity, "A rate is finite and not negative.")
    let record = bandwidths.base + Int(bandwidth.index)
    let now = simulation.now.nanoseconds
    record.pointee.offered += record.pointee.rate * Double(now &- record.pointee.rateSince) * 1e-9
    record.pointee.rateSince = now
    record.pointee.rate = rate
    if record.pointee.userCount > 0 { markDirty(Int(bandwidth.index)) }
    settle(in: &simulation)
  }

  /// The present rate of a bandwidth in units per second.
  @inlinable
  public func rate(of bandwidth: BandwidthID) -> Double {
    bandwidths[Int(bandwidth.index)].rate
  }

  /// Lets an operation consume its bandwidths.
  ///
  /// If they have room for as much as it could ever get, nobody else is affected, and it runs
  /// at once; otherwise shares are computed anew.
  @inlinable
  mutating func joinBandwidths(_ slot: Int, in simulation: inout Simulation<Event>) {
    let now = simulation.now.nanoseconds
    let record = operations.base + slot
    let places = 16 &* slot..<16 &* slot &+ Int(record.pointee.useCount)
    record.pointee.link = 0
    var rate = record.pointee.maximumRate
    for place in places {
      let bandwidth = bandwidths[Int(uses[place].bandwidth)].rate
      let weight = uses[place].weight
      rate = min(rate, weight == 1 ? bandwidth : bandwidth / weight)
    }
    var hasRoom = true
    for place in places {
      let bandwidth = bandwidths.base + Int(uses[place].bandwidth)
      let wanted = bandwidth.pointee.allocated + uses[place].weight * rate
      if bandwidth.pointee.isDirty || wanted > bandwidth.pointee.rate * (1 + 1e-12) {
        hasRoom = false
      }
      linkUser(place, now: now)
    }
    guard hasRoom else {
      record.pointee.rate = 0
      record.pointee.event = .none
      if record.pointee.done >= record.pointee.target { scheduleArrival(slot, in: &simulation) }
      markDirty(Int(uses[16 &* slot].bandwidth))
      return
    }
    record.pointee.rate = rate
    for place in places {
      let bandwidth = bandwidths.base + Int(uses[place].bandwidth)
      bandwidth.pointee.allocated += uses[place].weight * rate
      bandwidth.pointee.isSaturated =
        bandwidth.pointee.allocated >= bandwidth.pointee.rate * (1 - 1e-9)
    }
    scheduleArrival(slot, in: &simulation)
  }

  /// Ends an operation's consumption. Those whom a saturated bandwidth limited get more.
  @inlinable
  mutating func leaveBandwidths(_ slot: Int, hasEnded: Bool, now: UInt64) {
    let rate = operations[slot].rate
    for place in 16 &* slot..<16 &* slot &+ Int(operations[slot].useCount) {
      let index = Int(uses[place].bandwidth)
      unlinkUser(place, now: now)
      let bandwidth = bandwidths.base + index
      if hasEnded { bandwidth.pointee.completedCount &+= 1 }
      if bandwidth.pointee.userCount == 0 {
        bandwidth.pointee.allocated = 0
        bandwidth.pointee.isSaturated = false
      } else {
        bandwidth.pointee.allocated -= uses[place].weight * rate
        if bandwidth.pointee.isSaturated { markDirty(index) }
      }
    }
  }

  @inlinable
  @inline(__always)
  func linkUser(_ place: Int, now: UInt64) {
    let bandwidth = bandwidths.base + Int(uses[place].bandwidth)
    let next = bandwidth.pointee.firstUser
    uses[place].previous = .max
    uses[place].next = next
    if next != .max { uses[Int(next)].previous = UInt32(truncatingIfNeeded: place) }
    bandwidth.pointee.firstUser = UInt32(truncatingIfNeeded: place)
    if bandwidth.pointee.userCount == 0 { bandwidth.pointee.busyArea &-= now }
    bandwidth.pointee.userArea &-= now
    bandwidth.pointee.userCount &+= 1
    if bandwidth.pointee.userCount > bandwidth.pointee.maximumUserCount {
      bandwidth.pointee.maximumUserCount = bandwidth.pointee.userCount
    }
  }

  @inlinable
  @inline(__always)
  func unlinkUser(_ place: Int, now: UInt64) {
    let bandwidth = bandwidths.base + Int(uses[place].bandwidth)
    let previous = uses[place].previous
    let next = uses[place].next
    if previous == .max {
      bandwidth.pointee.firstUser = next
    } else {
      uses[Int(previous)].next = next
    }
    if next != .max { uses[Int(next)].previous = previous }
    bandwidth.pointee.userCount &-= 1
    bandwidth.pointee.userArea &+= now
    if bandwidth.pointee.userCount == 0 { bandwidth.pointee.busyArea &+= now }
  }

  /// Counts work done through the bandwidths that an operation consumes.
  @inlinable
  @inline(__always)
  func credit(_ slot: Int, _ work: Double) {
    for place in 16 &* slot..<16 &* slot &+ Int(operations[slot].useCount) {
      bandwidths[Int(uses[place].bandwidth)].delivered += uses[place].weight * work
    }
  }

  @inlinable
  mutating func markDirty(_ bandwidth: Int) {
    guard !bandwidths[bandwidth].isDirty else { return }
    bandwidths[bandwidth].isDirty = true
    dirtyList.append(UInt32(truncatingIfNeeded: bandwidth))
  }

  /// Computes the rates in every connected part of the network that has changed.
  @inline(never)
  @inlinable
  mutating func shareAnew(in simulation: inout Simulation<Event>) {
    for index in 0..<dirtyList.count {
      let bandwidth = Int(dirtyList[index])
      guard bandwidths[bandwidth].isDirty else { continue }
      collectConnected(with: bandwidth)
      fill()
      applyRates(in: &simulation)
    }
    dirtyList.removeAll()
  }

  /// Lists the operations and bandwidths that are connected with one by shared use.
  @inlinable
  mutating func collectConnected(with first: Int) {
    if passMark == .max {
      for index in 0..<operations.count where operations[index].stage == .running {
        operations[index].link = 0
      }
      for index in 0..<bandwidths.count { bandwidths[index].mark = 0 }
      passMark = 0
    }
    passMark += 1
    passOperations.removeAll()
    passBandwidths.removeAll()
    passRates.removeAll()
    bandwidths[first].mark = passMark
    passBandwidths.append(UInt32(truncatingIfNeeded: first))
    var cursor = 0
    while cursor < passBandwidths.count {
      let bandwidth = bandwidths.base + Int(passBandwidths[cursor])
      cursor += 1
      bandwidth.pointee.isDirty = false
      bandwidth.pointee.remaining = bandwidth.pointee.rate
      var user = bandwidth.pointee.firstUser
      while user != .max {
        let slot = Int(user &>> 4)
        user = uses[Int(user)].next
        guard operations[slot].link != passMark else { continue }
        operations[slot].link = passMark
        passOperations.append(UInt32(truncatingIfNeeded: slot))
        passRates.append(-1)
        for place in 16 &* slot..<16 &* slot &+ Int(operations[slot].useCount) {
          let other = Int(uses[place].bandwidth)
          guard bandwidths[other].mark != passMark else { continue }
          bandwidths[other].mark = passMark
          passBandwidths.append(UInt32(truncatingIfNeeded: other))
        }
      }
    }
  }

  /// Fills the collected part class by class. A rate below zero means: not yet decided.
  @inlinable
  mutating func fill() {
    var undecided = passOperations.count
    while undecided > 0 {
      var rank = UInt8.max
      for index in 0..<passOperations.count where passRates[index] < 0 {
        rank = min(rank, operations[Int(passOperations[index])].bandwidthPriority)
      }
      var decided = 1
      while decided > 0 {
        let level = commonLevel(rank)
        decided = decideCapped(rank, level)
        if decided == 0 { decided = decideLimited(rank, level) }
        undecided -= decided
      }
    }
  }

  /// The level to which all undecided operations of a class can rise together.
  @inlinable
  func commonLevel(_ rank: UInt8) -> Double {
    for index in 0..<passBandwidths.count { bandwidths[Int(passBandwidths[index])].demand = 0 }
    for index in 0..<passOperations.count where passRates[index] < 0 {
      let slot = Int(passOperations[index])
      guard operations[slot].bandwidthPriority == rank else { continue }
      for place in 16 &* slot..<16 &* slot &+ Int(operations[slot].useCount) {
        bandwidths[Int(uses[place].bandwidth)].demand +=
          operations[slot].shareRate * uses[place].weight
      }
    }
    var level = Double.infinity
    for index in 0..<passBandwidths.count {
      let bandwidth = bandwidths.base + Int(passBandwidths[index])
      guard bandwidth.pointee.demand > 0 else { continue }
      level = min(level, max(0, bandwidth.pointee.remaining) / bandwidth.pointee.demand)
    }
    return level
  }

  /// Decides those whose own maximum lies below the common level. Returns their number.
  @inlinable
  func decideCapped(_ rank: UInt8, _ level: Double) -> Int {
    var decided = 0
    for index in 0..<passOperations.count where passRates[index] < 0 {
      let record = operations.base + Int(passOperations[index])
      guard record.pointee.bandwidthPriority == rank,
        record.pointee.maximumRate <= level * record.pointee.shareRate
      else { continue }
      decide(index, record.pointee.maximumRate)
      decided += 1
    }
    return decided
  }

  /// Decides those who cross a bandwidth that the common level exhausts. Returns their number.
  @inlinable
  func decideLimited(_ rank: UInt8, _ level: Double) -> Int {
    // The negated level in `demand` marks an exhausted bandwidth for this round.
    for index in 0..<passBandwidths.count {
      let bandwidth = bandwidths.base + Int(passBandwidths[index])
      guard bandwidth.pointee.demand > 0 else { continue }
      let reach = max(0, bandwidth.pointee.remaining) / bandwidth.pointee.demand
      if reach <= level * (1 + 1e-12) { bandwidth.pointee.demand = -1 }
    }
    var decided = 0
    for index in 0..<passOperations.count where passRates[index] < 0 {
      let slot = Int(passOperations[index])
      guard operations[slot].bandwidthPriority == rank else { continue }
      for place in 16 &* slot..<16 &* slot &+ Int(operations[slot].useCount)
      where bandwidths[Int(uses[place].bandwidth)].demand < 0 {
        decide(index, level * operations[slot].shareRate)
        decided += 1
        break
      }
    }
    return decided
  }

  @inlinable
  func decide(_ index: Int, _ rate: Double) {
    let slot = Int(passOperations[index])
    passRates[index] = rate
    for place in 16 &* slot..<16 &* slot &+ Int(operations[slot].useCount) {
      bandwidths[Int(uses[place].bandwidth)].remaining -= uses[place].weight * rate
    }
  }

  /// Gives the collected operations their new rates and moves the events of those that changed.
  @inlinable
  mutating func applyRates(in simulation: inout Simulation<Event>) {
    let now = simulation.now.nanoseconds
    for index in 0..<passBandwidths.count {
      let bandwidth = bandwidths.base + Int(passBandwidths[index])
      let remaining = max(0, bandwidth.pointee.remaining)
      bandwidth.pointee.allocated = bandwidth.pointee.rate - remaining
      bandwidth.pointee.isSaturated = remaining <= bandwidth.pointee.rate * 1e-9
    }
    for index in 0..<passOperations.count {
      let slot = Int(passOperations[index])
      let rate = passRates[index]
      guard abs(rate - operations[slot].rate) > rate * 1e-12 else { continue }
      advance(slot, now: now)
      operations[slot].updated = now
      operations[slot].rate = rate
      simulation.cancel(operations[slot].event)
      scheduleArrival(slot, in: &simulation)
    }
  }
}
