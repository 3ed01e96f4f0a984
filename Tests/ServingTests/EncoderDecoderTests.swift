// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import KernelTiming
import ModelDescriptors
import Policies
import Routing
import Testing

@testable import Serving

/// Models whose prompts pass an encoder, to whose output the decoder attends.
@Suite("Encoder–decoders")
struct EncoderDecoderTests {
  static let hidden = 64
  static let width = 128
  static let experts = 8
  static let vocabulary = 1000

  /// A Switch Transformer of three encoder layers, one of them with experts, and four decoder
  /// layers, two of them with experts; four heads of 16.
  static func model(encoderLayers: Int = 3, sparse: Int = 1) throws -> ModelDescriptor {
    let config = try ConfigurationNode.parse(
      """
      {"architectures": ["SwitchTransformersForConditionalGeneration"],
       "model_type": "switch_transformers", "d_model": \(hidden), "d_kv": 16, "d_ff": \(width),
       "num_heads": 4, "num_layers": \(encoderLayers), "num_decoder_layers": 4,
       "num_sparse_encoder_layers": \(sparse),
       "num_sparse_decoder_layers": 2, "num_experts": \(experts), "vocab_size": \(vocabulary),
       "tie_word_embeddings": true, "torch_dtype": "float32"}
      """, file: "tiny.json")
    return try ModelDescriptor.read(config, name: "tiny")
  }

  static func shape(_ model: ModelDescriptor) -> RoutingShape {
    RoutingShape(layers: model.mixtureLayerCount, experts: model.expertCount, topK: model.topK)
  }

  /// A configuration in which a FLOP takes a nanosecond, and nothing else takes time.
  static func configuration(
    experts: CacheConfiguration.ExpertCapacity = .all, policy: PolicyComposition? = nil,
    limits: BatchLimits = BatchLimits(maximumSequences: 1), keyValue: Int64? = nil,
    prompt: Int32 = 40, output: Int32 = 9, count: Int = 1, gapSeconds: Double = 10,
    ledger: TokenLedger? = nil
  ) throws -> ServingConfiguration {
    let model = try model()
    let shape = shape(model)
    var cache = CacheConfiguration(experts: experts)
    if let keyValue { cache.keyValue = .bytes(keyValue) }
    var configuration = ServingHarness.configuration(
      model: model, cache: cache, policy: policy ?? ServingHarness.lru(), limits: limits,
      routing: {
        let scripted = ScriptedRouting(shape: shape)
        guard let ledger else { return scripted }
        return LedgerRouting(scripted, ledger: ledger)
      },
      requests: ServingHarness.requests(
        count: count, prompt: prompt, output: output, gapSeconds: gapSeconds))
    let flops = DeviceCapability.Rate(nominal: 1e9)
    configuration.timing = DeviceTiming(
      capability: DeviceCapability(
        name: "counter", peaks: [.fp32: flops, .fp16: flops], bandwidth: .init(nominal: 1e30)),
      laws: .roofline)
    return configuration
  }

  /// FLOP of a request, counted by hand.
  static func flop(prompt: Int, output: Int, beams: Int) -> Int {
    let inner = 4 * 16
    let square = 2 * hidden * inner
    let network = 2 * 2 * hidden * width
    let gate = 2 * hidden * experts
    let pair = 2 * 2 * inner
    // Each prompt token passes three layers: four projections, attention to the whole prompt, one
    // network; one of the layers has a gate.
    var flop = prompt * (3 * (4 * square + network) + gate) + 3 * pair * prompt * prompt
    // Keys and values for the cross-attention of the four decoder layers.
    flop += 4 * 2 * square * prompt
    for step in 0..<output {
      // Six projections, attention to what came before and to the prompt, one network; two gates.
      let layer = 6 * square + network + pair * (step + 1 + prompt)
      flop += beams * (4 * layer + 2 * gate + 2 * hidden * vocabulary)
    }
    return flop
  }

  @Test("a request takes the FLOP that are counted by hand", arguments: [1, 4])
  func countsFlop(beams: Int) throws {
    let result = try ServingHarness.run(
      Self.configuration(limits: BatchLimits(maximumSequences: 1, beams: beams)))
    let expected = Self.flop(prompt: 40, output: 9, beams: beams)
    #expect(abs(result.simulatedSeconds * 1e9 - Double(expected)) < 1e-3)
    #expect(result.requests.outputTokens == 9)
    // The first token comes with the encoder and one step of the decoder.
    let first = try #require(result.ttftMs?.mean)
    let expectedFirst = Double(Self.flop(prompt: 40, output: 1, beams: beams)) * 1e-6
    #expect(abs(first - expectedFirst) < 1e-6 * expectedFirst)
  }

