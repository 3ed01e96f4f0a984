// SPDX-License-Identifier: GPL-3.0-or-later

extension OperationNetwork {
  /// Handles one of the network's own events.
  ///
  /// - Returns: The operation that ended by it, if one did.
  /// - Complexity: As `submit(_:in:)`, once for each operation that can start in consequence.
  @inlinable
  public mutating func handle(
    _ event: OperationEvent, in simulation: inout Simulation<Event>
  ) -> OperationEnd? {
    guard let slot = find(event.operation) else {
      preconditionFailure("The event belongs to an operation that has ended.")
    }
    let record = operations.base + slot
    if record.pointee.isPlain, record.pointee.firstDependent == .max {
      return finishPlain(slot, in: &simulation)
    }
    if record.pointee.stage == .starting {
      record.pointee.stage = .running
      record.pointee.updated = simulation.now.nanoseconds
      joinBandwidths(slot, in: &simulation)
      settle(in: &simulation)
      return nil
    }
    if record.pointee.useCount > 0 {
      credit(slot, record.pointee.target - record.pointee.done)
    }
    record.pointee.done = record.pointee.target
    record.pointee.updated = simulation.now.nanoseconds
    if record.pointee.done < record.pointee.work, !record.pointee.isCancelling {
      passBoundary(slot, in: &simulation)
      settle(in: &simulation)
      return nil
    }
    let end = finish(slot, in: &simulation)
    settle(in: &simulation)
    return end
  }

  /// Takes the servers of an operation, which must be free, and lets it run.
  @inlinable
  mutating func start(
    _ slot: Int, in simulation: inout Simulation<Event>
  ) {
    let now = simulation.now.nanoseconds
    let record = operations.base + slot
    var ticket = 4 &* slot
    let end = ticket &+ Int(record.pointee.holdCount)
    while ticket < end {
      let server = servers.base + Int(holds[ticket].server)
      let units = holds[ticket].units
      server.pointee.free &-= units
      server.pointee.busyArea &-= UInt64(truncatingIfNeeded: units) &* now
      server.pointee.grantCount &+= 1
      ticket &+= 1
    }
    record.pointee.since = now
    if !record.pointee.hasStarted {
      record.pointee.hasStarted = true
      record.pointee.started = now
    }
    startProgress(slot, in: &simulation)
  }

  /// Lets an operation that has just obtained its servers progress, after its latency.
  @inline(never)
  @inlinable
  mutating func startProgress(_ slot: Int, in simulation: inout Simulation<Event>) {
    let now = simulation.now.nanoseconds
    let record = operations.base + slot
    if record.pointee.quantum > 0 { linkYieldable(slot) }
    if record.pointee.isPlain {
      scheduleEnd(ofPlain: slot, in: &simulation)
    } else if record.pointee.useCount == 0 {
      record.pointee.stage = .running
      record.pointee.rate = record.pointee.maximumRate
      record.pointee.updated = now + record.pointee.latency
      scheduleArrival(slot, in: &simulation)
    } else if record.pointee.latency > 0 {
      record.pointee.stage = .starting
      let time = SimulatedTime(nanoseconds: now + record.pointee.latency)
      record.pointee.event = simulation.schedule(.operation(event(of: slot)), at: time)
    } else {
      record.pointee.stage = .running
      record.pointee.updated = now
      joinBandwidths(slot, in: &simulation)
    }
  }

  /// Gives back what an operation has held, frees its place and tells those who wait for it.
  @inlinable
  mutating func finish(_ slot: Int, in simulation: inout Simulation<Event>) -> OperationEnd {
    let now = simulation.now.nanoseconds
    let record = operations.base + slot
    if record.pointee.useCount > 0 { leaveBandwidths(slot, hasEnded: true, now: now) }
    giveBack(slot, hasEnded: true, now: now)
    let end = OperationEnd(
      tag: record.pointee.tag,
      id: OperationID(
        slot: UInt32(truncatingIfNeeded: slot), generation: record.pointee.generation),
      submitted: record.pointee.submitted, ready: record.pointee.ready,
      started: record.pointee.started, ended: now, completedWork: record.pointee.done,
      isCancelled: record.pointee.done < record.pointee.work)
    if record.pointee.firstDependent != .max { releaseDependents(of: slot, in: &simulation) }
    freeOperation(slot)
    return end
  }

  /// Gives back the servers of an operation and wakes those who wait for them.
  @inlinable
  mutating func giveBack(_ slot: Int, hasEnded: Bool, now: UInt64) {
    let record = operations.base + slot
    if record.pointee.quantum > 0 { unlinkYieldable(slot) }
    var ticket = 4 &* slot
    let end = ticket &+ Int(record.pointee.holdCount)
    while ticket < end {
      let name = holds[ticket].server
      let server = servers.base + Int(name)
      let units = holds[ticket].units
      server.pointee.free &+= units
      server.pointee.busyArea &+= UInt64(truncatingIfNeeded: units) &* now
      if hasEnded { server.pointee.completedCount &+= 1 }
      if recordsSegments { recordSegment(ticket, now: now) }
      wake(name)
      ticket &+= 1
    }
  }

  @inline(never)
  @usableFromInline
  mutating func recordSegment(_ ticket: Int, now: UInt64) {
    let record = operations[ticket >> 2]
    segments.append(
      OperationSegment(
        server: ServerID(index: holds[ticket].server), units: holds[ticket].units,
        tag: record.tag, start: record.since, end: now))
  }

  /// Schedules the event at which the operation reaches its target, if it ever does.
  @inlinable
  @inline(__always)
  mutating func scheduleArrival(_ slot: Int, in simulation: inout Simulation<Event>) {
    let record = operations.base + slot
    guard let arrival = record.pointee.arrival else {
      record.pointee.event = .none
      return
    }
    record.pointee.event = simulation.schedule(
      .operation(event(of: slot)), at: SimulatedTime(nanoseconds: arrival))
  }

  @inlinable
  @inline(__always)
  func event(of slot: Int) -> OperationEvent {
    OperationEvent(
      operation: OperationID(
        slot: UInt32(truncatingIfNeeded: slot), generation: operations[slot].generation))
  }

  /// Counts the work done up to now, before the rate or the target changes.
  @inlinable
  func advance(_ slot: Int, now: UInt64) {
    let record = operations.base + slot
    guard record.pointee.stage == .running, now > record.pointee.updated else { return }
    let done = record.pointee.completedWork(at: now)
    if record.pointee.useCount > 0 { credit(slot, done - record.pointee.done) }
    record.pointee.done = done
    record.pointee.updated = now
  }
}
