// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies
import Routing
import Testing
import Workload

@testable import Serving

/// MoE-CAP's figures against sums made by hand from the small model's dimensions.
@Suite("Forward passes")
struct PassesTests {
  // The small model: hidden 1024, 16 heads of 64 over 4 of keys and values, experts of 3584; bf16.
  private static let layers = 4.0
  private static let attention = 1024.0 * 1024 * 2 + 1024 * 256 * 2
  private static let expert = 3.0 * 1024 * 3584
  private static let router = 1024.0 * 8
  private static let rowBytes = 2.0 * 4 * 64 * 2

  /// Requests choose two experts each: request r always r and r + 1.
  private static func configuration(
    _ requests: [Request], cache: CacheConfiguration = CacheConfiguration(experts: .all)
  ) throws -> ServingConfiguration {
    let shape = RoutingShape(layers: 4, experts: 8, topK: 2)
    return ServingHarness.configuration(
      model: try ServingHarness.model(), cache: cache,
      limits: BatchLimits(maximumSequences: 4, tokenBudget: 64),
      routing: {
        var routing = ScriptedRouting(shape: shape)
        routing.choose = { _, key, _, _ in [Int(key), Int(key) + 1] }
        return routing
      }, requests: requests)
  }

  private static func passes(
    _ configuration: ServingConfiguration
  ) throws -> (result: SimulationResult, records: [PassRecord]) {
    let run = try ServingSimulation.run(configuration, passes: PassCollector())
    return (run.result, (run.passes as? PassCollector)?.records ?? [])
  }

  @Test("one sequence reads attention, two experts a layer, and its keys and values")
  func alone() throws {
    let (result, records) = try Self.passes(
      Self.configuration(ServingHarness.requests(count: 1, prompt: 32, output: 16)))
    try #require(records.count == 16)
    let weights = 2 * Self.layers * (Self.attention + 2 * Self.expert)
    var bytes = 0.0
    var seconds = 0.0
    var flop = 0.0
    for (index, record) in records.enumerated() {
      #expect(record.mode == (index == 0 ? .prefill : .decode))
      #expect(record.activatedExperts == 2)
      #expect(record.weightBytes == weights)
      let visible = Double(32 + index)
      #expect(record.keyValueBytes == visible * Self.rowBytes * Self.layers)
      // The prompt's token i attends to i rows; a score and a weighted sum are 2 · 64 FLOP each.
      let rows = index == 0 ? 32.0 * 33 / 2 : visible
      let tokens = index == 0 ? 32.0 : 1
      let expected =
        Self.layers
        * (2 * tokens * (Self.attention + Self.router + 2 * Self.expert) + 16 * 4 * 64 * rows)
      #expect(abs(record.flop - expected) <= expected * 1e-12)
      guard index > 0 else { continue }
      bytes += record.weightBytes + record.keyValueBytes
      seconds += Double(record.ended - record.began) * 1e-9
      flop += record.flop
    }
    let report = try #require(result.moeCap)
    let decode = try #require(report.decode)
    #expect(decode.passes == 15 && decode.tokens == 15 && decode.meanBatch == 1)
    #expect(decode.meanActivatedExperts == 2)
    // 1 TB/s and 100 TFLOP/s.
    #expect(abs(decode.sMbu - bytes / seconds / 1e12) < 1e-9)
    #expect(abs(decode.sMfu - flop / seconds / 100e12) < 1e-9)
    #expect(report.prefill?.passes == 1 && report.mixed == nil)
    #expect(abs(report.peakGbPerSecond - 1000) < 1e-9 && report.gpus == 1)
    #expect(abs(report.peakTflops - 100) < 1e-9)
    #expect(abs(decode.weightGbPerPass - weights * 1e-9) < 1e-9)
    #expect(report.radar.tpotSeconds == result.tpotMs.map { $0.mean * 1e-3 })
    #expect(report.radar.purchaseUsd == result.cost.purchaseUsd)
  }

  @Test("an expert that two sequences share is read once")
  func union() throws {
    let requests = ServingHarness.requests(count: 2, prompt: 8, output: 6, gapSeconds: 0)
    let (result, records) = try Self.passes(Self.configuration(requests))
    let both = records.filter { $0.mode == .decode && $0.entries.count == 2 }
    #expect(!both.isEmpty)
    for record in both {
      #expect(record.activatedExperts == 3)
      #expect(record.weightBytes == 2 * Self.layers * (Self.attention + 3 * Self.expert))
      let rows = record.entries.reduce(0) { $0 + $1.total }
      #expect(record.keyValueBytes == Double(rows) * Self.rowBytes * Self.layers)
    }
    #expect(result.moeCap?.decode?.meanActivatedExperts == 3)
  }

  @Test("passes are the same whatever is resident and however they are simulated")
  func paths() throws {
    let requests = ServingHarness.requests(count: 3, prompt: 20, output: 9, gapSeconds: 0)
    let whole = try Self.configuration(requests)
    var fine = whole
    fine.mergesWholeSteps = false
    let offloaded = try Self.configuration(requests, cache: CacheConfiguration(experts: .count(2)))
    var first = try Self.passes(whole).records
    let second = try Self.passes(fine).records
    #expect(first == second)
    var third = try Self.passes(offloaded).records
    for index in third.indices { third[index].began = 0; third[index].ended = 0 }
    for index in first.indices { first[index].began = 0; first[index].ended = 0 }
    #expect(first == third)
    let fast = try Self.passes(whole).result.moeCap?.decode?.sMbu ?? 0
    let slow = try Self.passes(offloaded).result.moeCap?.decode?.sMbu ?? 0
    #expect(slow < fast / 2)
  }

