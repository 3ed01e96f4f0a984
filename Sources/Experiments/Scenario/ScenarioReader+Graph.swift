// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Policies

extension ScenarioReader {
  /// A schedule that decides whole steps beforehand leaves nothing to the roles that react to gates,
  /// and may need an admission that closes batches.
  func checkGraph(of policy: ScenarioPolicy, _ reader: MappingReader) {
    guard
      let found = RoleRegistry.schedule.first(where: { $0.name == policy.schedule.name }),
      let schedule = (try? found.make(policy.schedule.parameters)) as? any GraphSchedulePolicy
    else { return }
    let name = policy.schedule.name
    let idle: [(key: String, role: ScenarioRole, rest: String)] = [
      ("prediction", policy.prediction, "none"), ("prefetch", policy.prefetch, "none"),
      ("resolve", policy.resolve, "fetch"), ("placement", policy.placement, "uniform"),
    ]
    for (key, role, rest) in idle where role.name != rest {
      reader.report(
        key,
        "'\(role.name)' has no use: schedule '\(name)' decides whole steps beforehand; expected"
          + " '\(rest)'")
    }
    if policy.writeBack {
      reader.report(
        "write_back", "has no use: schedule '\(name)' evicts no experts; expected false")
    }
    if policy.chunks != 1 {
      reader.report(
        "chunks", "has no use: schedule '\(name)' cuts its copies itself; expected 1")
    }
    guard schedule.closesBatches else { return }
    let closing = RoleRegistry.admission.filter {
      (try? $0.make()) is any ClosedBatchPolicy
    }.map(\.name)
    if !closing.contains(policy.admission.name) {
      reader.report(
        "admission",
        "'\(policy.admission.name)' does not suit schedule '\(name)', which runs closed batches;"
          + " expected \(closing.joined(separator: " or "))")
    }
  }
}
