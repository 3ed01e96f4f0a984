// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Priority queues of blocks, one for each pool, the largest key first and of equals the smallest
/// block number; keys can be changed in place.
///
/// For rules that give blocks a score. Nothing allocates after creation.
@frozen
public struct BlockHeap: Sendable {
  @usableFromInline var keys: [UInt64] = []
  /// Where a block stands in `heap`, or -1.
  @usableFromInline var positions: [Int32] = []
  /// The heaps of all pools, one behind the other, each with room for all blocks of its pool.
  @usableFromInline var heap: [Int32] = []
  @usableFromInline var pools: [Int32] = []
  @usableFromInline var starts: [Int] = []
  @usableFromInline var counts: [Int] = []
  @usableFromInline var aside: [BlockID] = []

  /// Creates empty queues for a tier's blocks and pools.
  public init(for view: borrowing ResidencyView) {
    let blocks = view.blockCount
    keys = [UInt64](repeating: 0, count: blocks)
    positions = [Int32](repeating: -1, count: blocks)
    heap = [Int32](repeating: 0, count: blocks)
    pools = (0..<blocks).map { Int32(view.pool(of: BlockID($0))) }
    var sizes = [Int](repeating: 0, count: view.poolCount)
    for pool in pools { sizes[Int(pool)] += 1 }
    var start = 0
    for size in sizes {
      starts.append(start)
      start += size
    }
    counts = [Int](repeating: 0, count: view.poolCount)
    aside.reserveCapacity(blocks)
  }

  /// Creates queues of nothing.
  public init() {}

  /// Whether a block is in its pool's queue.
  @inlinable
  public func contains(_ block: BlockID) -> Bool { positions[block.index] >= 0 }

  /// The key that a block was last given.
  @inlinable
  public func key(of block: BlockID) -> UInt64 { keys[block.index] }

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
    keys[block.index] = key
    if positions[block.index] < 0 {
      let last = starts[pool] + counts[pool]
      counts[pool] += 1
      heap[last] = block.rawValue
      positions[block.index] = Int32(truncatingIfNeeded: last)
    }
    let settled = siftUp(Int(positions[block.index]), pool: pool)
    siftDown(settled, pool: pool)
  }

  /// Takes a block out of its pool's queue.
  ///
  /// - Complexity: O(log n) comparisons.
  @inlinable
  public mutating func remove(_ block: BlockID) {
    let pool = Int(pools[block.index])
    let hole = Int(positions[block.index])
    counts[pool] -= 1
    positions[block.index] = -1
    let last = starts[pool] + counts[pool]
    if hole == last { return }
    let moved = heap[last]
    heap[hole] = moved
    positions[Int(moved)] = Int32(truncatingIfNeeded: hole)
    let settled = siftUp(hole, pool: pool)
    siftDown(settled, pool: pool)
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
      let top = BlockID(rawValue: heap[starts[pool]])
      if view.isEvictable(top) {
        found = top
        break
      }
      remove(top)
      aside.append(top)
    }
    while let block = aside.popLast() { set(keys[block.index], for: block) }
    return found
  }

  @inlinable
  func precedes(_ left: Int32, _ right: Int32) -> Bool {
    let leftKey = keys[Int(left)]
    let rightKey = keys[Int(right)]
    return leftKey == rightKey ? left < right : leftKey > rightKey
  }

  @inlinable
  mutating func siftUp(_ position: Int, pool: Int) -> Int {
    let start = starts[pool]
    let moving = heap[position]
    var hole = position
    while hole > start {
      let parent = start + (hole - start - 1) / 4
      guard precedes(moving, heap[parent]) else { break }
      heap[hole] = heap[parent]
      positions[Int(heap[hole])] = Int32(truncatingIfNeeded: hole)
      hole = parent
    }
    heap[hole] = moving
    positions[Int(moving)] = Int32(truncatingIfNeeded: hole)
    return hole
  }

  @inlinable
  mutating func siftDown(_ position: Int, pool: Int) {
    let start = starts[pool]
    let end = start + counts[pool]
    let moving = heap[position]
    var hole = position
    while true {
      let first = start + 4 * (hole - start) + 1
      guard first < end else { break }
      var best = first
      var child = first + 1
      while child < min(first + 4, end) {
        if precedes(heap[child], heap[best]) { best = child }
        child += 1
      }
      guard precedes(heap[best], moving) else { break }
      heap[hole] = heap[best]
      positions[Int(heap[hole])] = Int32(truncatingIfNeeded: hole)
      hole = best
    }
    heap[hole] = moving
    positions[Int(moving)] = Int32(truncatingIfNeeded: hole)
  }
}
