// SPDX-License-Identifier: GPL-3.0-or-later

extension ResidencyTier {
  /// What becomes of a member of a set that is larger than its pool.
  @usableFromInline
  enum Keeping {
    /// It has room, or may get it.
    case keeps
    /// It has none and gets none.
    case getsNone
    /// It had room and has lost it.
    case dropped
  }

  /// Begins a set, protects its members, and says how each is found.
  ///
  /// One check of each array's uniqueness serves the whole set; block numbers are still checked.
  @inlinable
  mutating func judge(
    _ members: [SetMember], into outcomes: inout [MemberOutcome]
  ) -> (hits: Int, late: Int) {
    beginSet()
    while outcomes.count < members.count { outcomes.append(.hit) }
    if outcomes.count > members.count { outcomes.removeLast(outcomes.count - members.count) }
    let epoch = table.epoch
    var (hits, late) = (0, 0)
    table.blocks.withUnsafeMutableBufferPointer { blocks in
      outcomes.withUnsafeMutableBufferPointer { outcomes in
        var place = 0
        for member in members {
          let index = member.block.index
          precondition(index >= 0 && index < blocks.count, "A member is a block of the layout.")
          blocks[index].epoch = epoch
          switch blocks[index].state {
          case .resident:
            hits += 1
            outcomes[place] = .hit
          case .loading:
            late += 1
            outcomes[place] = .late
          default:
            outcomes[place] = .fetched
          }
          place += 1
        }
      }
    }
    return (hits, late)
  }

  /// Tells the rule of the uses of a whole set.
  @inlinable
  mutating func touchAll(_ members: [SetMember]) { eviction.accessed(members) }

  /// Counts a member of the current set towards what the set needs of its pool.
  ///
  /// - Returns: whether the set is now larger than what its pool could hold.
  @inlinable
  mutating func addToSetNeed(_ block: BlockID) -> Bool {
    let record = table.blocks[block.index]
    if record.isLocked { return false }
    if !record.isPresent && !eviction.admits(block) { return false }
    let pool = Int(record.pool)
    let before = table.pools[pool].setEpoch == table.epoch ? table.pools[pool].setNeed : 0
    table.pools[pool].setEpoch = table.epoch
    table.pools[pool].setNeed = before + record.cost
    return before + record.cost > table.pools[pool].capacity - table.pools[pool].locked
  }

  /// Begins to choose who stays of a set that is too large.
  @usableFromInline
  mutating func beginKeeping() {
    for pool in table.pools.indices { table.pools[pool].setNeed = 0 }
  }

  /// Keeps a member of the current set if it still fits, and drops it otherwise.
  @usableFromInline
  mutating func keep(_ block: BlockID) -> Keeping {
    let record = table.blocks[block.index]
    if record.isLocked { return .keeps }
    if !record.isPresent && !eviction.admits(block) { return .getsNone }
    let pool = Int(record.pool)
    let need = table.pools[pool].setNeed + record.cost
    if need <= table.pools[pool].capacity - table.pools[pool].locked {
      table.pools[pool].setNeed = need
      return .keeps
    }
    guard record.isPresent else { return .getsNone }
    drop(block)
    return .dropped
  }
}
