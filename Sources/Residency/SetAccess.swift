// SPDX-License-Identifier: GPL-3.0-or-later

/// A block that an access event asks for, with its gate weight.
@frozen
public struct SetMember: Hashable, Sendable, BitwiseCopyable {
  /// The block.
  public var block: BlockID
  /// Its gate weight, summed over the tokens of the batch; 0 where none is known.
  public var weight: Float

  /// Creates a member.
  @inlinable
  public init(block: BlockID, weight: Float) {
    self.block = block
    self.weight = weight
  }
}

/// How a member of a set was found before the event.
@frozen
public enum MemberOutcome: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// All of it was here.
  case hit
  /// It was on its way.
  case late
  /// It was not here, or only in part, and has its room now; it is to be fetched.
  case fetched
  /// It was not here and gets no room: it is fetched, used and forgotten.
  case streamed
}

/// One access event: a layer's activated set, as one atomic whole.
///
/// 1. Hits are judged on what is resident before the event.
/// 2. All members are protected: none of them is evicted for another, unless the set is larger than
///    what the pool can hold; then the heaviest members that fit are kept and the others lose
///    their room, or get none.
/// 3. Members are touched in the order given, which is meant to be that of ascending weight; where
///    a member is missing, its room is taken in its turn.
///
/// Without time, `replay` completes what it fetches at once; that is what `moesim cache` runs. The
/// engine calls `begin`, fetches what `outcomes` says, and completes each block when it has come.
/// The value is a buffer to be used again; it allocates only while it grows.
@frozen
public struct SetAccess: Sendable {
  /// How each member was found, in the order of the members.
  public var outcomes: [MemberOutcome]
  /// The blocks that lost their room for this set, in order.
  public var evicted: [BlockID]
  /// Members that were resident.
  public var hits: Int
  /// Members that were on their way.
  public var late: Int
  /// Members that must be fetched, kept or not.
  public var misses: Int

  @usableFromInline var order: [Int32]

  /// Creates an empty buffer.
  public init() {
    outcomes = []
    evicted = []
    hits = 0
    late = 0
    misses = 0
    order = []
  }

  /// Judges a set, touches its members, and gives the missing ones their room.
  ///
  /// - Parameters:
  ///   - members: distinct blocks in touch order.
  ///   - tier: the tier; each fetched member is `loading` in it afterwards.
  /// - Complexity: O(members) beyond what victims cost; O(m log m) for a set of m members that is
  ///   larger than its pool.
  @inlinable
  public mutating func begin(_ members: [SetMember], in tier: inout ResidencyTier) {
    while evicted.popLast() != nil {}
    (hits, late) = tier.judge(members, into: &outcomes)
    misses = members.count - hits - late
    if misses == 0 {
      tier.touchAll(members)
      return
    }
    var overflows = false
    for member in members where tier.addToSetNeed(member.block) { overflows = true }
    if overflows { keepHeaviest(of: members, in: &tier) }
    var index = 0
    while index < members.count {
      let member = members[index]
      if outcomes[index] == .fetched {
        let reservation = tier.reserve(member.block, evicted: &evicted)
        if !reservation.needsTransfer { outcomes[index] = .streamed }
      }
      tier.touch(member.block, weight: member.weight)
      index += 1
    }
  }

  /// Does an access event without time: what is fetched is resident at once.
  @inlinable
  public mutating func replay(_ members: [SetMember], in tier: inout ResidencyTier) {
    begin(members, in: &tier)
    if misses == 0 { return }
    var index = 0
    while index < members.count {
      if outcomes[index] == .fetched { tier.complete(members[index].block) }
      index += 1
    }
  }

  /// Decides who stays of a set that is larger than its pool: the heaviest that fit, and of equals
  /// those touched last.
  @usableFromInline
  mutating func keepHeaviest(of members: [SetMember], in tier: inout ResidencyTier) {
    order.removeAll(keepingCapacity: true)
    order.append(contentsOf: members.indices.lazy.map { Int32($0) })
    order.sort { first, second in
      let left = members[Int(first)].weight
      let right = members[Int(second)].weight
      return left == right ? first > second : left > right
    }
    tier.beginKeeping()
    for index in order {
      let block = members[Int(index)].block
      switch tier.keep(block) {
      case .keeps: break
      case .getsNone:
        if outcomes[Int(index)] == .fetched { outcomes[Int(index)] = .streamed }
      case .dropped:
        evicted.append(block)
        if outcomes[Int(index)] == .fetched { outcomes[Int(index)] = .streamed }
      }
    }
  }
}
