// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Synchronization
import Testing
import Workload

@testable import Serving

/// What a predictor answered, by what it was asked for.
final class PredictionLog: Sendable {
  private let answers = Mutex<[String: [Int32]]>([:])
  func note(_ subject: PredictionSubject, _ answer: [Int32]) {
    let key =
      "\(subject.request) \(subject.position) \(subject.layer) \(subject.distance)"
    answers.withLock { $0[key] = answer }
  }
  var all: [String: [Int32]] { answers.withLock { $0 } }
}

/// A predictor whose answers are logged.
struct LoggedPrediction: PredictionPolicy {
  var base: any PredictionPolicy
  let log: PredictionLog
  var reach: Int { base.reach }
  mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {
    base.configure(layout: layout, seed: seed, replication: replication)
  }
  mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {
    base.predict(subject, truth: truth, into: &answer)
    log.note(subject, answer.distinct)
  }
}

@Suite("Prediction in the engine")
struct PredictionInEngineTests {
  static let layers = 4

  static func configuration(
    _ prediction: any PredictionPolicy, depth: Int = 1, count: Int? = nil, linkRate: Double,
    eviction: String = "lru", slots: Int = 6, sequences: Int = 1, seed: UInt64 = 1,
    requests: [Request] = ServingHarness.requests(count: 1, prompt: 4, output: 24)
  ) throws -> ServingConfiguration {
    let model = try ServingHarness.model(layers: layers)
    var figures = ServingHarness.figures(linkRate: linkRate)
    figures.hostBandwidth = 1e16
    var policy = ServingHarness.lru(prefetch: PredictedPrefetch(depth: depth, count: count))
    policy.eviction = BooksTests.rule(eviction)
    policy.prediction = prediction
    return ServingHarness.configuration(
      model: model,
      cache: CacheConfiguration(experts: .count(slots), pool: .perLayer, initial: .empty),
      policy: policy, limits: BatchLimits(maximumSequences: sequences),
      run: RunOptions(seed: seed, warmUp: .none), figures: figures, requests: requests)
  }

  @Test(
    "an oracle over an infinitely fast link leaves the first layer's misses", arguments: [1, 3])
  func oracle(depth: Int) throws {
    let result = try ServingHarness.run(
      Self.configuration(OraclePrediction(), depth: depth, linkRate: 1e15))
    let layers = try #require(result.expertCache.tiers["hbm"]).layers
    #expect(result.expertCache.late == 0)
    #expect(layers[0].hits < layers[0].accesses)
    for layer in layers.dropFirst() { #expect(layer.hits == layer.accesses, "\(layer.layer)") }
    #expect(result.expertCache.misses == layers[0].accesses - layers[0].hits)
    let prefetch = try #require(result.prefetch)
    #expect(prefetch.late == 0 && prefetch.predicted > 0)
    #expect(prefetch.predictedRight == prefetch.predicted)
  }

  @Test("nothing is predicted across the end of a step, nor for large pieces of prompts")
  func limits() throws {
    let log = PredictionLog()
    let oracle = LoggedPrediction(base: OraclePrediction(), log: log)
    let requests = ServingHarness.requests(count: 1, prompt: 33, output: 3)
    _ = try ServingHarness.run(
      Self.configuration(oracle, depth: 2, linkRate: 1e10, requests: requests))
    // Two decode steps; at the gates of layers 0, 1 and 2, as far as there are layers behind.
    let expected = [(1, 1), (2, 2), (2, 1), (3, 2), (3, 1)].flatMap { layer, distance in
      [33, 34].map { "0 \($0) \(layer) \(distance)" }
    }
    #expect(Set(log.all.keys) == Set(expected))
  }

  @Test("a small piece of a prompt is predicted as a whole")
  func smallPrompt() throws {
    let log = PredictionLog()
    let oracle = LoggedPrediction(base: OraclePrediction(), log: log)
    let requests = ServingHarness.requests(count: 1, prompt: 32, output: 1)
    _ = try ServingHarness.run(
      Self.configuration(oracle, linkRate: 1e10, requests: requests))
    #expect(Set(log.all.keys) == ["0 0 1 1", "0 0 2 1", "0 0 3 1"])
  }

  @Test("mistakes are the same whatever the cache does, and others with another seed")
  func commonMistakes() throws {
    let requests = ServingHarness.requests(count: 3, prompt: 8, output: 16, gapSeconds: 0.001)
    let answers = { (eviction: String, slots: Int, rate: Double, seed: UInt64) in
      let log = PredictionLog()
      let recall = LoggedPrediction(base: RecallPrediction(recall: [0.7, 0.6]), log: log)
      _ = try ServingHarness.run(
        Self.configuration(
          recall, depth: 2, linkRate: rate, eviction: eviction, slots: slots, sequences: 3,
          seed: seed, requests: requests))
      return log.all
    }
    let first = try answers("lru", 6, 10e9, 1)
    #expect(first.count > 3 * 15 * 5)
    #expect(try answers("belady", 6, 10e9, 1) == first)
    #expect(try answers("lfu", 3, 1e9, 1) == first)
    let other = try answers("lru", 6, 10e9, 2)
    #expect(other.keys == first.keys && other != first)
  }

  @Test(
    "what was fetched ahead is used, wasted, or still there",
    arguments: ["lru", "belady"], [1e9, 10e9, 1e15])
  func balance(eviction: String, rate: Double) throws {
    var flagged: UInt64 = 0
    let result = try ServingHarness.probe(
      Self.configuration(
        RecallPrediction(recall: [0.6, 0.6]), depth: 2, linkRate: rate, eviction: eviction, slots: 3
      )
    ) { engine, _ in flagged = UInt64(engine.isPrefetched.filter { $0 }.count) }
    let prefetch = try #require(result.prefetch)
    #expect(prefetch.issued == prefetch.used + prefetch.wasted + flagged)
    #expect(prefetch.used > 0 && prefetch.wasted > 0 && prefetch.used >= prefetch.late)
    #expect(prefetch.late == result.expertCache.late)
    #expect((rate == 1e15) == (prefetch.late == 0))
    #expect(prefetch.predictedRight < prefetch.predicted && prefetch.predictedRight > 0)
    // Nothing is on its way when the last request has ended, unless it was asked for in vain.
    let fetched = result.traffic.first { $0.purpose == "prefetch" }?.transfers
    #expect(fetched == prefetch.issued)
  }

  @Test("a bound on the experts of a layer keeps the heaviest")
  func bounded() throws {
    let all = try ServingHarness.run(
      Self.configuration(OraclePrediction(), linkRate: 1e15, slots: 2))
    let one = try ServingHarness.run(
      Self.configuration(OraclePrediction(), count: 1, linkRate: 1e15, slots: 2))
    #expect(try #require(one.prefetch).issued < #require(all.prefetch).issued)
    #expect(one.expertCache.misses > all.expertCache.misses)
  }

  @Test("without a prefetch policy there is no record of one; without a consumer no prediction")
  func absent() throws {
    var configuration = try Self.configuration(OraclePrediction(), linkRate: 1e10)
    configuration.policy.prefetch = PrefetchAll()
    #expect(try #require(ServingHarness.run(configuration).prefetch).predicted == 0)
    configuration.policy.prefetch = NoPrefetch()
    #expect(try ServingHarness.run(configuration).prefetch == nil)
  }
}
