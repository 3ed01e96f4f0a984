// SPDX-License-Identifier: GPL-3.0-or-later

extension ResidencyTier {
  /// Pins a block for long: once present it stays until as many `unpin`s. May be absent.
  public mutating func pin(_ block: BlockID) {
    let before = table.blocks[block.index]
    precondition(before.pins < .max, "A block has at most 65,535 pins.")
    table.blocks[block.index].pins = before.pins + 1
    updateLocked(block, before: before)
    if before.pins == 0 && before.isPresent { eviction.pinned(block) }
  }

  /// Takes one pin away.
  public mutating func unpin(_ block: BlockID) {
    let before = table.blocks[block.index]
    precondition(before.pins > 0, "Only a pinned block can be unpinned.")
    table.blocks[block.index].pins = before.pins - 1
    updateLocked(block, before: before)
    if before.pins == 1 && before.isPresent { eviction.unpinned(block) }
  }

  /// Shields a block for a short time: while it is used, or until a prefetch has served.
  @inlinable
  public mutating func lease(_ block: BlockID) {
    let before = table.blocks[block.index]
    precondition(before.leases < .max, "A block has at most 65,535 leases.")
    table.blocks[block.index].leases = before.leases + 1
    updateLocked(block, before: before)
  }

  /// Ends one lease.
  @inlinable
  public mutating func unlease(_ block: BlockID) {
    let before = table.blocks[block.index]
    precondition(before.leases > 0, "Only a leased block can end a lease.")
    table.blocks[block.index].leases = before.leases - 1
    updateLocked(block, before: before)
  }

  @inlinable
  mutating func updateLocked(_ block: BlockID, before: ResidencyView.Block) {
    let now = table.blocks[block.index]
    if before.isLocked == now.isLocked { return }
    table.pools[Int(now.pool)].locked += now.isLocked ? now.cost : -now.cost
  }

  /// Changes a pool's capacity, evicting as far as that is possible when it shrinks.
  ///
  /// Where what is on its way, pinned, leased or in the current set takes more than was asked for,
  /// the capacity becomes what they take; ask again when they are free.
  ///
  /// - Parameters:
  ///   - pool: the pool.
  ///   - capacity: what it is to hold from now on, in the plan's unit, not negative.
  ///   - evicted: receives the blocks that lost their room.
  public mutating func setCapacity(
    ofPool pool: Int, to capacity: Int64, evicted: inout [BlockID]
  ) -> CapacityChange {
    precondition(capacity >= 0, "A pool's capacity is not negative.")
    while table.pools[pool].used > capacity {
      guard let victim = eviction.victim(in: pool, view: table) else { break }
      precondition(
        table.isEvictable(victim) && table.pool(of: victim) == pool,
        "An eviction rule may only choose an evictable block of the pool.")
      leave(victim, to: writesBack ? .evicting : .absent)
      evicted.append(victim)
    }
    table.pools[pool].capacity = max(capacity, table.pools[pool].used)
    return CapacityChange(
      requested: capacity, capacity: table.pools[pool].capacity,
      departing: table.pools[pool].departing)
  }
}
