// SPDX-License-Identifier: GPL-3.0-or-later

/// Which slot of a tier each of its blocks lies in.
///
/// A tier counts room and does not say where. This table gives places to what it admits: slots are
/// numbered over all pools, those of a pool in a row; a freed slot is given away again last in,
/// first out, and one that was never used comes next, the lowest number first.
public struct SlotTable: Sendable {
  /// The slots of each pool.
  public let counts: [Int]

  private let first: [Int32]
  private var unused: [Int32]
  private var freed: [[Int32]]
  private var slots: [Int32]

  /// An empty table for a tier's pools.
  ///
  /// - Parameter view: The tier. Pools that count bytes get as many slots as blocks of their largest
  ///   size fit.
  public init(_ view: borrowing ResidencyView) {
    let largest = max(1, view.layout.largestBytes)
    var counts: [Int] = []
    var first: [Int32] = []
    var next: Int32 = 0
    for pool in 0..<view.poolCount {
      let capacity = view.capacity(ofPool: pool)
      let count = view.plan.unit == .slots ? Int(capacity) : Int(capacity / largest)
      first.append(next)
      counts.append(count)
      next += Int32(count)
    }
    self.counts = counts
    self.first = first
    unused = first
    freed = Array(repeating: [], count: counts.count)
    slots = Array(repeating: -1, count: view.blockCount)
  }

  /// Slots in all.
  public var total: Int { counts.reduce(0, +) }

  /// The slot of a block; -1 where it has none.
  public subscript(block: BlockID) -> Int { Int(slots[block.index]) }

  /// Gives a block a slot of its pool, unless it has one.
  ///
  /// - Precondition: The pool has a free slot.
  @discardableResult
  public mutating func assign(_ block: BlockID, pool: Int) -> Int {
    if slots[block.index] >= 0 { return Int(slots[block.index]) }
    let slot: Int32
    if let free = freed[pool].popLast() {
      slot = free
    } else {
      precondition(
        Int(unused[pool] - first[pool]) < counts[pool], "A pool holds no more than its slots.")
      slot = unused[pool]
      unused[pool] += 1
    }
    slots[block.index] = slot
    return Int(slot)
  }

  /// Takes a block's slot away.
  ///
  /// - Returns: The slot, or -1 where it had none.
  @discardableResult
  public mutating func free(_ block: BlockID, pool: Int) -> Int {
    let slot = slots[block.index]
    guard slot >= 0 else { return -1 }
    slots[block.index] = -1
    freed[pool].append(slot)
    return Int(slot)
  }

  /// Takes up that a tier did an access: frees the slots of those that it evicted, and gives slots
  /// to the members that got room, the last of them, which is the heaviest, first.
  ///
  /// - Parameters:
  ///   - members: The members of the set, in touch order.
  ///   - evicted: The blocks that lost their room, in order.
  ///   - view: The tier after the access.
  ///   - places: Receives the slots that the evicted lost.
  public mutating func access(
    _ members: [SetMember], evicted: [BlockID], view: borrowing ResidencyView,
    into places: inout [Int32]
  ) {
    places.removeAll(keepingCapacity: true)
    for block in evicted { places.append(Int32(free(block, pool: view.pool(of: block)))) }
    for member in members.reversed() where view.isPresent(member.block) {
      assign(member.block, pool: view.pool(of: member.block))
    }
  }
}
