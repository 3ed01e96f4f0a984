// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies
import Residency
import Routing
import SimulationKernel
import Units
import Workload

extension ServingEngine {
  /// Makes an engine with its memories divided and its initial content in place.
  ///
  /// - Throws: ``DoesNotFit``, ``RoutingMismatch``, ``UnsupportedBatching``, or what the workload's and the routing's makers
  ///   throw.
  init(
    _ configuration: ServingConfiguration, timeline: (any TimelineSink)?,
    decisions: (any DecisionSink)? = nil
  ) throws {
    let model = configuration.model
    try UnsupportedBatching.check(configuration)
    let shard = try configuration.shardedModel()
    var configuration = configuration
    configuration.cache = configuration.cache.withBlocksInBytes(
      model: shard, precision: configuration.precision,
      draft: configuration.batching.speculation?.model)
    if let draft = configuration.batching.speculation?.model {
      configuration.cache.workspaceBytes += draft.descriptor.bytes(under: draft.precision).total
    }
    let graph = try GraphState(configuration)
    if graph != nil, model.isEncoderDecoder {
      throw GraphPlanError(
        "the schedule decides whole steps of a decoder; \(model.name) is an encoder–decoder")
    }
    if graph != nil, configuration.limits.beams > 1 {
      throw GraphPlanError("the schedule decides whole steps of single tokens; serving.beams is 1")
    }
    if configuration.batching.speculation != nil, decisions != nil {
      throw UnsupportedBatching(
        description: "serving.speculative verifies tokens that are not kept, while decisions are"
          + " recorded of steps that keep all of theirs; leave it out to record them")
    }
    if graph != nil, decisions != nil {
      throw GraphPlanError(
        "the schedule decides whole steps beforehand, which leaves no decisions about single"
          + " experts to record")
    }
    precondition(
      graph == nil || configuration.division == .single,
      "A schedule of whole steps spreads experts itself.")
    let division = configuration.expertDivision(of: shard)
    let memory = try graph?.memory(of: configuration) ?? configuration.memoryPlan(of: shard)
    if graph != nil, !memory.everyExpertIsResident {
      throw GraphPlanError(
        "the schedule streams no weights, and device memory does not hold every expert: room for"
          + " all of them (cache.experts: all) or another schedule is needed")
    }
    let layout = BlockLayout(
      layers: max(1, memory.layers), experts: max(1, memory.modelExperts),
      versions: 1 + division.versions.count, chunks: configuration.policy.transfer.chunks
    ) { _, _, version in
      version == 0 ? memory.expertBytes : division.versions[version - 1].bytes
    }
    let routing: any RoutingSource
    if memory.layers > 0 {
      routing = try configuration.makeRouting()
      try RoutingMismatch.check(routing.shape, model: model, layers: memory.layers)
      try RoutingMismatch.checkWeights(of: routing, for: configuration.policy)
    } else {
      routing = NoRouting()
    }
    let requests = try configuration.makeRequests()
    try UnsupportedBatching.checkPrefixes(
      configuration.batching, model: model, precision: configuration.precision,
      cache: configuration.cache, prefixBlockTokens: requests.prefixBlockTokens)
    var rules = EvictionRules(configuration: configuration, layout: layout)
    let policy = configuration.policy
    let eviction = try rules.make(
      policy.eviction, settings: policy.evictionSettings, pools: memory.pools)
    var host: ResidencyTier?
    if let slots = memory.hostSlots, !configuration.figures.isUnified {
      let pools =
        division.versions.isEmpty
        ? PoolPlan.global(slots: slots)
        : PoolPlan.global(bytes: memory.hostExpertBytes / Int64(memory.gpus.shards))
      host = ResidencyTier(
        layout: layout, pools: pools,
        eviction: try rules.make(
          policy.hostEviction, settings: policy.hostEvictionSettings, pools: pools))
    }
    let needs = try Needs(configuration, memory: memory, layout: layout)
    // Nothing throws from here on.
    self.init(
      configuration, shard: shard, memory: memory, layout: layout, routing: routing,
      requests: requests,
      tier: ResidencyTier(
        layout: layout, pools: memory.pools, eviction: eviction,
        writesBack: configuration.policy.transfer.writeBack),
      host: host, lookAhead: rules.lookAhead, graph: graph, timeline: timeline,
      recordsDecisions: decisions != nil)
    if let popularity = needs.popularity { prediction.configure(popularity: popularity) }
    expertKeys = needs.expertKeys
    configureResolve()
    installInitialContent()
    self.decisions = decisions.map { DecisionState(sink: $0, tier: tier.view) }
  }

