// SPDX-License-Identifier: GPL-3.0-or-later

extension BatchScheduler {
  /// Queues a sequence; where steps are planned ahead, behind the step that is already planned.
  mutating func queue(_ slot: Int32, isBusy: Bool) {
    if plansAhead && isBusy {
      arriving.append(slot)
    } else if prioritises {
      insertByPriority(slot)
    } else {
      waiting.append(slot)
    }
  }

  /// A step has ended, and the next one, planned when it began, begins. Those who arrived before it
  /// began are in the one behind.
  mutating func turn() {
    guard plansAhead else { return }
    for slot in staged { queue(slot, isBusy: false) }
    Swift.swap(&staged, &arriving)
    arriving.removeAll(keepingCapacity: true)
  }

  /// Nothing is under way: whoever is there may be in the next step.
  mutating func catchUp() {
    turn()
    turn()
    vacated = 0
  }
}
