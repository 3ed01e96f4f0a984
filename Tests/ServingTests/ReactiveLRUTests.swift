// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Routing
import Testing

@testable import Serving

/// Reactive LRU for deepseek-moe-16b in 16 bits, as ProMoE's developers measured it.
///
/// 27 MoE layers, 6 of 64 experts of 17.30 MB; measured: hit rate 0.436 at 16 slots gave 127.7 ms a
/// token, 0.682 at 32 slots 92.4 ms, all resident 56.5 ms (repository huwf5/promoe,
/// eval/demo/output.csv). 23.9 GB/s is what the link of an RTX 4090 achieves (arXiv 2410.22134).
@Suite("Reactive LRU, deepseek-moe-16b")
struct ReactiveLRUTests {
  static let linkRate = 23.9e9
  static let residentMilliseconds = 56.5
  #if DEBUG
    static let tokens = 33
  #else
    static let tokens = 257
  #endif

  static func configuration(slots: Int, rate: Double, perLayer: Double) throws
    -> ServingConfiguration
  {
    let model = try ModelDescriptor.named("deepseek-moe-16b")
    let shape = RoutingShape(layers: 27, experts: 64, topK: 6)
    let script = LRUScript(shape: shape, slots: slots, hitRate: rate, tokens: tokens)
    var configuration = ServingHarness.configuration(
      model: model, cache: CacheConfiguration(experts: .count(slots)),
      limits: BatchLimits(maximumSequences: 1),
      figures: ServingHarness.figures(deviceGiB: 80, linkRate: linkRate),
      routing: { ScriptedRouting(shape: shape, prompt: script.rows[0], decode: script.decode) },
      requests: ServingHarness.requests(count: 1, prompt: 1, output: Int32(tokens)))
    let base = ServingHarness.timing()
    configuration.timing = DeviceTiming(
      capability: base.capability, software: SoftwareCosts(perLayer: perLayer), laws: base.laws)
    return configuration
  }

  /// The time that the software must take of each of the 28 layers, for the all-resident run to take
  /// what was measured [s].
  static func softwarePerLayer() throws -> Double {
    let bare = try ServingHarness.run(configuration(slots: 64, rate: 1, perLayer: 0))
    let milliseconds = try #require(bare.tpotMs?.mean)
    return (residentMilliseconds - milliseconds) * 1e-3 / 28
  }

  @Test(
    "ms per token at a given hit rate",
    arguments: [
      (slots: 16, hitRate: 0.436, measured: 127.7), (slots: 32, hitRate: 0.682, measured: 92.4),
      (slots: 64, hitRate: 1.0, measured: 56.5),
    ])
  func matchesMeasurement(slots: Int, hitRate: Double, measured: Double) throws {
    let perLayer = try Self.softwarePerLayer()
    let configuration = try Self.configuration(slots: slots, rate: hitRate, perLayer: perLayer)
    #expect(abs(Double(configuration.model.bytes(under: .bf16).perExpert) - 17.30e6) < 0.01e6)
    let result = try ServingHarness.run(configuration)
    // The engine's own hits, the one prompt token included.
    #expect(abs(result.expertCache.hitRate - hitRate) < 0.005)
    let simulated = try #require(result.tpotMs?.mean)
    #expect(abs(simulated / measured - 1) < 0.1, "\(simulated) ms against \(measured) ms")
    // And by arithmetic: compute, and misses × size / rate, less what is computed meanwhile.
    let misses = 27 * 6 * (1 - result.expertCache.hitRate)
    let bound = Self.residentMilliseconds + misses * 17.301504e6 / Self.linkRate * 1e3
    #expect(simulated <= bound * 1.01)
    #expect(simulated > bound - Self.residentMilliseconds * 0.1)
  }
}

/// Activations that hit a given share of accesses in a per-layer LRU cache, which the script keeps
/// for itself.
struct LRUScript {
  /// The choices of each token in each layer, heaviest first; the first token is the prompt's.
  private(set) var rows: [[[Int]]] = []
  var decode: [[[Int]]] { Array(rows.dropFirst()) }

  init(shape: RoutingShape, slots: Int, hitRate: Double, tokens: Int, seed: UInt64 = 1) {
    var random = SplitMix(seed)
    // Experts by recency, the most recent last; at the start the first ones, in order.
    var recency = [[Int]](repeating: Array(0..<slots), count: shape.layers)
    var owed = 0.0
    for _ in 0..<tokens {
      var row: [[Int]] = []
      for layer in 0..<shape.layers {
        owed += hitRate * Double(shape.topK)
        let hits = min(shape.topK, Int(owed + 1e-9))
        owed -= Double(hits)
        let resident = recency[layer].shuffled(using: &random).prefix(hits)
        let absent = (0..<shape.experts).filter { !recency[layer].contains($0) }
          .shuffled(using: &random).prefix(shape.topK - hits)
        let chosen = (resident + absent).shuffled(using: &random)
        // The lightest is touched first.
        for expert in chosen.reversed() {
          if let place = recency[layer].firstIndex(of: expert) {
            recency[layer].remove(at: place)
          } else {
            let victim = recency[layer].firstIndex { !chosen.contains($0) }!
            recency[layer].remove(at: victim)
          }
          recency[layer].append(expert)
        }
        row.append(chosen)
      }
      rows.append(row)
    }
  }
}
