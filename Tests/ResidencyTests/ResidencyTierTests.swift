// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Testing

/// The states of single blocks, one behaviour a test.
@Suite struct ResidencyTierTests {
  static let layout = BlockLayout(layers: 2, experts: 4, bytesPerExpert: 10, chunks: 3)

  func tier(_ pools: PoolPlan, writesBack: Bool = false) -> ResidencyTier {
    ResidencyTier(
      layout: Self.layout, pools: pools, eviction: LRUEviction(), writesBack: writesBack)
  }

  @Test func blockIsLoadingUntilItsLastChunk() {
    var tier = tier(.global(slots: 2))
    var evicted: [BlockID] = []
    let block = BlockID(1)
    #expect(tier.state(block) == .absent)
    #expect(tier.reserve(block, evicted: &evicted) == .reserved)
    #expect(tier.reserve(block, evicted: &evicted) == .inFlight)
    #expect(tier.chunkArrived(block) == false)
    #expect(tier.view.arrivedChunks(of: block) == 1)
    #expect(tier.chunkArrived(block) == false)
    #expect(!tier.isResident(block) && tier.view.isPresent(block))
    #expect(tier.chunkArrived(block) == true)
    #expect(tier.reserve(block, evicted: &evicted) == .resident)
    #expect(evicted.isEmpty)
    #expect(tier.view.usedBytes(inPool: 0) == 10)
  }

  @Test func abandonedLoadGivesItsRoomBack() {
    var tier = tier(.global(slots: 1))
    var evicted: [BlockID] = []
    _ = tier.reserve(BlockID(1), evicted: &evicted)
    tier.chunkArrived(BlockID(1))
    #expect(tier.reserve(BlockID(2), evicted: &evicted) == .noRoom)
    tier.abandon(BlockID(1))
    #expect(tier.view.arrivedChunks(of: BlockID(1)) == 0)
    #expect(tier.reserve(BlockID(2), evicted: &evicted) == .reserved)
    #expect(tier.inconsistencies().isEmpty)
  }

  @Test func suspendedLoadKeepsItsChunksAndMayBeEvictedOrResumed() {
    var tier = tier(.global(slots: 1))
    var evicted: [BlockID] = []
    _ = tier.reserve(BlockID(1), evicted: &evicted)
    tier.chunkArrived(BlockID(1))
    tier.suspend(BlockID(1))
    #expect(tier.state(BlockID(1)) == .partial)
    #expect(tier.reserve(BlockID(1), evicted: &evicted) == .resumed)
    #expect(tier.view.arrivedChunks(of: BlockID(1)) == 1)
    tier.suspend(BlockID(1))
    #expect(tier.reserve(BlockID(2), evicted: &evicted) == .reserved)
    #expect(evicted == [BlockID(1)] && tier.state(BlockID(1)) == .absent)
    tier.suspend(BlockID(2))
    #expect(tier.state(BlockID(2)) == .absent)
  }

  @Test func protectedBlocksAreNotEvicted() {
    var evicted: [BlockID] = []
    func full() -> ResidencyTier {
      var tier = tier(.global(slots: 1))
      tier.install(BlockID(0), evicted: &evicted)
      tier.beginSet()
      return tier
    }
    var pinned = full()
    pinned.pin(BlockID(0))
    #expect(pinned.reserve(BlockID(1), evicted: &evicted) == .noRoom)
    pinned.unpin(BlockID(0))
    #expect(pinned.reserve(BlockID(1), evicted: &evicted) == .reserved)
    var leased = full()
    leased.lease(BlockID(0))
    leased.lease(BlockID(0))
    leased.unlease(BlockID(0))
    #expect(leased.reserve(BlockID(1), evicted: &evicted) == .noRoom)
    leased.unlease(BlockID(0))
    #expect(leased.reserve(BlockID(1), evicted: &evicted) == .reserved)
    var member = full()
    member.markMember(BlockID(0))
    #expect(member.reserve(BlockID(1), evicted: &evicted) == .noRoom)
    member.beginSet()
    #expect(member.reserve(BlockID(1), evicted: &evicted) == .reserved)
  }

  @Test func blockPinnedBeforeItCameStays() {
    var tier = tier(.global(slots: 1))
    var evicted: [BlockID] = []
    tier.pin(BlockID(3))
    tier.install(BlockID(3), evicted: &evicted)
    #expect(tier.reserve(BlockID(1), evicted: &evicted) == .noRoom)
    #expect(tier.view.locked(inPool: 0) == 1)
  }

  @Test func failedReservationEvictsNothing() {
    // The large block needs all three small ones to go, one of which is leased.
    let layout = BlockLayout(layers: 1, experts: 4) { _, expert, _ in expert == 3 ? 30 : 10 }
    var tier = ResidencyTier(
      layout: layout, pools: .global(bytes: 30), eviction: LRUEviction())
    var evicted: [BlockID] = []
    for block in 0..<3 { tier.install(BlockID(block), evicted: &evicted) }
    tier.beginSet()
    tier.markMember(BlockID(1))
    #expect(tier.reserve(BlockID(3), evicted: &evicted) == .noRoom)
    #expect(evicted.isEmpty)
    #expect((0..<3).allSatisfy { tier.isResident(BlockID($0)) })
    #expect(tier.inconsistencies().isEmpty)
    tier.beginSet()
    #expect(tier.reserve(BlockID(3), evicted: &evicted) == .reserved)
    #expect(evicted == [BlockID(0), BlockID(1), BlockID(2)])
  }

