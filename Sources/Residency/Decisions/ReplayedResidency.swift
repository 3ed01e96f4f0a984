// SPDX-License-Identifier: GPL-3.0-or-later

/// What each slot holds, by decisions alone.
public struct ReplayedResidency: Sendable {
  private var blocks: [BlockID?]

  /// Slots with what they hold at the beginning.
  public init(content: [Decision.Place], slots: Int) {
    blocks = Array(repeating: nil, count: slots)
    for place in content { blocks[Int(place.slot)] = place.block }
  }

  /// The block in each slot, or on its way there, in the order of slots.
  public var places: [Decision.Place] {
    blocks.indices.compactMap { slot in blocks[slot].map { .init(block: $0, slot: slot) } }
  }

  /// Carries out a decision.
  ///
  /// - Precondition: What it evicts is where it says, and what it fetches goes where nothing is.
  public mutating func take(_ decision: Decision) {
    switch decision.event {
    case .access(let access):
      evict(access.evicted)
      // A hit or a late one gets room only now where it was fetched ahead into a buffer; one that has
      // just lost its room is used once more.
      for member in access.members where member.slot >= 0 {
        guard !access.evicted.contains(where: { $0.block == member.block }) else { continue }
        admit(.init(block: member.block, slot: Int(member.slot)))
      }
    case .prefetch(let prefetch):
      evict(prefetch.evicted)
      if prefetch.place.slot >= 0 { admit(prefetch.place) }
    case .evicted(let places): evict(places)
    default: break
    }
  }

  private mutating func evict(_ places: [Decision.Place]) {
    for place in places where place.slot >= 0 {
      precondition(blocks[Int(place.slot)] == place.block, "What is evicted is where it is said.")
      blocks[Int(place.slot)] = nil
    }
  }

  private mutating func admit(_ place: Decision.Place) {
    // What is here in part is fetched again into its own slot.
    let holder = blocks[Int(place.slot)]
    precondition(holder == nil || holder == place.block, "A slot holds one block at a time.")
    blocks[Int(place.slot)] = place.block
  }
}
