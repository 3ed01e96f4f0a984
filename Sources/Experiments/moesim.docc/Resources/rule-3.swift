// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Drops the block that got its room last, however often it was used since: one of the rules that
/// Pre-gated MoE's code offers for its cache (arXiv 2308.12066; ranggihwang/Pregated_MoE).
///
/// - Complexity: O(1) for each event; a choice passes over the blocks at the young end that may not
///   be dropped now. A pinned block leaves the order, and returns as the youngest.
public struct LIFOEviction: EvictionPolicy {
  private var lists = BlockLists(blocks: 0, lists: 0)
  private var pools: [Int32] = []

  /// Creates the rule.
  public init() {}

  /// Sizes the rule's storage.
  public mutating func configure(for view: borrowing ResidencyView) {
    lists = BlockLists(blocks: view.blockCount, lists: view.poolCount)
    pools = (0..<view.blockCount).map { Int32(view.pool(of: BlockID($0))) }
  }

  /// Does nothing: uses do not count.
  public mutating func accessed(_ block: BlockID, weight: Float) {}

  /// Puts a block at the young end.
  public mutating func admitted(_ block: BlockID) {
    lists.append(block, toList: Int(pools[block.index]))
  }

  /// Forgets a block.
  public mutating func evicted(_ block: BlockID) {
    if lists.contains(block) { lists.remove(block) }
  }

  /// Takes a pinned block out of the order.
  public mutating func pinned(_ block: BlockID) { evicted(block) }

  /// Puts a block back as the youngest.
  public mutating func unpinned(_ block: BlockID) {
    if !lists.contains(block) { admitted(block) }
  }

  /// Does nothing: arrival needs no memory beyond what is present.
  public mutating func reset() {}

  /// The youngest block that may be dropped.
  public mutating func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID? {
    lists.lastEvictable(ofList: pool, view: view)
  }

  static let registration = EvictionRegistration(
    name: "lifo", summary: "drops the expert that came last"
  ) { _ in LIFOEviction() }
}
