// SPDX-License-Identifier: GPL-3.0-or-later

import Policies

/// The names that each role of a policy may have in a scenario.
public enum ScenarioRoleNames {
  /// Whom to drop.
  public static var eviction: [String] { EvictionRegistry.names }
  /// What to fetch ahead of its use.
  public static let prefetch = ["none", "all"]
  /// In which order a layer's experts are computed.
  public static let schedule = ["compute-as-ready", "load-then-compute"]
  /// Who joins the batch.
  public static let admission = ["fcfs"]
}
