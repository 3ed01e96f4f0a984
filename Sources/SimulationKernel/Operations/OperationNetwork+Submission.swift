// SPDX-License-Identifier: GPL-3.0-or-later

extension OperationNetwork {
  /// Submits an operation, which starts at once if it can.
  ///
  /// - Complexity: O(1) for an operation that starts or joins the end of its queues; otherwise
  ///   O(operations between it and the nearer end of a queue). Sharing a saturated bandwidth
  ///   costs O(operations connected with it).
  @inlinable
  @discardableResult
  public mutating func submit(
    _ description: OperationDescription, in simulation: inout Simulation<Event>
  ) -> OperationID {
    let slot = store(description)
    let id = OperationID(
      slot: UInt32(truncatingIfNeeded: slot), generation: operations[slot].generation)
    operations[slot].submitted = simulation.now.nanoseconds
    if operations[slot].isPlain {
      makePlainReady(slot, in: &simulation)
    } else {
      makeReady(slot, in: &simulation)
      settle(in: &simulation)
    }
    return id
  }

  /// Submits an operation that waits for another one to end first.
  @inlinable
  @discardableResult
  public mutating func submit(
    _ description: OperationDescription, after operation: OperationID,
    in simulation: inout Simulation<Event>
  ) -> OperationID {
    let id = create(description)
    addDependency(id, on: operation)
    release(id, in: &simulation)
    return id
  }

  /// Creates an operation that stays suspended until it is released.
  @inlinable
  public mutating func create(_ description: OperationDescription) -> OperationID {
    let slot = store(description)
    operations[slot].missing = 1
    return OperationID(
      slot: UInt32(truncatingIfNeeded: slot), generation: operations[slot].generation)
  }

  /// Creates a barrier: it needs nothing, takes no time, and ends when all that it waits for has.
  ///
  /// Being an operation, it is given its dependencies and released as any other.
  @inlinable
  public mutating func createBarrier(tag: UInt64 = 0) -> OperationID {
    create(OperationDescription(duration: .zero, tag: tag))
  }

  /// Lets a suspended operation wait for another one to end. No effect if that has ended.
  ///
  /// A cancelled operation counts as ended. Operations that wait for each other never start.
  ///
  /// - Precondition: `operation` is suspended: created, and not released or still waiting for
  ///   another operation to end.
  @inlinable
  public mutating func addDependency(_ operation: OperationID, on other: OperationID) {
    guard let slot = find(operation), operations[slot].stage == .suspended else {
      preconditionFailure("Only a suspended operation can be given something to wait for.")
    }
    guard let otherSlot = find(other) else { return }
    precondition(slot != otherSlot, "An operation cannot wait for itself.")
    let node = takeDependent()
    dependents[node].operation = operation
    dependents[node].next = .max
    if operations[otherSlot].firstDependent == .max {
      operations[otherSlot].firstDependent = UInt32(node)
    } else {
      dependents[Int(operations[otherSlot].lastDependent)].next = UInt32(node)
    }
    operations[otherSlot].lastDependent = UInt32(node)
    operations[slot].missing += 1
  }

  /// Lets a created operation start as soon as all for which it waits has ended.
  ///
  /// - Precondition: The operation was created and not released before.
  @inlinable
  public mutating func release(
    _ operation: OperationID, in simulation: inout Simulation<Event>
  ) {
    guard let slot = find(operation), operations[slot].stage == .suspended,
      !operations[slot].hasStarted
    else {
      preconditionFailure("Only an operation that was created and not yet released can be.")
    }
    // `hasStarted` marks the release until the operation is ready.
    operations[slot].hasStarted = true
    operations[slot].submitted = simulation.now.nanoseconds
    dropDependency(of: slot, in: &simulation)
    settle(in: &simulation)
  }

  /// Counts one thing less for which an operation waits; the last one makes it ready.
  @inlinable
  mutating func dropDependency(of slot: Int, in simulation: inout Simulation<Event>) {
    operations[slot].missing -= 1
    guard operations[slot].missing == 0 else { return }
    operations[slot].hasStarted = false
    makeReady(slot, in: &simulation)
  }

  /// Starts an operation that waits for no other, or puts it into its queues.
  @inlinable
  @inline(__always)
  mutating func makeReady(_ slot: Int, in simulation: inout Simulation<Event>) {
    let now = simulation.now.nanoseconds
    operations[slot].ready = now
    if canStartAtOnce(slot) {
      start(slot, in: &simulation)
    } else {
      enqueue(slot, ahead: false, now: now)
      if hasYieldable(slot) { askForYields(to: slot, in: &simulation) }
    }
  }

  /// Brings queues and shares up to date after a change. Called at the end of every public call.
  @inlinable
  @inline(__always)
  mutating func settle(in simulation: inout Simulation<Event>) {
    if wakeList.count > 0 { runWakeList(in: &simulation) }
    if dirtyList.count > 0 { shareAnew(in: &simulation) }
  }

