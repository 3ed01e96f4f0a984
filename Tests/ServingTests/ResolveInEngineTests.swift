// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import Policies
import Residency
import Routing
import Testing
import Units
import Workload

@testable import Serving

/// Decides by expert number.
private struct ListedResolve: ResolvePolicy {
  var choice: [Int32: ExpertChoice]
  var versions: [ExpertVersion] = []
  var usesHostCompute: Bool { true }
  mutating func resolve(
    _ set: borrowing ActivatedSet, residency: borrowing ResidencyView, queues: QueueView,
    choices: inout [ExpertChoice]
  ) {
    for (index, entry) in set.experts.enumerated() {
      choices[index] = choice[entry.expert] ?? .version(0)
    }
  }
}

@Suite("Resolving experts in the engine")
struct ResolveInEngineTests {
  /// A processor that is bound by a memory of 50 GB/s.
  private static let host = DeviceTiming(
    capability: DeviceCapability(
      name: "cpu", peaks: [.fp32: .init(nominal: 1e18), .fp16: .init(nominal: 1e18)],
      bandwidth: .init(nominal: 50e9)), laws: .roofline)

  private static func configuration(
    _ resolve: any ResolvePolicy, prompt: [[Int]], decode: [[[Int]]] = [], slots: Int = 0,
    hostBandwidth: Double = 60e9, layers: Int = 1
  ) throws -> ServingConfiguration {
    var figures = ServingHarness.figures()
    figures.hostBandwidth = hostBandwidth
    var configuration = try TransferTests.configuration(
      layers: layers, slots: slots, prompt: prompt, decode: decode, figures: figures)
    configuration.policy.resolve = resolve
    configuration.hostTiming = host
    return configuration
  }

  @Test("an expert on the host takes its tokens there, its weights' reading, and their way back")
  func hostTime() throws {
    let configuration = try Self.configuration(HostResolve(), prompt: [[5]])
    let result = try ServingHarness.run(configuration)
    let work = configuration.model.costs(under: .bf16).layers[0].expertWork(tokens: 1)
    let way = 1024 * 2 / 10e9
    let expected = work.bytes / 50e9 + 2 * way
    let stalled = result.stallMsPerToken.hostCompute * 1e-3
    #expect(abs(stalled - expected) < 1e-6)
    #expect(result.resolve?.computedOnHost == 1)
    #expect(result.expertCache.misses == 0 && result.expertCache.bytesLoaded == 0)
    let activations = result.traffic.filter { $0.purpose == "activations" }
    #expect(Set(activations.map(\.link)) == ["gpu0.h2d", "gpu0.d2h"])
    #expect(activations.allSatisfy { $0.bytes == 2048 })
  }

  @Test("copies and the host's computing share host memory")
  func contention() throws {
    let time = { (bandwidth: Double) in
      try ServingHarness.run(
        Self.configuration(
          ListedResolve(choice: [5: .host]), prompt: [[4, 5]], hostBandwidth: bandwidth)
      ).simulatedSeconds
    }
    // A copy at 10 GB/s and a reading at 50 GB/s: 60 GB/s serve both, 12 GB/s do not.
    let wide = try time(60e9)
    let narrow = try time(12e9)
    #expect(abs(try time(600e9) - wide) < 1e-9)
    // At 12 GB/s each gets half as long as both run.
    let bytes = TransferTests.expert
    #expect(narrow - wide > 0.05 * bytes / 10e9)
  }

  @Test("what is left out costs nothing, and a layer may be left out whole")
  func skip() throws {
    let all = try ServingHarness.run(
      Self.configuration(ListedResolve(choice: [:]), prompt: [[4, 5]]))
    let half = try ServingHarness.run(
      Self.configuration(ListedResolve(choice: [5: .skip]), prompt: [[4, 5]]))
    let none = try ServingHarness.run(
      Self.configuration(ListedResolve(choice: [4: .skip, 5: .skip]), prompt: [[4, 5]]))
    #expect(all.expertCache.misses == 2 && half.expertCache.misses == 1)
    #expect(none.expertCache.misses == 0 && none.requests.completed == 1)
    #expect(none.resolve?.skipped == 2)
    #expect(all.simulatedSeconds > half.simulatedSeconds)
    #expect(half.simulatedSeconds > none.simulatedSeconds)
  }

