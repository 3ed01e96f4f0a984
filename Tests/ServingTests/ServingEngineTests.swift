// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Testing

@testable import Serving

@Suite("The engine")
struct ServingEngineTests {
  @Test("serves every request, and its books balance", arguments: [1, 3, 8])
  func servesAll(batch: Int) throws {
    let model = try ServingHarness.model()
    let result = try ServingHarness.run(
      ServingHarness.configuration(
        model: model, cache: CacheConfiguration(experts: .count(4)),
        limits: BatchLimits(maximumSequences: batch, tokenBudget: 64),
        requests: ServingHarness.requests(count: 6, gapSeconds: 0.001)))
    #expect(result.requests.completed == 6)
    #expect(result.requests.unfinished == 0)
    #expect(result.requests.outputTokens == 6 * 16)
    let cache = result.expertCache
    let moved = result.traffic.filter { $0.link == "gpu0.h2d" }.reduce(0) { $0 + $1.bytes }
    #expect(moved == cache.bytesLoaded)
    let perExpert = model.bytes(under: .bf16).perExpert
    #expect(cache.bytesLoaded == Int64(cache.misses) * perExpert)
    for (name, share) in result.utilization { #expect(share >= 0 && share <= 1 + 1e-9, "\(name)") }
    let tier = try #require(cache.tiers["hbm"])
    #expect(tier.layers.reduce(0) { $0 + $1.accesses } == cache.hits + cache.misses + cache.late)
  }

  @Test(
    "a whole step in one operation takes as long as its operations one by one", arguments: [1, 4])
  func wholeStepsEqualFineSteps(batch: Int) throws {
    let model = try ServingHarness.model()
    var configuration = ServingHarness.configuration(
      model: model, cache: CacheConfiguration(experts: .all),
      limits: BatchLimits(maximumSequences: batch, tokenBudget: 48),
      requests: ServingHarness.requests(count: 5, prompt: 100, gapSeconds: 0.0005))
    let whole = try ServingHarness.run(configuration)
    configuration.mergesWholeSteps = false
    let fine = try ServingHarness.run(configuration)
    #expect(whole.eventsProcessed < fine.eventsProcessed / 4)
    #expect(whole.simulatedSeconds == fine.simulatedSeconds)
    #expect(whole.steps == fine.steps)
    #expect(whole.ttftMs?.mean == fine.ttftMs?.mean)
    #expect(whole.itlMs?.max == fine.itlMs?.max)
    #expect(whole.timeMsPerToken.map(\.value) == fine.timeMsPerToken.map(\.value))
    #expect(whole.expertCache.hits == fine.expertCache.hits)
  }

  @Test("the same configuration gives the same result twice")
  func isDeterministic() throws {
    let model = try ServingHarness.model()
    let configuration = ServingHarness.configuration(
      model: model, cache: CacheConfiguration(experts: .count(3)))
    let first = try ServingHarness.run(configuration)
    let second = try ServingHarness.run(configuration)
    #expect(first.simulatedSeconds == second.simulatedSeconds)
    #expect(first.eventsProcessed == second.eventsProcessed)
    #expect(first.expertCache.hits == second.expertCache.hits)
  }

  @Test("time splits into computation and stalls", arguments: ["lru", "wait"])
  func timeIsAccountedFor(schedule: String) throws {
    let model = try ServingHarness.model()
    let policy =
      schedule == "lru"
      ? ServingHarness.lru() : ServingHarness.lru(schedule: LoadThenCompute())
    let result = try ServingHarness.run(
      ServingHarness.configuration(
        model: model, cache: CacheConfiguration(experts: .count(4)), policy: policy,
        limits: BatchLimits(maximumSequences: 1),
        requests: ServingHarness.requests(count: 1, output: 64)))
    let tokens = Double(result.requests.outputTokens)
    let computed = result.timeMsPerToken.reduce(0) { $0 + $1.value } * tokens
    let stalls = result.stallMsPerToken
    let stalled =
      (stalls.demandLoad + stalls.latePrefetch + stalls.staging + stalls.drive
        + stalls.linkContention + stalls.memoryFull) * tokens
    let total = result.simulatedSeconds * 1e3
    #expect(stalled > 0)
    #expect(abs(computed + stalled - total) < total * 1e-6)
  }
}
