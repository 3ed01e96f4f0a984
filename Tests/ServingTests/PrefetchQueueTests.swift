// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Testing

@testable import Serving

@Suite("Prefetch queue")
struct PrefetchQueueTests {
  private let layout = BlockLayout(layers: 3, experts: 4, bytesPerExpert: 1)

  private func drain(_ queue: inout PrefetchQueue) -> [Int] {
    var order: [Int] = []
    while let block = queue.pop(layerOf: { layout.layer(of: $0) }) { order.append(block.index) }
    return order
  }

  @Test("the most urgent goes first, of equals the earlier, each once")
  func order() {
    var queue = PrefetchQueue(layers: 3, blocks: layout.count)
    for (block, urgency) in [(5, 0.5), (1, 0.5), (7, 0.9), (5, 2), (0, 0.1)] {
      queue.push(BlockID(block), layer: layout.layer(of: BlockID(block)), urgency: Float(urgency))
    }
    #expect(queue.contains(BlockID(5), layer: 1))
    #expect(drain(&queue) == [7, 5, 1, 0])
    #expect(queue.isEmpty && !queue.contains(BlockID(5), layer: 1))
  }

  @Test("what a gate has overtaken is not handed out, and may be asked for anew")
  func stale() {
    var queue = PrefetchQueue(layers: 3, blocks: layout.count)
    for block in [0, 4, 1, 5] {
      queue.push(BlockID(block), layer: layout.layer(of: BlockID(block)), urgency: 0)
    }
    queue.drop(layer: 0)
    queue.push(BlockID(1), layer: 0, urgency: 0)
    #expect(drain(&queue) == [4, 5, 1])
    #expect(queue.stale == 2)
  }

  @Test("what found no room is not asked for again before its gate")
  func refused() {
    var queue = PrefetchQueue(layers: 3, blocks: layout.count)
    queue.refuse(BlockID(2), layer: 0)
    queue.push(BlockID(2), layer: 0, urgency: 1)
    #expect(drain(&queue).isEmpty)
    queue.drop(layer: 0)
    queue.push(BlockID(2), layer: 0, urgency: 1)
    #expect(drain(&queue) == [2])
  }
}
