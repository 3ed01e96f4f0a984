// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Testing

@Suite("Admission by expert queues")
struct ExpertQueuesTests {
  struct Queue: WaitingQueue {
    var keys: [Int32]
    var count: Int { keys.count }
    subscript(position: Int) -> WaitingRequest {
      WaitingRequest(
        number: UInt64(position), promptTokens: 1, arrival: UInt64(position),
        expertKey: keys[position])
    }
  }

  /// The order in which all are admitted.
  private func order(_ keys: [Int32]) -> [Int] {
    var queue = Queue(keys: keys)
    var numbers = Array(keys.indices)
    var order: [Int] = []
    while let next = ExpertQueues().next(waiting: queue, running: order.count) {
      order.append(numbers.remove(at: next))
      queue.keys.remove(at: next)
    }
    return order
  }

  @Test("the longest queue first; of equals the one that was first")
  func longest() {
    #expect(order([7, 3, 3, 5, 3]) == [1, 2, 0, 3, 4])
    #expect(order([2, 1, 1, 2]) == [0, 1, 2, 3])
    #expect(order([]) == [])
  }

  @Test("without keys it is first come, first served")
  func unknown() {
    #expect(order([-1, -1, -1, -1]) == [0, 1, 2, 3])
    #expect(ExpertQueues().needsExpertKeys && !FirstComeFirstServed().needsExpertKeys)
  }
}
