// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import KernelTiming
import ModelDescriptors
import Policies
import RandomStreams
import Routing
import SimulationKernel
import Workload

extension FleetEngine {
  /// Makes a fleet with its memories divided, the loads of its experts drawn, and its replicas idle.
  ///
  /// - Throws: ``DoesNotFit``, `IndivisibleModel`, ``RoutingMismatch``, ``FailureSettings/Problem``, or what
  ///   the makers of workload, routing and collectives throw.
  init(_ configuration: FleetConfiguration) throws {
    let requests = try configuration.makeRequests()
    let operations = configuration.operations
    let run = configuration.run
    var groups: [GroupState] = []
    var replicas: [Replica] = []
    var hosts = 0
    for (index, group) in configuration.groups.enumerated() {
      let most = max(group.replicas, operations.autoscaler?.maximum ?? 0)
      let first = replicas.count
      try UnsupportedBatching.checkPrefixes(
        group.batching, model: group.model, precision: group.precision, cache: group.cache,
        prefixBlockTokens: requests.prefixBlockTokens)
      let state = try GroupState(group, members: first..<first + most)
      for number in 0..<most {
        replicas.append(
          Replica(
            group, number: number, groupIndex: index,
            firstDevice: hosts * group.devicesPerHost + group.firstDevice(ofReplica: number),
            memory: state.memory, prefixBlockTokens: requests.prefixBlockTokens,
            seed: run.seed, replication: run.replication, isUp: number < group.replicas))
      }
      hosts += group.hosts(replicas: most)
      groups.append(state)
    }
    for index in replicas.indices {
      replicas[index].links = try Self.linksOfReplica(replicas[index], configuration)
    }
    let failures = try FailureSchedule(
      operations.failures, population: Self.population(configuration, replicas: replicas),
      seed: run.seed, replication: run.replication)
    // Nothing throws from here on.
    self.init(
      configuration, groups: groups, replicas: replicas, requests: requests, failures: failures)
    configureRouter()
  }

  private init(
    _ configuration: FleetConfiguration, groups: [GroupState], replicas: [Replica],
    requests: any RequestSource, failures: FailureSchedule
  ) {
    let operations = configuration.operations
    let topology = configuration.topology
    let run = configuration.run
    self.configuration = configuration
    self.groups = groups
    self.replicas = replicas
    self.requests = requests
    self.failures = failures
    keepsBlocks =
      requests.prefixBlockTokens > 0
      && (operations.responseCache != nil
        || configuration.groups.contains { $0.batching.sharesPrefixes })
    let models = (configuration.groups.map { Int($0.modelNumber) }.max() ?? 0) + 1
    unrouted = [TicketQueue](repeating: TicketQueue(), count: 2 * (models + 1))
    routingStream = RandomStream(
      seed: run.seed, replication: run.replication, purpose: .requestRouting, entity: 0)
    router = configuration.requestRouting
    loads = [ReplicaLoad](repeating: ReplicaLoad(isAccepting: false), count: replicas.count)
    gateway = Gateway(operations.gateway, seed: run.seed, replication: run.replication)
    responseCache = operations.responseCache.map {
      ResponseCache($0, seed: run.seed, replication: run.replication)
    }
    var network = OperationNetwork<FleetEvent>()
    links = TopologyResources(topology, in: &network)
    self.network = network
    gpus = [GPUCounters](repeating: GPUCounters(), count: topology.gpuCount)
    linkFactors = [Double](repeating: 1, count: topology.links.count)
    gpuFactors = [Double](repeating: 1, count: topology.gpuCount)
    counters = FleetCounters()
    let places = configuration.groups.reduce(0) { sum, group in
      guard group.part != .prefill else { return sum }
      return sum + group.replicas * group.plan.data * group.limits.maximumSequences
    }
    counters.batchSize = places
    progress = RunProgress(options: run, batchSize: max(1, places))
  }

  /// Tells the rule that routes requests how large the fleet is.
  private mutating func configureRouter() {
    var shares: [Double] = []
    for group in configuration.groups where group.part != .decode {
      while shares.count <= Int(group.modelNumber) { shares.append(0) }
      shares[Int(group.modelNumber)] += group.share
    }
    router.configure(
      RequestRoutingContext(
        replicas: replicas.count, modelShares: shares,
        keyValueBlockTokens: configuration.groups[0].cache.keyValueBlockTokens))
  }

  /// The links between any two GPUs of a replica.
  private static func linksOfReplica(
    _ replica: Replica, _ configuration: FleetConfiguration
  ) throws -> [Int32] {
    guard configuration.operations.failures.mentionsLinks else { return [] }
    let count = configuration.groups[replica.group].plan.devices
    let devices = replica.firstDevice..<replica.firstDevice + count
    var links: Set<Int32> = []
    for source in devices {
      for target in devices where target != source {
        let route = try configuration.topology.route(from: .gpu(source), to: .gpu(target))
        for leg in 0..<route.count { links.insert(route[leg].link) }
      }
    }
    return links.sorted()
  }

  /// What there is that may fail.
  private static func population(
    _ configuration: FleetConfiguration, replicas: [Replica]
  ) -> FailureSettings.Population {
    let topology = configuration.topology
    return .init(
      replicas: replicas.count, gpus: topology.gpuCount, hosts: topology.hostCount,
      links: topology.links.map(\.name))
  }
}

