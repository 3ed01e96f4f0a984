// SPDX-License-Identifier: GPL-3.0-or-later

/// A clock and the set of pending events.
///
/// Events are plain values. Those of one instant are handled by priority, and within a priority
/// in the order in which they were scheduled. A simulation is owned by one holder, passed
/// `inout`, and allocates only when the number of pending events reaches a new maximum.
///
/// At most 2²⁴ (16.7 million) events may be pending at once.
@frozen
public struct Simulation<Event: BitwiseCopyable>: ~Copyable {
  @usableFromInline var keys: EventKeyHeap
  @usableFromInline var slots: RawBuffer<EventSlot<Event>>
  @usableFromInline var clock: SimulatedTime
  /// First slot of the list of free slots; `EventSlot.endOfList` when there is none.
  @usableFromInline var firstFreeSlot: UInt64
  /// Events ever scheduled. The sequence of a key is this number less `sequenceBase`.
  @usableFromInline var scheduledCount: UInt64
  @usableFromInline var sequenceBase: UInt64
  @usableFromInline var sequenceLimit: UInt64
  @usableFromInline var processedCount: UInt64
  /// Cancelled events whose keys are still in the heap.
  @usableFromInline var cancelledCount: Int
  @usableFromInline var isStopRequested: Bool

  /// Creates a simulation at time zero without events.
  ///
  /// - Parameters:
  ///   - capacity: The number of pending events for which memory is set aside; it grows.
  ///   - sequenceBits: The width of the sequence number that orders simultaneous events, at
  ///     most 36. When it is used up, the pending events are renumbered. A small width serves
  ///     to test that; there must always be fewer than 2^`sequenceBits` keys pending.
  public init(capacity: Int = 256, sequenceBits: Int = 36) {
    precondition((1...36).contains(sequenceBits), "A sequence has 1 to 36 bits.")
    self.keys = EventKeyHeap(capacity: capacity)
    self.slots = RawBuffer(capacity: max(capacity, 16))
    self.clock = .zero
    self.firstFreeSlot = EventSlot<Event>.endOfList
    self.scheduledCount = 0
    self.sequenceBase = 0
    self.sequenceLimit = 1 << UInt64(sequenceBits)
    self.processedCount = 0
    self.cancelledCount = 0
    self.isStopRequested = false
  }

  /// The present instant: that of the event being handled.
  @inlinable public var now: SimulatedTime { clock }

  /// The number of events handed out so far, cancelled ones not counted.
  @inlinable public var processedEventCount: UInt64 { processedCount }

  /// The number of events that are scheduled and not cancelled.
  @inlinable public var pendingEventCount: Int {
    keys.count - (keys.hasVacantRoot ? 1 : 0) - cancelledCount
  }

  /// Schedules an event at an instant that is not in the past.
  ///
  /// - Complexity: O(log *n*) comparisons of keys, for *n* pending events.
  @inlinable
  @discardableResult
  public mutating func schedule(
    _ event: Event, at time: SimulatedTime, priority: EventPriority = .normal
  ) -> EventHandle {
    precondition(time >= clock, "An event cannot be scheduled in the past.")
    if scheduledCount &- sequenceBase >= sequenceLimit { renumber() }
    let sequence = scheduledCount &- sequenceBase
    scheduledCount &+= 1
    let slot = takeSlot()
    let word = scheduledCount &<< 24 | slot
    slots[Int(truncatingIfNeeded: slot)] = EventSlot(event: event, word: word)
    let low = UInt64(priority.rawValue) &<< 60 | sequence &<< 24 | slot
    keys.push(UInt128(_low: low, _high: time.nanoseconds))
    return EventHandle(word: word)
  }

  /// Schedules an event after a delay.
  ///
  /// - Complexity: O(log *n*) comparisons of keys, for *n* pending events.
  @inlinable
  @discardableResult
  public mutating func schedule(
    _ event: Event, after delay: SimulatedDuration, priority: EventPriority = .normal
  ) -> EventHandle {
    schedule(event, at: clock + delay, priority: priority)
  }

  /// Cancels an event, unless it was handled or cancelled before.
  ///
  /// The event is only marked; its key leaves the set when it comes up, or when cancelled keys
  /// make up more than half of the set.
  ///
  /// - Returns: Whether the event was pending.
  /// - Complexity: O(1), amortised.
  @inlinable
  @discardableResult
  public mutating func cancel(_ handle: EventHandle) -> Bool {
    let slot = Int(truncatingIfNeeded: handle.word & EventSlot<Event>.slotMask)
    guard slot < slots.count, slots[slot].word == handle.word, handle.word != 0 else {
      return false
    }
    slots[slot].word = EventSlot<Event>.cancelled
    cancelledCount &+= 1
    if cancelledCount > 64, 2 &* cancelledCount > keys.count { removeCancelledKeys() }
    return true
  }

