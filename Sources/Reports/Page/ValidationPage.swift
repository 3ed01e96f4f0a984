// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// The page of a validation.
struct ValidationPage {
  let validation: ReportValue

  var document: PageDocument {
    let cases = systems.reduce(0) { $0 + $1.list("cases").count }
    return PageDocument(
      kind: .validation, title: "Published against simulated",
      subtitle: "\(systems.count) systems, \(cases) cases",
      sections: [summary, charts, scores, allCases, orderings, fitted, sources])
  }

  private var systems: [ReportValue] { validation.list("systems") }

  private var summary: PageSection {
    func number(_ key: String) -> Double? { validation.number("summary.\(key)") }
    func count(_ key: String) -> Int { Int(number(key) ?? 0) }
    let figures = [
      ("median_absolute_error", "Median error of all systems, one vote each"),
      ("median_absolute_error_of_values", "of values"),
      ("median_absolute_error_of_ratios", "of ratios"),
    ].compactMap { key, label -> PageFigure? in
      guard let value = number(key) else { return nil }
      return PageFigure(
        key: "summary.\(key)", label: label, value: value, text: FigureText.percent(value),
        interval: nil, note: "\(count("systems")) systems with counted cases")
    }
    let counted = systems.reduce(0) { $0 + Int($1.number("all.counted") ?? 0) }
    let within = systems.reduce(0) { $0 + Int($1.number("all.within") ?? 0) }
    return PageSection(
      "summary", "How near",
      text: [
        "\(within) of \(counted) counted cases are within their tolerance;"
          + " \(count("orderings_reproduced")) of \(count("orderings")) published rankings come out"
          + " as published. \(count("uncounted")) more cases are shown and not counted: a parameter"
          + " was fitted on them, their value went in, or their settings are not all known."
      ], figures.isEmpty ? [] : [.figures(id: "headline", figures)])
  }

  private var charts: PageSection {
    PageSection(
      "charts", "Case by case",
      [
        ValidationCharts.scatter(of: validation, kind: "value"),
        ValidationCharts.scatter(of: validation, kind: "ratio"),
        ValidationCharts.errors(of: validation),
      ].blocks)
  }

  private var scores: PageSection {
    let rows = systems.map { system -> [ReportValue] in
      [
        PageLink(system.text("source") ?? "").named(system.text("name") ?? ""),
        .text(system.text("summary") ?? ""), system.at("all.counted") ?? .null,
        system.at("all.within") ?? .null, system.at("all.failed") ?? .null,
        system.at("all.median_absolute_error") ?? .null,
      ]
    }
    return PageSection(
      "scores", "System by system",
      [
        .table(
          id: "scores-table",
          PageTable(
            title: "Counted cases of each system",
            columns: [
              .init("system", "System", .link), .init("summary", "What it is"),
              .init("counted", "Counted", .number, digits: 0),
              .init("within", "Within", .number, digits: 0),
              .init("failed", "Failed", .number, digits: 0),
              .init("error", "Median error", .number, unit: "share", digits: 3),
            ], rows: rows, isSortable: true))
      ])
  }

  private var allCases: PageSection {
    let rows = systems.flatMap { system in
      system.list("cases").map { entry -> [ReportValue] in
        let source = [system.text("source"), entry.text("source")].compactMap { $0 }
          .joined(separator: ", ")
        return [
          .text("\(system.text("name") ?? "")/\(entry.text("id") ?? "")"),
          .text(entry.text("what") ?? ""), entry.at("published") ?? .null,
          entry.at("published_high") ?? .null, entry.at("simulated") ?? .null,
          .text(entry.text("unit") ?? ""), entry.at("error") ?? .null,
          .text(entry.text("tolerance") ?? ""), .text(entry.text("status") ?? ""),
          .text(entry.text("verdict") ?? ""),
          .text(entry.text("reason") ?? entry.text("failure") ?? ""),
          ["text": .text(source), "url": .optional(PageLink(source).url)],
        ]
      }
    }
    let columns: [PageTable.Column] = [
      .init("case", "Case"), .init("what", "What"), .init("published", "Published", .number),
      .init("published_high", "up to", .number), .init("simulated", "Simulated", .number),
      .init("unit", "Unit"), .init("error", "Error", .number, unit: "share", digits: 3),
      .init("tolerance", "Allowed"), .init("status", "Status"), .init("verdict", "Verdict"),
      .init("reason", "Remark"), .init("source", "Source", .link),
    ]
    return PageSection(
      "cases", "All cases",
      [
        .table(
          id: "cases-table",
          PageTable(
            title: "Published and simulated", columns: columns, rows: rows, isSortable: true,
            isFilterable: true, pageSize: 50))
      ])
  }

  private var orderings: PageSection {
    let rows = systems.flatMap { system in
      system.list("orderings").map { entry -> [ReportValue] in
        let simulated = zip(entry.list("runs"), entry.list("simulated")).map { run, value in
          let name = if case .text(let name) = run { name } else { "" }
          return "\(name) \(FigureText.number(value.numericValue))"
        }
        return [
          .text(system.text("name") ?? ""), .text(entry.text("what") ?? ""),
          .text("\(entry.text("metric") ?? ""), \(entry.text("better") ?? "") is better"),
          .text(simulated.joined(separator: ", ")),
          .text(entry.flag("reproduced") == true ? "yes" : "no"),
          .text(entry.text("source") ?? ""),
        ]
      }
    }
    guard !rows.isEmpty else { return PageSection("orderings", "Rankings") }
    return PageSection(
      "orderings", "Rankings",
      [
        .table(
          id: "orderings-table",
          PageTable(
            title: "Published rankings, the best first, with simulated figures",
            columns: [
              .init("system", "System"), .init("what", "What"), .init("metric", "Figure"),
              .init("simulated", "Simulated"), .init("reproduced", "Reproduced"),
              .init("source", "Source"),
            ], rows: rows, isSortable: true, isFilterable: true, pageSize: 50))
      ])
  }

  private var fitted: PageSection {
    let rows = systems.flatMap { system in
      system.list("calibration").map { entry -> [ReportValue] in
        var cases: [String] = []
        for case .text(let name) in entry.list("fitted_on") { cases.append(name) }
        return [
          .text(system.text("name") ?? ""), .text(entry.text("parameter") ?? ""),
          .text(entry.text("value") ?? ""), .text(cases.joined(separator: ", ")),
          .text(entry.text("how") ?? ""),
        ]
      }
    }
    guard !rows.isEmpty else { return PageSection("fitted", "What was fitted") }
    return PageSection(
      "fitted", "What was fitted",
      [
        .table(
          id: "fitted-table",
          PageTable(
            title: "Parameters that were fitted, and on which cases",
            columns: [
              .init("system", "System"), .init("parameter", "Parameter"), .init("value", "Value"),
              .init("cases", "Fitted on"), .init("how", "How"),
            ], rows: rows, isSortable: true))
      ])
  }

  private var sources: PageSection {
    PageSection(
      "sources", "Sources",
      [
        .facts(
          id: "sources-facts",
          systems.map { system in
            let link = PageLink(system.text("source") ?? "")
            return (system.text("name") ?? "", link.text, link.url)
          })
      ])
  }
}

extension PageLink {
  /// A cell of that text with the link's address.
  func named(_ name: String) -> ReportValue { ["text": .text(name), "url": .optional(url)] }
}
