// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// One role of a policy, by name and with the parameters that the role knows.
public struct ScenarioRole: Sendable {
  /// The name of the implementation.
  public var name: String
  /// Its parameters, where a mapping gives some beside the name.
  public var parameters: ConfigurationNode?
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
  /// What to fetch ahead of its use.
  public var prefetch: ScenarioRole
  /// In which order a layer's experts are computed.
  public var schedule: ScenarioRole
  /// Who joins the batch.
  public var admission: ScenarioRole
  /// Chunks into which an expert's transfer is cut.
  public var chunks: Int
  /// Whether host memory is pinned.
  public var pinned: Bool
  /// Whether an evicted expert is written back to host memory.
  public var writeBack: Bool

  /// How reports call it.
  public var label: String {
    preset
      ?? [eviction, prefetch, schedule].map(\.name).filter { $0 != "none" }.joined(separator: " + ")
  }
}
