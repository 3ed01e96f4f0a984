// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Policies

@Suite("Closed batches")
struct ClosedBatchPolicyTests {
  private struct Queue: WaitingQueue {
    var prompts: [Int]
    var output = 4
    var count: Int { prompts.count }
    subscript(position: Int) -> WaitingRequest {
      WaitingRequest(
        number: UInt64(position), promptTokens: prompts[position], outputTokens: output,
        arrival: UInt64(position))
    }
  }

  private func close(
    _ policy: some ClosedBatchPolicy, _ prompts: [Int], count: Int, size: Int, tokens: Int = 1000
  ) -> [Int32] {
    var assignment = [Int32](repeating: -1, count: prompts.count)
    policy.close(
      waiting: Queue(prompts: prompts),
      limits: MicroBatchLimits(count: count, size: size, cachedTokens: tokens),
      assignment: &assignment)
    return assignment
  }

  @Test("in order of arrival, one micro-batch after the other")
  func inOrder() {
    #expect(
      close(StaticBatch(), [1, 2, 3, 4, 5, 6, 7], count: 3, size: 2) == [0, 0, 1, 1, 2, 2, -1])
    // 10 + 4, 20 + 4 and 5 + 4 are more than 30 two by two; a prompt too long for any ends the batch.
    #expect(
      close(StaticBatch(), [10, 20, 5, 90, 1], count: 4, size: 4, tokens: 30)
        == [0, 1, 2, -1, -1])
    // At the head of the queue it is served alone.
    #expect(close(StaticBatch(), [90, 1], count: 4, size: 4, tokens: 30) == [0, 1])
  }

  // Longest first: 9 to A; 8 to B; 5 to B (8 < 9, then 13); 4 to A (9, then 13); 2 to A, the first
  // of equals (15); 1 to B (14).
  @Test("the longest prompts first, each to where there is least")
  func sorted() {
    #expect(
      close(LengthSortedBatch(), [1, 2, 4, 5, 8, 9], count: 2, size: 3) == [1, 0, 0, 1, 1, 0])
  }

  @Test("a full micro-batch takes nobody, and what does not fit waits")
  func limits() {
    #expect(close(LengthSortedBatch(), [9, 1, 1, 1], count: 2, size: 2) == [0, 1, 1, 0])
    #expect(close(LengthSortedBatch(), [9, 1, 1, 1], count: 1, size: 2) == [0, 0, -1, -1])
    // (0 + 9) + 1 · 4 > 12 for the longest alone; (3 + 2) + 2 · 4 > 12 for the third.
    #expect(
      close(LengthSortedBatch(), [9, 3, 2, 1], count: 1, size: 4, tokens: 12) == [-1, 0, -1, 0])
    #expect(close(LengthSortedBatch(), [20, 9], count: 1, size: 4, tokens: 12) == [0, -1])
  }

  @Test("nobody joins later")
  func closed() {
    #expect(StaticBatch().next(waiting: Queue(prompts: [1]), running: 0) == nil)
  }
}
