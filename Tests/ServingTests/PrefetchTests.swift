// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Testing
import Workload

@testable import Serving

/// Asks for listed experts of the next layer when a layer begins.
struct ListedPrefetch: PrefetchPolicy {
  var experts: [Int]
  private var layout: BlockLayout?
  init(_ experts: [Int]) { self.experts = experts }
  mutating func configure(layout: BlockLayout) { self.layout = layout }
  mutating func layerBegan(
    _ layer: Int, residency: borrowing ResidencyView, requests: inout PrefetchRequests
  ) {
    guard let layout, layer + 1 < layout.layers else { return }
    for expert in experts { requests.fetch(layout.block(layer: layer + 1, expert: expert)) }
  }
}

@Suite("Prefetch")
struct PrefetchTests {
  static func configuration(
    _ prefetch: any PrefetchPolicy, linkRate: Double, layers: Int = 4, topK: Int = 2,
    chosen: [[Int]], tokens: Int = 1, transfer: TransferOptions = TransferOptions(),
    slots: Int = 16, buffers: Int = 2, stagingRate: Double = 1e15
  ) throws -> ServingConfiguration {
    let model = try ServingHarness.model(layers: layers, topK: topK)
    let shape = RoutingShape(layers: layers, experts: 8, topK: topK)
    var figures = ServingHarness.figures(linkRate: linkRate)
    figures.hostBandwidth = 1e16
    figures.stagingRate = stagingRate
    return ServingHarness.configuration(
      model: model,
      cache: CacheConfiguration(
        experts: .count(slots), pool: .global, stagingBuffers: buffers, initial: .empty),
      policy: ServingHarness.lru(prefetch: prefetch, transfer: transfer),
      limits: BatchLimits(maximumSequences: 1),
      figures: figures,
      routing: { ScriptedRouting(shape: shape, prompt: chosen, decode: [chosen]) },
      requests: ServingHarness.requests(count: 1, prompt: 1, output: Int32(tokens)))
  }

  @Test("all of the next layer, over a fast link: only the first layer misses")
  func allInTime() throws {
    let result = try ServingHarness.run(
      Self.configuration(
        PrefetchAll(), linkRate: 1e15, chosen: [[0, 1], [2, 3], [4, 5], [6, 7]], tokens: 5,
        slots: 24))
    #expect(result.expertCache.misses == 2)
    #expect(result.expertCache.late == 0)
    #expect(result.expertCache.hits == 5 * 4 * 2 - 2)
    // Each later layer of each step brings its 8 experts; the last layer's, for the next step.
    let fetched = result.traffic.first { $0.purpose == "prefetch" }?.transfers
    // Layer 0's two are there when its turn comes again, unless evicted.
    #expect(try #require(fetched) >= 5 * 3 * 8)
  }

  @Test("all of the next layer, over a slow link: hits come late")
  func allTooLate() throws {
    let result = try ServingHarness.run(
      Self.configuration(
        PrefetchAll(), linkRate: 1e9, chosen: [[0, 1], [0, 1], [0, 1], [0, 1]]))
    // One prefetch is under way at a time: the first that was asked for, which each gate chooses.
    #expect(result.expertCache.late >= 1)
    #expect(result.expertCache.misses >= 4)
    #expect(result.stallMsPerToken.latePrefetch > 0)
  }

  @Test(
    "a demand overtakes prefetches, at most a chunk behind", arguments: [1, 3, 12],
    [true, false])
  func overtakes(chunks: Int, pinned: Bool) throws {
    // Layer 0 is missing, and waited for; meanwhile all of layer 1 is asked for, in order. Its gate
    // names the one asked for last, which still waits for its turn. The slowest stage is the link, or the staging copy.
    let rate = 1e9
    let configuration = try Self.configuration(
      ListedPrefetch(Array(0..<8)), linkRate: pinned ? rate : 20 * rate, layers: 2, topK: 1,
      chosen: [[0], [7]], transfer: TransferOptions(chunks: chunks, pinned: pinned), slots: 12,
      stagingRate: rate)
    let result = try ServingHarness.run(configuration)
    #expect(result.expertCache.misses == 2)
    #expect(try #require(result.prefetch).demandsDelayed == 2)
    let copy = TransferTests.expert / rate
    // Each layer's own copy, and what was under way when its gate named its expert; without chunks
    // that may be one whole expert. Computations are short against copies.
    let parts = pinned ? chunks : max(chunks, 3)
    let stalled = TransferTests.stalled(result)
    #expect(stalled > 2 * copy * 0.98)
    #expect(stalled < copy * (2 + 2 / Double(parts) + (pinned ? 0 : 0.1)) * 1.01)
  }

  @Test("what was fetched ahead is used, dropped unused, or still there")
  func usedAndWasted() throws {
    var engineCounts = (used: UInt64(0), wasted: UInt64(0), flagged: 0)
    let result = try ServingHarness.probe(
      Self.configuration(
        PrefetchAll(), linkRate: 1e12, chosen: [[0, 1], [2, 3], [4, 5], [6, 7]], tokens: 20)
    ) { engine, _ in
      engineCounts.used = engine.counters.prefetch.used
      engineCounts.wasted = engine.counters.prefetch.wasted
      engineCounts.flagged = engine.isPrefetched.filter { $0 }.count
    }
    let fetched = try #require(result.traffic.first { $0.purpose == "prefetch" }).transfers
    #expect(engineCounts.used > 0)
    #expect(engineCounts.wasted > 0)
    #expect(
      engineCounts.used + engineCounts.wasted + UInt64(engineCounts.flagged) == fetched)
  }

  @Test("an expert that streams through a staging buffer is not fetched twice")
  func streamedOnce() throws {
    // One slot in all, so that layer 1's second expert streams; its prefetch asks for both.
    let configuration = try Self.configuration(
      EagerPrefetch(), linkRate: 1e9, layers: 2, topK: 3, chosen: [[0, 1, 2], [3, 4, 5]],
      tokens: 4, slots: 1, buffers: 3)
    let result = try ServingHarness.probe(configuration) { engine, _ in
      var seen: Set<Int> = []
      for slot in engine.transfers.transfers.indices {
        let block = engine.transfers[slot].block
        guard engine.transfers.slot(of: block) == slot else { continue }
        #expect(seen.insert(block.index).inserted)
      }
      #expect(engine.transfers.count == seen.count)
    }
    #expect(result.requests.completed == 1)
  }
}

/// Asks at each gate for every expert of the layer whose gate it is.
struct EagerPrefetch: PrefetchPolicy {
  private var layout: BlockLayout?
  mutating func configure(layout: BlockLayout) { self.layout = layout }
  mutating func gateDecided(
    _ layer: Int, activation: borrowing LayerActivation, residency: borrowing ResidencyView,
    requests: inout PrefetchRequests
  ) {
    guard let layout else { return }
    for expert in 0..<layout.experts { requests.fetch(layout.block(layer: layer, expert: expert)) }
  }
}
