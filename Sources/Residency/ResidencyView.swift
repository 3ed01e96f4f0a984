// SPDX-License-Identifier: GPL-3.0-or-later

/// What can be read of a tier: the state of each block and the room of each pool.
///
/// Policies get it `borrowing`; do not keep a copy of it across a change of the tier, which would
/// make the tier copy its storage.
@frozen
public struct ResidencyView: Sendable {
  /// What a tier knows of one block.
  @frozen
  @usableFromInline
  struct Block: Sendable, BitwiseCopyable {
    /// What the block takes of its pool, in the pool's unit.
    @usableFromInline var cost: Int64
    @usableFromInline var bytes: Int64
    /// The epoch of the last set that the block is a member of.
    @usableFromInline var epoch: UInt32
    @usableFromInline var pool: Int32
    @usableFromInline var pins: UInt16
    @usableFromInline var leases: UInt16
    @usableFromInline var state: BlockState
    @usableFromInline var chunks: UInt8
    @usableFromInline var chunkCount: UInt8

    @usableFromInline
    init(cost: Int64, bytes: Int64, pool: Int, chunkCount: Int) {
      self.cost = cost
      self.bytes = bytes
      epoch = 0
      self.pool = Int32(pool)
      pins = 0
      leases = 0
      state = .absent
      chunks = 0
      self.chunkCount = UInt8(chunkCount)
    }

    /// Whether the block has room of its own: on its way, here, or here in part.
    @inlinable
    var isPresent: Bool { state == .resident || state == .loading || state == .partial }

    /// Whether the block is present and nothing may take its room away for now.
    @inlinable
    var isLocked: Bool { isPresent && (state == .loading || (pins | leases) != 0) }
  }

  /// What a tier knows of one pool, in the plan's unit.
  @frozen
  @usableFromInline
  struct Pool: Sendable, BitwiseCopyable {
    @usableFromInline var capacity: Int64
    /// Taken by blocks that are present.
    @usableFromInline var used: Int64 = 0
    /// Taken by blocks on their way out.
    @usableFromInline var departing: Int64 = 0
    /// Taken by blocks that are present and locked.
    @usableFromInline var locked: Int64 = 0
    @usableFromInline var highWater: Int64 = 0
    /// Bytes of the blocks that are present.
    @usableFromInline var bytes: Int64 = 0
    @usableFromInline var blocks: Int = 0
    /// What the unlocked members of the current set take together.
    @usableFromInline var setNeed: Int64 = 0
    @usableFromInline var setEpoch: UInt32 = 0

    @usableFromInline
    init(capacity: Int64) { self.capacity = capacity }
  }

  /// The blocks.
  public let layout: BlockLayout
  /// How the tier's room was divided.
  public let plan: PoolPlan

  @usableFromInline var blocks: [Block]
  @usableFromInline var pools: [Pool]
  @usableFromInline var epoch: UInt32

  init(layout: BlockLayout, plan: PoolPlan) {
    self.layout = layout
    self.plan = plan
    epoch = 1
    pools = (0..<plan.poolCount(for: layout)).map {
      Pool(capacity: plan.capacity(ofPool: $0, in: layout))
    }
    blocks = (0..<layout.count).map { index in
      let block = BlockID(index)
      return Block(
        cost: plan.unit == .slots ? 1 : layout.bytes(of: block), bytes: layout.bytes(of: block),
        pool: plan.pool(
          layer: layout.layer(of: block), expert: layout.expert(of: block),
          version: layout.version(of: block), in: layout),
        chunkCount: layout.chunkCount(of: block))
    }
  }

  /// The number of blocks.
  @inlinable
  public var blockCount: Int { blocks.count }

  /// The number of pools.
  @inlinable
  public var poolCount: Int { pools.count }

  /// Where a block stands.
  @inlinable
  public func state(_ block: BlockID) -> BlockState { blocks[block.index].state }

  /// Whether all of a block is here.
  @inlinable
  public func isResident(_ block: BlockID) -> Bool { blocks[block.index].state == .resident }

  /// Whether a block has room: it is here, here in part, or on its way.
  @inlinable
  public func isPresent(_ block: BlockID) -> Bool { blocks[block.index].isPresent }

  /// The number of a block's chunks that have arrived.
  @inlinable
  public func arrivedChunks(of block: BlockID) -> Int { Int(blocks[block.index].chunks) }

  /// The pool that a block takes its room from.
  @inlinable
  public func pool(of block: BlockID) -> Int { Int(blocks[block.index].pool) }

  /// What a block takes of its pool, in the plan's unit.
  @inlinable
  public func cost(of block: BlockID) -> Int64 { blocks[block.index].cost }

  /// Whether a block has at least one pin.
  @inlinable
  public func isPinned(_ block: BlockID) -> Bool { blocks[block.index].pins != 0 }

  /// Whether a block has at least one lease.
  @inlinable
  public func isLeased(_ block: BlockID) -> Bool { blocks[block.index].leases != 0 }

  /// Whether a block is a member of the current set.
  @inlinable
  public func isInCurrentSet(_ block: BlockID) -> Bool { blocks[block.index].epoch == epoch }

  /// Whether a block may be dropped now: here (or here in part), without pins and leases, and no
  /// member of the current set.
  @inlinable
  public func isEvictable(_ block: BlockID) -> Bool {
    let record = blocks[block.index]
    return (record.state == .resident || record.state == .partial)
      && (record.pins | record.leases) == 0 && record.epoch != epoch
  }

  /// The capacity of a pool, in the plan's unit.
  @inlinable
  public func capacity(ofPool pool: Int) -> Int64 { pools[pool].capacity }

  /// What the present blocks of a pool take, in the plan's unit. Never above the capacity.
  @inlinable
  public func used(inPool pool: Int) -> Int64 { pools[pool].used }

  /// What a pool has left, in the plan's unit.
  @inlinable
  public func free(inPool pool: Int) -> Int64 { pools[pool].capacity - pools[pool].used }

  /// What blocks that are being written back still take, in the plan's unit.
  @inlinable
  public func departing(inPool pool: Int) -> Int64 { pools[pool].departing }

  /// What present blocks that nothing may drop for now take, in the plan's unit: those on their
  /// way, pinned or leased.
  @inlinable
  public func locked(inPool pool: Int) -> Int64 { pools[pool].locked }

  /// The most that a pool's present blocks ever took, in the plan's unit.
  @inlinable
  public func highWater(ofPool pool: Int) -> Int64 { pools[pool].highWater }

  /// The bytes of a pool's present blocks, whatever the plan's unit.
  @inlinable
  public func usedBytes(inPool pool: Int) -> Int64 { pools[pool].bytes }

  /// The number of a pool's present blocks.
  @inlinable
  public func presentBlocks(inPool pool: Int) -> Int { pools[pool].blocks }
}
