// SPDX-License-Identifier: GPL-3.0-or-later

extension ResidencyTier {
  /// Asks for a block's room, evicting others of its pool until it fits.
  ///
  /// - Parameters:
  ///   - block: the block to be fetched.
  ///   - evicted: receives the blocks that lost their room for it, in order. In a tier that writes
  ///     back they are `evicting`: what lands in their room must wait for `finishEviction`, or go
  ///     through a staging buffer.
  /// - Returns: whether there is something to fetch. Without room nothing is evicted.
  @inlinable
  public mutating func reserve(_ block: BlockID, evicted: inout [BlockID]) -> Reservation {
    let record = table.blocks[block.index]
    switch record.state {
    case .absent: break
    case .resident: return .resident
    case .loading: return .inFlight
    case .evicting: return .departing
    case .partial:
      if (record.pins | record.leases) == 0 {
        table.pools[Int(record.pool)].locked += record.cost
      }
      table.blocks[block.index].state = .loading
      return .resumed
    }
    guard eviction.admits(block) else { return .refused }
    guard makeRoom(record.cost, inPool: Int(record.pool), evicted: &evicted) else {
      return .noRoom
    }
    admit(block)
    return .reserved
  }

  /// Puts a block into place at once: for what is there at the start, and for replays without time.
  ///
  /// - Returns: what `reserve` answered; after `reserved` and `resumed` the block is resident.
  @inlinable
  @discardableResult
  public mutating func install(_ block: BlockID, evicted: inout [BlockID]) -> Reservation {
    let reservation = reserve(block, evicted: &evicted)
    if reservation.needsTransfer { complete(block) }
    return reservation
  }

  /// A chunk of a loading block has arrived.
  ///
  /// - Returns: whether the block is resident with it.
  @inlinable
  @discardableResult
  public mutating func chunkArrived(_ block: BlockID) -> Bool {
    let record = table.blocks[block.index]
    precondition(record.state == .loading, "Chunks arrive only for a block that is loading.")
    table.blocks[block.index].chunks = record.chunks + 1
    guard record.chunks + 1 == record.chunkCount else { return false }
    finishLoading(block)
    return true
  }

  /// All of a loading block has arrived.
  @inlinable
  public mutating func complete(_ block: BlockID) {
    let record = table.blocks[block.index]
    precondition(record.state == .loading, "Only a block that is loading can be completed.")
    table.blocks[block.index].chunks = record.chunkCount
    finishLoading(block)
  }

  /// Stops a load between two chunks and keeps those that are here; without any, abandons it.
  ///
  /// A partial block keeps its room and may be evicted; `reserve` takes its load up again.
  public mutating func suspend(_ block: BlockID) {
    let record = table.blocks[block.index]
    precondition(record.state == .loading, "Only a block that is loading can be suspended.")
    guard record.chunks > 0 else { return abandon(block) }
    table.blocks[block.index].state = .partial
    if (record.pins | record.leases) == 0 { table.pools[Int(record.pool)].locked -= record.cost }
  }

  /// Gives up a load: its room is free, the chunks that came are lost.
  public mutating func abandon(_ block: BlockID) {
    precondition(state(block) == .loading, "Only a block that is loading can be abandoned.")
    leave(block, to: .absent)
  }

  /// Drops a block that is here, or here in part, though nobody needs its room.
  ///
  /// Membership of the current set does not protect it from its owner's own wish.
  public mutating func drop(_ block: BlockID) {
    let record = table.blocks[block.index]
    precondition(
      record.state == .resident || record.state == .partial,
      "Only a block that is here can be dropped.")
    precondition((record.pins | record.leases) == 0, "A pinned or leased block is not dropped.")
    leave(block, to: writesBack ? .evicting : .absent)
  }

  /// Drops every block that is neither on its way, pinned nor leased.
  ///
  /// - Complexity: O(blocks).
  public mutating func clear(evicted: inout [BlockID]) {
    for index in table.blocks.indices {
      let record = table.blocks[index]
      guard record.isPresent && !record.isLocked else { continue }
      drop(BlockID(index))
      evicted.append(BlockID(index))
    }
  }

  /// The write-back of an evicted block has ended.
  public mutating func finishEviction(_ block: BlockID) {
    let record = table.blocks[block.index]
    precondition(record.state == .evicting, "Only a block that is being evicted can finish it.")
    table.blocks[block.index].state = .absent
    table.blocks[block.index].chunks = 0
    table.pools[Int(record.pool)].departing -= record.cost
  }