  /// Whether the event that a handle names is still to come.
  @inlinable
  public func isPending(_ handle: EventHandle) -> Bool {
    let slot = Int(truncatingIfNeeded: handle.word & EventSlot<Event>.slotMask)
    return slot < slots.count && slots[slot].word == handle.word && handle.word != 0
  }

  /// Takes the earliest event out of the set and advances the clock to it.
  ///
  /// - Returns: The event, or `nil` when none is pending.
  /// - Complexity: O(log *n*) comparisons of keys, for *n* pending events.
  @inlinable
  public mutating func next() -> Event? {
    next(until: .distantFuture)
  }

  /// Takes the earliest event out of the set, if it comes at `limit` or before.
  ///
  /// - Returns: The event, or `nil` when the next one is later or none is pending.
  @inlinable
  public mutating func next(until limit: SimulatedTime) -> Event? {
    while true {
      keys.fillVacantRoot()
      guard keys.count > 0 else { return nil }
      let key = keys.base[0]
      let time = key._high
      guard time <= limit.nanoseconds else { return nil }
      let slot = key._low & EventSlot<Event>.slotMask
      let index = Int(truncatingIfNeeded: slot)
      let word = slots[index].word
      keys.hasVacantRoot = true
      slots[index].word = firstFreeSlot
      firstFreeSlot = slot
      if word == EventSlot<Event>.cancelled {
        cancelledCount &-= 1
        continue
      }
      clock = SimulatedTime(nanoseconds: time)
      processedCount &+= 1
      return slots[index].event
    }
  }

  /// The instant of the next event, or `nil` when none is pending.
  @inlinable public var nextEventTime: SimulatedTime? {
    mutating get {
      while true {
        keys.fillVacantRoot()
        guard keys.count > 0 else { return nil }
        let key = keys.base[0]
        let slot = key._low & EventSlot<Event>.slotMask
        let index = Int(truncatingIfNeeded: slot)
        guard slots[index].word == EventSlot<Event>.cancelled else {
          return SimulatedTime(nanoseconds: key._high)
        }
        cancelledCount &-= 1
        keys.hasVacantRoot = true
        slots[index].word = firstFreeSlot
        firstFreeSlot = slot
      }
    }
  }

  /// Lets a model handle events until none is left, one comes later than `limit`, or `stop()`.
  ///
  /// Events at `limit` itself are handled. When the run ends because of `limit`, the clock
  /// stands at `limit`; otherwise it stands at the last event.
  @inlinable
  public mutating func run<M: Model & ~Copyable>(
    _ model: inout M, until limit: SimulatedTime = .distantFuture
  ) where M.Event == Event {
    isStopRequested = false
    while let event = next(until: limit) {
      model.handle(event, in: &self)
      if isStopRequested { return }
    }
    if limit < .distantFuture, limit > clock { clock = limit }
  }

  /// Ends the current `run` after the event being handled.
  @inlinable
  public mutating func stop() {
    isStopRequested = true
  }

  @inlinable
  @inline(__always)
  mutating func takeSlot() -> UInt64 {
    let slot = firstFreeSlot
    guard slot != EventSlot<Event>.endOfList else { return addSlot() }
    firstFreeSlot = slots[Int(truncatingIfNeeded: slot)].word
    return slot
  }

  @inline(never)
  @usableFromInline
  mutating func addSlot() -> UInt64 {
    let slot = slots.count
    precondition(
      slot < Int(EventSlot<Event>.endOfList), "At most 16,777,215 events can be pending at once.")
    if slots.count == slots.capacity { slots.grow(to: 2 * slots.capacity) }
    slots.count += 1
    return UInt64(slot)
  }
}

extension Simulation: @unchecked Sendable where Event: Sendable {}

/// The payload of one pending event, and who owns the place.
@frozen
@usableFromInline
struct EventSlot<Event: BitwiseCopyable>: BitwiseCopyable {
  @usableFromInline var event: Event
  /// The handle's word while pending; `cancelled`; or the next free slot.
  @usableFromInline var word: UInt64

  @inlinable
  init(event: Event, word: UInt64) {
    self.event = event
    self.word = word
  }

  @inlinable static var slotMask: UInt64 { 0xFF_FFFF }
  @inlinable static var endOfList: UInt64 { 0xFF_FFFF }
  @inlinable static var cancelled: UInt64 { .max }
}
