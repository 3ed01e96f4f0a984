// SPDX-License-Identifier: GPL-3.0-or-later

extension OperationNetwork {
  /// Whether an operation that is in no queue can take all its servers without overtaking.
  @inlinable
  @inline(__always)
  func canStartAtOnce(_ slot: Int) -> Bool {
    let priority = operations[slot].priority
    var ticket = 4 &* slot
    let end = ticket &+ Int(operations[slot].holdCount)
    while ticket < end {
      let server = servers.base + Int(holds[ticket].server)
      guard server.pointee.free >= holds[ticket].units else { return false }
      let head = server.pointee.head
      if head != .max, operations[Int(head &>> 2)].priority <= priority { return false }
      ticket &+= 1
    }
    return true
  }

  /// Puts an operation into the queues of all its servers.
  ///
  /// - Parameters:
  ///   - slot: The operation.
  ///   - ahead: Whether it goes before those of equal priority, as one that has yielded does.
  ///   - now: The present instant.
  /// - Complexity: O(distance to the nearer end of the queue).
  @inlinable
  mutating func enqueue(_ slot: Int, ahead: Bool, now: UInt64) {
    operations[slot].stage = .waiting
    operations[slot].since = now
    let limit = Int(operations[slot].priority) + (ahead ? 0 : 1)
    var ticket = 4 &* slot
    let end = ticket &+ Int(operations[slot].holdCount)
    while ticket < end {
      let server = servers.base + Int(holds[ticket].server)
      server.pointee.queueLength &+= 1
      if server.pointee.queueLength > server.pointee.maximumQueueLength {
        server.pointee.maximumQueueLength = server.pointee.queueLength
      }
      server.pointee.queueArea &-= now
      let tail = server.pointee.tail
      if tail == .max || Int(operations[Int(tail &>> 2)].priority) < limit {
        let name = UInt32(truncatingIfNeeded: ticket)
        holds[ticket].previous = tail
        holds[ticket].next = .max
        server.pointee.tail = name
        if tail == .max { server.pointee.head = name } else { holds[Int(tail)].next = name }
      } else {
        insert(ticket, limit: limit)
      }
      ticket &+= 1
    }
  }

  /// Whether anybody at the servers of an operation can be asked to yield.
  @inlinable
  @inline(__always)
  func hasYieldable(_ slot: Int) -> Bool {
    var ticket = 4 &* slot
    let end = ticket &+ Int(operations[slot].holdCount)
    while ticket < end {
      if servers[Int(holds[ticket].server)].firstYieldable != .max { return true }
      ticket &+= 1
    }
    return false
  }

  /// Links a ticket into its queue before the first operation whose priority is `limit` or more.
  @inline(never)
  @inlinable
  func insert(_ ticket: Int, limit: Int) {
    let server = servers.base + Int(holds[ticket].server)
    var forward = server.pointee.head
    var backward = server.pointee.tail
    var before: UInt32 = .max
    var after: UInt32 = .max
    while forward != .max {
      if Int(operations[Int(backward &>> 2)].priority) < limit {
        after = backward
        before = holds[Int(backward)].next
        break
      }
      if Int(operations[Int(forward &>> 2)].priority) >= limit {
        before = forward
        after = holds[Int(forward)].previous
        break
      }
      forward = holds[Int(forward)].next
      backward = holds[Int(backward)].previous
    }
    let name = UInt32(truncatingIfNeeded: ticket)
    holds[ticket].previous = after
    holds[ticket].next = before
    if after == .max { server.pointee.head = name } else { holds[Int(after)].next = name }
    if before == .max { server.pointee.tail = name } else { holds[Int(before)].previous = name }
  }

  /// Takes a ticket out of its queue.
  @inlinable
  @inline(__always)
  func unlink(_ ticket: Int, now: UInt64) {
    let server = servers.base + Int(holds[ticket].server)
    let previous = holds[ticket].previous
    let next = holds[ticket].next
    if previous == .max {
      server.pointee.head = next
    } else {
      holds[Int(previous)].next = next
    }
    if next == .max {
      server.pointee.tail = previous
    } else {
      holds[Int(next)].previous = previous
    }
    server.pointee.queueLength &-= 1
    server.pointee.queueArea &+= now
  }

  /// Counts the length of a wait that ends at a server.
  @inlinable
  @inline(__always)
  func recordWait(_ ticket: Int, _ waited: UInt64) {
    let server = servers.base + Int(holds[ticket].server)
    server.pointee.waitSum &+= waited
    if waited > server.pointee.waitMaximum { server.pointee.waitMaximum = waited }
    let seconds = Double(Int64(truncatingIfNeeded: waited)) * 1e-9
    server.pointee.waitSquares += seconds * seconds
  }

  /// Notes that the head of a server's queue may be able to start.
  @inlinable
  @inline(__always)
  mutating func wake(_ server: UInt32) {
    if servers[Int(server)].head != .max { wakeList.append(server) }
  }

  /// Starts whatever can start at the servers that were woken.
  @inline(never)
  @inlinable
  mutating func runWakeList(in simulation: inout Simulation<Event>) {
    while wakeCursor < wakeList.count {
      let server = Int(wakeList[wakeCursor])
      wakeCursor &+= 1
      startHeads(of: server, in: &simulation)
    }
    wakeCursor = 0
    wakeList.removeAll()
  }

  /// Starts operations from the head of a queue as long as all that they need is free.
  @inlinable
  @inline(__always)
  mutating func startHeads(of server: Int, in simulation: inout Simulation<Event>) {
    while true {
      let head = servers[server].head
      guard head != .max, servers[server].free >= holds[Int(head)].units else { return }
      let slot = Int(head &>> 2)
      if operations[slot].isPlain {
        let now = simulation.now.nanoseconds
        unlink(Int(head), now: now)
        recordWait(Int(head), now &- operations[slot].since)
        startPlain(slot, in: &simulation)
      } else if operations[slot].holdCount > 1 {
        guard startHeadOfSeveral(slot, at: server, in: &simulation) else { return }
      } else {
        let now = simulation.now.nanoseconds
        unlink(Int(head), now: now)
        recordWait(Int(head), now &- operations[slot].since)
        start(slot, in: &simulation)
      }
    }
  }

  /// Starts an operation that needs several servers, if it is the head at all of them.
  @inline(never)
  @inlinable
  mutating func startHeadOfSeveral(
    _ slot: Int, at server: Int, in simulation: inout Simulation<Event>
  ) -> Bool {
    let now = simulation.now.nanoseconds
    let tickets = 4 &* slot..<4 &* slot &+ Int(operations[slot].holdCount)
    for ticket in tickets {
      let other = servers.base + Int(holds[ticket].server)
      guard Int(other.pointee.head) == ticket, other.pointee.free >= holds[ticket].units else {
        return false
      }
    }
    for ticket in tickets {
      unlink(ticket, now: now)
      recordWait(ticket, now &- operations[slot].since)
    }
    start(slot, in: &simulation)
    for ticket in tickets where Int(holds[ticket].server) != server {
      wake(holds[ticket].server)
    }
    return true
  }
}
