// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving

/// How requests reach replicas, and what befalls a fleet.
public struct ScenarioFleet: Sendable {
  /// Hosts of the fleet; `nil` for as many as its replicas need.
  public var hosts: Int?
  /// Which replica a request goes to.
  public var requestRouting: ScenarioRole
  /// Where requests enter.
  public var gateway: GatewaySettings
  /// Answers given before; `nil` for none.
  public var responseCache: ResponseCacheSettings?
  /// What fails. Entries about servers belong to ``wideArea``.
  public var failures: FailureSettings
  /// Where each entry of ``failures`` stands.
  public var failureLocations: [SourceLocation]
  /// How the number of replicas follows the load; `nil` for as many as there are.
  public var autoscaling: Autoscaler?
  /// What becomes of requests whose replica has failed.
  public var retries: RetryPolicy
  /// Replicas of several models or machines; empty for one group that the rest of the scenario says.
  public var groups: [ScenarioFleetGroup]
  /// A pipeline over a wide-area network in place of replicas; `nil` for none.
  public var wideArea: ScenarioWideArea?

  /// Whether anything of it departs from one group of replicas that nothing befalls, round robin behind
  /// a gateway without latency.
  public var isPlain: Bool {
    hosts == nil && requestRouting.name == "round-robin" && gateway == GatewaySettings()
      && responseCache == nil && failures.entries.isEmpty && autoscaling == nil && groups.isEmpty
      && wideArea == nil
  }
}

/// Replicas of one model on one kind of machine.
public struct ScenarioFleetGroup: Sendable {
  /// How reports call it.
  public var name: String
  /// The model; `nil` for that of the scenario.
  public var model: ScenarioReference?
  /// The machine; `nil` for that of the scenario.
  public var hardware: ScenarioReference?
  /// The formats of tensors; `nil` for those of the scenario.
  public var precision: ScenarioPrecision?
  /// Replicas at the beginning.
  public var replicas: Int
  /// The devices of a replica; `nil` for those of the scenario.
  public var parallelism: ParallelPlan?
  /// The share of requests that is meant for it, beside the other groups' shares.
  public var share: Double
  /// Where it stands.
  public var location: SourceLocation
}
