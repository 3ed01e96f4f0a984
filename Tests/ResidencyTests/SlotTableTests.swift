// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Testing

@Suite("Slots of a tier")
struct SlotTableTests {
  static func tier(_ pools: PoolPlan, layers: Int = 2, experts: Int = 6) -> ResidencyTier {
    ResidencyTier(
      layout: BlockLayout(layers: layers, experts: experts, bytesPerExpert: 4096), pools: pools,
      eviction: LRUEviction())
  }

  @Test("Slots are numbered over pools, the lowest first, the freed ones last in, first out")
  func numbering() {
    let tier = Self.tier(.perLayer(slots: 3))
    var slots = SlotTable(tier.view)
    #expect(slots.counts == [3, 3])
    #expect(slots.total == 6)
    #expect(slots.assign(BlockID(6), pool: 1) == 3)
    #expect(slots.assign(BlockID(7), pool: 1) == 4)
    #expect(slots.assign(BlockID(0), pool: 0) == 0)
    #expect(slots.assign(BlockID(7), pool: 1) == 4)
    #expect(slots.free(BlockID(6), pool: 1) == 3)
    #expect(slots.free(BlockID(6), pool: 1) == -1)
    #expect(slots.free(BlockID(7), pool: 1) == 4)
    #expect(slots.assign(BlockID(8), pool: 1) == 4)
    #expect(slots.assign(BlockID(9), pool: 1) == 3)
    #expect(slots.assign(BlockID(10), pool: 1) == 5)
  }

  @Test("The heaviest that is fetched takes its slot first, a member's own the lightest")
  func heaviestFirst() {
    // Room for two, which hold members of the next set; its heaviest two are not among them.
    var tier = Self.tier(.perLayer(slots: 2), layers: 1)
    var slots = SlotTable(tier.view)
    var access = SetAccess()
    var places: [Int32] = []
    func use(_ experts: [Int]) {
      let members = experts.enumerated().map {
        SetMember(block: BlockID($1), weight: Float($0 + 1))
      }
      access.replay(members, in: &tier)
      slots.access(members, evicted: access.evicted, view: tier.view, into: &places)
    }
    use([0, 1])
    #expect(slots[BlockID(1)] == 0 && slots[BlockID(0)] == 1)
    use([0, 2, 3])
    #expect(access.evicted.contains(BlockID(0)))
    #expect(slots[BlockID(0)] == -1)
    #expect(Set([slots[BlockID(2)], slots[BlockID(3)]]) == [0, 1])
    // The member that lost its room while it is used lost it to the lighter of the two.
    #expect(slots[BlockID(2)] == 1)
  }
}
