// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Drops the block whose next use is furthest ahead, which it must be told: the offline bound
/// (L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
/// Journal 5(2), 1966, DOI 10.1147/sj.52.0078).
///
/// No rule that must take in what is used can have more hits, as long as every block takes the same
/// of its pool. With blocks of unequal size it is a good rule and no bound.
///
/// - Complexity: O(log n) comparisons for a use and a choice, n blocks being in the pool.
public struct BeladyEviction<Oracle: NextUseOracle>: EvictionPolicy {
  /// The rule's name in the registry.
  public static var name: String { "belady" }

  private var oracle: Oracle
  private var heap = BlockHeap()

  /// Creates the rule with its knowledge of the future.
  public init(oracle: Oracle) { self.oracle = oracle }

  /// Sizes the rule's storage.
  public mutating func configure(for view: borrowing ResidencyView) { heap = BlockHeap(for: view) }

  /// Goes on in time.
  public mutating func setBegan() { oracle.eventBegan() }

  /// Looks again where the future has changed.
  public mutating func stepBegan() {
    guard oracle.takeChange() else { return }
    for block in heap.members { heap.set(oracle.nextUse(of: block), for: block) }
  }

  /// Looks for the block's next use.
  public mutating func accessed(_ block: BlockID, weight: Float) {
    if heap.contains(block) { heap.set(oracle.nextUse(of: block), for: block) }
  }

  /// Looks for the block's next use.
  public mutating func admitted(_ block: BlockID) {
    heap.set(oracle.nextUse(of: block), for: block)
  }

  /// Forgets a block.
  public mutating func evicted(_ block: BlockID) {
    if heap.contains(block) { heap.remove(block) }
  }

  /// Takes a pinned block out of the order.
  public mutating func pinned(_ block: BlockID) { evicted(block) }

  /// Puts a block back.
  public mutating func unpinned(_ block: BlockID) { admitted(block) }

  /// Does nothing: the future does not depend on the past.
  public mutating func reset() {}

  /// The block that is used again last of all that may be dropped.
  public mutating func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID? {
    heap.firstEvictable(inPool: pool, view: view)
  }
}

/// The registration of Belady's rule, which stands outside the generic type.
enum BeladyRegistration {
  static let registration = EvictionRegistration(
    name: "belady", summary: "drops the expert whose next use is furthest ahead (offline bound)",
    needsFuture: true
  ) { context in
    guard let future = context.future else { throw EvictionError.needsFuture(name: "belady") }
    return make(oracle: future)
  }

  private static func make(oracle: some NextUseOracle) -> any EvictionPolicy {
    BeladyEviction(oracle: oracle)
  }
}
