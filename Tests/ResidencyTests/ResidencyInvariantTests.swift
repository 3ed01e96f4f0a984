// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Testing

/// Random sequences of every operation: states stay consistent, no pool exceeds its capacity, and
/// nothing that is protected is evicted.
@Suite struct ResidencyInvariantTests {
  #if DEBUG
    static let seeds: ClosedRange<UInt64> = 1...40
    static let operations = 400
  #else
    static let seeds: ClosedRange<UInt64> = 1...400
    static let operations = 3000
  #endif

  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state ^ (state >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    }
  }

  struct Player {
    var generator: Generator
    var tier: ResidencyTier
    var access = SetAccess()
    var pins: [Int]
    var leases: [Int]
    var evicted: [BlockID] = []

    init(seed: UInt64) {
      var generator = Generator(state: seed &* 977)
      let unequal = Bool.random(using: &generator)
      let sizes = (0..<60).map { _ in unequal ? Int64.random(in: 0...9, using: &generator) : 4 }
      let layout = BlockLayout(layers: 3, experts: 5, versions: 2, chunks: 3) {
        sizes[($2 * 3 + $0) * 5 + $1]
      }
      let plan = PoolPlan(
        scope: Bool.random(using: &generator) ? .global : .perLayer,
        unit: Bool.random(using: &generator) ? .bytes : .slots,
        capacities: Bool.random(using: &generator) ? [11] : [15, 6])
      let rules: [any EvictionPolicy] = [
        LRUEviction(), LFUEviction(), FIFOEviction(), StaticEviction(),
        BeladyEviction(oracle: RecordedNextUse.Builder(layout: layout).build()),
      ]
      tier = ResidencyTier(
        layout: layout, pools: plan, eviction: rules.randomElement(using: &generator)!,
        writesBack: Bool.random(using: &generator))
      pins = Array(repeating: 0, count: layout.count)
      leases = pins
      self.generator = generator
    }

    /// What must not lose its room in the next operation, unless by its owner's wish.
    var protected: [BlockID] {
      (0..<tier.layout.count).map { BlockID($0) }.filter {
        tier.view.isPresent($0)
          && (pins[$0.index] > 0 || leases[$0.index] > 0 || tier.state($0) == .loading)
      }
    }

    mutating func act() -> [BlockID] {
      let block = BlockID(Int.random(in: 0..<tier.layout.count, using: &generator))
      let state = tier.state(block)
      let isFree = pins[block.index] == 0 && leases[block.index] == 0
      var given: [BlockID] = []
      switch Int.random(in: 0..<16, using: &generator) {
      case 0, 1, 2: _ = tier.reserve(block, evicted: &evicted)
      case 3: tier.touch(block, weight: 1)
      case 4:
        tier.pin(block)
        pins[block.index] += 1
      case 5:
        tier.lease(block)
        leases[block.index] += 1
      case 6,
        7 where pins[block.index] > 0:
        if pins[block.index] == 0 { break }
        tier.unpin(block)
        pins[block.index] -= 1
      case 8,
        9 where leases[block.index] > 0:
        if leases[block.index] == 0 { break }
        tier.unlease(block)
        leases[block.index] -= 1
      case 10:
        let pool = tier.view.pool(of: block)
        let asked = Int64.random(in: 0...20, using: &generator)
        let change = tier.setCapacity(ofPool: pool, to: asked, evicted: &evicted)
        #expect(change.capacity >= asked && change.capacity == tier.view.capacity(ofPool: pool))
      case 11:
        if state == .evicting {
          if Bool.random(using: &generator) {
            tier.finishEviction(block)
          } else {
            _ = tier.rescue(block, evicted: &evicted)
          }
        } else if isFree && (state == .resident || state == .partial) {
          tier.drop(block)
          given = [block]
        }
      case 12, 13: playSet()
      case 14: if Int.random(in: 0..<20, using: &generator) == 0 { tier.clear(evicted: &evicted) }
      default: finishOneLoad(&given)
      }
      return given
    }

    mutating func playSet() {
      let version = Int.random(in: 0...1, using: &generator)
      let layer = Int.random(in: 0..<3, using: &generator)
      let experts = Array((0..<5).shuffled(using: &generator).prefix(3))
      let members = experts.map {
        SetMember(
          block: tier.layout.block(layer: layer, expert: $0, version: version),
          weight: Float.random(in: 0...1, using: &generator))
      }
      let before = members.map { tier.isResident($0.block) }
      access.begin(members, in: &tier)
      #expect(access.outcomes.map { $0 == .hit } == before)
      #expect(access.hits + access.late + access.misses == members.count)
      let waits = zip(members, access.outcomes).filter { $0.1 == .fetched || $0.1 == .late }
      #expect(waits.allSatisfy { tier.state($0.0.block) == .loading })
    }

    mutating func finishOneLoad(_ given: inout [BlockID]) {
      let loading = (0..<tier.layout.count).map { BlockID($0) }.filter {
        tier.state($0) == .loading
      }
      guard let block = loading.randomElement(using: &generator) else { return }
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: tier.chunkArrived(block)
      case 1: tier.complete(block)
      case 2:
        tier.suspend(block)
        given = [block]
      default:
        tier.abandon(block)
        given = [block]
      }
    }
  }

  @Test(arguments: seeds)
  func randomOperationsKeepTheTierConsistent(seed: UInt64) {
    var player = Player(seed: seed)
    for step in 0..<Self.operations {
      let protected = player.protected
      player.evicted.removeAll()
      let given = player.act()
      let problems = player.tier.inconsistencies()
      #expect(problems.isEmpty, "step \(step): \(problems)")
      for block in protected where !given.contains(block) {
        #expect(player.tier.view.isPresent(block), "step \(step): \(block) lost its room")
      }
      #expect(
        Set(player.evicted).count == player.evicted.count, "step \(step): evicted more than once")
      if !problems.isEmpty { return }
    }
  }
}
