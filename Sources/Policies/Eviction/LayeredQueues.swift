// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// The present blocks of each pool and layer by a number of their own, the smallest first.
///
/// For rules whose score is a block's own number, scaled and shifted by what holds for all blocks of
/// a layer at the moment: within a layer the order by number is the order by score, and the victim
/// is the best of the layers' first ones.
struct LayeredQueues: Sendable {
  private var heap = BlockHeap()
  private var queues: [Int32] = []
  private var layers = 0

  /// Empty queues of nothing.
  init() {}

  /// Empty queues for a tier's blocks.
  init(for view: borrowing ResidencyView) {
    layers = view.layout.layers
    queues = (0..<view.blockCount).map { index in
      let block = BlockID(index)
      return Int32(view.pool(of: block) * view.layout.layers + view.layout.layer(of: block))
    }
    heap = BlockHeap(queues: queues, count: view.poolCount * layers)
  }

  /// Whether a block is in its queue.
  func contains(_ block: BlockID) -> Bool { heap.contains(block) }

  /// Puts a block into its queue, or changes its number, which is not negative.
  ///
  /// - Complexity: O(log n) comparisons for n blocks of its pool and layer.
  mutating func set(_ number: Double, for block: BlockID) {
    heap.set(~number.bitPattern, for: block)
  }

  /// Takes a block out of its queue, if it is there.
  mutating func remove(_ block: BlockID) {
    if heap.contains(block) { heap.remove(block) }
  }

  /// The block of a pool with the least score that may be dropped; of equals the smallest number.
  ///
  /// - Parameter score: A block's score.
  /// - Complexity: O(layers), and what passing over blocks that may not be dropped costs.
  mutating func least(
    in pool: Int, view: borrowing ResidencyView, score: (BlockID) -> Double
  ) -> BlockID? {
    var found: BlockID?
    var lowest = Double.infinity
    for layer in 0..<layers {
      guard let block = heap.firstEvictable(inPool: pool * layers + layer, view: view) else {
        continue
      }
      let value = score(block)
      if found == nil || value < lowest || (value == lowest && block < found!) {
        found = block
        lowest = value
      }
    }
    return found
  }
}
