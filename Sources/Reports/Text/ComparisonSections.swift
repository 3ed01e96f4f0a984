// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Serving

/// Builds the report of several runs for people: what they share, then a row for each.
struct ComparisonSections {
  private let documents: [ResultDocument]

  init(_ documents: [ResultDocument]) {
    self.documents = documents
  }

  var all: [ReportSection] {
    ([head, table] + intervals + [notices]).filter { !$0.blocks.isEmpty }
  }

  /// How sure each run is, where that was asked for.
  private var intervals: [ReportSection] {
    documents.indices.compactMap { index in
      var section = ReportSections(documents[index]).sureness
      section?.title += ", run \(index + 1)"
      return section
    }
  }

  private typealias Setting = (label: String, text: @Sendable (SimulationResult) -> String)

  private static let settings: [Setting] = [
    ("Scenario", { $0.scenario }), ("Seed", { String($0.seed) }),
    ("Replication", { String($0.replication) }), ("Machine", { $0.setting.hardware }),
    ("Runtime", { $0.setting.runtime }), ("Model", { $0.setting.model }),
    ("Precision", { $0.setting.precision }), ("Policy", { $0.setting.policy }),
    ("Cache", { $0.setting.cache }), ("Routing", { $0.setting.routing }),
    ("Workload", { $0.setting.workload }),
  ]

  private func isShared(_ setting: Setting) -> Bool {
    guard let first = documents.first.map({ setting.text($0.result) }) else { return true }
    return documents.allSatisfy { setting.text($0.result) == first }
  }

  private var head: ReportSection {
    guard let first = documents.first?.result else { return ReportSection(title: "", blocks: []) }
    let facts = Self.settings.filter(isShared).map { ($0.label, $0.text(first)) }
      .filter { !$0.1.isEmpty }
    var blocks: [ReportSection.Block] = facts.isEmpty ? [] : [.facts(facts)]
    let unstable = documents.indices.filter { !documents[$0].result.steadyState.stable }
    if !unstable.isEmpty {
      let numbers = unstable.map { String($0 + 1) }.joined(separator: ", ")
      blocks.append(
        .warning(
          "UNSTABLE: \(unstable.count) of \(documents.count) runs have no steady state (\(numbers)). "
            + "Their TTFT and E2EL grow for as long as the run lasts and are not reported; their "
            + "throughput is that at saturation."))
    }
    return ReportSection(title: "", blocks: blocks)
  }

  private var table: ReportSection {
    let varying = Self.settings.filter { !isShared($0) }
    var table = TextTable(
      columns: [.init("Run", isNumeric: true)] + varying.map { .init($0.label) } + [
        .init("Output tok/s", isNumeric: true), .init("TTFT ms", isNumeric: true, dropOrder: 1),
        .init("TPOT ms", isNumeric: true), .init("P99 TPOT ms", isNumeric: true, dropOrder: 3),
        .init("E2EL ms", isNumeric: true, dropOrder: 4),
        .init("Hit rate", isNumeric: true, dropOrder: 2),
        .init("USD/M tok", isNumeric: true, dropOrder: 5),
        .init("J/tok", isNumeric: true, dropOrder: 6), .init("State"),
      ])
    for (index, document) in documents.enumerated() {
      let result = document.result
      let settings = varying.map { $0.text(result) }
      table.append(
        [String(index + 1)] + settings + [
          FigureText.number(result.throughput.outputTokensPerSecond),
          FigureText.number(result.ttftMs?.mean), FigureText.number(result.tpotMs?.mean),
          FigureText.number(result.tpotMs?.p99), FigureText.number(result.e2elMs?.mean),
          FigureText.percent(result.expertCache.hitRate),
          FigureText.number(result.cost.usdPerMillionOutputTokens),
          FigureText.number(result.energy.joulesPerOutputToken),
          result.steadyState.stable ? "steady" : "UNSTABLE",
        ])
    }
    let title = "\(documents.count) runs (latencies are means unless said otherwise)"
    return ReportSection(title: title, blocks: [.table(table)])
  }

  private var notices: ReportSection {
    var order: [String] = []
    var runs: [String: [Int]] = [:]
    for (index, document) in documents.enumerated() {
      for notice in document.result.notices {
        if runs[notice] == nil { order.append(notice) }
        runs[notice, default: []].append(index + 1)
      }
    }
    let items = order.map { notice in
      let numbers = runs[notice] ?? []
      guard numbers.count < documents.count else { return notice }
      return "Run \(numbers.map(String.init).joined(separator: ", ")): \(notice)"
    }
    return ReportSection(title: "Notices", blocks: items.isEmpty ? [] : [.list(items)])
  }
}
