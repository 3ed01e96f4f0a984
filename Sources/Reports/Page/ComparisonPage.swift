// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// The page of a comparison of policies.
struct ComparisonPage {
  let comparison: ReportValue

  var document: PageDocument {
    PageDocument(
      kind: .comparison, title: "Policies on \(comparison.text("scenario") ?? "a scenario")",
      subtitle: ["model", "hardware"].compactMap { comparison.text("setting.\($0)") }
        .joined(separator: " on "),
      sections: [summary, differences, ceilings, stalls, figures, runs, setting])
  }

  private var rows: [ReportValue] { comparison.list("rows") }
  private var baseline: String { comparison.text("baseline") ?? "" }

  private var summary: PageSection {
    let count = Int(comparison.number("replications") ?? 1)
    var text: [String] = []
    if let verdict = comparison.text("verdict") { text.append(verdict) }
    text.append(
      "Simulated, \(count == 1 ? "once" : "\(count) times") under each policy; in each replication"
        + " all policies see the same requests and the same choices of experts, so that differences"
        + " are known better than the figures themselves.")
    if count == 1 { text.append("With one replication there are no intervals.") }
    var blocks: [PageBlock] = []
    let notices = comparison.list("notices").compactMap { notice -> String? in
      if case .text(let text) = notice { text } else { nil }
    }
    if !notices.isEmpty { blocks.append(.notices(id: "notices", notices)) }
    return PageSection(
      "summary", "Which wins", text: text,
      blocks + [ComparisonCharts.measure(of: comparison)].blocks)
  }

  private var differences: PageSection {
    var cells: [[ReportValue]] = []
    for row in rows {
      guard let name = row.text("name") else { continue }
      for figure in ComparisonCharts.figures {
        guard let difference = row.at("versus_baseline.\(figure.key)") else { continue }
        func scaled(_ key: String) -> ReportValue {
          // The report's own digits where nothing is to be multiplied.
          figure.scale == 1
            ? difference.at(key) ?? .null
            : .optional(difference.number(key).map { $0 * figure.scale })
        }
        cells.append([
          .text(name), .text("\(figure.title) (\(figure.unit))"), scaled("mean"), scaled("low"),
          scaled("high"), difference.at("ratio") ?? .null,
          difference.at("adjusted_pvalue") ?? difference.at("adjusted_p_value")
            ?? difference.at("p_value") ?? .null,
          difference.at("pairs") ?? .null,
        ])
      }
    }
    let table = PageTable(
      title: "Differences from \(baseline), paired by replication",
      columns: [
        .init("policy", "Policy"), .init("figure", "Figure"),
        .init("mean", "Mean difference", .number, digits: 3),
        .init("low", "From", .number, digits: 3), .init("high", "To", .number, digits: 3),
        .init("ratio", "Ratio", .number, digits: 4),
        .init("p", "p, corrected", .number, digits: 4), .init("pairs", "Pairs", .number, digits: 0),
      ], rows: cells, isSortable: true)
    return PageSection(
      "differences", "Differences from \(baseline)",
      ComparisonCharts.differences(of: comparison).map { .chart($0) }
        + (cells.isEmpty ? [] : [.table(id: "differences-table", table)]))
  }

  private var ceilings: PageSection {
    PageSection(
      "ceilings", "How much is left to gain", [ComparisonCharts.ceilings(of: comparison)].blocks)
  }

  private var stalls: PageSection {
    PageSection("stalls", "What tokens wait for", [ComparisonCharts.stalls(of: comparison)].blocks)
  }

  private var figures: PageSection {
    let columns: [(key: String, column: PageTable.Column)] = [
      ("output_tokens_per_second", .init("rate", "Output tokens/s", .number, digits: 3)),
      ("tpot_ms", .init("tpot", "Mean TPOT", .number, unit: "ms", digits: 2)),
      ("p99_tpot_ms", .init("p99-tpot", "p99 TPOT", .number, unit: "ms", digits: 2)),
      ("ttft_ms", .init("ttft", "Mean TTFT", .number, unit: "ms", digits: 2)),
      ("hit_rate", .init("hits", "Hit rate", .number, unit: "share", digits: 4)),
      ("stalled_share", .init("stalled", "Stalled", .number, unit: "share", digits: 3)),
      ("prefetches_per_token", .init("prefetches", "Prefetches a token", .number, digits: 2)),
    ]
    let cells = rows.map { row -> [ReportValue] in
      [
        .text(row.text("name") ?? ""), .text(row.text("kind") ?? ""),
        row.at("steady_replications") ?? .null, row.at("unstable_replications") ?? .null,
      ] + columns.map { row.at("mean.\($0.key)") ?? .null }
    }
    let table = PageTable(
      title: "Means over the replications with a steady state",
      columns: [
        .init("name", "Policy"), .init("kind", "Kind"),
        .init("steady", "Steady runs", .number, digits: 0),
        .init("unstable", "Unsteady runs", .number, digits: 0),
      ] + columns.map(\.column), rows: cells, isSortable: true)
    return PageSection("figures", "Figures", [.table(id: "figures-table", table)])
  }

  private var runs: PageSection {
    var cells: [[ReportValue]] = []
    for row in rows {
      for run in row.list("runs") {
        cells.append([
          .text(row.text("name") ?? ""), run.at("replication") ?? .null,
          .text(run.flag("stable") == false ? run.text("reason") ?? "no steady state" : "steady"),
          run.at("figures.output_tokens_per_second") ?? .null, run.at("figures.tpot_ms") ?? .null,
          run.at("figures.ttft_ms") ?? .null, run.at("figures.hit_rate") ?? .null,
        ])
      }
    }
    let table = PageTable(
      title: "Every run",
      columns: [
        .init("policy", "Policy"), .init("replication", "Replication", .number, digits: 0),
        .init("state", "State"), .init("rate", "Output tokens/s", .number, digits: 3),
        .init("tpot", "Mean TPOT", .number, unit: "ms", digits: 2),
        .init("ttft", "Mean TTFT", .number, unit: "ms", digits: 2),
        .init("hits", "Hit rate", .number, unit: "share", digits: 4),
      ], rows: cells, isSortable: true, isFilterable: cells.count > 20,
      pageSize: cells.count > 50 ? 50 : nil)
    return PageSection("runs", "Runs", cells.isEmpty ? [] : [.table(id: "runs-table", table)])
  }

  private var setting: PageSection {
    // The policy of the scenario is not what was run.
    let facts = RunTables.setting(comparison).filter {
      !["Policy", "Seed and replication", "Size of the simulation"].contains($0.label)
    }
    let roles = rows.filter { $0.text("kind") == "policy" }.map { row -> [ReportValue] in
      let roles = row.members("roles").compactMap { member -> String? in
        guard case .text(let name) = member.value, name != "none" else { return nil }
        return "\(member.key): \(name)"
      }
      return [.text(row.text("name") ?? ""), .text(roles.joined(separator: ", "))]
    }
    let table = PageTable(
      title: "What policies consist of",
      columns: [.init("policy", "Policy"), .init("roles", "Roles")],
      rows: roles)
    return PageSection(
      "scenario", "Scenario",
      [.facts(id: "setting", facts + [("Seed", "\(Int64(comparison.number("seed") ?? 0))", nil)])]
        + (roles.isEmpty ? [] : [.table(id: "roles", table)]))
  }
}
