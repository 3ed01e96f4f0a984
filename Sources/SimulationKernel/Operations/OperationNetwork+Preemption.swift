// SPDX-License-Identifier: GPL-3.0-or-later

extension OperationNetwork {
  /// Adds the holds of a running operation to the lists of those who can be asked to yield.
  @inlinable
  func linkYieldable(_ slot: Int) {
    for ticket in 4 &* slot..<4 &* slot &+ Int(operations[slot].holdCount) {
      let server = servers.base + Int(holds[ticket].server)
      let next = server.pointee.firstYieldable
      holds[ticket].previous = .max
      holds[ticket].next = next
      if next != .max { holds[Int(next)].previous = UInt32(truncatingIfNeeded: ticket) }
      server.pointee.firstYieldable = UInt32(truncatingIfNeeded: ticket)
    }
  }

  @inlinable
  func unlinkYieldable(_ slot: Int) {
    for ticket in 4 &* slot..<4 &* slot &+ Int(operations[slot].holdCount) {
      let previous = holds[ticket].previous
      let next = holds[ticket].next
      if previous == .max {
        servers[Int(holds[ticket].server)].firstYieldable = next
      } else {
        holds[Int(previous)].next = next
      }
      if next != .max { holds[Int(next)].previous = previous }
    }
  }

  /// Asks less urgent operations to yield to a waiting one, as many as it takes.
  ///
  /// Asked first is the least urgent; of equally urgent ones, that which is soonest at a
  /// boundary.
  ///
  /// - Complexity: O((holders + waiters ahead) × operations asked) for each server.
  @inlinable
  mutating func askForYields(to slot: Int, in simulation: inout Simulation<Event>) {
    for ticket in 4 &* slot..<4 &* slot &+ Int(operations[slot].holdCount) {
      let server = Int(holds[ticket].server)
      guard servers[server].firstYieldable != .max else { continue }
      while let chosen = chooseYielder(for: ticket, now: simulation.now.nanoseconds) {
        requestYield(chosen, in: &simulation)
      }
    }
  }

  /// The running operation to ask next, or `nil` if enough units are free or will be.
  @inlinable
  func chooseYielder(for ticket: Int, now: UInt64) -> Int? {
    let server = Int(holds[ticket].server)
    let priority = operations[ticket &>> 2].priority
    var needed = -Int(servers[server].free)
    var ahead = UInt32(truncatingIfNeeded: ticket)
    while ahead != .max {
      needed += Int(holds[Int(ahead)].units)
      ahead = holds[Int(ahead)].previous
    }
    var chosen: Int?
    var chosenDelay = Double.infinity
    var holder = servers[server].firstYieldable
    while holder != .max {
      let candidate = Int(holder &>> 2)
      if operations[candidate].isYielding {
        needed -= Int(holds[Int(holder)].units)
      } else if operations[candidate].priority > priority {
        let delay = boundaryDelay(candidate, now: now)
        let rank = operations[candidate].priority
        let chosenRank = chosen.map { operations[$0].priority } ?? 0
        if rank > chosenRank || (rank == chosenRank && delay < chosenDelay) {
          chosen = candidate
          chosenDelay = delay
        }
      }
      holder = holds[Int(holder)].next
    }
    return needed > 0 ? chosen : nil
  }

  /// The work at the chunk boundary that an operation reaches next, or at which it stands.
  @inlinable
  func nextBoundary(_ slot: Int, now: UInt64) -> Double {
    let record = operations.base + slot
    let done = record.pointee.completedWork(at: now)
    let quantum = record.pointee.quantum
    guard quantum > record.pointee.work * 1e-12 else { return done }
    let chunks = max(0, done / quantum - 1e-9).rounded(.up)
    return max(done, min(chunks * quantum, record.pointee.work))
  }

  /// Seconds until the next chunk boundary at the present rate.
  @inlinable
  func boundaryDelay(_ slot: Int, now: UInt64) -> Double {
    let left = nextBoundary(slot, now: now) - operations[slot].completedWork(at: now)
    return left > 0 ? left / operations[slot].rate : 0
  }

  /// Lets a running operation stop at its next boundary: now, or by its event brought forward.
  @inlinable
  mutating func requestYield(_ slot: Int, in simulation: inout Simulation<Event>) {
    let now = simulation.now.nanoseconds
    operations[slot].isYielding = true
    guard boundaryDelay(slot, now: now) >= 0.5e-9 else {
      yield(slot, in: &simulation)
      return
    }
    let boundary = nextBoundary(slot, now: now)
    advance(slot, now: now)
    guard boundary < operations[slot].target else { return }
    operations[slot].target = boundary
    simulation.cancel(operations[slot].event)
    scheduleArrival(slot, in: &simulation)
  }

