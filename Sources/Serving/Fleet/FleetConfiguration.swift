// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import ModelDescriptors
import Policies
import Workload

/// Everything that a run of a fleet depends on, resolved.
public struct FleetConfiguration: Sendable {
  /// The scenario's name.
  public var name: String
  /// The replicas by group.
  public var groups: [ReplicaGroup]
  /// Which replica a request goes to.
  public var requestRouting: any RequestRoutingPolicy
  /// The rule's name and parameters, for reports.
  public var requestRoutingLabel: String
  /// What stands before the replicas, what fails, how the fleet grows.
  public var operations = FleetOperations()
  /// The hosts of all groups, one group after the other, and what connects them.
  public var topology: ClusterTopology
  /// Seeds, warm-up, end.
  public var run: RunOptions
  /// The limits for goodput.
  public var serviceLevel: ServiceLevel
  /// How cost is computed.
  public var cost: CostBasis
  /// Published scores of the model, those that the scenario gives first.
  public var scores: [ModelScore] = []
  /// The setting in words.
  public var setting: SimulationResult.SettingSummary
  /// What a reader must know of the setting.
  public var notices: [String]
  /// Makes the requests of a run.
  public var makeRequests: @Sendable () throws -> any RequestSource

  /// A fleet.
  public init(
    name: String, groups: [ReplicaGroup], topology: ClusterTopology,
    requestRouting: any RequestRoutingPolicy, requestRoutingLabel: String, run: RunOptions,
    serviceLevel: ServiceLevel = ServiceLevel(),
    cost: CostBasis = CostBasis(), setting: SimulationResult.SettingSummary,
    notices: [String] = [], makeRequests: @escaping @Sendable () throws -> any RequestSource
  ) {
    self.name = name
    self.groups = groups
    self.topology = topology
    self.requestRouting = requestRouting
    self.requestRoutingLabel = requestRoutingLabel
    self.run = run
    self.serviceLevel = serviceLevel
    self.cost = cost
    self.setting = setting
    self.notices = notices
    self.makeRequests = makeRequests
  }
}
