// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// The page of timing laws beside timings, as `calibrate check` judges them.
struct CalibrationPage {
  let laws: [ReportValue]

  var document: PageDocument {
    PageDocument(
      kind: .calibration, title: "Timing laws beside timings",
      subtitle: "\(laws.count) laws, "
        + "\(FigureText.integer(Int64(laws.compactMap { $0.number("points") }.reduce(0, +)))) timings",
      sections: [errors, biases, points])
  }

  private var errors: PageSection {
    let keys = ["median", "p90", "worst", "bias"]
    let table = PageTable(
      title: "Errors, by law and kernel",
      columns: [
        .init("law", "Law"), .init("state", "Is"),
        .init("points", "Timings", .number, digits: 0),
        .init("median", "Median error", .number, unit: "share", digits: 3),
        .init("p90", "90th percentile", .number, unit: "share", digits: 3),
        .init("worst", "Worst", .number, unit: "share", digits: 3),
        .init("bias", "Bias", .number, unit: "share", digits: 3),
      ],
      rows: laws.map { law in
        [.text(CalibrationCharts.name(of: law)), .text(law.text("law") ?? "")]
          + [law.at("points") ?? .null] + keys.map { law.at($0) ?? .null }
      }, isSortable: true)
    return PageSection(
      "errors", "How far off",
      text: [
        "Each law predicts the times of one kind of kernel. An error is |predicted / measured − 1|"
          + " of one timing; the bias is the median of predicted / measured − 1, so that a positive"
          + " one means that predictions are too slow."
      ],
      [CalibrationCharts.errors(of: laws)].blocks + [.table(id: "errors-table", table)])
  }

  private var biases: PageSection {
    let rows = laws.flatMap { law in
      law.list("biases").map { bias -> [ReportValue] in
        [.text(CalibrationCharts.name(of: law))]
          + ["from", "to", "points", "bias", "absolute"].map { bias.at($0) ?? .null }
      }
    }
    guard !rows.isEmpty else { return PageSection("biases", "By size") }
    let table = PageTable(
      title: "Errors, by size",
      columns: [
        .init("law", "Law"), .init("from", "Sizes from", .number),
        .init("to", "to", .number), .init("points", "Timings", .number, digits: 0),
        .init("bias", "Bias", .number, unit: "share", digits: 3),
        .init("absolute", "Median error", .number, unit: "share", digits: 3),
      ], rows: rows, isSortable: true, isFilterable: rows.count > 20,
      pageSize: rows.count > 50 ? 50 : nil)
    return PageSection(
      "biases", "By size",
      [CalibrationCharts.biases(of: laws)].blocks + [.table(id: "biases-table", table)])
  }

  private var points: PageSection {
    let rows = laws.flatMap { law in
      law.list("worst_points").map { point -> [ReportValue] in
        let measured = point.number("measured_seconds")
        let predicted = point.number("predicted_seconds")
        return [
          .text(CalibrationCharts.name(of: law)), .text(point.text("shape") ?? ""),
          point.at("size") ?? .null, .optional(measured.map { $0 * 1e6 }),
          .optional(predicted.map { $0 * 1e6 }),
          .optional(measured.flatMap { m in predicted.map { $0 / m - 1 } }),
        ]
      }
    }
    guard !rows.isEmpty else { return PageSection("points", "Timing by timing") }
    let table = PageTable(
      title: "Timings, the furthest off first for each law",
      columns: [
        .init("law", "Law"), .init("shape", "Shape"), .init("size", "Size", .number),
        .init("measured", "Measured", .number, unit: "µs", digits: 1),
        .init("predicted", "Predicted", .number, unit: "µs", digits: 1),
        .init("error", "Predicted over measured, less 1", .number, unit: "share", digits: 3),
      ], rows: rows, isSortable: true, isFilterable: rows.count > 20,
      pageSize: rows.count > 50 ? 50 : nil)
    return PageSection(
      "points", "Timing by timing",
      text: [
        "What 'calibrate check --worst N' lists: the N timings of each law that are furthest off."
      ],
      [CalibrationCharts.points(of: laws)].blocks + [.table(id: "points-table", table)])
  }
}