  @Test("prompts pass the encoder once, outputs the decoder alone", arguments: [1, 3])
  func passesLayers(beams: Int) throws {
    let ledger = TokenLedger()
    let result = try ServingHarness.run(
      Self.configuration(
        limits: BatchLimits(maximumSequences: 2, beams: beams), count: 2, gapSeconds: 0.001,
        ledger: ledger))
    #expect(result.requests.completed == 2)
    for sequence in UInt64(0)..<2 {
      for token in 0..<40 {
        #expect(ledger.count(sequence: sequence, position: token, layer: 0) == 1)
        #expect(ledger.count(sequence: sequence, position: token, layer: 1) == 0)
      }
      for layer in 1...2 {
        // The start is the same for every beam; then each beam has a token of its own.
        #expect(ledger.count(sequence: sequence, position: 1 << 30, layer: layer) == beams)
        for token in beams..<9 * beams {
          #expect(ledger.count(sequence: sequence, position: 1 << 30 | token, layer: layer) == 1)
        }
      }
    }
    #expect(ledger.total == 2 * (40 + 2 * 9 * beams))
    #expect(result.expertCache.tiers["hbm"]?.layers.count == 3)
  }

  @Test("a prompt is encoded whole, whatever the budget")
  func encodesWhole() throws {
    let chunked = try ServingHarness.run(
      Self.configuration(limits: BatchLimits(maximumSequences: 1, tokenBudget: 16)))
    let whole = try ServingHarness.run(Self.configuration())
    #expect(chunked.simulatedSeconds == whole.simulatedSeconds)
    #expect(chunked.steps == 9)
  }

  @Test("whole steps equal fine ones, also where prompts join others", arguments: [1, 4])
  func wholeSteps(beams: Int) throws {
    var configuration = try Self.configuration(
      limits: BatchLimits(maximumSequences: 3, tokenBudget: 96, beams: beams), count: 6,
      gapSeconds: 0.02)
    configuration.timing = ServingHarness.timing()
    let whole = try ServingHarness.run(configuration)
    configuration.mergesWholeSteps = false
    let fine = try ServingHarness.run(configuration)
    #expect(whole.simulatedSeconds == fine.simulatedSeconds)
    #expect(whole.steps == fine.steps)
    #expect(whole.ttftMs?.mean == fine.ttftMs?.mean)
    #expect(whole.timeMsPerToken.map(\.value) == fine.timeMsPerToken.map(\.value))
    #expect(whole.expertCache.hits == fine.expertCache.hits)
  }

  @Test("experts of both stacks are loaded on demand, and the books balance", arguments: [1, 4])
  func loadsOnDemand(beams: Int) throws {
    let requests = ServingHarness.requests(count: 3, prompt: 40, output: 9, gapSeconds: 0.001)
    let configuration = try Self.configuration(
      experts: .count(2), limits: BatchLimits(maximumSequences: 2, beams: beams), count: 3,
      gapSeconds: 0.001)
    let result = try ServingHarness.run(configuration)
    ServingHarness.checkBooks(result, configuration, requests: requests)
    let layers = try #require(result.expertCache.tiers["hbm"]).layers
    // One set for each prompt that the encoder takes, one for each step in the decoder.
    #expect(layers[0].accesses <= 3 * Self.experts)
    #expect(layers[1].accesses >= Int(result.steps))
    #expect(result.expertCache.misses > 0)
  }

  @Test("a preempted sequence is encoded and decoded anew")
  func recomputes() throws {
    let model = try Self.model()
    // 4 layers × (64 + 64) elements × 2 bytes, of 48 tokens of prompt and 48 of output: room for
    // less than two sequences.
    let row: Int64 = 4 * 128 * 2
    let ledger = TokenLedger()
    let configuration = try Self.configuration(
      limits: BatchLimits(maximumSequences: 2), keyValue: row * 512, prompt: 200, output: 60,
      count: 2, gapSeconds: 0, ledger: ledger)
    #expect(model.cacheBytes(length: 48, encoderLength: 48, under: .bf16) == Double(row * 96))
    let result = try ServingHarness.run(configuration)
    #expect(result.requests.completed == 2)
    #expect(result.requests.preemptions >= 1)
    #expect(result.requests.outputTokens == 120)
    // The second was encoded twice, and its first outputs were computed again.
    #expect(ledger.count(sequence: 1, position: 0, layer: 0) == 2)
    #expect(ledger.count(sequence: 1, position: 1 << 30, layer: 1) == 2)
    #expect(ledger.count(sequence: 0, position: 0, layer: 0) == 1)
  }

  @Test("nothing is predicted across the encoder's end, and an oracle's prefetches are all used")
  func predictsWithinStacks() throws {
    var policy = ServingHarness.lru(prefetch: PredictedPrefetch(depth: 2))
    policy.prediction = OraclePrediction()
    let configuration = try Self.configuration(experts: .count(2), policy: policy, count: 2)
    let result = try ServingHarness.run(configuration)
    let prefetch = try #require(result.prefetch)
    // From the first decoder MoE layer to the second alone: one expert of one token a step.
    #expect(prefetch.predicted == 2 * 9)
    #expect(prefetch.predictedRight == 2 * 9)
  }

  @Test("Belady's rule loads no more than LRU")
  func beladyIsABound() throws {
    var policy = ServingHarness.lru()
    let lru = try ServingHarness.run(
      Self.configuration(experts: .count(3), policy: policy, output: 60))
    policy.eviction = try EvictionRegistry.named("belady")
    let belady = try ServingHarness.run(
      Self.configuration(experts: .count(3), policy: policy, output: 60))
    #expect(belady.expertCache.misses < lru.expertCache.misses)
  }
}
