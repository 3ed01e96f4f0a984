// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import KernelTiming
import ModelDescriptors
import Policies
import Routing
import TestSupport
import Workload

@testable import Serving

/// Small fleets for tests.
enum FleetHarness {
  /// A machine of the repository with eight GPUs that share an island.
  static func machine() throws -> MachineProfile {
    try ProfileLibrary(folders: [Checkout.root.appending(path: "hardware-profiles").path]).machine(
      "h100-sxm-server")
  }

  /// A group of the small mixture model.
  static func group(
    _ plan: ParallelPlan = .single, model: ModelDescriptor, replicas: Int = 1,
    limits: BatchLimits = BatchLimits(maximumSequences: 8, tokenBudget: 256),
    cache: CacheConfiguration = CacheConfiguration(), part: ReplicaGroup.Part = .whole,
    placement: ExpertPlacement.Rule = .contiguous, dispatch: ExpertDispatch = .allToAll
  ) throws -> ReplicaGroup {
    let shape = RoutingShape(
      layers: model.mixtureLayers.count, experts: max(1, model.expertCount),
      topK: max(1, model.topK))
    let topology = ClusterTopology(machine: try machine())
    var group = ReplicaGroup(
      name: part.rawValue, figures: ServingHarness.figures(deviceGiB: 80), devicesPerHost: 8,
      timing: ServingHarness.timing(), model: model, precision: .bf16, cache: cache, plan: plan,
      placement: placement, dispatch: dispatch, limits: limits,
      admission: FirstComeFirstServed(), replicas: replicas,
      makeRouting: { ScriptedRouting(shape: shape) },
      makeCollectives: { try ReplicaCollectives(topology: topology, first: 0, plan: $0, laws: nil) }
    )
    group.part = part
    return group
  }

  /// A fleet of groups, round robin, without warm-up.
  static func configuration(
    _ groups: [ReplicaGroup], requests: [Request],
    routing: any RequestRoutingPolicy = RoundRobinRouting(),
    operations: FleetOperations = FleetOperations()
  ) throws -> FleetConfiguration {
    let hosts = groups.reduce(0) {
      $0 + $1.hosts(replicas: max($1.replicas, operations.autoscaler?.maximum ?? 0))
    }
    var configuration = FleetConfiguration(
      name: "test", groups: groups, topology: ClusterTopology(machine: try machine(), hosts: hosts),
      requestRouting: routing, requestRoutingLabel: "test", run: RunOptions(warmUp: .none),
      setting: .init(
        hardware: "test", model: "small", precision: "", policy: "", runtime: "", cache: "",
        routing: "", workload: ""), makeRequests: { ListedRequests(requests) })
    configuration.operations = operations
    return configuration
  }

  /// Runs a fleet, and keeps what became of each request.
  static func run(
    _ configuration: FleetConfiguration
  ) throws -> (result: SimulationResult, outcomes: [RequestOutcome]) {
    let run = try FleetSimulation.run(configuration, requests: RequestCollector())
    return (run.result, (run.requests as? RequestCollector)?.outcomes ?? [])
  }
}