  /// Takes a running operation off its servers and puts it back into their queues.
  @inlinable
  mutating func yield(_ slot: Int, in simulation: inout Simulation<Event>) {
    let now = simulation.now.nanoseconds
    suspendProgress(slot, in: &simulation)
    giveBack(slot, hasEnded: false, now: now)
    enqueue(slot, ahead: true, now: now)
    askForYields(to: slot, in: &simulation)
  }

  /// Stops the progress of a running operation and forgets its event.
  @inlinable
  mutating func suspendProgress(_ slot: Int, in simulation: inout Simulation<Event>) {
    let now = simulation.now.nanoseconds
    advance(slot, now: now)
    simulation.cancel(operations[slot].event)
    operations[slot].event = .none
    if operations[slot].useCount > 0, operations[slot].stage == .running {
      leaveBandwidths(slot, hasEnded: false, now: now)
    }
    operations[slot].isYielding = false
    operations[slot].target = operations[slot].work
    operations[slot].rate = 0
  }

  /// At a chunk boundary: yields if somebody more urgent waits, otherwise goes on.
  @inlinable
  mutating func passBoundary(_ slot: Int, in simulation: inout Simulation<Event>) {
    let priority = operations[slot].priority
    for ticket in 4 &* slot..<4 &* slot &+ Int(operations[slot].holdCount) {
      let head = servers[Int(holds[ticket].server)].head
      if head != .max, operations[Int(head &>> 2)].priority < priority {
        yield(slot, in: &simulation)
        return
      }
    }
    operations[slot].isYielding = false
    operations[slot].target = operations[slot].work
    scheduleArrival(slot, in: &simulation)
  }

  /// Changes the priority of an operation, which may let it, or others, start or yield.
  ///
  /// In a queue it goes behind those of its new priority. No effect if it has ended.
  @inlinable
  public mutating func setPriority(
    _ operation: OperationID, _ priority: UInt8, in simulation: inout Simulation<Event>
  ) {
    guard let slot = find(operation), operations[slot].priority != priority else { return }
    let now = simulation.now.nanoseconds
    let tickets = 4 &* slot..<4 &* slot &+ Int(operations[slot].holdCount)
    switch operations[slot].stage {
    case .waiting:
      let since = operations[slot].since
      for ticket in tickets { unlink(ticket, now: now) }
      operations[slot].priority = priority
      enqueue(slot, ahead: false, now: now)
      operations[slot].since = since
      askForYields(to: slot, in: &simulation)
      for ticket in tickets { wake(holds[ticket].server) }
    case .starting, .running:
      operations[slot].priority = priority
      guard operations[slot].quantum > 0 else { break }
      for ticket in tickets {
        let head = servers[Int(holds[ticket].server)].head
        if head != .max { askForYields(to: Int(head &>> 2), in: &simulation) }
        if operations[slot].stage == .waiting { break }
      }
    case .free, .suspended:
      operations[slot].priority = priority
    }
    settle(in: &simulation)
  }

  /// Cancels an operation at once if it does not run, at its next chunk boundary if it does.
  ///
  /// A cancelled operation counts as ended for those who wait for it.
  @inlinable
  @discardableResult
  public mutating func cancel(
    _ operation: OperationID, in simulation: inout Simulation<Event>
  ) -> CancelOutcome {
    guard let slot = find(operation) else { return .notFound }
    let now = simulation.now.nanoseconds
    switch operations[slot].stage {
    case .free: return .notFound
    case .suspended: break
    case .waiting:
      for ticket in 4 &* slot..<4 &* slot &+ Int(operations[slot].holdCount) {
        let wasHead = holds[ticket].previous == .max
        unlink(ticket, now: now)
        if wasHead { wake(holds[ticket].server) }
      }
    case .starting, .running:
      guard operations[slot].quantum > 0 else { return .running }
      guard boundaryDelay(slot, now: now) < 0.5e-9 else {
        operations[slot].isCancelling = true
        requestYield(slot, in: &simulation)
        return .atBoundary
      }
      suspendProgress(slot, in: &simulation)
      giveBack(slot, hasEnded: false, now: now)
    }
    let done = operations[slot].done
    if operations[slot].firstDependent != .max { releaseDependents(of: slot, in: &simulation) }
    freeOperation(slot)
    settle(in: &simulation)
    return .cancelled(completedWork: done)
  }
}
