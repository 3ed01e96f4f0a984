// SPDX-License-Identifier: GPL-3.0-or-later

extension Simulation {
  /// Gives the pending events new sequence numbers from zero, in their present order.
  ///
  /// Needed once in 2³⁶ events. A sorted array is a valid heap, so the keys are sorted in place.
  @inline(never)
  @usableFromInline
  mutating func renumber() {
    keys.fillVacantRoot()
    removeCancelledKeys()
    var pending = UnsafeMutableBufferPointer(start: keys.base, count: keys.count)
    precondition(
      UInt64(pending.count) < sequenceLimit, "More events are pending than sequences exist.")
    pending.sort()
    let sequenceMask: UInt64 = ((1 << 36) - 1) << 24
    for index in pending.indices {
      let key = pending[index]
      let low = key._low & ~sequenceMask | UInt64(index) << 24
      pending[index] = UInt128(_low: low, _high: key._high)
    }
    sequenceBase = scheduledCount - UInt64(pending.count)
  }

  /// Drops the keys of cancelled events and frees their slots. O(pending).
  @inline(never)
  @usableFromInline
  mutating func removeCancelledKeys() {
    keys.fillVacantRoot()
    var kept = 0
    for index in 0..<keys.count {
      let key = keys.base[index]
      let slot = key._low & EventSlot<Event>.slotMask
      if slots[Int(slot)].word == EventSlot<Event>.cancelled {
        slots[Int(slot)].word = firstFreeSlot
        firstFreeSlot = slot
      } else {
        keys.base[kept] = key
        kept += 1
      }
    }
    for index in kept..<keys.count { keys.base[index] = .max }
    keys.count = kept
    cancelledCount = 0
    keys.reorder()
  }
}
