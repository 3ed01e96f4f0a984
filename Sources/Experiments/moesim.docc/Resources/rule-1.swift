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
}
