// SPDX-License-Identifier: GPL-3.0-or-later

// The cheap case: an operation that holds one server for a fixed time. It does what the general
// path does, without the questions whose answers are known.

extension OperationNetwork {
  /// Starts a plain operation or puts it into the queue of its server.
  @inlinable
  @inline(__always)
  mutating func makePlainReady(_ slot: Int, in simulation: inout Simulation<Event>) {
    let now = simulation.now.nanoseconds
    let record = operations.base + slot
    let hold = holds.base + 4 &* slot
    let server = servers.base + Int(hold.pointee.server)
    record.pointee.ready = now
    let head = server.pointee.head
    if server.pointee.free >= hold.pointee.units,
      head == .max || operations[Int(head &>> 2)].priority > record.pointee.priority
    {
      startPlain(slot, in: &simulation)
      return
    }
    let tail = server.pointee.tail
    if tail != .max, operations[Int(tail &>> 2)].priority <= record.pointee.priority {
      record.pointee.stage = .waiting
      record.pointee.since = now
      server.pointee.queueLength &+= 1
      if server.pointee.queueLength > server.pointee.maximumQueueLength {
        server.pointee.maximumQueueLength = server.pointee.queueLength
      }
      server.pointee.queueArea &-= now
      hold.pointee.previous = tail
      hold.pointee.next = .max
      holds[Int(tail)].next = UInt32(truncatingIfNeeded: 4 &* slot)
      server.pointee.tail = UInt32(truncatingIfNeeded: 4 &* slot)
    } else {
      enqueue(slot, ahead: false, now: now)
    }
    if server.pointee.firstYieldable != .max {
      askForYields(to: slot, in: &simulation)
      settle(in: &simulation)
    }
  }

  /// Takes the server of a plain operation, which must be free, and schedules the end.
  @inlinable
  @inline(__always)
  mutating func startPlain(_ slot: Int, in simulation: inout Simulation<Event>) {
    let now = simulation.now.nanoseconds
    let record = operations.base + slot
    let hold = holds.base + 4 &* slot
    let server = servers.base + Int(hold.pointee.server)
    let units = hold.pointee.units
    server.pointee.free &-= units
    server.pointee.busyArea &-= UInt64(truncatingIfNeeded: units) &* now
    server.pointee.grantCount &+= 1
    record.pointee.since = now
    record.pointee.started = now
    record.pointee.hasStarted = true
    scheduleEnd(ofPlain: slot, in: &simulation)
  }

  @inlinable
  @inline(__always)
  mutating func scheduleEnd(ofPlain slot: Int, in simulation: inout Simulation<Event>) {
    let record = operations.base + slot
    record.pointee.stage = .running
    record.pointee.rate = 1
    record.pointee.updated = simulation.now.nanoseconds + record.pointee.latency
    let time = record.pointee.updated + record.pointee.fixedNanoseconds
    record.pointee.event = simulation.schedule(
      .operation(event(of: slot)), at: SimulatedTime(nanoseconds: time))
  }

  /// Ends a plain operation for which nobody waits, and starts the next at its server.
  @inlinable
  @inline(__always)
  mutating func finishPlain(
    _ slot: Int, in simulation: inout Simulation<Event>
  ) -> OperationEnd {
    let now = simulation.now.nanoseconds
    let record = operations.base + slot
    let hold = holds.base + 4 &* slot
    let name = Int(hold.pointee.server)
    let server = servers.base + name
    let units = hold.pointee.units
    server.pointee.free &+= units
    server.pointee.busyArea &+= UInt64(truncatingIfNeeded: units) &* now
    server.pointee.completedCount &+= 1
    if recordsSegments { recordSegment(4 &* slot, now: now) }
    let end = OperationEnd(
      tag: record.pointee.tag,
      id: OperationID(
        slot: UInt32(truncatingIfNeeded: slot), generation: record.pointee.generation),
      submitted: record.pointee.submitted, ready: record.pointee.ready,
      started: record.pointee.started, ended: now, completedWork: record.pointee.work,
      isCancelled: false)
    freeOperation(slot)
    if server.pointee.head != .max {
      startHeads(of: name, in: &simulation)
      settle(in: &simulation)
    }
    return end
  }
}
