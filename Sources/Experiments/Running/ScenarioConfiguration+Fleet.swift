// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Hardware
import KernelTiming
import ModelDescriptors
import Policies
import Serving

extension Scenario {
  /// Whether the scenario is one of many GPUs or replicas, whose experts are all resident.
  public var isFleet: Bool {
    !fleet.isPlain || (serving.spread.isSpread && !dividesReplica)
  }

  /// Refuses what is not recorded of a fleet.
  static func refuse(
    timeline: Bool, decisions: Bool, uncertainty: Bool, passes: Bool = false
  ) throws {
    let asked = [
      (timeline, "--timeline"), (decisions, "--decisions"), (uncertainty, "--uncertainty"),
      (passes, "--passes"),
    ].filter(\.0).map(\.1)
    guard let first = asked.first else { return }
    throw Diagnostic(
      location: nil, path: first,
      message: "is not there for a fleet (serving.replicas, serving.parallelism, fleet), of which"
        + " steps and not single operations are simulated; expected a scenario of one GPU")
  }

  /// Turns the scenario into what a fleet runs.
  ///
  /// - Parameters:
  ///   - replication: The replication within the scenario's seed.
  ///   - library: Where the names of parts are looked for.
  /// - Throws: `MissingFile`, `Diagnostics`, `Diagnostic` where the scenario asks for what a fleet does not do.
  public func fleetConfiguration(
    replication: UInt32 = 0, library: DataLibrary = .standard
  ) throws -> FleetConfiguration {
    try checkFleet()
    let profiles = ProfileLibrary(folders: library.folders(.hardware))
    var groups: [ReplicaGroup] = []
    var machines: [MachineProfile] = []
    var hostMachines: [Int] = []
    var base: ServingConfiguration?
    for part in fleetParts {
      let configuration = try part.scenario.replicaConfiguration(
        replication: replication, library: library)
      if base == nil { base = configuration }
      let machine = try part.scenario.hardware.read(
        inline: { try profiles.machine($0) }, path: { try profiles.machine($0) })
      var group = try part.scenario.group(part, configuration, machine: machine)
      group.modelNumber = part.modelNumber
      if !machines.contains(where: { $0.name == machine.name }) { machines.append(machine) }
      let most = max(group.replicas, fleet.autoscaling?.maximum ?? 0)
      let index = machines.firstIndex { $0.name == machine.name } ?? 0
      hostMachines += Array(repeating: index, count: group.hosts(replicas: most))
      groups.append(group)
    }
    try checkHosts(hostMachines.count)
    try checkPromptBalance(data: groups.map(\.plan.data).max() ?? 1)
    if let hosts = fleet.hosts, hosts > hostMachines.count, let last = hostMachines.last {
      hostMachines += Array(repeating: last, count: hosts - hostMachines.count)
    }
    let topology = ClusterTopology(machines: machines, hostMachines: hostMachines)
    try connect(&groups, topology)
    guard let base else { preconditionFailure("A fleet has at least one group.") }
    let role = try RoleRegistry.find(
      fleet.requestRouting.name, role: "request routing", in: RoleRegistry.requestRouting)
    var configuration = FleetConfiguration(
      name: name, groups: groups, topology: topology,
      requestRouting: try role.make(fleet.requestRouting.parameters),
      requestRoutingLabel: fleet.requestRouting.name, run: base.run,
      serviceLevel: base.serviceLevel, cost: base.cost, setting: base.setting,
      notices: base.notices, makeRequests: base.makeRequests)
    configuration.setting.cache = "every expert resident"
    configuration.scores = base.scores
    if groups.count > 1, !self.fleet.groups.isEmpty {
      configuration.setting.model = groups.map(\.model.name).uniqued().joined(separator: ", ")
      configuration.setting.hardware = machines.map(\.name).joined(separator: ", ")
    }
    configuration.operations.gateway = fleet.gateway
    configuration.operations.responseCache = fleet.responseCache
    configuration.operations.failures = fleet.failures
    configuration.operations.retries = fleet.retries
    configuration.operations.autoscaler = fleet.autoscaling
    return configuration
  }

  /// One group of replicas as a scenario of its own.
  private struct FleetPart {
    var scenario: Scenario
    var name: String
    var replicas: Int
    var plan: ParallelPlan
    var part = ReplicaGroup.Part.whole
    var share = 1.0
    var modelNumber: Int32 = 0
  }

  private var fleetParts: [FleetPart] {
    if let both = serving.spread.disaggregation {
      return [
        FleetPart(
          scenario: self, name: "prefill", replicas: both.prefill.replicas,
          plan: both.prefill.plan, part: .prefill),
        FleetPart(
          scenario: self, name: "decode", replicas: both.decode.replicas, plan: both.decode.plan,
          part: .decode),
      ]
    }
    guard !fleet.groups.isEmpty else {
      return [
        FleetPart(
          scenario: self, name: "replica", replicas: serving.spread.replicas,
          plan: serving.spread.plan)
      ]
    }
    return fleet.groups.enumerated().map { index, group in
      var own = self
      own.model = group.model ?? model
      own.hardware = group.hardware ?? hardware
      own.precision = group.precision ?? precision
      return FleetPart(
        scenario: own, name: group.name, replicas: group.replicas,
        plan: group.parallelism ?? serving.spread.plan, share: group.share,
        modelNumber: Int32(index))
    }
  }

