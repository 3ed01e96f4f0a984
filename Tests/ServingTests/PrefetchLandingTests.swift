// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Testing
import Workload

@testable import Serving

/// An oracle that takes time.
private struct SlowOracle: PredictionPolicy {
  var latencySeconds: Double
  var predictsAtStepStart = false
  var reach: Int { .max }
  mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {}
  mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) { answer.add(truth) }
}

/// Predicts experts that the gate will not choose.
private struct WrongPrediction: PredictionPolicy {
  var experts: [Int32]
  var reach: Int { 1 }
  mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {}
  mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) { for expert in experts { answer.add(expert: expert, weight: 0.5) } }
}

@Suite("Where and when prefetches land")
struct PrefetchLandingTests {
  private static func configuration(
    _ prediction: any PredictionPolicy, landing: PrefetchLanding = .cache, preempts: Bool = true,
    shields: Bool = false, depth: Int = 1, slots: Int = 4, buffers: Int = 3, linkRate: Double,
    chunks: Int = 1, chosen: [[Int]] = [[0, 1], [2, 3], [4, 5], [6, 7]], tokens: Int = 6
  ) throws -> ServingConfiguration {
    var options = PredictedPrefetch.Options()
    options.depth = depth
    options.landing = landing
    options.preempts = preempts
    options.shields = shields
    var configuration = try PrefetchTests.configuration(
      PredictedPrefetch(options: options), linkRate: linkRate, chosen: chosen, tokens: tokens,
      transfer: TransferOptions(chunks: chunks), slots: slots, buffers: buffers)
    configuration.policy.prediction = prediction
    return configuration
  }

  @Test("buffers hold what is predicted until its gate; without a cache nothing stays")
  func doubleBuffer() throws {
    let result = try ServingHarness.run(
      Self.configuration(
        SlowOracle(latencySeconds: 0), landing: .buffers, slots: 0, buffers: 5, linkRate: 1e15))
    // The first layer of each step is exposed, all others are there in time.
    let layers = try #require(result.expertCache.tiers["hbm"]).layers
    #expect(layers[0].hits == 0)
    for layer in layers.dropFirst() { #expect(layer.hits == layer.accesses, "\(layer.layer)") }
    #expect(try #require(result.expertCache.tiers["hbm"]).evictions == 0)
    let prefetch = try #require(result.prefetch)
    #expect(prefetch.wasted == 0 && prefetch.used == prefetch.issued)
    #expect(prefetch.predictedInTime == prefetch.predictedExperts)
  }

  @Test("a wrong guess in a buffer costs the link and not the cache")
  func wrongGuess() throws {
    let run = { (landing: PrefetchLanding) in
      try ServingHarness.run(
        Self.configuration(
          WrongPrediction(experts: [0, 1]), landing: landing, slots: 8, linkRate: 1e15,
          chosen: [[2, 3], [2, 3], [2, 3], [2, 3]], tokens: 12))
    }
    let buffered = try run(.buffers)
    let cached = try run(.cache)
    // Eight slots hold the two experts of all four layers, unless guesses take their room.
    #expect(buffered.expertCache.misses == 8)
    #expect(cached.expertCache.misses > 8)
    let prefetch = try #require(buffered.prefetch)
    #expect(prefetch.used == 0 && prefetch.wasted == prefetch.issued)
    #expect(prefetch.wastedBytes == Int64(prefetch.wasted) * Int64(TransferTests.expert))
    #expect(prefetch.predictedRight == 0)
  }

  @Test("a prediction counts from the moment at which it has been computed")
  func latency() throws {
    let at = { (latency: Double) in
      try ServingHarness.run(
        Self.configuration(SlowOracle(latencySeconds: latency), depth: 1, slots: 4, linkRate: 1e14))
    }
    let instant = try at(0)
    let never = try at(10)
    #expect(try #require(instant.prefetch).issued > 0)
    #expect(try #require(never.prefetch).issued == 0)
    #expect(instant.expertCache.misses < never.expertCache.misses)
    #expect(instant.tpotMs!.mean < never.tpotMs!.mean)
  }

  @Test("predicted at the start of a step, the first layer is no longer exposed")
  func stepStart() throws {
    let run = { (start: Bool) in
      try ServingHarness.run(
        Self.configuration(
          SlowOracle(latencySeconds: 0, predictsAtStepStart: start), slots: 4, linkRate: 1e15))
    }
    let layers = { (result: SimulationResult) in result.expertCache.tiers["hbm"]!.layers }
    #expect(layers(try run(false))[0].hits == 0)
    #expect(layers(try run(true))[0].hits == layers(try run(true))[0].accesses)
  }

  @Test("a stale prefetch ends with its chunk, and what came of it stays", arguments: [1, 8])
  func staleChunks(chunks: Int) throws {
    let result = try ServingHarness.run(
      Self.configuration(
        WrongPrediction(experts: [6, 7]), slots: 16, linkRate: 2e9, chunks: chunks,
        chosen: [[0, 1], [0, 1], [0, 1], [0, 1]], tokens: 2))
    let prefetch = try #require(result.prefetch)
    #expect(prefetch.issued > 0)
    #expect((prefetch.cancelled > 0) == (chunks > 1))
    if chunks > 1 { #expect(prefetch.wastedBytes > 0) }
  }

  @Test("what is shielded is not evicted before its layer has been computed")
  func shield() throws {
    // Room for two layers' experts: without a shield the far prediction's room is taken again.
    let run = { (shields: Bool) in
      try ServingHarness.run(
        Self.configuration(
          SlowOracle(latencySeconds: 0), shields: shields, depth: 3, slots: 5, linkRate: 1e15,
          tokens: 20))
    }
    let open = try run(false)
    let shielded = try run(true)
    #expect(try #require(shielded.prefetch).wasted < #require(open.prefetch).wasted)
  }
}

@Suite("Experts one by one")
struct OneByOneTests {
  @Test("a loop in the order of numbers thrashes where a set as one event does not")
  func thrash() throws {
    // Experts 0 to 3 of each layer are used in every step, and three of them fit.
    let run = { (schedule: any SchedulePolicy) in
      var configuration = try PrefetchTests.configuration(
        NoPrefetch(), linkRate: 1e12, layers: 2, topK: 4, chosen: [[0, 1, 2, 3], [0, 1, 2, 3]],
        tokens: 10)
      configuration.cache.experts = .count(3)
      configuration.cache.pool = .perLayer
      configuration.policy.schedule = schedule
      return try ServingHarness.run(configuration)
    }
    let together = try run(ComputeAsReady())
    let loop = try run(ExpertByExpert())
    // LRU over a cyclic order larger than the cache never hits.
    #expect(loop.expertCache.hits == 0)
    #expect(loop.expertCache.misses == 2 * 4 * 10)
    #expect(together.expertCache.hits == 2 * 3 * 9)
    #expect(loop.tpotMs!.mean > together.tpotMs!.mean)
    #expect(loop.requests.completed == 1)
  }

  @Test("without misses the order does not matter to the cache")
  func resident() throws {
    var configuration = try PrefetchTests.configuration(
      NoPrefetch(), linkRate: 1e12, layers: 2, topK: 4, chosen: [[0, 1, 2, 3], [4, 5, 6, 7]],
      tokens: 5)
    configuration.cache.experts = .count(7)
    configuration.cache.pool = .perLayer
    configuration.policy.schedule = ExpertByExpert()
    let result = try ServingHarness.run(configuration)
    #expect(result.expertCache.misses == 8)
    #expect(result.expertCache.hits == 2 * 4 * 4)
  }
}
