// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Testing

/// The semantics of one access event.
@Suite struct SetAccessTests {
  static let layout = BlockLayout(layers: 1, experts: 8, bytesPerExpert: 10)

  func tier(slots: Int) -> ResidencyTier {
    ResidencyTier(layout: Self.layout, pools: .global(slots: slots), eviction: LRUEviction())
  }

  /// Members in ascending order of weight.
  func set(_ blocks: [Int]) -> [SetMember] {
    blocks.enumerated().map { SetMember(block: BlockID($0.element), weight: Float($0.offset + 1)) }
  }

  func residents(_ tier: ResidencyTier) -> [Int] {
    (0..<tier.layout.count).filter { tier.isResident(BlockID($0)) }
  }

  @Test func hitsAreJudgedBeforeTheSet() {
    var tier = tier(slots: 2)
    var access = SetAccess()
    access.replay(set([0, 1]), in: &tier)
    #expect((access.hits, access.misses) == (0, 2))
    // One by one, 2 would drop 0 before it is asked for.
    access.replay(set([2, 0]), in: &tier)
    #expect(access.outcomes == [.fetched, .hit] && access.evicted == [BlockID(1)])
  }

  @Test func heaviestIsTheMostRecent() {
    var tier = tier(slots: 3)
    var access = SetAccess()
    access.replay(set([2, 0, 1]), in: &tier)
    access.replay(set([3]), in: &tier)
    #expect(access.evicted == [BlockID(2)])
    access.replay(set([4]), in: &tier)
    #expect(access.evicted == [BlockID(0)])
  }

  @Test func membersInFlightAreLateAndNotFetchedAgain() {
    var tier = tier(slots: 3)
    var access = SetAccess()
    var evicted: [BlockID] = []
    #expect(tier.reserve(BlockID(0), evicted: &evicted) == .reserved)
    access.begin(set([0, 1]), in: &tier)
    #expect(access.outcomes == [.late, .fetched])
    #expect((access.hits, access.late, access.misses) == (0, 1, 1))
    #expect(tier.state(BlockID(1)) == .loading)
    access.begin(set([0, 1]), in: &tier)
    #expect(access.outcomes == [.late, .late])
    tier.complete(BlockID(0))
    access.begin(set([0, 1]), in: &tier)
    #expect(access.outcomes == [.hit, .late])
  }

  @Test func setLargerThanThePoolKeepsItsHeaviest() {
    var tier = tier(slots: 2)
    var access = SetAccess()
    access.replay(set([0, 1]), in: &tier)
    access.replay(set([0, 2, 1, 3]), in: &tier)
    #expect(access.outcomes == [.hit, .streamed, .hit, .fetched])
    #expect(access.evicted == [BlockID(0)])
    #expect(residents(tier) == [1, 3])
    #expect(tier.inconsistencies().isEmpty)
  }

  @Test func roomThatOthersLockIsNotCounted() {
    var tier = tier(slots: 3)
    var access = SetAccess()
    access.replay(set([7]), in: &tier)
    tier.pin(BlockID(7))
    access.replay(set([0, 1, 2]), in: &tier)
    #expect(access.outcomes == [.streamed, .fetched, .fetched])
    #expect(residents(tier) == [1, 2, 7])
    // A member that is locked itself takes nothing more.
    access.replay(set([7, 1, 2]), in: &tier)
    #expect(access.hits == 3)
  }

  @Test func poolWithoutRoomStreamsAll() {
    var tier = tier(slots: 0)
    var access = SetAccess()
    access.replay(set([0, 1]), in: &tier)
    #expect(access.outcomes == [.streamed, .streamed] && residents(tier).isEmpty)
  }

  @Test func partialMembersAreFetched() {
    let layout = BlockLayout(layers: 1, experts: 2, bytesPerExpert: 10, chunks: 2)
    var tier = ResidencyTier(layout: layout, pools: .global(slots: 2), eviction: LRUEviction())
    var access = SetAccess()
    var evicted: [BlockID] = []
    _ = tier.reserve(BlockID(0), evicted: &evicted)
    tier.chunkArrived(BlockID(0))
    tier.suspend(BlockID(0))
    access.begin(set([0]), in: &tier)
    #expect(access.outcomes == [.fetched])
    #expect(tier.state(BlockID(0)) == .loading && tier.view.arrivedChunks(of: BlockID(0)) == 1)
  }
}
