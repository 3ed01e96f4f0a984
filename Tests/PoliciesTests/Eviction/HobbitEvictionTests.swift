// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Testing

/// HOBBIT's rule with experts in two versions, against the formula evaluated for every block.
@Suite("HOBBIT's eviction")
struct HobbitEvictionTests {
  struct Naive {
    var lastUse = [Int](repeating: 0, count: 20)
    var uses = [Int](repeating: 0, count: 20)
    var preciseUses = [Int](repeating: 0, count: 20)
    var token = 0
    var layer = 0

    func score(_ block: Int, _ weights: HobbitEviction.Weights) -> Double {
      let expert = block % 20
      let ahead = (expert / 5 - layer + 4) % 4
      let sum =
        weights.lru * Double(lastUse[expert]) + weights.lfu * Double(uses[expert])
        + weights.lhu * Double(preciseUses[expert])
      return sum / Double(max(1, token)) + weights.fld * (1 - Double(ahead) / 4)
    }
  }

  static let weights = [
    HobbitEviction.Weights(lru: 0.25, lfu: 0.25, lhu: 0.25, fld: 0.25),
    HobbitEviction.Weights(lru: 1, lfu: 0, lhu: 0, fld: 0),
    HobbitEviction.Weights(lru: 0, lfu: 0.5, lhu: 0.5, fld: 0),
    HobbitEviction.Weights(lru: 0.125, lfu: 0.125, lhu: 0.25, fld: 0.5),
  ]

  @Test("every victim has the least score of its version's pool", arguments: 0..<weights.count)
  func victims(number: Int) {
    let weights = Self.weights[number]
    let layout = BlockLayout(layers: 4, experts: 5, versions: 2) { _, _, version in
      version == 0 ? 4 : 1
    }
    var generator = TestGenerator(seed: UInt64(number))
    var tier = ResidencyTier(
      layout: layout, pools: PoolPlan(scope: .global, unit: .slots, capacities: [6, 4]),
      eviction: HobbitEviction(weights: weights))
    var naive = Naive()
    var evictions = 0
    for step in 0..<400 {
      if step % 90 == 89 {
        tier.resetEviction()
        naive = Naive()
        naive.layer = 3
      }
      tier.beginStep()
      naive.token += 1
      for layer in 0..<4 {
        tier.beginLayer(layer)
        naive.layer = layer
        tier.beginSet()
        let expert = min(
          Int.random(in: 0..<5, using: &generator), Int.random(in: 0..<5, using: &generator))
        let version = Int.random(in: 0..<2, using: &generator)
        let block = layout.block(layer: layer, expert: expert, version: version)
        let residents = (0..<layout.count).filter {
          tier.isResident(BlockID($0)) && $0 / 20 == version
        }
        var evicted: [BlockID] = []
        tier.install(block, evicted: &evicted)
        if let victim = evicted.first {
          evictions += 1
          let least = residents.min {
            (naive.score($0, weights), $0) < (naive.score($1, weights), $1)
          }
          #expect(victim.index == least)
        }
        tier.touch(block)
        naive.lastUse[block.index % 20] = naive.token
        naive.uses[block.index % 20] += 1
        if version == 0 { naive.preciseUses[block.index % 20] += 1 }
      }
    }
    #expect(evictions > 200)
  }

  @Test("weights that do not sum to one are refused, and each weight counts")
  func settings() throws {
    let registration = try EvictionRegistry.named("hobbit")
    var settings = RoleSettings()
    settings.set("lru", to: [0.5])
    #expect(registration.problem(settings)?.parameter == "lru")
    for name in ["lfu", "lhu", "fld"] { settings.set(name, to: [0]) }
    #expect(registration.problem(settings) != nil)
    settings.set("fld", to: [0.5])
    #expect(registration.problem(settings) == nil)
    #expect(registration.problem(RoleSettings()) == nil)
  }
}