  /// A group's replicas; what connects their GPUs is known once all groups are.
  private func group(
    _ part: FleetPart, _ configuration: ServingConfiguration, machine: MachineProfile
  ) throws -> ReplicaGroup {
    let plan = part.plan
    guard !machine.gpus.isEmpty else {
      throw problem(
        "hardware", "\(machine.name) has no GPU, which a replica of a fleet is computed on")
    }
    if configuration.model.isDense, plan.data > 1 || plan.expert > 1 {
      throw problem(
        "serving.parallelism",
        "\(configuration.model.name) has no routed experts to spread over ranks; expected data: 1"
          + " and expert: 1, with serving.replicas: \(plan.data) in their place")
    }
    if !configuration.model.isDense {
      let experts = configuration.model.expertCount
      var all = experts
      if case .balanced(let copies) = serving.spread.placement { all += copies }
      guard all.isMultiple(of: plan.expert) else {
        let copies = (plan.expert - experts % plan.expert) % plan.expert
        throw problem(
          "serving.parallelism.expert",
          "\(all) experts of a layer, copies included, are not divided evenly among \(plan.expert)"
            + " groups; expected a divisor of \(all), or expert_placement: {copies: \(copies)}")
      }
    }
    if machine.gpus.count < plan.devices, plan.devices % machine.gpus.count != 0 {
      throw problem(
        "serving.parallelism",
        "\(plan.label) takes \(plan.devices) GPUs, which are no whole number of hosts of"
          + " \(machine.gpus.count)")
    }
    var group = ReplicaGroup(
      name: part.name, figures: configuration.figures, devicesPerHost: machine.gpus.count,
      timing: configuration.timing, model: configuration.model,
      precision: configuration.precision, cache: configuration.cache, plan: plan,
      placement: serving.spread.placement, dispatch: serving.spread.dispatch,
      limits: configuration.limits, admission: configuration.policy.admission,
      replicas: part.replicas, makeRouting: configuration.makeRouting,
      makeCollectives: { _ in throw RoutingIsNotNeeded() })
    group.batching = configuration.batching
    group.part = part.part
    group.share = part.share
    return group
  }

  /// Tells each group what connects the GPUs of its replicas.
  private func connect(_ groups: inout [ReplicaGroup], _ topology: ClusterTopology) throws {
    var first = 0
    for index in groups.indices {
      let group = groups[index]
      let laws = group.timing.laws
      let begin = first
      groups[index].makeCollectives = { plan in
        try ReplicaCollectives(topology: topology, first: begin, plan: plan, laws: laws)
      }
      let most = max(group.replicas, fleet.autoscaling?.maximum ?? 0)
      first += group.hosts(replicas: most) * group.devicesPerHost
    }
  }

  /// Refuses what a fleet does not do.
  private func checkFleet() throws {
    switch cache.experts {
    case .automatic, .all: break
    default:
      throw problem(
        "cache.experts",
        "a part of the experts, in a fleet, whose replicas hold all of them; expected all or auto")
    }
    if cache.keyValue == .elastic {
      throw problem("cache.kv", "elastic, in a fleet, whose experts stay; expected auto or bytes")
    }
    if serving.beams > 1 {
      throw problem("serving.beams", "\(serving.beams) beams in a fleet; expected 1")
    }
    if serving.spread.isBySchedule {
      throw problem(
        "policy.schedule",
        "'\(policy.schedule.name)' decides whole steps of one replica, and this is a fleet;"
          + " expected one that reacts to gates, such as compute-as-ready")
    }
  }

  /// Refuses to balance prompts among ranks of which there is one.
  func checkPromptBalance(data ranks: Int) throws {
    guard serving.promptBalance > 0, ranks == 1 else { return }
    throw problem(
      "serving.prompt_balance",
      "\(serving.promptBalance) steps, but a single rank has no others to wait for; expected 0, or"
        + " serving.parallelism.data above 1")
  }

  private func checkHosts(_ needed: Int) throws {
    guard let hosts = fleet.hosts, hosts < needed else { return }
    throw problem(
      "fleet.hosts", "\(hosts) hosts; the replicas take \(needed), expected at least as many")
  }

  private func problem(_ path: String, _ message: String) -> Diagnostic {
    Diagnostic(location: tree.value(at: path)?.location, path: path, message: message)
  }
}

extension Array where Element: Hashable {
  /// Each element once, in order of first occurrence.
  fileprivate func uniqued() -> [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
