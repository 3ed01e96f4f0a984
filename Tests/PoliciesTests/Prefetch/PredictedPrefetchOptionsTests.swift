// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Testing

@Suite("Options of the prefetch of what is predicted")
struct PredictedPrefetchOptionsTests {
  private func make(_ settings: RoleSettings) throws -> PredictedPrefetch {
    let found = try RoleRegistry.find(
      "predicted", role: "prefetch policy", in: RoleRegistry.prefetch)
    return try #require(try found.make(settings) as? PredictedPrefetch)
  }

  private func urgencies(_ settings: RoleSettings) throws -> [Float] {
    let layout = BlockLayout(layers: 9, experts: 8, bytesPerExpert: 1)
    let tier = ResidencyTier(
      layout: layout, pools: .global(slots: 3), eviction: LightestEviction())
    var settings = settings
    settings.set("depth", to: [8])
    var policy = try make(settings)
    policy.configure(layout: layout)
    var requests = PrefetchRequests()
    for distance in [1, 2, 5] {
      policy.predicted(
        layer: distance, distance: distance, experts: [PredictedExpert(expert: 1, weight: 0.5)],
        residency: tier.view, requests: &requests)
    }
    return requests.requests.map(\.urgency)
  }

  @Test("urgency is that of the order of asking, or falls with the distance")
  func urgency() throws {
    var settings = RoleSettings()
    #expect(try urgencies(settings) == [0, 0, 0])
    settings.set("urgency", to: "proximity")
    #expect(try urgencies(settings) == [0.5, 0.25, 0.1])
    settings.set("urgency", to: "decay")
    for (got, expected) in zip(try urgencies(settings), [0.45, 0.4, 0.25] as [Float]) {
      #expect(abs(got - expected) < 1e-6)
    }
    settings.set("decay_from", to: [1])
    for (got, expected) in zip(try urgencies(settings), [0.5, 0.45, 0.3] as [Float]) {
      #expect(abs(got - expected) < 1e-6)
    }
  }

  @Test("flags and landing are passed on")
  func flags() throws {
    var settings = RoleSettings()
    let plain = try make(settings)
    #expect(plain.dropsStaleRequests && !plain.shieldsPredicted && plain.landing == .cache)
    settings.set("preempt", to: [0])
    settings.set("shield", to: [1])
    settings.set("landing", to: "buffers")
    #expect(plain.touchesPresent)
    settings.set("touch", to: [0])
    let changed = try make(settings)
    #expect(!changed.dropsStaleRequests && changed.shieldsPredicted)
    #expect(changed.landing == .buffers && !changed.touchesPresent)
  }
}
