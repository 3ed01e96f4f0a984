// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Drops the block whose last use lies furthest back; a block that was fetched ahead and not used
/// yet counts as used when it got its room.
///
/// - Complexity: O(1) for each event; a choice passes over the blocks at the old end that may not
///   be dropped now. A pinned block leaves the order, and returns as the most recent.
@frozen
public struct LRUEviction: EvictionPolicy {
  @usableFromInline var lists = BlockLists(blocks: 0, lists: 0)
  @usableFromInline var pools: [Int32] = []

  /// Creates the rule.
  public init() {}

  /// Sizes the rule's storage.
  public mutating func configure(for view: borrowing ResidencyView) {
    lists = BlockLists(blocks: view.blockCount, lists: view.poolCount)
    pools = (0..<view.blockCount).map { Int32(view.pool(of: BlockID($0))) }
  }

  /// Makes a present block the most recent.
  @inlinable
  public mutating func accessed(_ block: BlockID, weight: Float) {
    lists.moveToEnd(block, ofList: Int(pools[block.index]))
  }

  /// Puts a block into the order as the most recent.
  @inlinable
  public mutating func admitted(_ block: BlockID) {
    lists.append(block, toList: Int(pools[block.index]))
  }

  /// Forgets a block.
  @inlinable
  public mutating func evicted(_ block: BlockID) {
    if lists.contains(block) { lists.remove(block) }
  }

  /// Takes a pinned block out of the order.
  public mutating func pinned(_ block: BlockID) { evicted(block) }

  /// Puts a block back as the most recent.
  public mutating func unpinned(_ block: BlockID) {
    if !lists.contains(block) { admitted(block) }
  }

  /// Does nothing: recency needs no memory beyond what is present.
  public mutating func reset() {}

  /// The least recently used block that may be dropped.
  @inlinable
  public mutating func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID? {
    lists.firstEvictable(ofList: pool, view: view)
  }

  static let registration = EvictionRegistration(
    name: "lru", summary: "drops the expert whose last use lies furthest back"
  ) { _ in LRUEviction() }
}
