// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Testing

/// What single rules do beyond the choice of victims in plain replays.
@Suite struct EvictionRuleTests {
  static let layout = BlockLayout(layers: 1, experts: 6, bytesPerExpert: 10)

  func tier(_ eviction: any EvictionPolicy, slots: Int) -> ResidencyTier {
    ResidencyTier(layout: Self.layout, pools: .global(slots: slots), eviction: eviction)
  }

  func use(_ blocks: [Int], in tier: inout ResidencyTier) -> SetAccess {
    var access = SetAccess()
    access.replay(blocks.map { SetMember(block: BlockID($0), weight: 1) }, in: &tier)
    return access
  }

  func residents(_ tier: ResidencyTier) -> [Int] {
    (0..<tier.layout.count).filter { tier.isResident(BlockID($0)) }
  }

  @Test func pinnedBlocksLeaveTheOrderAndReturnAsTheMostRecent() {
    for rule in [LRUEviction(), LFUEviction(), FIFOEviction()] as [any EvictionPolicy] {
      var tier = tier(rule, slots: 3)
      for block in [0, 1, 2] { _ = use([block], in: &tier) }
      tier.pin(BlockID(0))
      _ = use([3], in: &tier)
      #expect(residents(tier) == [0, 2, 3])
      tier.unpin(BlockID(0))
      _ = use([4], in: &tier)
      #expect(residents(tier) == [0, 3, 4])
    }
  }

  @Test func countsOutliveEvictionAndEndWithAReset() {
    var tier = tier(LFUEviction(), slots: 2)
    for block in [0, 0, 0, 1, 2] { _ = use([block], in: &tier) }
    #expect(residents(tier) == [0, 2])
    // 1 returns with its old use and so outlives 2, which has one.
    for block in [1, 3] { _ = use([block], in: &tier) }
    #expect(residents(tier) == [0, 3])
    tier.resetEviction()
    // Now 0 is the least recent of equals.
    _ = use([4], in: &tier)
    #expect(residents(tier) == [3, 4])
  }

  @Test func noneStreamsEverythingEveryTime() {
    var tier = tier(NoRetention(), slots: 4)
    for _ in 0..<2 {
      #expect(use([0, 1, 2], in: &tier).outcomes == [.streamed, .streamed, .streamed])
    }
    #expect(residents(tier).isEmpty)
  }

  @Test func staticKeepsThePopularAndStreamsTheRest() {
    var tier = tier(StaticEviction(popularity: [1, 9, 2, 8, 0, 0]), slots: 2)
    #expect(use([0, 1, 2, 3], in: &tier).outcomes == [.streamed, .fetched, .streamed, .fetched])
    #expect(use([0, 1], in: &tier).outcomes == [.streamed, .hit])
    #expect(residents(tier) == [1, 3])
    var evicted: [BlockID] = []
    tier.clear(evicted: &evicted)
    #expect(use([1, 3], in: &tier).outcomes == [.fetched, .fetched])
    #expect(tier.setCapacity(ofPool: 0, to: 1, evicted: &evicted).isComplete == false)
    tier.beginSet()
    #expect(tier.setCapacity(ofPool: 0, to: 1, evicted: &evicted).isComplete)
    #expect(residents(tier) == [1])
    #expect(use([3], in: &tier).outcomes == [.streamed])
  }

  @Test func staticWithoutPopularityKeepsTheFirst() {
    var tier = tier(StaticEviction(), slots: 2)
    _ = use([5, 4, 3, 2, 1, 0], in: &tier)
    #expect(residents(tier) == [0, 1])
  }

  @Test func prefetchedBlockCountsAsRecentForLRU() {
    var tier = tier(LRUEviction(), slots: 2)
    var evicted: [BlockID] = []
    _ = use([0], in: &tier)
    tier.beginSet()
    tier.install(BlockID(1), evicted: &evicted)
    _ = use([2], in: &tier)
    #expect(residents(tier) == [1, 2])
  }

  /// An oracle whose future changes while the rule runs.
  struct ChangingOracle: NextUseOracle {
    var before: [UInt64]
    var after: [UInt64]
    var changed = false

    mutating func eventBegan() {}
    mutating func nextUse(of block: BlockID) -> UInt64 {
      changed ? after[block.index] : before[block.index]
    }
    mutating func takeChange() -> Bool {
      defer { changed = true }
      return !changed
    }
  }

  @Test func beladyAsksAgainWhenTheFutureChanged() {
    let oracle = ChangingOracle(before: [5, 9, 1, 1, 1, 1], after: [9, 5, 1, 1, 1, 1])
    var still = tier(BeladyEviction(oracle: oracle), slots: 2)
    var told = still
    _ = use([0, 1], in: &still)
    _ = use([2], in: &still)
    #expect(residents(still) == [0, 2])
    _ = use([0, 1], in: &told)
    told.beginStep()
    _ = use([2], in: &told)
    #expect(residents(told) == [1, 2])
  }
}
