// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Policies
import Serving
import Units

/// What no schedule of a replica's work can go below, from bytes, rates and arithmetic alone.
///
/// All figures are optimistic. Rates are those of data sheets (or what is reached, where that is more),
/// arithmetic is that of the fastest format, every token of a batch chooses the same experts, the cache
/// holds as many of them as it has room for, keys and values count where a bound says so, collectives,
/// launches and waiting are free. Where a policy may leave experts out, replace them, or plan whole
/// steps over host and device, experts or all of it counts as nothing.
struct PlanBounds {
  /// What a decoding step takes at least [s].
  private(set) var step = 0.0
  /// What one GPU's memory and link are busy with in a decoding step at least [s].
  private(set) var deviceStep = 0.0
  /// The same for each sequence and each cached token of its prompt [s].
  private(set) var deviceStepPerCachedToken = 0.0
  /// Seconds of arithmetic for each token that is computed, of all GPUs together.
  private(set) var perToken = 0.0
  /// Seconds of arithmetic for each output token's distribution.
  private(set) var perOutput = 0.0
  /// Tokens that a step may make of a sequence.
  private(set) var tokensPerStep = 1.0
  /// Sequences that may run at once, and steps that may run beside each other.
  private(set) var sequences = Double.infinity
  /// Bytes of keys and values that a rank has room for.
  private(set) var keyValueBytes = Double.infinity
  /// Bytes of keys and values for each token at least.
  private(set) var keyValueBytesPerToken = 0.0
  /// Ranks of a replica, each with a batch of its own.
  private(set) var ranks = 1.0
  /// Whether prompts may be known already.
  private(set) var sharesPrefixes = false

  /// A bound is held against an objective at this share of itself: achieved rates of profiles and
  /// measured laws are within a few per cent of data sheets, on either side.
  static let trust = 0.9

  /// Bounds of nothing, which exclude nobody.
  init() {}

  // MARK: One replica

  /// The bounds of a replica whose experts may be off its GPUs.
  init(_ one: ServingConfiguration) throws {
    let isPlanned = one.policy.schedule is any GraphSchedulePolicy
    guard !isPlanned, !one.model.isEncoderDecoder else { return }
    let memory = try one.memoryPlan()
    let model = one.model
    let gpus = Double(one.division.gpus)
    let tensor = Double(one.division.tensor)
    let bytes = model.bytes(under: one.precision)
    let fixed = Self.readBytes(bytes, model)
    let host = one.hostTiming.map(\.capability)
    let isPlain = one.policy.resolve.versions.isEmpty && !one.policy.resolve.skipsChoices
    let chosen = isPlain ? Double(model.topK * model.mixtureLayerCount) : 0
    let usesHost = one.policy.resolve.usesHostCompute
    let device = Self.bandwidth(one.timing.capability)
    let hostRate =
      usesHost
      ? max(host.map(Self.bandwidth) ?? 0, one.figures.hostBandwidth)
        + (one.figures.nearDataBandwidth ?? 0) : 0
    let absent = isPlain ? Self.absentExperts(memory, topK: model.topK) : 0
    let expert = Double(bytes.perExpert)
    // Cut tensors are read side by side; what is whole on each GPU is read by each.
    let read = fixed / tensor / device
    let experts = chosen * expert / (gpus * device + hostRate)
    let link =
      one.figures.isUnified ? 0 : absent * expert / (gpus * one.figures.linkRate + hostRate)
    step = max(read + experts, link)
    deviceStep = step
    setKeyValues(model, one.precision, room: Double(memory.keyValueBytes) * tensor)
    deviceStepPerCachedToken = keyValueBytesPerToken / (gpus * device)
    sequences = Double(one.limits.maximumSequences)
    let peak = Self.peak(one.timing.capability) * gpus + (host.map(Self.peak) ?? 0)
    setArithmetic(model, rate: peak, countsExperts: isPlain)
    setBatching(one.batching)
  }

