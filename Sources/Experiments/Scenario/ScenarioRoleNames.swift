// SPDX-License-Identifier: GPL-3.0-or-later

import Policies

/// The names that each role of a policy may have in a scenario.
public enum ScenarioRoleNames {
  /// A name and what it stands for.
  public typealias Named = (name: String, summary: String)

  /// Whom to drop.
  public static var eviction: [String] { EvictionRegistry.names }
  /// What to fetch ahead of its use.
  public static var prefetch: [String] { prefetchPolicies.map(\.name) }
  /// In which order a layer's experts are computed.
  public static var schedule: [String] { schedulePolicies.map(\.name) }
  /// Who joins the batch.
  public static var admission: [String] { admissionPolicies.map(\.name) }

  /// The roles other than eviction, with their choices.
  public static var otherRoles: [(role: String, names: [Named])] {
    [
      ("prefetch", prefetchPolicies), ("schedule", schedulePolicies),
      ("admission", admissionPolicies),
    ]
  }

  private static let prefetchPolicies: [Named] = [
    ("none", "loads an expert when the gate has named it"),
    ("all", "fetches every expert of the next layer while a layer is computed"),
  ]
  private static let schedulePolicies: [Named] = [
    ("compute-as-ready", "computes resident experts first, each other one as it arrives"),
    ("load-then-compute", "loads all that a layer misses, then computes the layer"),
  ]
  private static let admissionPolicies: [Named] = [
    ("fcfs", "first come, first served: continuous batching in order of arrival")
  ]
}
