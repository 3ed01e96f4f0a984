// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Serving

/// One row of a comparison before it has been run.
struct ComparisonContender {
  /// The row's name.
  var name: String
  /// Whether it was asked for or is a ceiling.
  var kind: PolicyComparison.Row.Kind
  /// The scenario under this policy; of the rest, the policy's preset may decide how the cache is
  /// divided.
  var scenario: Scenario
  /// Whether transfers take no time.
  var hasFreeTransfers = false

  /// The policy.
  var policy: ScenarioPolicy { scenario.policy }

  /// The roles by name.
  var roles: PolicyComparison.Roles {
    .init(
      eviction: policy.eviction.name, hostEviction: policy.hostEviction.name,
      prediction: policy.prediction.name, prefetch: policy.prefetch.name,
      schedule: policy.schedule.name, resolve: policy.resolve.name,
      placement: policy.placement.name, admission: policy.admission.name,
      transform: policy.transform.name, kernels: policy.kernels?.label ?? "none")
  }

  /// Whether an eviction rule or the predictor knows the future, so that no machine can run the
  /// policy.
  var knowsFuture: Bool {
    if policy.prediction.name == "oracle" { return true }
    return EvictionRegistry.all.contains {
      $0.needsFuture && [policy.eviction.name, policy.hostEviction.name].contains($0.name)
    }
  }

  /// Whether two contenders would do the same in every run.
  func equals(_ other: ComparisonContender) -> Bool {
    roles == other.roles && hasFreeTransfers == other.hasFreeTransfers
      && policy.chunks == other.policy.chunks && policy.pinned == other.policy.pinned
      && policy.writeBack == other.policy.writeBack
      && policy.serialTransfers == other.policy.serialTransfers
      && hasSameKernels(as: other)
      && parameters == other.parameters && scenario.cache == other.scenario.cache
  }

  /// Whether both use the kernels of one file, or those of the law; kernels that a scenario describes
  /// in place are not compared.
  private func hasSameKernels(as other: ComparisonContender) -> Bool {
    let both = [policy.kernels, other.policy.kernels]
    return both.allSatisfy { $0?.inline == nil } && both[0]?.path == both[1]?.path
  }

  /// What the roles' parameters are set to.
  private var parameters: [RoleSettings] {
    [
      policy.eviction, policy.hostEviction, policy.prediction, policy.prefetch, policy.schedule,
      policy.resolve, policy.placement, policy.admission, policy.transform,
    ].map(\.parameters)
  }

  /// The configuration of a run; the policy may change the model, its routing and its kernels.
  func configuration(replication: UInt32, library: DataLibrary) throws -> ServingConfiguration {
    var configuration = try scenario.configuration(replication: replication, library: library)
    configuration.policy.name = name
    configuration.setting.policy = name
    if hasFreeTransfers { configuration.figures = configuration.figures.withFreeTransfers() }
    return configuration
  }
}

extension ComparisonContender {
  /// The name of the row with Belady's eviction.
  static let beladyCeiling = "belady ceiling"
  /// The name of the row without transfer times.
  static let linkCeiling = "link-bound ceiling"

  /// The ceilings of eviction and of transfers, over a baseline.
  ///
  /// With free transfers nothing is gained by fetching ahead or by computing an expert before the
  /// others of its layer are there, so that neither is done: no policy is faster.
  static func ceilings(of baseline: ComparisonContender) -> [ComparisonContender] {
    var evicting = baseline.scenario
    evicting.policy.eviction = role("belady", like: baseline.policy.eviction)
    var free = baseline.scenario
    free.policy.prediction = role("none", like: baseline.policy.prediction)
    free.policy.prefetch = role("none", like: baseline.policy.prefetch)
    free.policy.schedule = role("load-then-compute", like: baseline.policy.schedule)
    return [
      ComparisonContender(name: beladyCeiling, kind: .ceiling, scenario: evicting),
      ComparisonContender(
        name: linkCeiling, kind: .ceiling, scenario: free, hasFreeTransfers: true),
    ]
  }

  private static func role(_ name: String, like role: ScenarioRole) -> ScenarioRole {
    ScenarioRole(name: name, location: role.location)
  }
}

extension MachineFigures {
  /// The same machine with links, host memory, staging copy and drive so fast that nothing waits
  /// for them: a million times, without latency.
  func withFreeTransfers() -> MachineFigures {
    var figures = self
    for thing in [SpeedUp.link, .hostMemory, .drive] { figures = figures.sped(up: thing, by: 1e6) }
    figures.linkLatencySeconds = 0
    figures.drive?.latencySeconds = 0
    return figures
  }
}