  /// Experts that a step of one token lacks at least: chosen ones beyond the room of their pool.
  private static func absentExperts(_ memory: MemoryPlan, topK: Int) -> Double {
    guard !memory.everyExpertIsResident, memory.totalExperts > 0 else { return 0 }
    let groups = memory.gpus.expertGroups
    if let held = memory.division.layerSlots {
      return held.reduce(0) { $0 + Double(max(0, topK - $1 * groups)) }
    }
    if memory.isElastic { return 0 }
    return switch memory.scope {
    case .perLayer: Double(max(0, topK - memory.slots * groups) * memory.layers)
    case .global: Double(max(0, topK * memory.layers - memory.slots * groups))
    }
  }

  // MARK: Replicas of a fleet

  /// The bounds of a replica whose experts are all on its GPUs.
  init(_ group: ReplicaGroup) throws {
    guard !group.model.isEncoderDecoder else { return }
    let memory = try group.memory()
    let model = group.model
    let plan = group.plan
    let bytes = model.bytes(under: group.precision)
    let fixed = Self.readBytes(bytes, model)
    let device = Self.bandwidth(group.timing.capability)
    let chosen = Double(model.topK * model.mixtureLayerCount) * Double(bytes.perExpert)
    let all = Double(plan.devices)
    step = (fixed / Double(plan.tensor) + chosen / Double(plan.stageDevices)) / device
    deviceStep =
      (fixed / Double(plan.tensor * plan.pipeline) + chosen / all) / device
    setKeyValues(
      model, group.precision,
      room: Double(memory.keyValueBytes) * Double(plan.tensor * plan.pipeline))
    deviceStepPerCachedToken =
      keyValueBytesPerToken / (Double(plan.tensor * plan.pipeline) * device)
    sequences = Double(group.limits.maximumSequences)
    ranks = Double(plan.data)
    setArithmetic(
      model, rate: Self.peak(group.timing.capability) * all, countsExperts: true)
    setBatching(group.batching)
  }

  // MARK: Parts

  /// Weights beside experts that every decoding step reads: an input embedding is looked up.
  private static func readBytes(_ bytes: ModelBytes, _ model: ModelDescriptor) -> Double {
    Double(bytes.nonExpert - (model.tiedEmbeddings ? 0 : bytes.embedding))
  }

  private static func bandwidth(_ capability: DeviceCapability) -> Double {
    max(capability.bandwidth.nominal, capability.bandwidth.achievable)
  }

  private static func peak(_ capability: DeviceCapability) -> Double {
    ComputeClass.allCases.reduce(0) { most, wanted in
      let rate = capability.peak(for: wanted).rate
      return max(most, rate.nominal, rate.achievable)
    }
  }

  private mutating func setArithmetic(
    _ model: ModelDescriptor, rate: Double, countsExperts: Bool
  ) {
    let head = Double(model.embeddingParameters)
    var active = Double(model.activeParameterCount(includingInputEmbedding: false)) - head
    if !countsExperts {
      let experts = model.layers.reduce(0.0) { sum, layer in
        sum + (layer.mixture.map { Double($0.topK * $0.parametersPerExpert) } ?? 0)
      }
      active -= experts
    }
    perToken = 2 * max(0, active) / rate
    perOutput = 2 * head / rate
  }

  /// The room for keys and values, and what the longest sequences hold for each token: caches with
  /// windows grow slower than in proportion, so that shorter ones hold no less.
  private mutating func setKeyValues(
    _ model: ModelDescriptor, _ precision: PrecisionPlan, room: Double
  ) {
    let length = 1 << 20
    keyValueBytes = room
    keyValueBytesPerToken =
      max(
        0,
        model.cacheBytes(length: length, under: precision)
          - model.stateBytesPerSequence(under: precision)) / Double(length)
  }

  private mutating func setBatching(_ batching: BatchFeatures) {
    if let speculation = batching.speculation {
      tokensPerStep = Double(speculation.draftTokens + 1)
    }
    sharesPrefixes = batching.sharesPrefixes
  }
}
