// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records
import Reports
import Studies

/// Results of studies as listings.
enum ResultListing {
  /// A table of runs.
  static func listing(of table: ResultTable) -> Listing {
    var listing = Listing(
      table.columns.enumerated().map { index, column in
        (column, title(of: column), isNumeric(table, index), 0)
      })
    for row in table.rows {
      listing.append(row, texts: texts(row))
    }
    return listing
  }

  /// The points of a study with their intervals: in tables "mean ± half-width", elsewhere in columns
  /// of their own.
  static func listing(of summary: StudySummary) -> Listing {
    var columns: [(key: String, title: String, isNumeric: Bool, dropOrder: Int)] =
      summary.axes.map { ($0, $0, false, 0) }
    columns += [("status", "status", false, 0), ("replications", "n", true, 0)]
    for figure in summary.figures {
      columns.append((figure, figure, true, 0))
      columns.append(("\(figure).half_width", "±", true, 0))
    }
    columns.append(("note", "note", false, 1))
    var listing = Listing(columns)
    for point in summary.points {
      var row: [ReportValue] = point.labels.map(ReportValue.text)
      row += [.text(point.status), .integer(Int64(point.replications))]
      for estimate in point.estimates {
        row.append(estimate.map { .number(rounded($0.mean)) } ?? .null)
        row.append(estimate?.halfWidth.map { .number(rounded($0)) } ?? .null)
      }
      row.append(point.note.map(ReportValue.text) ?? .null)
      listing.append(row)
    }
    listing.table = table(of: summary)
    return listing
  }

  /// The points as people read them: an interval in one cell, short titles, the first line of a note,
  /// and no column in which nothing stands.
  private static func table(of summary: StudySummary) -> TextTable {
    let hasNotes = summary.points.contains { $0.note != nil }
    var columns = summary.axes.map { TextTable.Column(title(of: $0)) }
    columns += [.init("status"), .init("n", isNumeric: true)]
    // Better fewer figures than figures that are cut; the first stays.
    columns += summary.figures.enumerated().map {
      .init(title(of: $1), isNumeric: true, dropOrder: $0)
    }
    if hasNotes { columns.append(.init("note", breaksAt: 24)) }
    var table = TextTable(columns: columns)
    for point in summary.points {
      var row = point.labels + [point.status, "\(point.replications)"]
      row += point.estimates.map { estimate in
        guard let estimate else { return "-" }
        let mean = FigureText.number(estimate.mean)
        return estimate.halfWidth.map { "\(mean) ± \(FigureText.number($0))" } ?? mean
      }
      if hasNotes { row.append(point.note.map(firstLine) ?? "") }
      table.append(row)
    }
    return table
  }

  /// Titles of figures that are often shown; others go by their keys.
  private static let titles = [
    "throughput.output_tokens_per_second": "output tok/s", "ttft_ms.mean": "TTFT ms",
    "ttft_ms.p99": "TTFT p99", "tpot_ms.mean": "TPOT ms", "tpot_ms.p99": "TPOT p99",
    "cost.usd_per_million_output_tokens": "USD/M tok",
  ]

  /// A value with nine digits, which are more than a mean or a difference is known to.
  private static func rounded(_ value: Double) -> Double {
    Double(String(format: "%.9g", value)) ?? value
  }

  private static func title(of key: String) -> String { titles[key] ?? key }

  private static func firstLine(_ text: String) -> String {
    String(text.prefix { $0 != "\n" })
  }

  /// Paired differences between the values of a key.
  static func listing(of comparison: AxisComparison) -> Listing {
    var columns: [(key: String, title: String, isNumeric: Bool, dropOrder: Int)] =
      comparison.others.map { ($0, $0, false, 0) }
    columns += [
      (comparison.axis, comparison.axis, false, 0), ("baseline", "baseline", false, 0),
      ("pairs", "pairs", true, 0), ("difference", "difference", true, 0), ("low", "low", true, 0),
      ("high", "high", true, 0), ("ratio", "ratio", true, 0),
      ("adjusted_p", "p (Holm)", true, 0),
      ("independent_half_width", "± if independent", true, 2), ("unusable", "unusable", true, 1),
    ]
    var listing = Listing(columns)
    for row in comparison.rows {
      let difference = row.difference
      func number(_ value: Double?) -> ReportValue {
        value.map { .number(rounded($0)) } ?? .null
      }
      var values: [ReportValue] = row.others.map(ReportValue.text)
      values += [.text(row.value), .text(comparison.baseline)]
      values.append(.integer(Int64(difference?.pairs ?? 0)))
      values += [
        number(difference?.mean), number(difference?.low), number(difference?.high),
        number(difference?.ratio), number(difference?.adjustedPValue),
        number(row.independentHalfWidth), .integer(Int64(row.unusable)),
      ]
      listing.append(values, texts: texts(values))
    }
    return listing
  }

  /// Numbers and messages as people read them; programs get all of them.
  private static func texts(_ row: [ReportValue]) -> [Int: String] {
    var texts: [Int: String] = [:]
    for (index, value) in row.enumerated() {
      switch value {
      case .number(let number): texts[index] = FigureText.number(number)
      case .text(let text) where text.contains("\n"): texts[index] = firstLine(text)
      default: break
      }
    }
    return texts
  }

  private static func isNumeric(_ table: ResultTable, _ column: Int) -> Bool {
    let values = table.rows.map { $0[column] }.filter { $0 != .null }
    return !values.isEmpty && values.allSatisfy { $0.numericValue != nil }
  }
}