  /// Writes a description into a place of the arena, suspended.
  @inlinable
  @inline(__always)
  mutating func store(_ description: OperationDescription) -> Int {
    precondition(
      description.maximumRate < .infinity || description.useCount > 0 || description.work == 0,
      "An operation that consumes no bandwidth has a finite maximum rate.")
    let slot = takeOperation()
    let record = operations.base + slot
    record.pointee.work = description.work
    record.pointee.done = 0
    record.pointee.target = description.work
    record.pointee.rate = 0
    record.pointee.maximumRate = description.maximumRate
    record.pointee.quantum = description.quantum
    record.pointee.latency = description.latency.nanoseconds
    record.pointee.tag = description.tag
    record.pointee.firstDependent = .max
    record.pointee.missing = 0
    record.pointee.stage = .suspended
    record.pointee.priority = description.priority
    record.pointee.holdCount = description.holdCount
    record.pointee.useCount = description.useCount
    record.pointee.hasStarted = false
    record.pointee.isYielding = false
    record.pointee.isCancelling = false
    record.pointee.fixedNanoseconds = description.fixedNanoseconds
    record.pointee.isPlain = description.isPlain
    if description.holdCount > 0 {
      storeHold(description.firstHold, 4 &* slot)
      if description.holdCount > 1 { storeMoreHolds(description, slot) }
    }
    if description.useCount > 0 { storeUses(description, slot) }
    return slot
  }

  @inlinable
  @inline(__always)
  func storeHold(_ hold: OperationDescription.Hold, _ ticket: Int) {
    precondition(Int(hold.server) < servers.count, "There is no such server.")
    precondition(
      hold.units <= servers[Int(hold.server)].units, "A server has fewer units than are held.")
    holds[ticket].server = hold.server
    holds[ticket].units = hold.units
  }

  @inline(never)
  @inlinable
  func storeMoreHolds(_ description: OperationDescription, _ slot: Int) {
    for index in 1..<Int(description.holdCount) {
      storeHold(description.moreHolds[index - 1], 4 * slot + index)
    }
  }

  @inlinable
  @inline(__always)
  func storeUses(_ description: OperationDescription, _ slot: Int) {
    precondition(
      description.share > 0 && description.share < .infinity,
      "A share is positive and finite.")
    storeUse(description.firstUse, 16 &* slot)
    var greatest = description.firstUse.weight
    if description.useCount > 1 {
      storeUse(description.secondUse, 16 &* slot &+ 1)
      greatest = max(greatest, description.secondUse.weight)
      if description.useCount > 2 {
        greatest = max(greatest, storeMoreUses(description, slot))
      }
    }
    operations[slot].shareRate = description.share / greatest
    operations[slot].bandwidthPriority = description.bandwidthPriority
  }

  @inlinable
  @inline(__always)
  func storeUse(_ use: OperationDescription.Use, _ place: Int) {
    precondition(Int(use.bandwidth) < bandwidths.count, "There is no such bandwidth.")
    uses[place].weight = use.weight
    uses[place].bandwidth = use.bandwidth
  }

  @inline(never)
  @inlinable
  func storeMoreUses(_ description: OperationDescription, _ slot: Int) -> Double {
    var greatest = 0.0
    for index in 2..<Int(description.useCount) {
      storeUse(description.moreUses[index - 2], 16 * slot + index)
      greatest = max(greatest, description.moreUses[index - 2].weight)
    }
    return greatest
  }

  @inlinable
  @inline(__always)
  mutating func takeOperation() -> Int {
    pendingCount &+= 1
    guard firstFreeOperation != .max else { return addOperation() }
    let slot = Int(firstFreeOperation)
    firstFreeOperation = operations[slot].link
    return slot
  }

  @inline(never)
  @usableFromInline
  mutating func addOperation() -> Int {
    let slot = operations.count
    precondition(slot < 1 << 27, "At most 2²⁷ operations can be pending at once.")
    operations.append(OperationRecord())
    holds.append(repeating: HoldRecord(), count: 4)
    uses.append(repeating: UseRecord(), count: 16)
    return slot
  }

  /// Frees a place of the arena; names of the operation that had it go stale.
  @inlinable
  @inline(__always)
  mutating func freeOperation(_ slot: Int) {
    pendingCount &-= 1
    operations[slot].stage = .free
    operations[slot].generation &+= 1
    operations[slot].link = firstFreeOperation
    firstFreeOperation = UInt32(truncatingIfNeeded: slot)
  }

  @inlinable
  mutating func takeDependent() -> Int {
    guard firstFreeDependent != .max else {
      dependents.append(DependentRecord())
      return dependents.count &- 1
    }
    let node = Int(firstFreeDependent)
    firstFreeDependent = dependents[node].next
    return node
  }

  /// Tells those who wait for an operation that it has ended, in the order in which they came.
  @inlinable
  mutating func releaseDependents(of slot: Int, in simulation: inout Simulation<Event>) {
    var next = operations[slot].firstDependent
    operations[slot].firstDependent = .max
    while next != .max {
      let node = Int(next)
      next = dependents[node].next
      let waiting = dependents[node].operation
      dependents[node].next = firstFreeDependent
      firstFreeDependent = UInt32(truncatingIfNeeded: node)
      if let waitingSlot = find(waiting) { dropDependency(of: waitingSlot, in: &simulation) }
    }
  }
}