  @Test("a less precise version has its own bytes, time and room")
  func versions() throws {
    let version = ExpertVersion(format: .int4, cacheShare: 0.25)
    let run = { (choice: ExpertChoice) in
      var configuration = try Self.configuration(
        ListedResolve(choice: [5: choice], versions: [version]), prompt: [[5]],
        decode: [[[5]], [[5]]], slots: 4)
      configuration.cache.initial = .empty
      return try ServingHarness.run(configuration)
    }
    let full = try run(.version(0))
    let low = try run(.version(1))
    #expect(full.expertCache.bytesLoaded == Int64(TransferTests.expert))
    #expect(low.expertCache.bytesLoaded == Int64(TransferTests.expert / 4))
    #expect(low.resolve?.lowPrecision == 3 && full.resolve?.lowPrecision == 0)
    // Loaded once each, and kept.
    #expect(full.expertCache.hits == 2 && low.expertCache.hits == 2)
    #expect(low.simulatedSeconds < full.simulatedSeconds)
    #expect(abs(TransferTests.stalled(low) - TransferTests.expert / 4 / 10e9) < 1e-5)
    // Four slots are three of full precision and four of a quarter of their size.
    let configuration = try Self.configuration(
      ListedResolve(choice: [:], versions: [version]), prompt: [[5]], slots: 4)
    let plan = try MemoryPlan(
      model: configuration.model, precision: configuration.precision,
      figures: configuration.figures, cache: configuration.cache,
      division: configuration.expertDivision(of: configuration.model))
    #expect(plan.versionSlots == [3, 4])
    #expect(plan.expertCacheBytes == 4 * Int64(TransferTests.expert))
  }

  @Test("the experts of layers that are left to the host are never loaded")
  func placement() throws {
    var configuration = try Self.configuration(
      HostResolve(), prompt: [[0, 1], [2, 3]], decode: [[[4, 5], [6, 7]]], layers: 2)
    configuration.policy.placement = HostLayersPlacement(hostLayers: 1)
    let result = try ServingHarness.run(configuration)
    #expect(result.resolve?.computedOnHost == 4)
    #expect(result.expertCache.hits == 4 && result.expertCache.misses == 0)
    #expect(result.expertCache.bytesLoaded == 0)
  }

  @Test("choices that a token leaves out lighten the set", arguments: [1, 2])
  func skippedChoices(kept: Int) throws {
    struct Keeping: ResolvePolicy {
      var count: Int
      var skipsChoices: Bool { true }
      func kept(of weights: [Float]) -> Int { min(count, weights.count) }
      mutating func resolve(
        _ set: borrowing ActivatedSet, residency: borrowing ResidencyView, queues: QueueView,
        choices: inout [ExpertChoice]
      ) {}
    }
    let result = try ServingHarness.run(
      Self.configuration(
        Keeping(count: kept), prompt: [[0, 1]], decode: [[[2, 3]], [[4, 5]]], slots: 8))
    #expect(result.expertCache.hits == UInt64(kept * 3))
    #expect(result.resolve?.skippedChoices == UInt64(kept == 1 ? 3 : 0))
  }
}

@Suite("Gate weights")
struct GateWeightTests {
  /// Choices without weights.
  private struct Unweighted: RoutingSource {
    var base: ScriptedRouting
    var shape: RoutingShape { base.shape }
    var hasGateWeights: Bool { false }
    mutating func beginSequence(
      _ key: SequenceKey, promptTokens: Int, outputTokens: Int
    ) throws -> Int {
      try base.beginSequence(key, promptTokens: promptTokens, outputTokens: outputTokens)
    }
    mutating func endSequence(slot: Int) { base.endSequence(slot: slot) }
    mutating func addDecode(
      slot: Int, position: Int, layer: Int, to activation: inout LayerActivation
    ) { base.addDecode(slot: slot, position: position, layer: layer, to: &activation) }
    mutating func addPrefill(
      slot: Int, position: Int, count: Int, layer: Int, to activation: inout LayerActivation
    ) {
      base.addPrefill(slot: slot, position: position, count: count, layer: layer, to: &activation)
    }
    var notices: [String] { [] }
  }

  @Test("a policy that decides by weights says that a trace has none")
  func missing() throws {
    let model = try ServingHarness.model()
    let shape = RoutingShape(layers: 4, experts: 8, topK: 2)
    let run = { (resolve: any ResolvePolicy) in
      var policy = ServingHarness.lru()
      policy.resolve = resolve
      return try ServingHarness.run(
        ServingHarness.configuration(
          model: model, cache: CacheConfiguration(experts: .count(4)), policy: policy,
          routing: { Unweighted(base: ScriptedRouting(shape: shape)) }))
    }
    let scores = ScoreThresholdResolve(
      high: 0.6, skip: 0.9, low: ExpertVersion(format: nil, cacheShare: 0.2))
    let error = try #require(throws: RoutingMismatch.self) { _ = try run(scores) }
    #expect(error.description.contains("gate weights"))
    #expect(throws: RoutingMismatch.self) { _ = try run(SkipByRatio(beta: 0.5)) }
    #expect(try run(FetchResolve()).requests.completed == 4)
  }
}
