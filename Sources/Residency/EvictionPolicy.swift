// SPDX-License-Identifier: GPL-3.0-or-later

/// A rule that says whom to drop when a pool is full.
///
/// A rule is a value that a `ResidencyTier` owns. It is told what happens and is asked for victims;
/// it keeps whatever order it needs, and sizes its arrays in `configure(for:)`, after which no
/// method should allocate. A rule need only answer `configure`, `accessed`, `admitted`, `evicted`,
/// `reset` and `victim`; the other events have empty defaults.
///
/// What the tier guarantees:
/// - `admitted(b)` comes once when a block gets its room (its load begins), `evicted(b)` once when
///   it loses it, whatever the reason; between the two the block is *present*.
/// - `accessed(b)` comes for every use of a block, present or not; for a block that is fetched
///   because of this use it comes after `admitted(b)`.
/// - A block with a pin is withheld from the rule's choice for long (`pinned`, `unpinned`); one that
///   is leased, on its way, or a member of the current set for a short time. The view's
///   `isEvictable` is true of none of them.
public protocol EvictionPolicy: Sendable {
  /// Sizes the rule's storage for a tier's blocks and pools, and forgets everything.
  mutating func configure(for view: borrowing ResidencyView)

  /// A block is used, with its gate weight (0 where none is known). The members of an expert set
  /// come one by one in touch order, the last being the most recent.
  mutating func accessed(_ block: BlockID, weight: Float)

  /// The members of a set that is all here, or on its way, are used, in touch order. The default
  /// tells of one after the other.
  mutating func accessed(_ members: [SetMember])

  /// A block got its room; until its load completes it can not be a victim.
  mutating func admitted(_ block: BlockID)

  /// A block lost its room.
  mutating func evicted(_ block: BlockID)

  /// A sequence boundary, where the scenario says that the rule's memory ends. Present blocks stay
  /// present.
  mutating func reset()

  /// The block of a pool to drop next, or `nil` when the rule offers none.
  ///
  /// - Returns: a block of that pool for which `view.isEvictable` holds. The tier may ask several
  ///   times before it tells of an eviction, and need not follow the answer.
  mutating func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID?

  /// Whether a block may have room at all; one that may not streams through. The default is yes.
  func admits(_ block: BlockID) -> Bool

  /// A new access event begins: the members of the set before it are no longer protected.
  mutating func setBegan()

  /// A new forward pass begins.
  mutating func stepBegan()

  /// A forward pass reaches a layer.
  mutating func layerBegan(_ layer: Int)

  /// A predictor expects a block to be used, with a probability from 0 to 1.
  mutating func predicted(_ block: BlockID, probability: Float)

  /// A present block got its first pin: it is no candidate until `unpinned`.
  mutating func pinned(_ block: BlockID)

  /// A present block lost its last pin.
  mutating func unpinned(_ block: BlockID)
}

extension EvictionPolicy {
  /// Tells of each member's use.
  @inlinable
  public mutating func accessed(_ members: [SetMember]) {
    for member in members { accessed(member.block, weight: member.weight) }
  }

  /// Admits every block.
  @inlinable
  public func admits(_ block: BlockID) -> Bool { true }

  /// Does nothing.
  @inlinable
  public mutating func setBegan() {}

  /// Does nothing.
  @inlinable
  public mutating func stepBegan() {}

  /// Does nothing.
  @inlinable
  public mutating func layerBegan(_ layer: Int) {}

  /// Does nothing.
  @inlinable
  public mutating func predicted(_ block: BlockID, probability: Float) {}

  /// Does nothing; `isEvictable` is false for a pinned block all the same.
  @inlinable
  public mutating func pinned(_ block: BlockID) {}

  /// Does nothing.
  @inlinable
  public mutating func unpinned(_ block: BlockID) {}
}
