// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Hardware
import KernelTiming
import ModelDescriptors
import Policies
import Routing
import Serving
import Units
import Workload

extension Scenario {
  /// Turns the scenario into what the engine runs: files are read, roles made, figures derived.
  ///
  /// - Parameters:
  ///   - replication: The replication within the scenario's seed.
  ///   - library: Where the names of parts are looked for.
  /// - Throws: `MissingFile`, `Diagnostics`, or what a role or trace says of itself.
  public func configuration(
    replication: UInt32 = 0, library: DataLibrary = .standard
  ) throws -> ServingConfiguration {
    try checkWideArea()
    guard !isFleet else {
      throw Diagnostic(
        location: tree.value(at: "serving")?.location, path: "serving",
        message: "asks for several GPUs or replicas (serving.replicas, serving.parallelism, fleet),"
          + " which 'moesim simulate' and 'moesim observe' run; expected one of one GPU here")
    }
    try checkPromptBalance(data: 1)
    return try replicaConfiguration(replication: replication, library: library)
  }

  /// What one GPU would run, of a fleet's replica: files are read, roles made, figures derived.
  func replicaConfiguration(
    replication: UInt32, library: DataLibrary
  ) throws -> ServingConfiguration {
    try checkWideArea()
    let profiles = ProfileLibrary(folders: library.folders(.hardware))
    let machine = try hardware.read(
      inline: { try profiles.machine($0) }, path: { try profiles.machine($0) })
    let runtimeProfile = try runtime.read(
      inline: { try profiles.runtime($0) }, path: { try profiles.runtime($0) })
    let division = try gpuDivision()
    let figures = MachineFigures(
      machine, runtime: runtimeProfile, devices: max(serving.expertDevices, division.gpus),
      simulated: division.expertGroups)
    let published = try loadModel()
    let (descriptor, kernels) = (try transformed(published), try loadKernels())
    let timing =
      try machine.gpus.first.map { try DeviceTiming(gpu: $0, runtime: runtimeProfile) }
      ?? DeviceTiming(cpu: machine.cpu, dram: machine.dram, runtime: runtimeProfile)
    let plan = precisionPlan(of: descriptor)
    try checkExperts(of: descriptor)
    var composition = try policy.composition(runtime: runtimeProfile)
    if composition.transfer.writeBack && figures.isUnified {
      throw Diagnostic(
        location: tree.value(at: "policy.write_back")?.location, path: "policy.write_back",
        message: "\(machine.name) has one memory for host and device, in which nothing is written"
          + " back; expected false")
    }
    try checkDevices(machine: machine, model: descriptor, figures: figures)
    try check(division, machine: machine, model: descriptor)
    let seed = run.seed
    let description = workload
    let original = try routingMaker(model: published, seed: seed, replication: replication)
    let routing = try changedRouting(
      original, of: published, policy: &composition, seed: seed, replication: replication)
    var configuration = ServingConfiguration(
      name: name, figures: figures, timing: timing.with(kernels), model: descriptor,
      precision: plan,
      cache: cacheConfiguration(), policy: composition,
      limits: BatchLimits(
        maximumSequences: serving.maximumBatch, tokenBudget: serving.tokenBudget,
        chunkedPrefill: serving.chunkedPrefill, beams: serving.beams,
        finishedStay: serving.finishedStay),
      run: runOptions(replication: replication), serviceLevel: serviceLevel(),
      cost: cost.basis,
      setting: setting(machine: machine, model: descriptor, plan: plan, runtime: runtimeProfile),
      notices: try routingNotices(model: published) + timingNotices(timing.laws)
        + launchNotices(timing.software)
        + changeNotices(from: published, to: descriptor, kernels: kernels, plan: plan),
      hostTiming: machine.gpus.isEmpty
        ? nil
        : try machine.nearData.map { DeviceTiming(nearData: $0, runtime: runtimeProfile) }
          ?? DeviceTiming(cpu: machine.cpu, dram: machine.dram, runtime: runtimeProfile),
      makeRouting: routing,
      makeRequests: { try description.open(seed: seed, replication: replication) })
    configuration.limits.admissionInterval = serving.admissionInterval
    configuration.limits.promptBalance = serving.promptBalance
    configuration.devices = serving.expertDevices
    configuration.division = division
    if division.gpus > 1 {
      configuration.collectives = try TopologyCollectives(
        machine, gpus: division.gpus, laws: timing.laws)
    }
    configuration.batching = try batchFeatures()
    // What a transform has changed was not scored.
    configuration.scores = accuracy + (descriptor == published ? published.notes.scores : [])
    return configuration
  }

  /// What a run of one replica with its experts off the GPU leaves out of a runtime's costs.
  private func launchNotices(_ software: SoftwareCosts) -> [String] {
    guard software.eagerPerLayer > 0, !isFleet else { return [] }
    return [
      "the runtime's eager_per_layer is not simulated: it is of fleets, and this is one GPU's run"
    ]
  }

