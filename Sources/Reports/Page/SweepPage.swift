// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// The page of a study's points.
struct SweepPage {
  let table: SweepTable

  var document: PageDocument {
    PageDocument(
      kind: .sweep, title: "A study over \(Self.joined(table.axes))",
      subtitle: "\(FigureText.integer(table.points.count)) points",
      sections: [summary, explorer, front, curves, points])
  }

  private static func joined(_ names: [String]) -> String {
    guard names.count > 1, let last = names.last else { return names.first ?? "nothing" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }

  private var summary: PageSection {
    var counts: [(String, Int)] = []
    for point in table.points {
      if let index = counts.firstIndex(where: { $0.0 == point.status }) {
        counts[index].1 += 1
      } else {
        counts.append((point.status, 1))
      }
    }
    let meaning = [
      "ok": "with a result", "unstable": "without a steady state: load exceeds capacity",
      "infeasible": "do not fit in a memory", "failed": "ended with an error",
      "crashed": "whose process died", "timeout": "given up after the time allowed",
    ]
    let facts = counts.map { status, count -> (label: String, text: String, url: String?) in
      (
        "Points \(meaning[status] ?? status)",
        "\(FigureText.integer(count)) of \(FigureText.integer(table.points.count))", nil
      )
    }
    let replications = table.points.map(\.replications).max() ?? 0
    return PageSection(
      "summary", "What was varied",
      text: [
        "Every figure is a mean over a point's replications, of which there are at most"
          + " \(replications). A point of which some replications have no steady state has no mean."
      ],
      [
        .facts(
          id: "points-facts",
          facts
            + table.axes.enumerated().map { index, axis in
              var values: [String] = []
              for point in table.points where !values.contains(point.labels[index]) {
                values.append(point.labels[index])
              }
              let shown = values.prefix(12).joined(separator: ", ")
              return (axis, shown + (values.count > 12 ? ", … (\(values.count) values)" : ""), nil)
            })
      ])
  }

  /// The places of the points on the front of the two figures with which the explorer begins.
  private var onFront: Set<Int> {
    guard let (x, y) = SweepCharts.scatterFigures(of: table) else { return [] }
    return SweepCharts.front(of: table, x, y)
  }

  private var explorer: PageSection {
    guard let (x, y) = SweepCharts.scatterFigures(of: table) else {
      return PageSection("explore", "Explore")
    }
    let front = onFront
    let figures = table.figures.map { SweepFigure.named($0) }
    let rows = table.points.enumerated().map { index, point -> ReportValue in
      [
        "id": .text("point \(point.number)"), "status": .text(point.status),
        "axes": .object(
          zip(table.axes, point.labels).map { .init($0, Self.value(of: $1)) }),
        "figures": .object(
          zip(table.figures, point.estimates).map { .init($0, .optional($1?.mean)) }),
        "front": .bool(front.contains(index)),
      ]
    }
    return PageSection(
      "explore", "Explore",
      text: ["The scatter, the parallel axes and the table show the points that pass all filters."],
      [
        .other(
          type: "explorer", id: "explorer",
          [
            "axes": .list(table.axes.map { ["key": .text($0), "title": .text($0)] }),
            "figures": .list(
              figures.map {
                [
                  "key": .text($0.key), "title": .text($0.title), "unit": .text($0.unit),
                  "better": $0.isHigherBetter ? "higher" : "lower",
                ]
              }),
            "rows": .list(rows), "x": .text(x.key), "y": .text(y.key),
          ])
      ])
  }

  /// A label as a number where it is one, so that filters are ranges.
  private static func value(of label: String) -> ReportValue {
    guard let number = Double(label), number.isFinite else { return .text(label) }
    return .number(number)
  }

  private var front: PageSection {
    let front = onFront
    guard let chart = SweepCharts.pareto(of: table) else {
      return PageSection("front", "What nothing beats")
    }
    let cells = table.points.enumerated().filter { front.contains($0.offset) }.map {
      row($0.element)
    }
    return PageSection(
      "front", "What nothing beats",
      [
        .chart(chart),
        .table(
          id: "front-table",
          PageTable(
            title: "Points on the front", columns: columns, rows: cells, isSortable: true,
            pageSize: cells.count > 50 ? 50 : nil)),
      ])
  }

  private var curves: PageSection {
    PageSection("curves", "Along each axis", SweepCharts.curves(of: table).map { .chart($0) })
  }

  /// The figures that tables show: means with half-widths of intervals.
  private var shown: [Int] { Array(table.figures.indices.prefix(8)) }

  private var columns: [PageTable.Column] {
    [.init("number", "Point", .number, digits: 0)] + table.axes.map { .init($0, $0) }
      + [.init("status", "Status"), .init("n", "Runs", .number, digits: 0)]
      + shown.flatMap { place -> [PageTable.Column] in
        let figure = SweepFigure.named(table.figures[place])
        return [
          .init(figure.key, figure.title, .number, unit: figure.unit.isEmpty ? nil : figure.unit),
          .init(figure.key + ".half", "±", .number, digits: nil),
        ]
      } + [.init("note", "Note")]
  }

  private func row(_ point: SweepTable.Point) -> [ReportValue] {
    [.integer(Int64(point.number))] + point.labels.map { Self.value(of: $0) }
      + [.text(point.status), .integer(Int64(point.replications))]
      + shown.flatMap { place -> [ReportValue] in
        let estimate = point.estimates[place]
        return [.optional(estimate?.mean), .optional(estimate?.halfWidth)]
      } + [.optional(point.note)]
  }

  private var points: PageSection {
    PageSection(
      "points", "Points",
      text: ["± is half of the width of the 95 % interval of the mean (Student's t)."],
      [
        .table(
          id: "points-table",
          PageTable(
            title: "All points", columns: columns, rows: table.points.map(row), isSortable: true,
            isFilterable: true, pageSize: 50))
      ])
  }
}
