// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Policies
import Residency
import Routing
import TestSupport
import Testing

/// Drops the expert whose gate weight, averaged with decay over its uses, is the lowest.
struct LightestEviction: EvictionPolicy {
  private var average: [Float] = []
  private var present: [[BlockID]] = []
  private var pools: [Int] = []

  mutating func configure(for view: borrowing ResidencyView) {
    average = Array(repeating: 0, count: view.blockCount)
    present = Array(repeating: [], count: view.poolCount)
    pools = (0..<view.blockCount).map { view.pool(of: BlockID($0)) }
  }

  mutating func accessed(_ block: BlockID, weight: Float) {
    average[block.index] += 0.25 * (weight - average[block.index])
  }

  mutating func admitted(_ block: BlockID) { present[pools[block.index]].append(block) }

  mutating func evicted(_ block: BlockID) {
    present[pools[block.index]].removeAll { $0 == block }
  }

  mutating func reset() {
    for index in average.indices { average[index] = 0 }
  }

  func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID? {
    var lightest: BlockID?
    for block in present[pool] where view.isEvictable(block) {
      if lightest == nil || average[block.index] < average[lightest!.index] { lightest = block }
    }
    return lightest
  }
}

/// Fetches, while a layer is computed, what the next layer used in the step before.
struct RepeatPrefetch: PrefetchPolicy {
  private var layout: BlockLayout?
  private var last: [[Int32]] = []

  mutating func configure(layout: BlockLayout) {
    self.layout = layout
    last = Array(repeating: [], count: layout.layers)
  }

  mutating func layerBegan(
    _ layer: Int, residency: borrowing ResidencyView, requests: inout PrefetchRequests
  ) {
    guard let layout, layer + 1 < layout.layers else { return }
    for expert in last[layer + 1] {
      requests.fetch(layout.block(layer: layer + 1, expert: Int(expert)))
    }
  }

  mutating func gateDecided(
    _ layer: Int, activation: borrowing LayerActivation, residency: borrowing ResidencyView,
    requests: inout PrefetchRequests
  ) {
    last[layer] = activation.distinct
  }
}

/// The code of docs/write-a-policy.md, compiled and run.
@Suite("The policies that the guide writes")
struct WriteAPolicyTests {
  @Test(
    "the guide shows the code as it is here", arguments: ["LightestEviction", "RepeatPrefetch"])
  func guideShowsThisCode(name: String) throws {
    let guide = try String(
      contentsOf: Checkout.root.appending(path: "docs/write-a-policy.md"), encoding: .utf8)
    let here = try String(contentsOfFile: #filePath, encoding: .utf8)
    let marked = try #require(guide.components(separatedBy: "<!-- code: \(name) -->\n").last)
    let code = try #require(
      marked.components(separatedBy: "```").dropFirst().first?.dropFirst("swift\n".count))
    #expect(code.contains("struct \(name)"))
    #expect(here.contains(code))
  }

  @Test("the lightest expert goes first")
  func dropsTheLightest() {
    let layout = BlockLayout(layers: 1, experts: 4, bytesPerExpert: 1)
    var tier = ResidencyTier(
      layout: layout, pools: .perLayer(slots: 2), eviction: LightestEviction())
    var access = SetAccess()
    let use = { (expert: Int, weight: Float) in
      access.replay([SetMember(block: BlockID(expert), weight: weight)], in: &tier)
    }
    use(0, 0.9)
    use(1, 0.1)
    use(2, 0.5)  // 1 is lighter than 0
    #expect(tier.isResident(BlockID(0)) && !tier.isResident(BlockID(1)))
    use(3, 0.2)  // 2 is lighter than 0
    #expect(tier.isResident(BlockID(0)) && !tier.isResident(BlockID(2)))
  }

  @Test("what a layer used in the step before is asked for while the layer before is computed")
  func repeats() {
    let layout = BlockLayout(layers: 2, experts: 4, bytesPerExpert: 1)
    let tier = ResidencyTier(
      layout: layout, pools: .perLayer(slots: 2), eviction: LightestEviction())
    var policy = RepeatPrefetch()
    policy.configure(layout: layout)
    var requests = PrefetchRequests()
    policy.layerBegan(0, residency: tier.view, requests: &requests)
    #expect(requests.blocks.isEmpty)
    var activation = LayerActivation(experts: 4)
    activation.add(expert: 3, weight: 0.7)
    activation.add(expert: 1, weight: 0.3)
    policy.gateDecided(1, activation: activation, residency: tier.view, requests: &requests)
    policy.layerBegan(0, residency: tier.view, requests: &requests)
    #expect(
      requests.blocks == [layout.block(layer: 1, expert: 3), layout.block(layer: 1, expert: 1)])
  }
}
