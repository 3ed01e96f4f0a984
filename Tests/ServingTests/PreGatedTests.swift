// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Policies
import Routing
import Testing

@testable import Serving

/// What Pre-gated MoE (arXiv 2308.12066) and its baselines do.
@Suite("Pre-gated MoE")
struct PreGatedTests {
  /// A device on which computation takes no time to speak of.
  static var instant: DeviceTiming {
    let rate = DeviceCapability.Rate(nominal: 1e30)
    return DeviceTiming(
      capability: DeviceCapability(
        name: "instant", peaks: [.fp32: rate, .fp16: rate], bandwidth: rate),
      laws: .roofline)
  }

  @Test("serial transfers read and copy one expert after the other", arguments: [true, false])
  func serialTransfers(serial: Bool) throws {
    let model = try ServingHarness.model(layers: 1)
    let expert = Double(model.bytes(under: .bf16).perExpert)
    var cache = CacheConfiguration(experts: .count(2), initial: .empty)
    // Experts 0 to 3 are in host memory, 5 and 6 are not.
    cache.host = .bytes(Int64(4 * expert))
    var configuration = ServingHarness.configuration(
      model: model, cache: cache,
      policy: ServingHarness.lru(transfer: TransferOptions(serial: serial)),
      figures: ServingHarness.figures(drive: ServingHarness.drive),
      routing: {
        ScriptedRouting(
          shape: RoutingShape(layers: 1, experts: 8, topK: 2), prompt: [[5, 6]],
          decode: [[[5, 6]]])
      },
      requests: ServingHarness.requests(count: 1, prompt: 1, output: 1))
    configuration.timing = Self.instant
    let result = try ServingHarness.run(configuration)
    #expect(result.expertCache.misses == 2)
    // The drive reads at 6 GB/s, the link copies at 10 GB/s.
    let oneByOne = 2 * (expert / 6e9 + expert / 10e9)
    if serial {
      #expect(abs(result.simulatedSeconds - oneByOne) < 1e-6)
      // The second waits for the worker as long as the first takes.
      let contention = result.stallMsPerToken.linkContention
      #expect(contention >= 0)
    } else {
      #expect(result.simulatedSeconds < oneByOne - 1e-4)
    }
  }

  @Test("only the first layer of a token is exposed")
  func exposesFirstLayer() throws {
    let model = try ServingHarness.model(topK: 1)
    var options = PredictedPrefetch.Options()
    options.landing = .buffers
    var policy = ServingHarness.lru(
      prefetch: PredictedPrefetch(options: options), schedule: LoadThenCompute())
    policy.prediction = PreGatePrediction()
    var cache = CacheConfiguration(experts: .count(0))
    cache.stagingBuffers = 3
    let shape = RoutingShape(layers: 4, experts: 8, topK: 1)
    let requests = ServingHarness.requests(count: 1, prompt: 1)
    let configuration = ServingHarness.configuration(
      model: model, cache: cache, policy: policy, routing: { ScriptedRouting(shape: shape) },
      requests: requests)
    let result = try ServingHarness.run(configuration)
    #expect(result.steps == 16)
    #expect(result.expertCache.misses == 16)
    #expect(result.expertCache.hits + result.expertCache.late == 3 * 16)
    #expect(result.prefetch?.predicted == 3 * 16)
    #expect(result.prefetch?.wasted == 0)
    ServingHarness.checkBooks(result, configuration, requests: requests)
  }

  @Test("a layer that waits for all of its experts moves the whole model for every token")
  func wholeLayers() throws {
    let model = try ServingHarness.model(topK: 1)
    let policy = ServingHarness.lru(
      prefetch: PrefetchAll(awaitsWholeLayers: true), schedule: LoadThenCompute())
    let shape = RoutingShape(layers: 4, experts: 8, topK: 1)
    var configuration = ServingHarness.configuration(
      model: model, cache: CacheConfiguration(experts: .count(16), pool: .global, initial: .empty),
      policy: policy, routing: { ScriptedRouting(shape: shape) },
      requests: ServingHarness.requests(count: 1, prompt: 1))
    configuration.timing = Self.instant
    let result = try ServingHarness.run(configuration)
    let step = 4 * 8 * model.bytes(under: .bf16).perExpert
    // The last layer of the last token fetches the first for a token that does not come.
    #expect(result.expertCache.bytesLoaded >= 16 * step)
    #expect(result.expertCache.bytesLoaded <= 17 * step)
    let seconds = Double(16 * step) / 10e9
    #expect(abs(result.simulatedSeconds - seconds) < 0.01 * seconds)
    // Nobody's experts are there, but computed by nobody.
    #expect(result.timeMsPerToken.allSatisfy { $0.value < 1e-3 })
  }

  @Test("an encoder is predicted for or left to its demands", arguments: [true, false])
  func encoders(serves: Bool) throws {
    let model = try EncoderDecoderTests.model(encoderLayers: 4, sparse: 2)
    let shape = EncoderDecoderTests.shape(model)
    var options = PredictedPrefetch.Options()
    options.servesEncoder = serves
    var policy = ServingHarness.lru(prefetch: PredictedPrefetch(options: options))
    policy.prediction = PreGatePrediction()
    let result = try ServingHarness.run(
      ServingHarness.configuration(
        model: model, cache: CacheConfiguration(experts: .count(4)), policy: policy,
        routing: {
          ScriptedRouting(
            shape: shape, prompt: [[0], [1], [2], [3]], decode: [[[0], [1], [2], [3]]])
        },
        requests: ServingHarness.requests(count: 1, prompt: 8, output: 5)))
    // One expert of the second decoder layer for each token; one of the second encoder layer for the
    // prompt.
    #expect(result.prefetch?.predicted == 5 + (serves ? 1 : 0))
  }
}
