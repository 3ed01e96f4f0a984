// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// The page of a measured run beside its simulation.
struct ObservationPage {
  let observation: ReportValue

  var document: PageDocument {
    PageDocument(
      kind: .observation, title: "Measured and simulated: \(observation.text("scenario") ?? "")",
      subtitle: RunPage.subtitle(of: observation), sections: [summary, latencies, setting])
  }

  private var summary: PageSection {
    let figures = [
      ("output_tokens_per_second", "Output tokens per second", "tokens/s"),
      ("requests_per_second", "Requests per second", "requests/s"),
      ("tpot_ms.mean", "Time per output token (TPOT), mean", "ms"),
      ("ttft_ms.mean", "Time to first token (TTFT), mean", "ms"),
    ].compactMap { key, label, unit -> PageFigure? in
      guard let simulated = observation.number("\(key).simulated"),
        let measured = observation.number("\(key).measured")
      else { return nil }
      let bias = observation.number("\(key).bias").map {
        "simulated \($0 >= 0 ? "more" : "less") by \(FigureText.percent(abs($0)))"
      }
      return PageFigure(
        key: "\(key).simulated", label: label, value: simulated,
        text: "\(FigureText.number(simulated)) \(unit) simulated",
        interval: "\(FigureText.number(measured)) \(unit) measured", note: bias)
    }
    var notices: [String] = []
    for case .text(let notice) in observation.list("notices") { notices.append(notice) }
    let limits = observation.list("verdict.limits").map { limit -> [ReportValue] in
      [
        .text(limit.text("limit") ?? ""), limit.at("found") ?? .null,
        .text(limit.flag("kept") == true ? "kept" : "missed"),
      ]
    }
    let table = PageTable(
      title: "Limits on the errors",
      columns: [
        .init("limit", "Limit"), .init("found", "Found", .number, digits: 4),
        .init("verdict", "Verdict"),
      ], rows: limits)
    return PageSection(
      "summary", "How near",
      text: [
        "The requests of \(observation.text("results") ?? "a measured run") were sent to the"
          + " simulated system of the scenario at the same times and with the same lengths."
      ],
      (notices.isEmpty ? [] : [.notices(id: "notices", notices)])
        + [.figures(id: "headline", figures)]
        + (limits.isEmpty ? [] : [.table(id: "limits", table)]))
  }

  private var latencies: PageSection {
    let rows = LatencyCharts.figures.flatMap { key, name in
      ["mean", "p50", "p90", "p95", "p99"].compactMap { statistic -> [ReportValue]? in
        guard let pair = observation.at("\(key).\(statistic)"), pair.number("simulated") != nil
        else { return nil }
        return [
          .text(name), .text(statistic), pair.at("measured") ?? .null,
          pair.at("simulated") ?? .null, pair.at("bias") ?? .null,
        ]
      }
    }
    let table = PageTable(
      title: "Latencies, measured and simulated",
      columns: [
        .init("figure", "Latency"), .init("statistic", "Statistic"),
        .init("measured", "Measured", .number, unit: "ms", digits: 2),
        .init("simulated", "Simulated", .number, unit: "ms", digits: 2),
        .init("bias", "Simulated over measured, less 1", .number, unit: "share", digits: 4),
      ], rows: rows, isSortable: true)
    return PageSection(
      "latencies", "Latencies",
      [ObservationCharts.latencies(of: observation)].blocks
        + (rows.isEmpty ? [] : [.table(id: "latencies-table", table)]))
  }

  private var setting: PageSection {
    PageSection(
      "scenario", "Scenario",
      [
        .facts(
          id: "setting",
          RunTables.setting(observation).filter {
            !["Seed and replication", "Size of the simulation"].contains($0.label)
          })
      ])
  }
}

/// The page of measured serving points beside simulated ones.
struct PointsPage {
  let report: ReportValue

