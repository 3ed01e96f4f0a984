// SPDX-License-Identifier: GPL-3.0-or-later

/// The blocks of one tier of memory (HBM, or DRAM above a drive): states, pools, pins, leases, and
/// the eviction rule.
///
/// Three tiers are three values. The tier decides and accounts; it knows no time. Whoever moves the
/// bytes says when chunks arrive:
///
/// 1. `reserve` gives an absent block its room, evicting until it fits; the block is `loading`.
/// 2. `complete` (or `chunkArrived` for each chunk) makes it `resident`; `abandon` gives the room
///    back; `suspend` stops half-way and keeps the chunks that are here.
/// 3. Later reservations evict it, or `drop` does. Where evictions are written back, it is
///    `evicting` until `finishEviction`.
///
/// A block that is on its way, pinned, leased, or a member of the current set is never evicted. The
/// present blocks of a pool never take more than its capacity.
///
/// - Complexity: O(1) for each operation beyond what the rule's choice of a victim costs; nothing
///   allocates after the tier's creation, except where an array passed in must grow.
@frozen
public struct ResidencyTier: Sendable {
  @usableFromInline var table: ResidencyView
  @usableFromInline var eviction: any EvictionPolicy

  /// Whether an evicted block must be written to the tier below before its bytes are gone.
  public let writesBack: Bool

  /// Creates an empty tier.
  ///
  /// - Parameters:
  ///   - layout: the blocks.
  ///   - pools: how the tier's room is divided.
  ///   - eviction: the rule that chooses victims; the tier configures its own copy.
  ///   - writesBack: whether evicted blocks are `evicting` until `finishEviction`.
  public init(
    layout: BlockLayout, pools: PoolPlan, eviction: any EvictionPolicy, writesBack: Bool = false
  ) {
    table = ResidencyView(layout: layout, plan: pools)
    self.eviction = eviction
    self.writesBack = writesBack
    self.eviction.configure(for: table)
  }

  /// What can be read of the tier.
  @inlinable
  public var view: ResidencyView {
    _read { yield table }
  }

  /// The blocks.
  @inlinable
  public var layout: BlockLayout {
    _read { yield table.layout }
  }

  // MARK: Reading

  /// Where a block stands.
  @inlinable
  public func state(_ block: BlockID) -> BlockState { table.blocks[block.index].state }

  /// Whether all of a block is here.
  @inlinable
  public func isResident(_ block: BlockID) -> Bool { table.isResident(block) }

  // MARK: Uses

  /// Begins a new access event: the members of the set before it are no longer protected.
  @inlinable
  public mutating func beginSet() {
    if table.epoch == .max { restartEpochs() }
    table.epoch &+= 1
    eviction.setBegan()
  }

  /// Makes a block a member of the current set, which protects it until the next `beginSet`.
  @inlinable
  public mutating func markMember(_ block: BlockID) {
    table.blocks[block.index].epoch = table.epoch
  }

  /// Tells the rule that a block is used, present or not.
  @inlinable
  public mutating func touch(_ block: BlockID, weight: Float = 0) {
    eviction.accessed(block, weight: weight)
  }

  /// Tells the rule that a forward pass begins.
  @inlinable
  public mutating func beginStep() { eviction.stepBegan() }

  /// Tells the rule which layer a forward pass has reached.
  @inlinable
  public mutating func beginLayer(_ layer: Int) { eviction.layerBegan(layer) }

  /// Tells the rule what a predictor expects of a block.
  @inlinable
  public mutating func predict(_ block: BlockID, probability: Float) {
    eviction.predicted(block, probability: probability)
  }

  /// Ends the rule's memory (use counts, for instance) at a sequence boundary. Blocks stay.
  public mutating func resetEviction() { eviction.reset() }

  /// Whether the rule gives a block room at all.
  @inlinable
  public func admits(_ block: BlockID) -> Bool { eviction.admits(block) }

  @usableFromInline
  mutating func restartEpochs() {
    for index in table.blocks.indices { table.blocks[index].epoch = 0 }
    for index in table.pools.indices { table.pools[index].setEpoch = 0 }
    table.epoch = 1
  }
}
