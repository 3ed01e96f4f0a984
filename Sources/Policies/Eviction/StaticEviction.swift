// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Keeps the same blocks for ever: the most popular of each pool, or the first ones, as many as fit.
/// All others stream through.
///
/// The blocks that stay come when they are first used, or are installed before the start. Where a
/// pool shrinks, the least popular of them go and do not return.
public struct StaticEviction: EvictionPolicy {
  private let popularity: [Double]?
  private var stays: [Bool] = []
  private var rank: [Int32] = []
  private var offered: BlockID?

  /// Creates the rule.
  ///
  /// - Parameter popularity: how much each block is used, by block number, in any unit; without it
  ///   the first blocks of each pool (by layer, then by expert) stay.
  public init(popularity: [Double]? = nil) { self.popularity = popularity }

  /// Chooses the blocks that stay.
  public mutating func configure(for view: borrowing ResidencyView) {
    precondition(
      popularity.map { $0.count == view.blockCount } ?? true,
      "Popularity has one figure for each block.")
    let figures = popularity ?? [Double](repeating: 0, count: view.blockCount)
    let ordered = (0..<view.blockCount).sorted { (figures[$1], $0) < (figures[$0], $1) }
    stays = [Bool](repeating: false, count: view.blockCount)
    rank = [Int32](repeating: 0, count: view.blockCount)
    var room = (0..<view.poolCount).map { view.capacity(ofPool: $0) }
    for (position, index) in ordered.enumerated() {
      let block = BlockID(index)
      let cost = view.cost(of: block)
      rank[index] = Int32(position)
      guard cost <= room[view.pool(of: block)] else { continue }
      room[view.pool(of: block)] -= cost
      stays[index] = true
    }
    offered = nil
  }

  /// Whether a block is one of those that stay.
  public func admits(_ block: BlockID) -> Bool { stays[block.index] }

  /// Does nothing.
  public mutating func accessed(_ block: BlockID, weight: Float) {}

  /// Does nothing.
  public mutating func admitted(_ block: BlockID) {}

  /// Lets a block that had to go not return.
  public mutating func evicted(_ block: BlockID) {
    if block == offered { stays[block.index] = false }
    offered = nil
  }

  /// Forgets what was offered before, if it was not taken.
  public mutating func setBegan() { offered = nil }

  /// Does nothing.
  public mutating func reset() {}

  /// The least popular of the blocks that stay; asked for only when the pool has shrunk.
  ///
  /// - Complexity: O(blocks).
  public mutating func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID? {
    offered = nil
    for index in rank.indices {
      let block = BlockID(index)
      guard view.pool(of: block) == pool && view.isEvictable(block) else { continue }
      if let best = offered, rank[best.index] > rank[index] { continue }
      offered = block
    }
    return offered
  }

  static let registration = EvictionRegistration(
    name: "static",
    summary: "keeps the most popular experts (the first ones where popularity is not known)",
    usesPopularity: true
  ) { context in StaticEviction(popularity: context.popularity) }
}
