// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Priority queues of blocks, one for each pool, the largest key first and of equals the smallest
/// block number; keys can be changed in place.
///
/// For rules that give blocks a score. Nothing allocates after creation.
@frozen
public struct BlockHeap: Sendable {
  /// A block in a queue, with its key.
  @frozen
  @usableFromInline
  struct Entry: Sendable, BitwiseCopyable {
    @usableFromInline var key: UInt64
    @usableFromInline var block: Int32

    @usableFromInline
    init(key: UInt64, block: Int32) {
      self.key = key
      self.block = block
    }

    @inlinable
    func precedes(_ other: Entry) -> Bool {
      key == other.key ? block < other.block : key > other.key
    }
  }

  /// Where a block stands in `heap`, or -1.
  @usableFromInline var positions: [Int32] = []
  /// The heaps of all pools, one behind the other, each with room for all blocks of its pool.
  @usableFromInline var heap: [Entry] = []
  @usableFromInline var pools: [Int32] = []
  @usableFromInline var starts: [Int] = []
  @usableFromInline var counts: [Int] = []
  @usableFromInline var aside: [Entry] = []

  /// Creates empty queues for a tier's blocks and pools.
  public init(for view: borrowing ResidencyView) {
    let blocks = view.blockCount
    self.init(
      queues: (0..<blocks).map { Int32(view.pool(of: BlockID($0))) }, count: view.poolCount)
  }

  /// Creates empty queues of a rule's own making, for rules whose order within a part of a pool does
  /// not depend on the moment.
  ///
  /// - Parameters:
  ///   - queues: The queue of each block, by block number.
  ///   - count: The number of queues.
  public init(queues: [Int32], count: Int) {
    let blocks = queues.count
    positions = [Int32](repeating: -1, count: blocks)
    heap = [Entry](repeating: Entry(key: 0, block: 0), count: blocks)
    pools = queues
    var sizes = [Int](repeating: 0, count: count)
    for pool in pools { sizes[Int(pool)] += 1 }
    var start = 0
    for size in sizes {
      starts.append(start)
      start += size
    }
    counts = [Int](repeating: 0, count: count)
    aside.reserveCapacity(blocks)
  }

  /// Creates queues of nothing.
  public init() {}

  /// Whether a block is in its pool's queue.
  @inlinable
  public func contains(_ block: BlockID) -> Bool { positions[block.index] >= 0 }

  /// The blocks that are in queues, by number.
  ///
  /// - Complexity: O(blocks).
  public var members: [BlockID] { positions.indices.map { BlockID($0) }.filter(contains) }

  /// Puts a block into its pool's queue, or changes its key.
  ///
  /// - Complexity: O(log n) comparisons.
  @inlinable
  public mutating func set(_ key: UInt64, for block: BlockID) {
    let pool = Int(pools[block.index])
    var position = Int(positions[block.index])
    if position < 0 {
      position = starts[pool] + counts[pool]
      counts[pool] += 1
    } else if heap[position].key == key {
      return
    }
    settle(Entry(key: key, block: block.rawValue), at: position, pool: pool)
  }

  /// Takes a block out of its pool's queue.
  ///
  /// - Complexity: O(log n) comparisons.
  @inlinable
  public mutating func remove(_ block: BlockID) {
    let pool = Int(pools[block.index])
    let hole = Int(positions[block.index])
    precondition(hole >= 0, "Only a block that is in a queue can be taken out of it.")
    counts[pool] -= 1
    positions[block.index] = -1
    let last = starts[pool] + counts[pool]
    if hole != last { settle(heap[last], at: hole, pool: pool) }
  }

  /// The block of a pool with the largest key that may be dropped now.
  ///
  /// - Complexity: O(k log n) comparisons, where k blocks before it may not be dropped.
  @inlinable
  public mutating func firstEvictable(
    inPool pool: Int, view: borrowing ResidencyView
  ) -> BlockID? {
    var found: BlockID?
    while counts[pool] > 0 {
      let top = heap[starts[pool]]
      if view.isEvictable(BlockID(rawValue: top.block)) {
        found = BlockID(rawValue: top.block)
        break
      }
      remove(BlockID(rawValue: top.block))
      aside.append(top)
    }
    while let entry = aside.popLast() { set(entry.key, for: BlockID(rawValue: entry.block)) }
    return found
  }

  /// Puts an entry into a hole, or above or below it where it belongs.
  ///
  /// One check of each array's uniqueness serves the whole way; all positions lie between the
  /// pool's start and its end.
  @inlinable
  mutating func settle(_ entry: Entry, at position: Int, pool: Int) {
    let start = starts[pool]
    let end = start + counts[pool]
    heap.withUnsafeMutableBufferPointer { heap in
      positions.withUnsafeMutableBufferPointer { positions in
        var hole = position
        while hole > start {
          let parent = start + (hole - start - 1) / 4
          guard entry.precedes(heap[parent]) else { break }
          heap[hole] = heap[parent]
          positions[Int(heap[hole].block)] = Int32(truncatingIfNeeded: hole)
          hole = parent
        }
        while true {
          let first = start + 4 * (hole - start) + 1
          guard first < end else { break }
          var best = first
          var child = first + 1
          while child < min(first + 4, end) {
            if heap[child].precedes(heap[best]) { best = child }
            child += 1
          }
          guard heap[best].precedes(entry) else { break }
          heap[hole] = heap[best]
          positions[Int(heap[hole].block)] = Int32(truncatingIfNeeded: hole)
          hole = best
        }
        heap[hole] = entry
        positions[Int(entry.block)] = Int32(truncatingIfNeeded: hole)
      }
    }
  }
}