  @Test("micro-batches of a whole step share what they read")
  func microBatches() throws {
    let requests = ServingHarness.requests(count: 4, prompt: 8, output: 5, gapSeconds: 0)
    var configuration = try Self.configuration(requests)
    configuration.policy = ServingHarness.lru(
      schedule: PipelinedHostAttention(microBatchSize: 2, microBatches: 2))
    configuration.policy.admission = StaticBatch()
    configuration.limits = BatchLimits(maximumSequences: 4, tokenBudget: 4096)
    configuration.hostTiming = ServingHarness.timing().scaled(memory: 1e-2)
    let (result, records) = try Self.passes(configuration)
    #expect(records.map(\.mode) == [.prefill] + Array(repeating: .decode, count: 4))
    for record in records {
      // Requests 0 to 3 use experts 0 to 4, whichever micro-batch they are in.
      #expect(record.activatedExperts == 5)
      #expect(record.weightBytes == 2 * Self.layers * (Self.attention + 5 * Self.expert))
    }
    #expect(result.moeCap?.decode?.meanBatch == 4)
  }

  @Test("mixed passes are told apart, and say which chunk is a prompt's last")
  func mixed() throws {
    let requests = [
      Request(number: 0, arrivalNanoseconds: 0, promptTokens: 8, outputTokens: 40),
      Request(number: 1, arrivalNanoseconds: 1, promptTokens: 100, outputTokens: 2),
    ]
    let (result, records) = try Self.passes(Self.configuration(requests))
    let mixed = records.filter { $0.mode == .mixed }
    #expect(!mixed.isEmpty && result.moeCap?.mixed?.passes == UInt64(mixed.count))
    let chunks = records.flatMap(\.entries).filter { $0.request == 1 && $0.isPrefill }
    #expect(chunks.map(\.tokens).reduce(0, +) == 100)
    #expect(chunks.map(\.isLastChunk) == chunks.indices.map { $0 == chunks.count - 1 })
    #expect(chunks.last?.total == 100 && chunks.allSatisfy { $0.prompt == 100 })
    #expect(records.map(\.number) == records.indices.map { UInt64($0 + 1) })
  }

  @Test("what a limit asks for is bytes over the limit, and over the utilisation")
  func requirement() throws {
    var configuration = try Self.configuration(ServingHarness.requests(count: 1))
    configuration.serviceLevel = ServiceLevel(ttftMs: nil, tpotMs: 50, e2elMs: nil)
    let report = try #require(try Self.passes(configuration).result.moeCap)
    let decode = try #require(report.decode)
    let required = try #require(report.required)
    let gigabytes = decode.weightGbPerPass + decode.keyValueGbPerPass
    #expect(abs(required.theoreticalGbPerSecond - gigabytes / 0.05) < 1e-6)
    #expect(abs(required.gbPerSecond - gigabytes / 0.05 / decode.sMbu) < 1e-6)
  }

  @Test("a policy that leaves choices out says how much of the gates' weight they had")
  func skipped() throws {
    var configuration = try Self.configuration(
      ServingHarness.requests(count: 1, prompt: 1, output: 12))
    // Weights are 1/2 and 1/3: the second is below 0.9 of the first.
    configuration.policy.resolve = SkipByRatio(beta: 0.9)
    let (result, records) = try Self.passes(configuration)
    let shares = try #require(result.accuracy?.gateShares)
    #expect(shares.map(\.name) == ["bf16", "skipped"])
    #expect(abs(shares[0].value - 0.6) < 1e-6 && abs(shares[1].value - 0.4) < 1e-6)
    #expect(records.allSatisfy { $0.activatedExperts == 1 })
    #expect(result.accuracy?.score == nil)
  }

  @Test("a score is that of the run's precision, and never changed")
  func scores() throws {
    var configuration = try Self.configuration(ServingHarness.requests(count: 1))
    #expect(try ServingHarness.run(configuration).accuracy == nil)
    let score = { (value: Double, precision: String) in
      ModelScore(score: value, metric: "exact match", precision: precision, source: "a paper")
    }
    configuration.scores = [score(0.5, "int4"), score(0.7, "bf16"), score(0.6, "bf16")]
    let report = try #require(try ServingHarness.run(configuration).accuracy)
    #expect(report.score == 0.7 && report.precision == "bf16" && report.source == "a paper")
    #expect(report.known.map(\.score) == [0.5, 0.7, 0.6])
    #expect(report.gateShares.isEmpty)
    configuration.scores = [score(0.5, "int4")]
    let other = try #require(try ServingHarness.run(configuration).accuracy)
    #expect(other.score == nil && other.basis.contains("bf16"))
  }

  @Test("a fleet's passes are those of its steps")
  func fleet() throws {
    let model = try ServingHarness.model()
    let group = try FleetHarness.group(model: model)
    let configuration = try FleetHarness.configuration(
      [group], requests: ServingHarness.requests(count: 1, prompt: 32, output: 16))
    let result = try FleetHarness.run(configuration).result
    let decode = try #require(result.moeCap?.decode)
    #expect(decode.passes == 15 && decode.meanBatch == 1)
    // One token uses two experts of each layer, whatever is drawn.
    #expect(abs(decode.meanActivatedExperts - 2) < 1e-9)
    let rows = (33...47).reduce(0, +)
    let keysAndValues = Double(rows) / 15 * Self.rowBytes * Self.layers
    #expect(abs(decode.keyValueGbPerPass - keysAndValues * 1e-9) < 1e-12)
    let weights = 2 * Self.layers * (Self.attention + 2 * Self.expert)
    #expect(abs(decode.weightGbPerPass - weights * 1e-9) < 1e-9)
  }
}
