// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Testing

@Suite("Prefetch of adaptive depth")
struct AdaptiveDepthPrefetchTests {
  /// Asks about layers 1, 2 and 3 of a model, some of whose experts are here.
  private func asked(
    _ policy: AdaptiveDepthPrefetch, versions: Int, here: [(layer: Int, expert: Int, version: Int)],
    predictions: [[(expert: Int32, weight: Float)]]
  ) -> [[BlockID]] {
    let layout = BlockLayout(layers: 4, experts: 8, versions: versions) { _, _, _ in 1 }
    var tier = ResidencyTier(
      layout: layout, pools: .global(slots: 30), eviction: LightestEviction())
    var evicted: [BlockID] = []
    for block in here {
      tier.install(
        layout.block(layer: block.layer, expert: block.expert, version: block.version),
        evicted: &evicted)
    }
    var policy = policy
    policy.configure(layout: layout)
    var asked: [[BlockID]] = []
    // Twice, so that a walk that has ended begins anew with the next gate.
    for _ in 0..<2 {
      asked = []
      var requests = PrefetchRequests()
      policy.gateDecided(
        0, activation: LayerActivation(experts: 8), residency: tier.view, requests: &requests)
      for (place, experts) in predictions.enumerated() {
        requests.removeAll()
        policy.predicted(
          layer: place + 1, distance: place + 1,
          experts: experts.map { PredictedExpert(expert: $0.expert, weight: $0.weight) },
          residency: tier.view, requests: &requests)
        asked.append(requests.blocks)
      }
    }
    return asked
  }

  private let layout = BlockLayout(layers: 4, experts: 8, versions: 2) { _, _, _ in 1 }

  @Test("passes over layers that are here, and stops at the first that is not")
  func walk() {
    let predictions: [[(expert: Int32, weight: Float)]] = [
      [(1, 0.7), (2, 0.3)], [(3, 0.7), (4, 0.3)], [(5, 0.7), (6, 0.3)],
    ]
    let first = [(layer: 1, expert: 1, version: 0), (layer: 1, expert: 2, version: 0)]
    let plain = BlockLayout(layers: 4, experts: 8, bytesPerExpert: 1)
    #expect(
      asked(AdaptiveDepthPrefetch(), versions: 1, here: first, predictions: predictions)
        == [[], [3, 4].map { plain.block(layer: 2, expert: $0) }, []])
    #expect(
      asked(
        AdaptiveDepthPrefetch(), versions: 1, here: Array(first.prefix(1)),
        predictions: predictions)
        == [[plain.block(layer: 1, expert: 2)], [], []])
    #expect(
      asked(AdaptiveDepthPrefetch(depth: 1), versions: 1, here: first, predictions: predictions)
        == [[], [], []])
    #expect(AdaptiveDepthPrefetch().shieldsPredicted)
  }

  @Test("scores choose the version; one as precise is here already")
  func versions() {
    // Scores 0, 0.5, 0.8 and 0.95.
    let predictions: [[(expert: Int32, weight: Float)]] = [
      [(1, 0.5), (2, 0.3), (3, 0.15), (4, 0.05)]
    ]
    let all = [
      layout.block(layer: 1, expert: 1, version: 0), layout.block(layer: 1, expert: 2, version: 0),
      layout.block(layer: 1, expert: 3, version: 1),
    ]
    #expect(
      asked(AdaptiveDepthPrefetch(), versions: 2, here: [], predictions: predictions) == [all])
    // Low precision does not serve expert 1; high precision serves expert 3.
    #expect(
      asked(
        AdaptiveDepthPrefetch(), versions: 2,
        here: [(layer: 1, expert: 1, version: 1), (layer: 1, expert: 3, version: 0)],
        predictions: predictions) == [Array(all.prefix(2))])
    #expect(
      asked(
        AdaptiveDepthPrefetch(high: 0.1, skip: 0.6), versions: 2, here: [],
        predictions: predictions)
        == [[all[0], layout.block(layer: 1, expert: 2, version: 1)]])
  }

  @Test("thresholds that contradict each other are refused")
  func settings() throws {
    let registration = try RoleRegistry.find(
      "adaptive-depth", role: "prefetch policy", in: RoleRegistry.prefetch)
    var settings = RoleSettings()
    settings.set("high", to: [0.95])
    #expect(throws: RoleProblem.self) { try registration.make(settings) }
    settings.set("skip", to: [1])
    settings.set("depth", to: [2])
    let made = try #require(try registration.make(settings) as? AdaptiveDepthPrefetch)
    #expect(made.high == 0.95 && made.skip == 1 && made.depth == 2)
  }
}
