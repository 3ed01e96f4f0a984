// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving
import Synchronization

/// What gates choose in the draws of fleets, kept for all runs of a study whose routing is the same.
///
/// Drawing takes most of the time of a short run of a large model.
package final class SharedExpertDraws: Sendable {
  private let known = Mutex<[String: ExpertDraws]>([:])

  /// Nothing drawn yet.
  package init() {}

  /// The draws of a scenario's replication, by what of the scenario decides its routing.
  package func draws(of tree: ConfigurationNode, replication: UInt32) -> ExpertDraws {
    let parts = ["model", "routing", "policy", "run"].map { tree[$0]?.json ?? "" }
    let key = (parts + ["\(replication)"]).joined(separator: "\n")
    return known.withLock { known in
      if let draws = known[key] { return draws }
      let draws = ExpertDraws()
      known[key] = draws
      return draws
    }
  }

  /// Has a fleet of one kind of replicas draw from here; groups of several models draw for themselves.
  package func share(
    with configuration: inout FleetConfiguration, of tree: ConfigurationNode, replication: UInt32
  ) {
    guard configuration.groups.count == 1 else { return }
    configuration.groups[0].draws = draws(of: tree, replication: replication)
  }
}
