// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Serving

@Suite("Expert placement")
struct ExpertPlacementTests {
  private func hosts(_ placement: ExpertPlacement, layer: Int = 0) -> [[Int32]] {
    (0..<placement.experts).map { Array(placement.hosts(layer: layer, expert: $0)) }
  }

  @Test("neighbours together, or in turn")
  func plain() {
    let contiguous = ExpertPlacement(.contiguous, layers: 1, experts: 8, groups: 4)
    #expect(hosts(contiguous).flatMap { $0 } == [0, 0, 1, 1, 2, 2, 3, 3])
    let turns = ExpertPlacement(.roundRobin, layers: 1, experts: 8, groups: 4)
    #expect(hosts(turns).flatMap { $0 } == [0, 1, 2, 3, 0, 1, 2, 3])
    #expect(contiguous.slotsPerGroup == 2 && turns.slotsPerGroup == 2)
  }

  @Test("by load: no group has more than its slots, copies lie apart, and loads are more even")
  func balanced() {
    // A skewed layer: expert e is chosen in proportion to 1/(e + 1).
    let weights = (0..<32).map { 1 / Double($0 + 1) }
    let sum = weights.reduce(0, +)
    let loads = weights.map { $0 / sum }
    func heaviest(_ placement: ExpertPlacement) -> Double {
      var groups = [Double](repeating: 0, count: 8)
      for (expert, hosts) in hosts(placement).enumerated() {
        for host in hosts { groups[Int(host)] += loads[expert] / Double(hosts.count) }
      }
      return groups.max() ?? 0
    }
    let plain = ExpertPlacement(.contiguous, layers: 1, experts: 32, groups: 8)
    var last = heaviest(plain)
    for copies in [0, 8, 16] {
      let placement = ExpertPlacement(
        .balanced(copies: copies), layers: 1, experts: 32, groups: 8, loads: [loads])
      let all = hosts(placement)
      #expect(all.flatMap { $0 }.count == 32 + copies)
      for group in 0..<8 {
        #expect(all.flatMap { $0 }.count { $0 == Int32(group) } == placement.slotsPerGroup)
      }
      #expect(all.allSatisfy { Set($0).count == $0.count && !$0.isEmpty })
      let now = heaviest(placement)
      #expect(now < last)
      last = now
    }
    // With 16 copies no group has a tenth more than its eighth.
    #expect(last < 1.1 / 8)
  }
}