  /// What fitted laws say of themselves: who measured, and how wrong they are on unseen shapes.
  private func timingNotices(_ laws: TimingLaws) -> [String] {
    if laws.isTransferred {
      return [
        "kernel times are not of this machine: \(laws.source); rates follow its profile, and classes"
          + " that were not timed there follow data sheets"
      ]
    }
    guard laws.residuals != nil else { return [] }
    let errors = laws.fitted.compactMap { place in
      place.residuals.map { "\(place.name) \($0.inWords)" }
    }
    return [
      "kernel times are fitted: \(laws.source); error on unseen shapes, median and 90th percentile: "
        + errors.joined(separator: "; ")
    ]
  }

  /// Refuses to spread a model's experts over devices that are not there, cannot speak to each other,
  /// or would not get as many each.
  private func checkDevices(
    machine: MachineProfile, model: ModelDescriptor, figures: MachineFigures
  ) throws {
    let devices = serving.expertDevices
    guard devices > 1 else { return }
    var problem: String?
    if machine.gpus.count < devices {
      problem = "\(devices) devices; \(machine.name) has \(machine.gpus.count)"
    } else if figures.peerRate <= 0 {
      problem = "the GPUs of \(machine.name) have no link among them (peer_link)"
    } else if model.isDense {
      problem = "\(model.name) has no routed experts to spread; expected 1"
    } else if model.expertCount % devices != 0 {
      let divisors = (1...machine.gpus.count).filter { model.expertCount % $0 == 0 }
      problem =
        "\(model.expertCount) experts are not divided evenly among \(devices) devices; expected"
        + " one of \(divisors.map(String.init).joined(separator: ", "))"
    }
    guard let problem else { return }
    let path = "serving.parallelism.expert"
    throw Diagnostic(location: tree.value(at: path)?.location, path: path, message: problem)
  }

  /// The model that the scenario names, carries, or points to.
  func loadModel() throws -> ModelDescriptor {
    try model.read(
      inline: { try ModelDescriptor.read($0, name: model.label) },
      path: { try ModelDescriptor.load(configPath: $0) })
  }

  /// Refuses a pipeline over a wide-area network, which is no run of replicas.
  private func checkWideArea() throws {
    guard let pipeline = fleet.wideArea else { return }
    throw Diagnostic(
      location: pipeline.location, path: "fleet.wide_area",
      message:
        "is a pipeline over a wide-area network, which 'moesim simulate' alone runs; expected"
        + " a scenario without it")
  }

  /// The formats of a model's tensors, as the scenario has them.
  func precisionPlan(of model: ModelDescriptor) -> PrecisionPlan {
    var plan = PrecisionPlan.native(of: model)
    for role in PrecisionPlan.roles {
      if let format = precision[role.key] { plan[keyPath: role.path] = format }
    }
    return plan
  }

  /// Refuses a number of cached experts that no pool of the model could hold.
  private func checkExperts(of model: ModelDescriptor) throws {
    guard case .sized(.count(let count)) = cache.experts, !model.isDense else { return }
    let most = model.expertCount * (cache.isPerLayer ? 1 : model.mixtureLayerCount)
    guard !(1...most).contains(count) else { return }
    throw Diagnostic(
      location: tree.value(at: "cache.experts")?.location, path: "cache.experts",
      message: "\(count) experts in a pool; \(model.name) has \(most)"
        + (cache.isPerLayer ? " in a layer" : " in all")
        + ", expected 1 to \(most), a share or bytes")
  }

  private func cacheConfiguration() -> CacheConfiguration {
    let experts: CacheConfiguration.ExpertCapacity =
      switch cache.experts {
      case .automatic: .automatic
      case .all: .all
      case .none: .count(0)
      case .sized(.share(let share)): .share(share)
      case .sized(.count(let count)): .count(count)
      case .sized(.bytes(let bytes)): .bytes(bytes)
      }
    let host: CacheConfiguration.HostCapacity =
      switch cache.host {
      case .automatic: .automatic
      case .all: .all
      case .bytes(let bytes): .bytes(bytes)
      }
    let keyValue: CacheConfiguration.KeyValueCapacity =
      switch cache.keyValue {
      case .automatic: .automatic
      case .bytes(let bytes): .bytes(bytes)
      case .elastic: .elastic(minimumExpertBytes: cache.minimumExpertBytes)
      }
    var configuration = CacheConfiguration(
      experts: experts, pool: cache.isPerLayer ? .perLayer : .global, keyValue: keyValue,
      keyValueBlockTokens: serving.keyValueBlockTokens, host: host,
      memoryFraction: cache.memoryFraction, workspaceBytes: cache.workspaceBytes,
      stagingBuffers: cache.stagingBuffers,
      initial: cache.initial == .filled ? .filled : .empty,
      resetsPerRequest: cache.reset == .request)
    configuration.keyValueBlocks = serving.keyValueBlocks
    configuration.swapBytes = cache.swapBytes
    return configuration
  }

