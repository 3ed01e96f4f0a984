// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Studies

/// Results of studies as listings.
enum ResultListing {
  /// A table of runs.
  static func listing(of table: ResultTable) -> Listing {
    var listing = Listing(
      table.columns.enumerated().map { index, column in
        (column, column, isNumeric(table, index), 0)
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
        row.append(estimate.map { .number($0.mean) } ?? .null)
        row.append(estimate?.halfWidth.map(ReportValue.number) ?? .null)
      }
      row.append(point.note.map(ReportValue.text) ?? .null)
      listing.append(row, texts: texts(row))
    }
    return listing
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
      func number(_ value: Double?) -> ReportValue { value.map(ReportValue.number) ?? .null }
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

  /// Numbers as people read them; programs get all digits.
  private static func texts(_ row: [ReportValue]) -> [Int: String] {
    var texts: [Int: String] = [:]
    for (index, value) in row.enumerated() {
      if case .number(let number) = value { texts[index] = FigureText.number(number) }
    }
    return texts
  }

  private static func isNumeric(_ table: ResultTable, _ column: Int) -> Bool {
    let values = table.rows.map { $0[column] }.filter { $0 != .null }
    return !values.isEmpty && values.allSatisfy { $0.numericValue != nil }
  }
}
