// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// The page of several runs: replications of one scenario, or runs side by side.
struct RunsPage {
  let runs: [(name: String, run: ReportValue)]

  /// A page of runs that go by these names; without names, by replication or number.
  init(_ runs: [ReportValue], names: [String]) {
    let isOne = Self.areReplications(runs)
    areReplications = isOne
    self.runs = runs.enumerated().map { index, run in
      let own = isOne ? "replication \(Int(run.number("replication") ?? 0))" : "run \(index + 1)"
      return (index < names.count && !isOne ? names[index] : own, run)
    }
  }

  private let areReplications: Bool

  /// Whether runs differ in nothing but their randomness.
  private static func areReplications(_ runs: [ReportValue]) -> Bool {
    guard let first = runs.first else { return false }
    let keys = ["scenario", "setting", "seed"]
    let numbers = Set(runs.map { $0.number("replication") ?? 0 })
    return numbers.count == runs.count
      && runs.allSatisfy { run in keys.allSatisfy { run[$0] == first[$0] } }
  }

  var document: PageDocument {
    let first = runs[0].run
    let scenario = first.text("scenario") ?? "runs"
    return PageDocument(
      kind: .runs,
      title: areReplications
        ? "\(scenario), \(runs.count) replications" : "\(runs.count) runs side by side",
      subtitle: areReplications ? RunPage.subtitle(of: first) : "",
      sections: [summary, figures, time, resources, cache, latency, moeCap, settings])
  }

  private var summary: PageSection {
    var notices: [String] = []
    for (name, run) in runs {
      for case .text(let notice) in run.list("notices") { notices.append("\(name): \(notice)") }
    }
    var blocks: [PageBlock] = notices.isEmpty ? [] : [.notices(id: "notices", notices)]
    guard areReplications else {
      return PageSection(
        "summary", "What is compared",
        text: [
          "Simulated runs as they were given. They need not share requests or randomness: for a"
            + " comparison that is paired, see 'moesim compare'."
        ], blocks)
    }
    let figures = HeadlineFigures.of(replications: runs.map(\.run))
    if !figures.isEmpty { blocks.append(.figures(id: "headline", figures)) }
    return PageSection(
      "summary", "How fast",
      text: [
        "Means over \(runs.count) replications, which differ in their random draws alone;"
          + " intervals are Student's at 95 %. They cover the randomness of requests and routing,"
          + " not the errors of the model."
      ], blocks)
  }

  private var figures: PageSection {
    let known = SweepFigure.known.filter { figure in
      runs.contains { $0.run.number(figure.key) != nil }
    }
    let table = PageTable(
      title: "Figures of each run",
      columns: [.init("run", "Run"), .init("state", "State")]
        + known.map {
          .init($0.key, $0.title, .number, unit: $0.unit.isEmpty ? nil : $0.unit, digits: 3)
        },
      rows: runs.map { name, run in
        [
          .text(name),
          .text(run.flag("steady_state.stable") == false ? "no steady state" : "steady"),
        ] + known.map { run.at($0.key) ?? .null }
      }, isSortable: true)
    return PageSection("figures", "Figures", [.table(id: "figures-table", table)])
  }

  private var time: PageSection {
    let chart = TimeCharts.stacked(
      id: "time-per-token", title: "Time per output token, stacked",
      description: "A bar for each run: blue, green and grey is what the compute stream computed,"
        + " orange, red and yellow what it stood still for.",
      bars: runs.map { ($0.name, TokenTime.parts(of: $0.run)) })
    return PageSection("time", "Where a token's time goes", [chart].blocks)
  }

  private var resources: PageSection {
    PageSection("resources", "What was busy", [ResourceCharts.utilisation(of: runs)].blocks)
  }

  private var cache: PageSection {
    PageSection("cache", "Hits", [CacheCharts.hitRates(of: runs)].blocks)
  }

  private var latency: PageSection {
    PageSection(
      "latency", "Latency distributions",
      ["tpot_ms", "ttft_ms", "e2el_ms"].map { key in
        LatencyCharts.cumulative(of: runs, figure: key)
          ?? LatencyCharts.percentiles(of: runs, figure: key)
      }.blocks)
  }

  private var moeCap: PageSection {
    PageSection(
      "moe-cap", "MoE-CAP",
      [RadarChart.chart(of: areReplications ? Array(runs.prefix(1)) : runs)].blocks)
  }

  private var settings: PageSection {
    if areReplications {
      return PageSection(
        "scenario", "Scenario",
        [
          .facts(
            id: "setting",
            RunTables.setting(runs[0].run).filter { $0.label != "Size of the simulation" })
        ])
    }
    let keys = [
      "hardware", "runtime", "model", "precision", "policy", "cache", "routing", "workload",
    ]
    let table = PageTable(
      title: "Settings",
      columns: [.init("run", "Run"), .init("scenario", "Scenario")]
        + keys.map { .init($0, $0.prefix(1).uppercased() + $0.dropFirst()) },
      rows: runs.map { name, run in
        [.text(name), .text(run.text("scenario") ?? "")]
          + keys.map { .text(run.text("setting.\($0)") ?? "") }
      })
    return PageSection("scenario", "Settings", [.table(id: "settings-table", table)])
  }
}
