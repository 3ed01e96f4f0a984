// SPDX-License-Identifier: GPL-3.0-or-later

import Routing
import Testing

@testable import Policies

@Suite("Leaving out light experts")
struct SkippingTests {
  private func resolve(_ name: String, _ values: [(String, Double)] = []) throws
    -> any ResolvePolicy
  {
    var settings = RoleSettings()
    for (key, value) in values { settings.set(key, to: [value]) }
    return try RoleRegistry.find(name, role: "resolve policy", in: RoleRegistry.resolve)
      .make(settings)
  }

  @Test("an expert below beta times the heaviest is left out")
  func ratio() throws {
    let skip = try resolve("skip-by-ratio", [("beta", 0.5)])
    #expect(skip.skipsChoices)
    #expect(skip.kept(of: [0.7, 0.3]) == 1)
    #expect(skip.kept(of: [0.6, 0.4]) == 2)
    // At the limit it stays: w₂ < β w₁ is what skips.
    #expect(skip.kept(of: [0.5, 0.25]) == 2)
    #expect(skip.kept(of: [0.4, 0.3, 0.2, 0.1]) == 3)
    #expect(skip.kept(of: [1]) == 1)
    #expect(skip.kept(of: []) == 0)
    #expect(try resolve("skip-by-ratio", [("beta", 0)]).kept(of: [0.9, 0.1]) == 2)
  }

  @Test("by default half of the tokens skip their second expert")
  func median() throws {
    let shape = RoutingShape(layers: 4, experts: 8, topK: 2)
    var skip = try #require(try resolve("skip-by-ratio") as? SkipByRatio)
    #expect(skip.needsMedian)
    let parameters = RoutingParameters.uniform(shape)
    skip.calibrate(with: try RoutingSample(of: GeneratedRouting(parameters: parameters, seed: 1)))
    let beta = try #require(skip.beta)
    #expect(beta > 0 && beta < 1 && !skip.needsMedian)
    // Other tokens than those of the sample.
    let source = try GeneratedRouting(parameters: parameters, seed: 2)
    let slot = source.beginSequence(1, promptTokens: 1, outputTokens: 2000)
    var weights: [Float] = []
    var skipped = 0
    for position in 0..<2000 {
      source.decodeWeights(slot: slot, position: position, layer: 1, into: &weights)
      if skip.kept(of: weights) == 1 { skipped += 1 }
    }
    // 4,096 sampled and 2,000 tested tokens: the share's deviation is 0.014; three of them.
    #expect(abs(Double(skipped) / 2000 - 0.5) < 0.042)
    // A ratio that was given stays.
    var fixed = SkipByRatio(beta: 0.3)
    fixed.calibrate(with: try RoutingSample(of: source))
    #expect(fixed.beta == 0.3)
  }

  @Test("an expert whose share times the number of choices is at most epsilon is left out")
  func share() throws {
    let skip = try resolve("skip-by-share")
    #expect(skip.skipsChoices)
    // N p = 4 × weight: 2.0, 1.2, 0.5, 0.3 against 0.48.
    #expect(skip.kept(of: [0.5, 0.3, 0.125, 0.075]) == 3)
    // The heaviest stays, whatever the limit; weights need not sum to one.
    let strict = try resolve("skip-by-share", [("epsilon", 60)])
    #expect(strict.kept(of: [5, 3, 1]) == 1)
    #expect(strict.kept(of: []) == 0)
  }
}
