// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors
import Workload

/// Everything that a run depends on, read from one file and its overrides.
///
/// The keys, their units and defaults are described in docs/scenario.md. A scenario names files and
/// choices; turning them into an engine is not its business.
public struct Scenario: Sendable {
  /// The scenario's name: that in the file, or the file's own.
  public var name: String
  /// The path of the file.
  public var file: String
  /// The machine.
  public var hardware: ScenarioReference
  /// The model.
  public var model: ScenarioReference
  /// What the software costs.
  public var runtime: ScenarioReference
  /// The formats of tensors that are not to be in the model's own.
  public var precision: ScenarioPrecision
  /// How the machine's memories are used.
  public var cache: ScenarioCache
  /// The policy, role by role.
  public var policy: ScenarioPolicy
  /// Where expert choices come from.
  public var routing: ScenarioRouting
  /// Where requests come from; paths are resolved.
  public var workload: WorkloadDescription
  /// The limits of batching.
  public var serving: ScenarioServing
  /// How requests reach replicas, and what befalls the fleet.
  public var fleet: ScenarioFleet
  /// The service-level objectives, in the order of the file.
  public var objectives: [ScenarioObjective]
  /// How often, how long and from which seed.
  public var run: ScenarioRun
  /// What is assumed about prices.
  public var cost: ScenarioCost
  /// Published scores of the model, beside those of its side file.
  public var accuracy: [ModelScore]
  /// The whole as it was resolved, with the origin of every leaf: `ConfigurationNode/location`
  /// names the place in a file, `default`, or the `--set` from which a value comes.
  public var tree: ConfigurationNode
}