  /// Tells the policy that resolves experts what it may know of the machine.
  private mutating func configureResolve() {
    guard !resolveIsPlain, memory.layers > 0 else { return }
    let model = configuration.model
    if resolve.usesHostCompute {
      hostCompute = HostCompute(
        timing: configuration.hostTiming ?? configuration.timing,
        activationBytes: Double(model.hiddenSize)
          * configuration.precision.activations.bitsPerWeight / 8)
    }
    let layer = costs.classOfLayer.indices.first { mixtureIndexOfLayer[$0] >= 0 } ?? 0
    let layerClass = Int(costs.classOfLayer[layer])
    let fetch = (0..<tier.layout.versions).map { version in
      configuration.figures.linkLatencySeconds
        + Double(tier.layout.bytes(of: tier.layout.block(layer: 0, expert: 0, version: version)))
        / configuration.figures.linkRate
    }
    var onDevice = [0.0]
    var onHost: [Double] = hostCompute == nil ? [] : [0]
    for tokens in 1...Self.resolveTableTokens {
      onDevice.append(Double(costs.expert(layerClass: layerClass, tokens: tokens)) * 1e-9)
      guard let host = hostCompute else { continue }
      let moved =
        machine.isUnified
        ? 0
        : 2
          * (configuration.figures.linkLatencySeconds
            + host.activationBytes * Double(tokens) / configuration.figures.linkRate)
      onHost.append(
        host.timing.seconds(costs.expertWork(layerClass: layerClass, tokens: tokens)) + moved)
    }
    resolve.configure(
      ResolveContext(
        layout: tier.layout, topK: model.topK, linkRate: configuration.figures.linkRate,
        hostBandwidth: hostCompute == nil
          ? 0
          : configuration.figures.nearDataBandwidth ?? configuration.figures.hostBandwidth,
        fetchSeconds: fetch, deviceSeconds: onDevice, hostSeconds: onHost))
  }

  /// The tokens up to which a policy is told how long an expert takes.
  private static var resolveTableTokens: Int { 128 }