extension GroupState {
  /// Divides a group's memories and draws the loads of its experts.
  init(_ group: ReplicaGroup, members: Range<Int>) throws {
    let shard = try group.model.shard(group.plan.shares)
    let layers = group.model.mixtureLayerCount
    let experts = group.model.expertCount
    var placement: ExpertPlacement?
    var routing: (any RoutingSource)?
    if layers > 0 {
      var source = try group.makeRouting()
      try RoutingMismatch.check(source.shape, model: group.model, layers: layers)
      var popularity: [[Double]] = []
      if case .balanced = group.placement {
        popularity = try ExpertPopularity.draw(from: &source)
      }
      placement = ExpertPlacement(
        group.placement, layers: layers, experts: experts, groups: group.plan.expert,
        loads: popularity)
      routing = source
    }
    passCosts = PassCosts(model: group.model, precision: group.precision)
    memory = try ReplicaMemory(
      group, shard: shard, slotsPerGroup: placement?.slotsPerGroup ?? 0)
    let maximumTokens =
      group.plan.data * max(group.limits.tokenBudget, group.limits.maximumSequences)
    let draws = group.draws ?? ExpertDraws()
    costs = try ReplicaCosts(
      shard: shard, whole: group.model, precision: group.precision, timing: group.timing,
      plan: group.plan, dispatch: group.dispatch, collectives: group.makeCollectives(group.plan)
    ) { costs in
      try ExpertLoadTable(
        routing: &routing!, placement: placement!, costs: costs, timing: group.timing,
        maximumTokens: maximumTokens, draws: draws)
    }
    self.members = members
    if let speculation = group.batching.speculation, let model = speculation.model {
      draft = DraftCosts(
        model: model.descriptor, precision: model.precision, timing: group.timing,
        draftTokens: speculation.draftTokens)
    }
  }
}

extension Replica {
  /// An idle replica.
  init(
    _ group: ReplicaGroup, number: Int, groupIndex: Int, firstDevice: Int, memory: ReplicaMemory,
    prefixBlockTokens: Int, seed: UInt64, replication: UInt32, isUp: Bool
  ) {
    self.group = groupIndex
    self.number = number
    self.firstDevice = firstDevice
    state = isUp ? .serving : .off
    let stages = group.plan.pipeline
    let cache = KeyValueCache(
      model: memory.cachedModel, precision: group.precision,
      blockTokens: group.cache.keyValueBlockTokens,
      capacity: memory.keyValueBytes / Int64(stages))
    var limits = group.limits
    // As many steps are under way as there are stages; they share what a rank may run.
    limits.maximumSequences = max(1, limits.maximumSequences / stages)
    var scheduler = BatchScheduler(
      limits: limits, keyValue: cache,
      prefix: group.batching.sharesPrefixes
        ? PrefixSharing(
          blockTokens: prefixBlockTokens,
          keyValueBlockTokens: group.cache.keyValueBlockTokens,
          keyValueBlockBytes: KeyValueCache.blockBytes(
            model: memory.cachedModel, precision: group.precision,
            blockTokens: group.cache.keyValueBlockTokens)) : nil,
      swap: group.batching.preemption == .swap
        ? SwapSpace(
          capacity: group.cache.swapBytes / Int64(group.devicesPerHost * group.plan.pipeline))
        : nil, prioritises: group.batching.scheduling == .priority,
      acceptance: group.batching.speculation.map {
        AcceptanceModel($0, seed: seed, replication: replication)
      })
    scheduler.stepsAhead = UInt32(group.timing.software.stepsAhead)
    let lane = Lane(
      ranks: [BatchScheduler](repeating: scheduler, count: group.plan.data),
      stageNanoseconds: [UInt64](repeating: 0, count: stages))
    lanes = [Lane](repeating: lane, count: stages)
    blockBytes = KeyValueCache.blockBytes(
      model: memory.cachedModel, precision: group.precision,
      blockTokens: group.cache.keyValueBlockTokens)
    var blocks = cache
    bytesPerToken =
      Double(blocks.bytes(tokens: 4096) - blocks.bytes(tokens: 0)) / 4096
    stageFreeAt = [UInt64](repeating: 0, count: stages)
  }
}

/// How often each expert of each layer is chosen, as a sample of a routing says.
enum ExpertPopularity {
  /// Sequences that are sampled, and tokens of each.
  private static let sample = (sequences: 64, tokens: 16)

  /// Draws the shares, layer by layer, of sequences of numbers from 2⁴¹ on.
  static func draw(from routing: inout any RoutingSource) throws -> [[Double]] {
    let shape = routing.shape
    var counts = [[Double]](
      repeating: [Double](repeating: 0, count: shape.experts), count: shape.layers)
    var activation = LayerActivation(experts: shape.experts)
    for number in 0..<sample.sequences {
      let slot = try routing.beginSequence(
        1 << 41 | UInt64(number), promptTokens: 64, outputTokens: 7 * sample.tokens)
      for layer in 0..<shape.layers {
        activation.reset()
        for token in 0..<sample.tokens {
          routing.addDecode(slot: slot, position: 7 * token, layer: layer, to: &activation)
        }
        for expert in activation.distinct {
          counts[layer][Int(expert)] += Double(activation.tokensPerExpert[Int(expert)])
        }
      }
      routing.endSequence(slot: slot)
    }
    return counts.map { layer in
      let total = max(1, layer.reduce(0, +))
      return layer.map { $0 / total }
    }
  }
}