  var document: PageDocument {
    PageDocument(
      kind: .observation, title: "Serving points, measured and simulated",
      subtitle: "\(FigureText.integer(report.list("points").count)) points",
      sections: [charts, groups, points, refusals])
  }

  private var charts: PageSection {
    PageSection(
      "charts", "Point by point",
      ["tpot", "ttft"].map { ObservationCharts.points(of: report, figure: $0) }.blocks)
  }

  private var groups: PageSection {
    let rows = (report.list("summaries") + report.list("groups")).map { group -> [ReportValue] in
      [
        .text(group.text("name") ?? ""), group.at("points") ?? .null,
        group.at("median_tpot_error") ?? .null, group.at("bias_tpot") ?? .null,
        group.at("median_ttft_error") ?? .null, group.at("bias_ttft") ?? .null,
        .text(group.flag("is_fitted") == true ? "fitted" : ""),
      ]
    }
    guard !rows.isEmpty else { return PageSection("groups", "Groups") }
    let table = PageTable(
      title: "Median errors, by system and by group",
      columns: [
        .init("group", "Group"), .init("points", "Points", .number, digits: 0),
        .init("tpot", "TPOT error", .number, unit: "share", digits: 3),
        .init("tpot-bias", "TPOT bias", .number, unit: "share", digits: 3),
        .init("ttft", "TTFT error", .number, unit: "share", digits: 3),
        .init("ttft-bias", "TTFT bias", .number, unit: "share", digits: 3),
        .init("fitted", "Fitted"),
      ], rows: rows, isSortable: true, isFilterable: rows.count > 20)
    return PageSection("groups", "Groups", [.table(id: "groups-table", table)])
  }

  private var points: PageSection {
    let texts = ["id", "model", "system", "backend", "precision", "plan"]
    let numbers = [
      "concurrency", "measured_tpot_ms", "simulated_tpot_ms", "tpot_error", "measured_ttft_ms",
      "simulated_ttft_ms", "ttft_error",
    ]
    let columns =
      texts.map { PageTable.Column($0, $0 == "id" ? "Point" : $0.capitalisedFirst) }
      + [
        .init("concurrency", "Users", .number, digits: 0),
        .init("measured_tpot", "TPOT measured", .number, unit: "ms", digits: 2),
        .init("simulated_tpot", "TPOT simulated", .number, unit: "ms", digits: 2),
        .init("tpot_error", "TPOT error", .number, unit: "share", digits: 3),
        .init("measured_ttft", "TTFT measured", .number, unit: "ms", digits: 1),
        .init("simulated_ttft", "TTFT simulated", .number, unit: "ms", digits: 1),
        .init("ttft_error", "TTFT error", .number, unit: "share", digits: 3),
      ]
    let rows = report.list("points").map { point in
      texts.map { ReportValue.text(point.text($0) ?? "") } + numbers.map { point.at($0) ?? .null }
    }
    return PageSection(
      "points", "All points",
      rows.isEmpty
        ? []
        : [
          .table(
            id: "points-table",
            PageTable(
              title: "Measured and simulated", columns: columns, rows: rows, isSortable: true,
              isFilterable: true, pageSize: 50))
        ])
  }

  private var refusals: PageSection {
    let rows = report.list("refusals").map { refusal -> [ReportValue] in
      [
        .text(refusal.text("reason") ?? ""), refusal.at("points") ?? .null,
        .text(refusal.text("example") ?? ""),
      ]
    }
    guard !rows.isEmpty else { return PageSection("refusals", "Not simulated") }
    let table = PageTable(
      title: "Points that are not simulated, by reason",
      columns: [
        .init("reason", "Reason"), .init("points", "Points", .number, digits: 0),
        .init("example", "The first of them"),
      ], rows: rows)
    return PageSection("refusals", "Not simulated", [.table(id: "refusals-table", table)])
  }
}

extension String {
  /// The text with its first letter in upper case.
  var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}