  private init(
    _ configuration: ServingConfiguration, shard: ModelDescriptor, memory: MemoryPlan,
    layout: BlockLayout, routing: any RoutingSource, requests: any RequestSource,
    tier: ResidencyTier,
    host: ResidencyTier?, lookAhead: LookAhead?, graph: GraphState?,
    timeline: (any TimelineSink)?, recordsDecisions: Bool
  ) {
    let model = configuration.model
    var network = OperationNetwork<EngineEvent>()
    machine = SimulatedMachine(
      figures: configuration.figures,
      hasDriveTier: memory.hostSlots != nil
        || (configuration.figures.isUnified && !memory.everyExpertIsResident),
      usesHostCompute: configuration.policy.resolve.usesHostCompute
        || (graph?.usesHostCompute ?? false),
      usesCollectives: configuration.devices > 1, division: configuration.division,
      network: &network)
    network.recordsSegments = timeline != nil
    recordsTimeline = timeline != nil
    self.recordsDecisions = recordsDecisions
    computeOperation = OperationDescription(duration: .zero)
    computeOperation.hold(machine.compute)
    copyOperation = OperationDescription(
      work: Double(memory.expertBytes), maximumRate: machine.linkRate,
      latency: machine.linkLatency)
    copyOperation.hold(machine.hostToDevice)
    copyOperation.consume(machine.linkDown)
    machine.shareHost(&copyOperation)
    let devices = machine.devices
    copyTemplates =
      devices.count > 1
      ? devices.map { [machine] in Self.copyOperation(to: $0, of: machine) } : []
    deviceCount = devices.count
    deviceOfExpert = memory.gpus.groups(experts: memory.modelExperts)
    group = devices.count > 1 ? DeviceLockstep(devices: devices.count) : nil
    self.timeline = timeline.map { [machine] in TimelineState(sink: $0, machine: machine) }
    self.network = network
    self.configuration = configuration
    self.memory = memory
    self.routing = routing
    self.requests = requests
    self.tier = tier
    self.host = host
    self.lookAhead = lookAhead
    costs = StepCosts(
      model: shard, precision: configuration.precision,
      versions: configuration.policy.resolve.versions.map {
        $0.format(beside: configuration.precision.experts)
      }, timing: configuration.timing,
      beams: configuration.limits.beams, group: GroupCosts(configuration))
    if let speculation = configuration.batching.speculation, let draft = speculation.model {
      draftCosts = DraftCosts(
        model: draft.descriptor, precision: draft.precision, timing: configuration.timing,
        draftTokens: speculation.draftTokens)
    }
    encoderMixtureLayers = model.isEncoderDecoder ? model.encoderMixtureLayers.count : nil
    var mixture: Int32 = 0
    mixtureIndexOfLayer = model.allLayers.map { layer in
      guard layer.mixture != nil else { return -1 }
      mixture += 1
      return mixture - 1
    }
    activation = LayerActivation(experts: max(1, memory.modelExperts))
    token = activation
    scores = [Float](repeating: 0, count: max(1, memory.modelExperts))
    isPrefetched = [Bool](repeating: false, count: layout.count)
    let policy = configuration.policy
    let traits = RoleTraits(policy: policy, memory: memory)
    prefetch = policy.prefetch
    prefetch.configure(layout: layout)
    schedule = policy.schedule
    accessesOneByOne = traits.accessesOneByOne
    resolve = policy.resolve
    resolveIsPlain = traits.resolveIsPlain
    admission = policy.admission
    prefetchIsActive = traits.prefetchIsActive
    prediction = policy.prediction
    predictionDepth = traits.predictionDepth
    predictionObserves = traits.predictionObserves
    looksAtTokens = traits.looksAtTokens
    ahead = AheadState(layers: layout.layers, blocks: layout.count, devices: deviceCount)
    // One copy follows another; where copies have stages before the link, some stages overlap.
    aheadWindow = machine.hasDriveTier ? 4 : (policy.transfer.pinned ? 1 : 2)
    spareBuffers = 1
    bufferedCopies =
      traits.landsInBuffers ? BufferedCopies(blocks: layout.count) : nil
    if traits.predictionDepth > 0 {
      prediction.configure(
        layout: layout, seed: configuration.run.seed, replication: configuration.run.replication)
      predictionBuffers = PredictionBuffers(experts: memory.modelExperts)
    }
    var limits = configuration.limits
    // Each token of a prompt attends to all of it: an encoder takes it whole.
    if model.isEncoderDecoder { limits.chunkedPrefill = false }
    keyValueBlockBytes = KeyValueCache.blockBytes(
      model: shard, precision: configuration.precision,
      blockTokens: configuration.cache.keyValueBlockTokens,
      draft: configuration.batching.speculation?.model)
    batch = BatchScheduler(
      limits: limits,
      closed: graph?.microBatchLimits(memory, configuration: configuration)
        ?? MicroBatchLimits(configuration),
      keyValue: KeyValueCache(
        model: shard, precision: configuration.precision,
        blockTokens: configuration.cache.keyValueBlockTokens,
        capacity: memory.keyValueBytes * Int64(memory.devices),
        beams: configuration.limits.beams, draft: configuration.batching.speculation?.model),
      prefix: configuration.batching.sharesPrefixes
        ? PrefixSharing(
          blockTokens: requests.prefixBlockTokens,
          keyValueBlockTokens: configuration.cache.keyValueBlockTokens,
          keyValueBlockBytes: keyValueBlockBytes) : nil,
      swap: configuration.batching.preemption == .swap
        ? SwapSpace(capacity: configuration.cache.swapBytes / Int64(memory.gpus.gpus)) : nil,
      prioritises: configuration.batching.scheduling == .priority,
      acceptance: configuration.batching.speculation.map {
        AcceptanceModel(
          $0, seed: configuration.run.seed, replication: configuration.run.replication)
      })
    batch.stepsAhead = UInt32(configuration.timing.software.stepsAhead)
    layerSet = LayerSet(experts: max(1, memory.modelExperts), devices: deviceCount)
    transfers = TransferTable(blockCount: layout.count)
    freeBuffers = Array(repeating: max(1, configuration.cache.stagingBuffers), count: deviceCount)
    waitingForBuffer = Array(repeating: [], count: deviceCount)
    workerIsBusy = Array(repeating: false, count: deviceCount)
    waitingForWorker = waitingForBuffer
    aheadTransfers = Array(repeating: 0, count: deviceCount)
    aheadCopies = aheadTransfers
    stepsAreWhole =
      configuration.mergesWholeSteps && memory.everyExpertIsResident && timeline == nil
      && !memory.isElastic && !recordsDecisions && configuration.division == .single
    counters = EngineCounters(layers: memory.layers, devices: deviceCount)
    passCosts = PassCosts(configuration)
    if graph != nil, memory.layers > 0 {
      pass.keepSets(layers: memory.layers, experts: memory.modelExperts)
    }
    graphState = graph
    var run = configuration.run
    // A closed batch ends as it began, at once: there is no warm-up to find.
    if batch.closed != nil, run.warmUp == .automatic { run.warmUp = .none }
    progress = RunProgress(options: run, batchSize: configuration.limits.maximumSequences)
  }

