// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Policies
import Workload

/// What an engine keeps for a schedule that decides whole steps beforehand.
struct GraphState {
  /// The schedule, configured for the run.
  let schedule: any GraphSchedulePolicy
  /// Where weights, keys and values lie; `nil` where everything is in device memory.
  let plan: GraphPlan?
  /// Prompt tokens that a micro-batch computes at most, unless it is a single sequence.
  let prefillTokens: Int
  /// The longest sequence of those looked at, prompt and output [tokens].
  let longestSequence: Int
  var costs: StepGraphCosts
  var graph = StepGraph()
  var execution = GraphExecution()
  /// The entries of each micro-batch of the step under way.
  var ranges: [Range<Int>] = []
  var context: StepContext

  /// The requests whose lengths a schedule is told, at the front of the workload.
  private static let requestsLookedAt = 4096

  /// The state for a configuration; `nil` when its schedule is of another kind.
  ///
  /// - Throws: `GraphPlanError` when nothing fits, and what the workload's maker throws.
  init?(_ configuration: ServingConfiguration) throws {
    guard var schedule = configuration.policy.schedule as? any GraphSchedulePolicy else {
      return nil
    }
    let lengths = try Lengths(configuration, most: Self.requestsLookedAt)
    let figures = configuration.figures
    let rates = GraphRates(figures, timing: configuration.timing)
    var planned = GraphPlanContext(
      model: configuration.model, precision: configuration.precision, rates: rates,
      timing: configuration.timing, hostTiming: configuration.hostTiming,
      deviceBytes: Int64(
        Double(figures.deviceMemoryBytes) * configuration.cache.memoryFraction),
      workspaceBytes: configuration.cache.workspaceBytes,
      hostBytes: Int64(Double(figures.hostMemoryBytes) * MemoryPlan.usableHostShare),
      residentShare: Self.residentShare(configuration),
      isPinned: configuration.policy.transfer.pinned, meanPrompt: lengths.meanPrompt,
      longestPrompt: lengths.longestPrompt, meanOutput: lengths.meanOutput,
      maximumSequences: configuration.limits.maximumSequences)
    planned.devices = configuration.devices
    plan = try schedule.configure(planned)
    if plan != nil, !(configuration.policy.admission is any ClosedBatchPolicy) {
      throw GraphPlanError(
        "the schedule runs closed batches; set policy.admission to static-batch or length-sorted")
    }
    self.schedule = schedule
    let group = Self.group(of: schedule, configuration)
    prefillTokens = configuration.limits.tokenBudget
    longestSequence = max(1, lengths.longest)
    costs = StepGraphCosts(configuration, rates: rates, group: group)
    context = StepContext(
      phase: .decode, layers: configuration.model.layers.count, microBatches: [],
      residentShare: plan?.residentShare ?? 1, isPinned: configuration.policy.transfer.pinned,
      group: group)
  }

  /// Whether the processor computes a part of the model.
  var usesHostCompute: Bool {
    plan.map { $0.keyValueBuffers == 0 && $0.deviceKeyValueShare < 1 } ?? false
  }

  /// How memories are divided; `nil` where they are as without a graph.
  func memory(of configuration: ServingConfiguration) throws -> MemoryPlan? {
    if context.group.devices > 1 {
      return try MemoryPlan(
        group: context.group, model: configuration.model, precision: configuration.precision,
        figures: configuration.figures, cache: configuration.cache)
    }
    return try plan.map {
      try MemoryPlan(
        streaming: $0, model: configuration.model, precision: configuration.precision,
        figures: configuration.figures, cache: configuration.cache,
        longestSequence: longestSequence)
    }
  }

  /// The devices over which a schedule spreads the model.
  private static func group(
    of schedule: any GraphSchedulePolicy, _ configuration: ServingConfiguration
  ) -> DeviceGroup {
    precondition(
      configuration.devices == 1 || schedule.spreadsExperts,
      "A schedule of one device is not given several.")
    guard configuration.devices > 1 else { return .single }
    return DeviceGroup(
      devices: configuration.devices,
      attention: schedule.attentionSplit(of: configuration.model))
  }

  /// The micro-batches of a closed batch, whose tokens share the KV cache evenly.
  func microBatchLimits(_ memory: MemoryPlan, configuration: ServingConfiguration)
    -> MicroBatchLimits?
  {
    guard let plan else { return nil }
    let perToken =
      configuration.model.cacheBytes(length: longestSequence, under: configuration.precision)
      / Double(longestSequence)
    let tokens = Double(memory.keyValueBytes) / max(perToken, 1e-9) / Double(plan.microBatches)
    return MicroBatchLimits(
      count: plan.microBatches, size: plan.microBatchSize,
      cachedTokens: Int(min(tokens, 1e15)))
  }

  /// What `cache.experts` says of the share of experts in device memory.
  private static func residentShare(_ configuration: ServingConfiguration) -> Double? {
    let model = configuration.model
    let experts = Double(max(1, model.expertCount))
    let all = experts * Double(max(1, model.mixtureLayers.count))
    let pool = configuration.cache.pool == .perLayer ? experts : all
    switch configuration.cache.experts {
    case .automatic: return nil
    case .all: return 1
    case .share(let share): return share
    case .count(let count): return min(1, Double(count) / pool)
    case .bytes(let bytes):
      let expert = model.bytes(under: configuration.precision).perExpert
      return min(1, Double(bytes) / max(1, all * Double(expert)))
    }
  }
}

extension GraphRates {
  /// The rates of a machine.
  init(_ figures: MachineFigures, timing: DeviceTiming) {
    self.init(
      link: figures.linkRate, linkLatency: figures.linkLatencySeconds,
      staging: figures.stagingRate, hostMemory: figures.hostBandwidth, peer: figures.peerRate,
      peerLatency: figures.peerLatencySeconds, multiprocessors: figures.multiprocessors,
      launch: timing.software.perKernel)
  }
}

/// The lengths of a workload's first requests, from a source of its own.
private struct Lengths {
  var meanPrompt = 0.0
  var meanOutput = 0.0
  var longestPrompt = 0
  var longest = 0

  init(_ configuration: ServingConfiguration, most: Int) throws {
    var source = try configuration.makeRequests()
    var count = 0
    while count < most {
      let request =
        source.isClosedLoop
        ? try source.next(user: count % max(1, source.userCount), afterNanoseconds: 0)
        : try source.next()
      guard let request else { break }
      count += 1
      meanPrompt += Double(request.promptTokens)
      meanOutput += Double(request.outputTokens)
      longestPrompt = max(longestPrompt, Int(request.promptTokens))
      longest = max(longest, Int(request.promptTokens) + Int(request.outputTokens))
    }
    meanPrompt /= Double(max(1, count))
    meanOutput /= Double(max(1, count))
  }
}
