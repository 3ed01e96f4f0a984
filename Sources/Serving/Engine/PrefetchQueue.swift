// SPDX-License-Identifier: GPL-3.0-or-later

internal import HeapModule
import Residency

/// What is to be fetched ahead and waits for its turn.
///
/// Only so many prefetches are under way at once; the others wait here, the most urgent first, of
/// equals the earlier. A block gets its room when its turn comes, not before. What a layer's gate
/// has overtaken is dropped when it is met.
struct PrefetchQueue {
  /// A block that waits.
  struct Entry: Comparable, BitwiseCopyable {
    var urgency: Float
    var number: UInt32
    var block: BlockID
    /// The generation of the block's layer when it was asked for.
    var generation: UInt32

    static func < (left: Entry, right: Entry) -> Bool {
      left.urgency == right.urgency ? left.number > right.number : left.urgency < right.urgency
    }
    static func == (left: Entry, right: Entry) -> Bool {
      left.urgency == right.urgency && left.number == right.number
    }
  }

  private var heap = Heap<Entry>()
  private var number: UInt32 = 0
  /// Changes when a layer's gate makes what waits for it stale.
  private var generations: [UInt32]
  /// The generation in which each block was last asked for, and still waits.
  private var waiting: [UInt32]
  private(set) var stale: UInt64 = 0

  /// An empty queue for a model's layers and blocks.
  init(layers: Int, blocks: Int) {
    generations = [UInt32](repeating: 1, count: layers)
    waiting = [UInt32](repeating: 0, count: blocks)
    heap.reserveCapacity(256)
  }

  var isEmpty: Bool { heap.isEmpty }

  /// Whether a block waits.
  func contains(_ block: BlockID, layer: Int) -> Bool {
    waiting[block.index] == generations[layer]
  }

  /// Adds a block, unless it waits already.
  ///
  /// - Complexity: O(log n).
  mutating func push(_ block: BlockID, layer: Int, urgency: Float) {
    guard !contains(block, layer: layer) else { return }
    waiting[block.index] = generations[layer]
    number &+= 1
    heap.insert(
      Entry(urgency: urgency, number: number, block: block, generation: generations[layer]))
  }

  /// Takes out the most urgent block that is not stale.
  ///
  /// - Complexity: O(log n) for each entry taken out.
  mutating func pop(layerOf: (BlockID) -> Int) -> BlockID? {
    while let entry = heap.popMax() {
      guard entry.generation == generations[layerOf(entry.block)] else {
        stale += 1
        continue
      }
      waiting[entry.block.index] = 0
      return entry.block
    }
    return nil
  }

  /// Keeps a block that found no room from being asked for again before its layer's gate.
  mutating func refuse(_ block: BlockID, layer: Int) {
    waiting[block.index] = generations[layer]
  }

  /// What waits for a layer, in the order in which it was asked for.
  ///
  /// - Complexity: O(n log n).
  func waiting(layer: Int, layerOf: (BlockID) -> Int) -> [BlockID] {
    heap.unordered.filter {
      $0.generation == generations[layer] && layerOf($0.block) == layer
    }.sorted { $0.number < $1.number }.map(\.block)
  }

  /// Makes stale all that waits for a layer.
  mutating func drop(layer: Int) { generations[layer] &+= 1 }

  /// Forgets stale entries, so that they do not pile up where the link never catches up.
  ///
  /// - Complexity: O(n), done when n has grown large.
  mutating func compact(layerOf: (BlockID) -> Int) {
    guard heap.count > 4096 else { return }
    let valid = heap.unordered.filter { $0.generation == generations[layerOf($0.block)] }
    stale += UInt64(heap.count - valid.count)
    heap = Heap(valid)
  }

  /// Forgets how many were stale.
  mutating func resetCount() { stale = 0 }
}