  /// Puts into each tier what it holds when the run begins.
  private mutating func installInitialContent() {
    guard memory.layers > 0 else { return }
    if configuration.cache.initial == .filled || memory.everyExpertIsResident {
      Self.fill(&tier, memory: memory)
    }
    if host != nil { Self.fill(&host!, memory: memory) }
  }

  /// Installs experts by number, evenly over the layers, until nothing more fits; less precise
  /// versions of those that the more precise ones leave out.
  private static func fill(_ tier: inout ResidencyTier, memory: MemoryPlan) {
    var evicted: [BlockID] = []
    var first = 0
    for version in 0..<tier.layout.versions {
      for number in 0..<memory.modelExperts {
        for layer in 0..<memory.layers {
          let expert = (first + number) % memory.modelExperts
          let block = tier.layout.block(layer: layer, expert: expert, version: version)
          let pool = tier.view.pool(of: block)
          let unit = tier.view.plan.unit == .slots ? 1 : tier.layout.bytes(of: block)
          if tier.view.free(inPool: pool) >= unit { tier.install(block, evicted: &evicted) }
        }
      }
      if memory.scope == .perLayer { first += memory.versionSlots[version] }
    }
  }

  /// Begins the measured time: what was counted before is forgotten.
  mutating func endWarmUp(now: UInt64) {
    if history != nil { history!.takeBeforeReset(historySample(now: now), at: now) }
    progress.measure(from: now)
    counters = EngineCounters(layers: memory.layers, devices: deviceCount)
    for device in ahead.queues.indices { ahead.queues[device].resetCount() }
    group?.resetReport()
    latencies = RequestLatencies()
    network.resetStatistics(at: SimulatedTime(nanoseconds: now))
    batch.keyValue.resetHighWater()
    batch.prefix?.resetCounts()
    batch.acceptance?.resetCounts()
    batch.swap?.resetCounts()
  }
}

/// What an engine needs to know of its roles.
struct RoleTraits {
  let accessesOneByOne: Bool
  let resolveIsPlain: Bool
  let prefetchIsActive: Bool
  let predictionDepth: Int
  let predictionObserves: Bool
  let looksAtTokens: Bool
  let landsInBuffers: Bool

  init(policy: PolicyComposition, memory: MemoryPlan) {
    if case .oneByOne = policy.schedule.access {
      accessesOneByOne = true
    } else {
      accessesOneByOne = false
    }
    resolveIsPlain = policy.resolve is FetchResolve
    let hasExperts = memory.layers > 0
    let prefetches = policy.prefetch.isActive && hasExperts && !memory.everyExpertIsResident
    let depth = prefetches ? min(policy.prediction.reach, policy.prefetch.predictionDepth) : 0
    let observes = depth > 0 && policy.prediction.observes
    prefetchIsActive = prefetches
    predictionDepth = depth
    predictionObserves = observes
    looksAtTokens =
      hasExperts && (observes || policy.resolve.needsScores || policy.resolve.skipsChoices)
    landsInBuffers = prefetches && policy.prefetch.landing == .buffers
  }
}

/// Makes the eviction rules of an engine's tiers, with what they must know beforehand.
private struct EvictionRules {
  let configuration: ServingConfiguration
  let layout: BlockLayout
  private(set) var lookAhead: LookAhead?

  init(configuration: ServingConfiguration, layout: BlockLayout) {
    self.configuration = configuration
    self.layout = layout
  }

  mutating func make(
    _ registration: EvictionRegistration, settings: RoleSettings, pools: PoolPlan
  ) throws -> any EvictionPolicy {
    var context = EvictionContext(layout: layout, pools: pools)
    let hasExperts = configuration.model.mixtureLayerCount > 0
    let encoderLayers = configuration.model.encoderMixtureLayers.count
    if registration.usesPopularity && hasExperts {
      context.popularity = try LookAhead.popularity(
        of: configuration.makeRouting(), layout: layout, encoderLayers: encoderLayers)
    }
    if registration.needsFuture && hasExperts {
      if lookAhead == nil {
        lookAhead = LookAhead(
          source: try configuration.makeRouting(), layout: layout, encoderLayers: encoderLayers,
          hasEncoder: configuration.model.isEncoderDecoder, beams: configuration.limits.beams)
      }
      context.future = lookAhead.map { LookAheadOracle($0) }
    }
    return try registration.make(context, settings: settings)
  }
}
