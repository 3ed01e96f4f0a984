// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import KernelTiming
import ModelDescriptors
import Policies
import Routing
import Units
import Workload

@testable import Serving

/// Small configurations for tests of the engine.
enum ServingHarness {
  /// A machine with a link of 10 GB/s, room in all memories, and no latencies.
  static func figures(
    deviceGiB: Double = 24, hostGiB: Double = 64, linkRate: Double = 10e9,
    drive: MachineFigures.Drive? = nil, isUnified: Bool = false
  ) -> MachineFigures {
    MachineFigures(
      name: "test", isUnified: isUnified,
      deviceMemoryBytes: Int64(deviceGiB * 1_073_741_824), deviceBandwidth: 1e12,
      linkRate: linkRate, linkLatencySeconds: 0, linkIsFullDuplex: true, stagingRate: 8e9,
      hostMemoryBytes: Int64(hostGiB * 1_073_741_824), hostBandwidth: 60e9, drive: drive,
      parts: [
        .init(
          name: "GPU", resource: "gpu0.compute", purchaseUSD: 1600, idleWatts: 20, fullWatts: 450)
      ],
      rentUSDPerHour: nil, assumptions: [])
  }

  /// A drive of four lanes.
  static let drive = MachineFigures.Drive(
    capacityBytes: 1_000_000_000_000, bandwidth: 6e9, lanes: 4, latencySeconds: 0, laneRate: 3e9,
    requestBytes: 1_048_576)

  /// A small mixture model: `layers` layers of `experts` experts, top-`topK`.
  static func model(layers: Int = 4, experts: Int = 8, topK: Int = 2) throws -> ModelDescriptor {
    let config = try ConfigurationNode.parse(
      """
      {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "hidden_size": 1024,
       "intermediate_size": 3584, "num_hidden_layers": \(layers), "num_attention_heads": 16,
       "num_key_value_heads": 4, "vocab_size": 32000, "num_local_experts": \(experts),
       "num_experts_per_tok": \(topK), "max_position_embeddings": 32768,
       "tie_word_embeddings": false, "torch_dtype": "bfloat16"}
      """, file: "small.json")
    return try ModelDescriptor.read(config, name: "small")
  }

  /// A configuration of the small model.
  static func configuration(
    model: ModelDescriptor, cache: CacheConfiguration = CacheConfiguration(),
    policy: PolicyComposition = lru(), limits: BatchLimits = BatchLimits(),
    run: RunOptions = RunOptions(warmUp: .none), figures: MachineFigures = figures(),
    routing: (@Sendable () throws -> any RoutingSource)? = nil,
    requests: [Request] = requests(count: 4)
  ) -> ServingConfiguration {
    let shape = RoutingShape(
      layers: model.mixtureLayers.count, experts: max(1, model.expertCount),
      topK: max(1, model.topK))
    return ServingConfiguration(
      name: "test", figures: figures, timing: timing(), model: model, precision: .bf16,
      cache: cache, policy: policy, limits: limits, run: run,
      setting: .init(
        hardware: "test", model: model.name, precision: "bf16", policy: policy.name,
        runtime: "ideal", cache: "", routing: "", workload: ""),
      makeRouting: routing ?? { ScriptedRouting(shape: shape) },
      makeRequests: { ListedRequests(requests) })
  }

  /// Reactive LRU.
  static func lru(
    prefetch: any PrefetchPolicy = NoPrefetch(), schedule: any SchedulePolicy = ComputeAsReady(),
    transfer: TransferOptions = TransferOptions()
  ) -> PolicyComposition {
    PolicyComposition(
      name: "lru", eviction: EvictionRegistry.all[0], hostEviction: EvictionRegistry.all[0],
      prefetch: prefetch, schedule: schedule, transfer: transfer)
  }

  /// Requests of equal size that arrive one second apart.
  static func requests(
    count: Int, prompt: Int32 = 32, output: Int32 = 16, gapSeconds: Double = 1
  ) -> [Request] {
    (0..<count).map {
      Request(
        number: UInt64($0), arrivalNanoseconds: UInt64(Double($0) * gapSeconds * 1e9),
        promptTokens: prompt, outputTokens: output)
    }
  }

  /// Runs a configuration.
  static func run(_ configuration: ServingConfiguration) throws -> SimulationResult {
    try ServingSimulation.run(configuration).result
  }
}

/// An open source of listed requests.
struct ListedRequests: RequestSource {
  private var requests: [Request]
  private var place = 0
  init(_ requests: [Request]) { self.requests = requests }
  var isClosedLoop: Bool { false }
  mutating func next() throws -> Request? {
    guard place < requests.count else { return nil }
    place += 1
    return requests[place - 1]
  }
  mutating func next(user: Int, afterNanoseconds: UInt64) throws -> Request? { nil }
  var notices: [String] { [] }
}

/// Activations that follow from the token's position by arithmetic alone.
struct ScriptedRouting: RoutingSource {
  let shape: RoutingShape
  var hasGateWeights: Bool { true }
  var notices: [String] { [] }
  private var keys: [SequenceKey] = []
  private var free: [Int] = []
  /// The experts of (request, output position, layer); by default a mixing of the three.
  var choose: @Sendable (RoutingShape, SequenceKey, Int, Int) -> [Int] = {
    shape, key, position, layer in
    var state =
      UInt64(layer) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(position / 2) &* 0xBF58_476D_1CE4_E5B9
    state &+= key &* 0x94D0_49BB_1331_11EB
    var chosen: [Int] = []
    while chosen.count < shape.topK {
      state = (state ^ (state >> 29)) &* 0xBF58_476D_1CE4_E5B9 &+ 0x1234_5678_9ABC_DEF1
      let expert = Int(state >> 33) % shape.experts
      if !chosen.contains(expert) { chosen.append(expert) }
    }
    return chosen
  }

  init(shape: RoutingShape) { self.shape = shape }

  mutating func beginSequence(
    _ key: SequenceKey, promptTokens: Int, outputTokens: Int
  ) throws -> Int {
    if let slot = free.popLast() {
      keys[slot] = key
      return slot
    }
    keys.append(key)
    return keys.count - 1
  }
  mutating func endSequence(slot: Int) { free.append(slot) }
  mutating func addDecode(
    slot: Int, position: Int, layer: Int, to activation: inout LayerActivation
  ) {
    let chosen = choose(shape, keys[slot], position, layer)
    for (rank, expert) in chosen.enumerated() {
      activation.add(expert: Int32(expert), weight: 1 / Float(rank + 2))
    }
    activation.tokens += 1
  }
  mutating func addPrefill(
    slot: Int, position: Int, count: Int, layer: Int, to activation: inout LayerActivation
  ) {
    for token in position..<position + count {
      addDecode(slot: slot, position: 100_000 + token, layer: layer, to: &activation)
    }
  }
}

extension ServingHarness {
  /// A device of 100 TFLOP/s and 1 TB/s, whose software costs nothing.
  static func timing(software: SoftwareCosts = .none) -> DeviceTiming {
    DeviceTiming(
      capability: DeviceCapability(
        name: "test", peaks: [.fp32: .init(nominal: 50e12), .fp16: .init(nominal: 100e12)],
        bandwidth: .init(nominal: 1e12)), software: software)
  }
}
