// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Hardware
import Serving
import Workload

/// A candidate with its files read: what can be bounded and run.
struct PreparedCandidate: Sendable {
  /// What is run.
  enum Configuration: Sendable {
    /// One replica, experts and all.
    case replica(ServingConfiguration)
    /// Many GPUs or replicas.
    case fleet(FleetConfiguration)
  }

  /// How a run differs from the plan's own.
  struct Variation: Sendable {
    /// Requests.
    var requests: Int
    /// The replication; 0 is that of screening.
    var replication: UInt32 = 0
    /// The load, as a multiple of the plan's.
    var load = 1.0
    /// What is sent in place of the plan's traffic.
    var traffic: WorkloadDescription?
    /// A rate that is changed, and by which factor.
    var rate: (thing: SpeedUp, factor: Double)?
  }

  let candidate: PlanCandidate
  let scenario: Scenario
  /// The configuration of replication 0.
  let configuration: Configuration
  let bill: PlanBill
  private let library: DataLibrary

  /// Reads the files of a candidate.
  ///
  /// - Throws: `Diagnostic`, `Diagnostics` where its parts do not go together; `MissingFile`.
  init(_ candidate: PlanCandidate, plan: PlanFile, library: DataLibrary) throws {
    self.candidate = candidate
    self.library = library
    scenario = try plan.scenario(of: candidate, library: library)
    if scenario.fleet.wideArea != nil {
      throw Diagnostic(
        location: nil, path: "base.fleet.wide_area",
        message: "is a pipeline over a wide-area network, which is not bought; leave it out")
    }
    configuration = try Self.configuration(scenario, replication: 0, library: library)
    switch configuration {
    case .replica(let one): bill = PlanBill(one.figures, hosts: 1, machine: candidate.machine)
    case .fleet(let fleet):
      var bill = PlanBill()
      for group in fleet.groups {
        bill.add(
          PlanBill(
            group.figures, hosts: group.hosts(replicas: group.replicas),
            machine: candidate.machine))
      }
      self.bill = bill
    }
  }

  private static func configuration(
    _ scenario: Scenario, replication: UInt32, library: DataLibrary
  ) throws -> Configuration {
    scenario.isFleet
      ? .fleet(try scenario.fleetConfiguration(replication: replication, library: library))
      : .replica(try scenario.configuration(replication: replication, library: library))
  }

  /// The workload of a variation.
  private func workload(_ variation: Variation) -> WorkloadDescription {
    var workload = variation.traffic ?? scenario.workload
    workload.requests = variation.requests
    guard variation.load != 1 else { return workload }
    if case .closedLoop(let users, let think)? = workload.arrivals {
      let more = max(1, Int((Double(users) * variation.load).rounded()))
      workload.arrivals = .closedLoop(users: more, think: think)
    } else {
      workload.rateScale *= variation.load
    }
    return workload
  }

  /// Runs the candidate.
  ///
  /// Draws depend on (seed, replication, request) alone, so that candidates of one variation see the
  /// same requests and the same routing.
  ///
  /// - Parameters:
  ///   - variation: How the run differs from the plan's own.
  ///   - draws: What gates chose in runs of other candidates.
  /// - Throws: What running throws.
  func run(
    _ variation: Variation, draws: SharedExpertDraws = SharedExpertDraws()
  ) throws -> SimulationResult {
    let workload = workload(variation)
    let seed = scenario.run.seed
    let number = variation.replication
    let own =
      number == 0
      ? configuration : try Self.configuration(scenario, replication: number, library: library)
    switch own {
    case .replica(var one):
      one.run.expectedRequests = variation.requests
      one.makeRequests = { try workload.open(seed: seed, replication: number) }
      if let rate = variation.rate { one = one.sped(up: rate.thing, by: rate.factor) }
      return try ServingSimulation.run(one).result
    case .fleet(var fleet):
      fleet.run.expectedRequests = variation.requests
      fleet.makeRequests = { try workload.open(seed: seed, replication: number) }
      draws.share(with: &fleet, of: scenario.tree, replication: number)
      if let rate = variation.rate { fleet = fleet.sped(up: rate.thing, by: rate.factor) }
      return try FleetSimulation.run(fleet).result
    }
  }

  /// Refuses a candidate whose weights or smallest KV cache have no room.
  ///
  /// - Throws: `DoesNotFit`, or what the division of a model says.
  func checkMemory() throws {
    switch configuration {
    case .replica(let one): _ = try one.memoryPlan()
    case .fleet(let fleet): for group in fleet.groups { _ = try group.memory() }
    }
  }

  /// The rates of which a run depends, among those that timing laws and profiles give.
  func rates(in result: SimulationResult) -> [SpeedUp] {
    guard case .replica = configuration else { return FleetConfiguration.speedUps }
    return SpeedUp.allCases.filter { thing in
      switch thing {
      case .compute, .deviceMemory, .software: true
      case .link: result.utilization["gpu0.link.down"] != nil
      case .peers: result.utilization["gpu0.peer.out"] != nil
      case .hostMemory:
        result.utilization["host.dram"] ?? result.utilization["neardata.memory"] != nil
      case .drive: result.utilization["ssd0"] != nil
      }
    }
  }
}
