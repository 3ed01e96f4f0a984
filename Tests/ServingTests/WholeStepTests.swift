// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Routing
import Testing

@testable import Serving

/// A step in one operation against the same step operation by operation, for shipped models.
@Suite("Whole steps")
struct WholeStepTests {
  /// MLA, dense first layers, windows, recurrences, shared and latent experts, none at all.
  static let models = [
    "mixtral-8x7b", "deepseek-v2-lite", "deepseek-v3", "gpt-oss-20b", "qwen3-next-80b-a3b",
    "deepseek-v3.2", "nemotron-3-nano-30b-a3b", "llama-4-scout", "arctic", "gemma-4-26b-a4b",
    "llama-3.1-8b", "granite-4.0-h-small", "minimax-m2", "kimi-k2",
  ]

  @Test("takes as long, moves as much and computes as much", arguments: models, [true, false])
  func equalsFineSteps(name: String, chunked: Bool) throws {
    let known = ModelLibrary.standard().names
    try #require(known.contains(name), "\(known)")
    let model = try ModelDescriptor.named(name)
    var configuration = ServingHarness.configuration(
      model: model, cache: CacheConfiguration(experts: .all, keyValue: .bytes(1 << 36)),
      limits: BatchLimits(maximumSequences: 3, tokenBudget: 48, chunkedPrefill: chunked),
      figures: ServingHarness.figures(deviceGiB: 4096),
      requests: ServingHarness.requests(count: 4, prompt: 70, output: 6, gapSeconds: 0.01))
    let whole = try ServingHarness.run(configuration)
    configuration.mergesWholeSteps = false
    let fine = try ServingHarness.run(configuration)
    #expect(whole.requests.completed == 4)
    #expect(whole.eventsProcessed * 4 < fine.eventsProcessed)
    #expect(whole.simulatedSeconds == fine.simulatedSeconds)
    #expect(whole.steps == fine.steps)
    #expect(whole.timeMsPerToken.map(\.value) == fine.timeMsPerToken.map(\.value))
    #expect(whole.expertCache.hits == fine.expertCache.hits)
    #expect(whole.energy.joules == fine.energy.joules)
    let latencies = { (result: SimulationResult) in
      [result.ttftMs, result.tpotMs, result.itlMs, result.e2elMs, result.queueMs].map {
        $0.map { [$0.mean, $0.p50, $0.p99, $0.min, $0.max, Double($0.count)] }
      }
    }
    #expect(latencies(whole) == latencies(fine))
    #expect(whole.utilization["gpu0.compute"] == fine.utilization["gpu0.compute"])
    let hbm = (whole.utilization["gpu0.hbm"]!, fine.utilization["gpu0.hbm"]!)
    #expect(abs(hbm.0 - hbm.1) < hbm.0 * 1e-9)
  }

  @Test("a window bounds what a sequence holds of the KV cache")
  func windows() throws {
    let model = try ModelDescriptor.named("gpt-oss-20b")
    var cache = KeyValueCache(
      model: model, precision: .bf16, blockTokens: 16, capacity: 1 << 40)
    // 24 layers, every other with a window of 128; 8 heads of 64, keys and values, 2 bytes.
    let row = Int64(2 * 8 * 64 * 2)
    for tokens in [16, 128, 512, 4096] {
      let expected = 12 * row * Int64(tokens) + 12 * row * Int64(min(tokens, 128))
      #expect(cache.bytes(tokens: tokens) == expected)
    }
    // One token more takes a whole block.
    #expect(cache.bytes(tokens: 513) == cache.bytes(tokens: 528))
  }
}
