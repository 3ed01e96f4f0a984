// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Policies

/// One role of a policy, by name and with the parameters that the role knows.
public struct ScenarioRole: Sendable {
  /// The name of the implementation.
  public var name: String
  /// Its parameters, as far as a mapping sets some beside the name.
  public var parameters = RoleSettings()
  /// Where the choice stands.
  public var location: SourceLocation
}

/// A policy, role by role.
public struct ScenarioPolicy: Sendable {
  /// The preset that the roles begin from.
  public var preset: String?
  /// Whom to drop from the fastest memory.
  public var eviction: ScenarioRole
  /// Whom to drop from host memory, where that cannot hold every expert.
  public var hostEviction: ScenarioRole
  /// Which experts of later layers are likely.
  public var prediction: ScenarioRole
  /// What to fetch ahead of its use.
  public var prefetch: ScenarioRole
  /// In which order a layer's experts are computed.
  public var schedule: ScenarioRole
  /// In which version, where, and whether an activated expert is computed.
  public var resolve: ScenarioRole
  /// What starts where.
  public var placement: ScenarioRole
  /// Who joins the batch.
  public var admission: ScenarioRole
  /// What is served in place of the published model.
  public var transform: ScenarioRole
  /// The kernels that depart from the timing law; `nil` for none.
  public var kernels: ScenarioReference?
  /// Chunks into which an expert's transfer is cut.
  public var chunks: Int
  /// Whether host memory is pinned.
  public var pinned: Bool
  /// Whether an evicted expert is written back to host memory.
  public var writeBack: Bool
  /// Whether one worker carries one expert after the other.
  public var serialTransfers: Bool

  /// How reports call it.
  public var label: String {
    if let preset { return preset }
    let names = roles.filter { $0.role.name != $0.standard }.map(\.role.name)
    return (names + [kernels?.label].compactMap { $0 }).joined(separator: " + ")
  }

  /// The roles that reports name, each with the choice that goes without saying.
  private var roles: [(role: ScenarioRole, standard: String)] {
    [
      (eviction, ""), (prefetch, "none"), (prediction, "none"), (schedule, ""), (resolve, "fetch"),
      (placement, "uniform"), (transform, "none"),
    ]
  }
}

extension ScenarioPolicy {
  /// The policy of a preset alone, over the defaults.
  ///
  /// - Throws: `MissingFile`, or `Diagnostics` with everything that is wrong with the preset.
  public static func load(preset path: String) throws -> ScenarioPolicy {
    let preset = try ConfigurationNode.load(path: path)
    let collector = DiagnosticCollector()
    let description = MappingReader(preset, into: collector)
    for key in ScenarioResolver.presetDescription { _ = description.requiredString(key) }
    try collector.throwIfAny()
    let node = ScenarioResolver.merge(policy: preset, into: ScenarioDefaults.tree())
    let resolver = ScenarioResolver(file: path, library: .standard)
    let reader = ScenarioReader(tree: node, resolver: resolver)
    let top = MappingReader(node, into: reader.collector)
    var policy = reader.policy(top)
    try reader.collector.throwIfAny()
    policy.preset = preset["name"]?.scalar
    return policy
  }
}