  /// Takes back a block whose write-back is still under way, if its pool can make room.
  ///
  /// - Returns: whether the block is resident again (or in part, if that is how it left).
  public mutating func rescue(_ block: BlockID, evicted: inout [BlockID]) -> Bool {
    let record = table.blocks[block.index]
    precondition(record.state == .evicting, "Only a block that is being evicted can be rescued.")
    guard eviction.admits(block) else { return false }
    guard makeRoom(record.cost, inPool: Int(record.pool), evicted: &evicted) else { return false }
    table.pools[Int(record.pool)].departing -= record.cost
    admit(block)
    table.blocks[block.index].chunks = record.chunks
    if record.chunks == record.chunkCount {
      finishLoading(block)
    } else {
      suspend(block)
    }
    return true
  }

  /// Evicts until a pool has the given room.
  ///
  /// Victims are first chosen and only then told of, so that a failure changes nothing.
  @inlinable
  mutating func makeRoom(_ cost: Int64, inPool pool: Int, evicted: inout [BlockID]) -> Bool {
    var free = table.free(inPool: pool)
    if free >= cost { return true }
    if table.capacity(ofPool: pool) - table.locked(inPool: pool) < cost { return false }
    let first = evicted.count
    while free < cost {
      guard let victim = eviction.victim(in: pool, view: table) else {
        restoreVictims(from: first, of: &evicted)
        return false
      }
      let record = table.blocks[victim.index]
      precondition(
        table.isEvictable(victim) && record.pool == Int32(truncatingIfNeeded: pool),
        "An eviction rule may only choose an evictable block of the pool.")
      table.blocks[victim.index].state = .evicting
      free += record.cost
      evicted.append(victim)
    }
    var index = first
    while index < evicted.count {
      leave(evicted[index], to: writesBack ? .evicting : .absent)
      index += 1
    }
    return true
  }

  @usableFromInline
  mutating func restoreVictims(from first: Int, of evicted: inout [BlockID]) {
    for victim in evicted[first...] {
      let record = table.blocks[victim.index]
      table.blocks[victim.index].state = record.chunks == record.chunkCount ? .resident : .partial
    }
    evicted.removeSubrange(first...)
  }

  /// Gives a block its room, which must be free.
  @inlinable
  mutating func admit(_ block: BlockID) {
    let pins = edit(block) { record, pool in
      record.state = .loading
      record.chunks = 0
      pool.used += record.cost
      pool.locked += record.cost
      pool.bytes += record.bytes
      pool.blocks += 1
      if pool.used > pool.highWater { pool.highWater = pool.used }
      return record.pins
    }
    eviction.admitted(block)
    if pins != 0 { eviction.pinned(block) }
  }

  @inlinable
  mutating func finishLoading(_ block: BlockID) {
    edit(block) { record, pool in
      record.state = .resident
      if (record.pins | record.leases) == 0 { pool.locked -= record.cost }
    }
  }

  /// Takes a block's room away.
  @inlinable
  mutating func leave(_ block: BlockID, to state: BlockState) {
    edit(block) { record, pool in
      if record.isLocked { pool.locked -= record.cost }
      pool.used -= record.cost
      pool.bytes -= record.bytes
      pool.blocks -= 1
      if state == .evicting {
        pool.departing += record.cost
      } else {
        record.chunks = 0
      }
      record.state = state
    }
    eviction.evicted(block)
  }

  /// Gives access to a block's record and its pool's with one check of each array's uniqueness.
  ///
  /// The block's number is checked; the pool's is this type's own.
  @inlinable
  @inline(__always)
  mutating func edit<Result>(
    _ block: BlockID,
    _ body: (_ record: inout ResidencyView.Block, _ pool: inout ResidencyView.Pool) -> Result
  ) -> Result {
    let index = block.index
    precondition(index >= 0 && index < table.blocks.count, "A block is one of the layout.")
    return table.blocks.withUnsafeMutableBufferPointer { blocks in
      table.pools.withUnsafeMutableBufferPointer { pools in
        let pool = Int(blocks[index].pool)
        return body(&blocks[index], &pools[pool])
      }
    }
  }
}