  /// What batching does beyond its limits.
  private func batchFeatures() throws -> BatchFeatures {
    var features = BatchFeatures()
    features.sharesPrefixes = serving.sharesPrefixes
    features.preemption = serving.preemption
    features.scheduling = serving.scheduling
    features.speculation = try serving.speculation.map { speculation in
      let draft: SpeculativeDecoding.Draft
      switch speculation.draft {
      case .share(let share): draft = .share(share)
      case .model(let reference):
        let model = try reference.read(
          inline: { try ModelDescriptor.read($0, name: reference.label) },
          path: { try ModelDescriptor.load(configPath: $0) })
        draft = .model(model, .native(of: model))
      }
      return SpeculativeDecoding(
        draftTokens: speculation.draftTokens, acceptance: speculation.acceptance, draft: draft)
    }
    return features
  }

  private func runOptions(replication: UInt32) -> RunOptions {
    let warmUp: RunOptions.WarmUp =
      switch run.warmUp {
      case .automatic: .automatic
      case .requests(0): .none
      case .requests(let count): .requests(count)
      case .seconds(let seconds): seconds == 0 ? .none : .seconds(seconds)
      }
    return RunOptions(
      seed: run.seed, replication: replication, warmUp: warmUp,
      maximumSeconds: run.durationSeconds, expectedRequests: workload.requests)
  }

  /// The tightest limit of each latency, as a request must meet it to be good.
  private func serviceLevel() -> ServiceLevel {
    let limit = { (metric: String) in
      objectives.filter { $0.metric == metric }.map { $0.limitSeconds * 1e3 }.min()
    }
    return ServiceLevel(ttftMs: limit("ttft"), tpotMs: limit("tpot"), e2elMs: limit("e2el"))
  }

  private func setting(
    machine: MachineProfile, model: ModelDescriptor, plan: PrecisionPlan, runtime: RuntimeProfile
  ) -> SimulationResult.SettingSummary {
    .init(
      hardware: machine.name, model: model.name,
      precision: "experts \(plan.experts), attention \(plan.attention), kv \(plan.keyValue)",
      policy: policy.label, runtime: runtime.name,
      cache: cache.isPerLayer ? "a pool per layer" : "one global pool",
      routing: routing.label(for: model), workload: workloadLabel)
  }

  private var workloadLabel: String {
    var words = workload.trace.map { String($0.split(separator: "/").last ?? "") } ?? "generated"
    if workload.rateScale != 1 { words += ", rate × \(workload.rateScale)" }
    if let requests = workload.requests { words += ", \(requests) requests" }
    return words
  }
}

extension ScenarioPolicy {
  /// The policy's roles, made.
  ///
  /// - Throws: `EvictionError`, `UnknownRole`, `RoleProblem`.
  func composition(runtime: RuntimeProfile) throws -> PolicyComposition {
    let roles = try predictionRoles()
    var composition = PolicyComposition(
      name: label, eviction: try EvictionRegistry.named(eviction.name),
      hostEviction: try EvictionRegistry.named(hostEviction.name),
      prediction: roles.prediction, prefetch: roles.prefetch,
      schedule: try RoleRegistry.find(
        schedule.name, role: "schedule", in: RoleRegistry.schedule
      ).make(schedule.parameters),
      resolve: try RoleRegistry.find(
        resolve.name, role: "resolve policy", in: RoleRegistry.resolve
      ).make(resolve.parameters),
      placement: try RoleRegistry.find(
        placement.name, role: "placement", in: RoleRegistry.placement
      ).make(placement.parameters),
      admission: try RoleRegistry.find(
        admission.name, role: "admission policy", in: RoleRegistry.admission
      ).make(admission.parameters),
      transfer: TransferOptions(
        chunks: chunks, pinned: pinned && runtime.usesPinnedMemory, writeBack: writeBack,
        serial: serialTransfers))
    composition.evictionSettings = eviction.parameters
    composition.hostEvictionSettings = hostEviction.parameters
    return composition
  }

  /// The predictor, and the prefetch policy that may use it.
  ///
  /// - Throws: `UnknownRole`, `RoleProblem`.
  func predictionRoles() throws -> (
    prediction: any PredictionPolicy, prefetch: any PrefetchPolicy
  ) {
    (
      try RoleRegistry.find(
        prediction.name, role: "predictor", in: RoleRegistry.prediction
      ).make(prediction.parameters),
      try RoleRegistry.find(
        prefetch.name, role: "prefetch policy", in: RoleRegistry.prefetch
      ).make(prefetch.parameters)
    )
  }
}

extension ScenarioReference {
  /// Reads what the reference means: the mapping that the scenario carries, or the file.
  func read<Value>(
    inline readInline: (ConfigurationNode) throws -> Value, path readPath: (String) throws -> Value
  ) throws -> Value {
    if let inline { return try readInline(inline) }
    guard let path else { throw MissingFile(path: label) }
    return try readPath(path)
  }
}
