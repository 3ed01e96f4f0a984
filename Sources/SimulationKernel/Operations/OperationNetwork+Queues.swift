// SPDX-License-Identifier: GPL-3.0-or-later

extension OperationNetwork {
  /// Whether an operation that is in no queue can take all its servers without overtaking.
  @inlinable
  @inline(__always)
  func canStartAtOnce(_ slot: Int) -> Bool {
    let priority = operations[slot].priority
    for ticket in 4 &* slot..<4 &* slot &+ Int(operations[slot].holdCount) {
      let server = servers.base + Int(holds[ticket].server)
      guard server.pointee.free >= holds[ticket].units else { return false }
      let head = server.pointee.head
      if head != .max, operations[Int(head &>> 2)].priority <= priority { return false }
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
    for ticket in 4 &* slot..<4 &* slot &+ Int(operations[slot].holdCount) {
      let server = servers.base + Int(holds[ticket].server)
      server.pointee.queueLength &+= 1
      if server.pointee.queueLength > server.pointee.maximumQueueLength {
        server.pointee.maximumQueueLength = server.pointee.queueLength
      }
      server.pointee.queueArea &-= now
      insert(ticket, limit: limit)
    }
  }

  /// Links a ticket into its queue before the first operation whose priority is `limit` or more.
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

  /// Counts the end of a wait at a server.
  @inlinable
  @inline(__always)
  func recordGrant(_ ticket: Int, waited: UInt64) {
    let server = servers.base + Int(holds[ticket].server)
    server.pointee.grantCount &+= 1
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
  @inlinable
  mutating func runWakeList(in simulation: inout Simulation<Event>) {
    while wakeCursor < wakeList.count {
      let server = Int(wakeList[wakeCursor])
      wakeCursor &+= 1
      while startHead(of: server, in: &simulation) {}
    }
    wakeCursor = 0
    wakeList.removeAll()
  }

  /// Starts the head of a queue if all that it needs is free and it is the head everywhere.
  @inlinable
  mutating func startHead(of server: Int, in simulation: inout Simulation<Event>) -> Bool {
    let head = servers[server].head
    guard head != .max, servers[server].free >= holds[Int(head)].units else { return false }
    let slot = Int(head &>> 2)
    let now = simulation.now.nanoseconds
    let tickets = 4 &* slot..<4 &* slot &+ Int(operations[slot].holdCount)
    if tickets.count > 1 {
      for ticket in tickets {
        let other = servers.base + Int(holds[ticket].server)
        guard Int(other.pointee.head) == ticket, other.pointee.free >= holds[ticket].units else {
          return false
        }
      }
    }
    let waited = now &- operations[slot].since
    for ticket in tickets {
      unlink(ticket, now: now)
      recordGrant(ticket, waited: waited)
    }
    start(slot, in: &simulation)
    if tickets.count > 1 {
      for ticket in tickets where Int(holds[ticket].server) != server {
        wake(holds[ticket].server)
      }
    }
    return true
  }
}
