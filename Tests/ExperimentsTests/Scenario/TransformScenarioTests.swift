// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import KernelTiming
import Policies
import Routing
import Serving
import Testing

@testable import Experiments

@Suite("Scenarios that change the model or its kernels")
struct TransformScenarioTests {
  private func configuration(_ overrides: [String]) throws -> ServingConfiguration {
    let tiny = try TinyScenario()
    return try Scenario.load(tiny.path, overrides: overrides, library: tiny.library)
      .configuration(library: tiny.library)
  }

  @Test("the engine serves the changed model with routing to match")
  func prune() throws {
    let plain = try configuration([])
    let pruned = try configuration(["policy.transform={name: prune-experts, experts: 5}"])
    #expect(plain.model.expertCount == 8 && pruned.model.expertCount == 5)
    #expect(try pruned.makeRouting().shape == RoutingShape(layers: 3, experts: 5, topK: 2))
    #expect(pruned.notices.contains { $0.contains("prune-experts") })
    #expect(!plain.notices.contains { $0.contains("transform") })
    let result = try ServingSimulation.run(pruned).result
    #expect(result.requests.completed == 6)
  }

  @Test("one policy may change the model beside others that do not")
  func comparison() throws {
    let tiny = try TinyScenario()
    let presets = ["lru", "expert-pruning", "resmoe"]
    let outcome = try tiny.compare(presets)
    let speeds = outcome.results.map { $0[0].throughput.outputTokensPerSecond }
    // Half of all experts is cached in each: the residuals of resmoe are a quarter as large.
    #expect(speeds[2] > speeds[0])
    #expect(
      outcome.comparison.rows.map(\.roles.transform) == [
        "none", "prune-experts", "compress-experts",
      ])
    // What a policy does to the model does not depend on what it is compared with.
    let alone = try tiny.compare(["expert-pruning"])
    #expect(alone.results[0][0].throughput.outputTokensPerSecond == speeds[1])
  }

  @Test("kernels are named, described in place, or left to the law")
  func kernels() throws {
    #expect(try configuration([]).timing.kernels == .none)
    let named = try configuration([
      "policy.kernels=marlin", "precision={experts: int4-g128-sym}",
    ])
    #expect(named.timing.kernels.name == "marlin")
    #expect(!named.notices.contains { $0.contains("kernels") })
    let useless = try configuration(["policy.kernels=marlin"])
    #expect(useless.notices.contains { $0.contains("'marlin' have no use here") })
    let inline = try configuration([
      "policy.kernels={name: mine, summary: s, source: t, entries: [{families: [gemm], "
        + "weights: bf16, compute: 0.5, source: u}]}"
    ])
    #expect(inline.timing.kernels.entries.count == 1)
    #expect(throws: MissingFile.self) { try configuration(["policy.kernels=marlim"]) }
    #expect(throws: Diagnostics.self) { try configuration(["policy.kernels={name: mine}"]) }
  }

  @Test("what cannot be applied is told with its place")
  func refusals() throws {
    do {
      _ = try configuration(["policy.transform={name: prune-experts, experts: 9}"])
      Issue.record("nine of eight experts were kept")
    } catch let error as Diagnostic {
      #expect(error.path == "policy.transform.experts")
      #expect(error.location != nil)
    }
    #expect(throws: Diagnostics.self) { try configuration(["policy.transform=prune-experts"]) }
  }

  @Test("the ratio below which experts are skipped is the routing's median")
  func skipping() throws {
    let configuration = try configuration(["policy.resolve=skip-by-ratio"])
    let skip = try #require(configuration.policy.resolve as? SkipByRatio)
    let beta = try #require(skip.beta)
    let median = try RoutingSample(of: configuration.makeRouting()).medianRatio
    #expect(beta == median)
    let fixed = try self.configuration(["policy.resolve={name: skip-by-ratio, beta: 0.4}"])
    #expect((fixed.policy.resolve as? SkipByRatio)?.beta == 0.4)
  }
}