  @Test func poolsOfLayersAreApart() {
    var tier = tier(.perLayer(slots: 1))
    var evicted: [BlockID] = []
    tier.install(BlockID(0), evicted: &evicted)
    tier.install(BlockID(4), evicted: &evicted)
    #expect(evicted.isEmpty && tier.view.poolCount == 2)
    tier.install(BlockID(5), evicted: &evicted)
    #expect(evicted == [BlockID(4)])
  }

  @Test func versionsMayHavePoolsOfTheirOwn() {
    let layout = BlockLayout(layers: 1, experts: 3, versions: 2) { _, _, version in
      version == 0 ? 100 : 25
    }
    var tier = ResidencyTier(
      layout: layout, pools: PoolPlan(scope: .global, unit: .bytes, capacities: [200, 50]),
      eviction: LRUEviction())
    var evicted: [BlockID] = []
    for expert in 0..<3 {
      for version in 0..<2 {
        tier.install(
          layout.block(layer: 0, expert: expert, version: version), evicted: &evicted)
        tier.beginSet()
      }
    }
    #expect(evicted.map { layout.expert(of: $0) } == [0, 0])
    #expect(evicted.map { layout.version(of: $0) } == [0, 1])
    #expect(tier.view.usedBytes(inPool: 0) == 200 && tier.view.usedBytes(inPool: 1) == 50)
  }

  @Test func blocksThatAreNoExpertsTakeRoomToo() {
    var layout = BlockLayout(layers: 2, experts: 2, bytesPerExpert: 10)
    let page = layout.appendBlock(layer: 1, bytes: 15, chunks: 2)
    #expect(layout.expert(of: page) == -1 && layout.layer(of: page) == 1)
    #expect(layout.bytes(ofChunk: 0, of: page) == 8 && layout.bytes(ofChunk: 1, of: page) == 7)
    var tier = ResidencyTier(layout: layout, pools: .global(bytes: 20), eviction: LRUEviction())
    var evicted: [BlockID] = []
    tier.install(BlockID(0), evicted: &evicted)
    tier.beginSet()
    tier.install(page, evicted: &evicted)
    #expect(evicted == [BlockID(0)])
  }

  @Test func capacityShrinksAsFarAsItCan() {
    var tier = tier(.global(bytes: 40))
    var evicted: [BlockID] = []
    for block in 0..<4 { tier.install(BlockID(block), evicted: &evicted) }
    tier.beginSet()
    tier.lease(BlockID(0))
    var change = tier.setCapacity(ofPool: 0, to: 25, evicted: &evicted)
    #expect(change.isComplete && evicted == [BlockID(1), BlockID(2)])
    change = tier.setCapacity(ofPool: 0, to: 5, evicted: &evicted)
    #expect((change.requested, change.capacity, change.departing) == (5, 10, 0))
    #expect(tier.isResident(BlockID(0)) && !change.isComplete)
    tier.unlease(BlockID(0))
    #expect(tier.setCapacity(ofPool: 0, to: 5, evicted: &evicted).isComplete)
    #expect(tier.setCapacity(ofPool: 0, to: 100, evicted: &evicted).isComplete)
    #expect(tier.view.free(inPool: 0) == 100)
    #expect(tier.view.highWater(ofPool: 0) == 40)
  }

  @Test func writeBackHoldsUntilItIsFinished() {
    var tier = tier(.global(slots: 1), writesBack: true)
    var evicted: [BlockID] = []
    tier.install(BlockID(0), evicted: &evicted)
    tier.beginSet()
    #expect(tier.reserve(BlockID(1), evicted: &evicted) == .reserved)
    #expect(tier.state(BlockID(0)) == .evicting && tier.view.departing(inPool: 0) == 1)
    #expect(tier.reserve(BlockID(0), evicted: &evicted) == .departing)
    #expect(tier.rescue(BlockID(0), evicted: &evicted) == false)
    tier.complete(BlockID(1))
    #expect(tier.rescue(BlockID(0), evicted: &evicted) == true)
    #expect(tier.isResident(BlockID(0)) && tier.state(BlockID(1)) == .evicting)
    tier.finishEviction(BlockID(1))
    #expect(tier.state(BlockID(1)) == .absent && tier.view.departing(inPool: 0) == 0)
    #expect(tier.inconsistencies().isEmpty)
  }

  @Test func viewsAreValues() {
    var tier = tier(.global(slots: 1))
    var evicted: [BlockID] = []
    let before = tier.view
    tier.install(BlockID(0), evicted: &evicted)
    #expect(!before.isResident(BlockID(0)) && tier.view.isResident(BlockID(0)))
  }
}
