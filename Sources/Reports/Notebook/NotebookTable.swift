// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Rows that stand beside a notebook as CSV.
struct NotebookTable: Sendable, Equatable {
  /// A column, with the type under which its fields are to be read.
  struct Column: Sendable, Equatable {
    /// The types that Vega-Lite knows by these names too, and texts of which some are empty.
    enum Kind: String, Sendable {
      case string, number, boolean, verbatim

      /// What Vega-Lite's `parse` says of the column: it leaves texts alone where it says null, and
      /// takes empty ones for missing elsewhere.
      var parse: ReportValue { self == .verbatim ? .null : .text(rawValue) }
    }

    /// The name in the header.
    var key: String
    /// The heading with its unit, for people.
    var title: String
    /// How fields are read.
    var kind: Kind
  }

  /// The columns.
  var columns: [Column]
  /// The rows, a value for each column: text, number, truth value or null.
  var rows: [[ReportValue]]

  /// The file's text: a header and a line a row; null is an empty field.
  var text: String {
    CSVText.line(columns.map(\.key)) + rows.map { CSVText.line($0.map(CSVText.field)) }.joined()
  }

  /// The keys of the columns that are to stay texts.
  var texts: [String] { columns.filter { $0.kind == .string || $0.kind == .verbatim }.map(\.key) }

  /// The table of a page; a cell with an address becomes two.
  init(_ table: PageTable) {
    columns = []
    rows = table.rows.map { _ in [] }
    for (place, column) in table.columns.enumerated() {
      let cells = table.rows.map { place < $0.count ? $0[place] : .null }
      let title = column.title + (column.unit.map { " (\($0))" } ?? "")
      let shown = cells.map { $0["text"] ?? $0 }
      let kind = Self.kind(of: shown) ?? .string
      append(Column(key: column.key, title: title, kind: kind), shown)
      guard cells.contains(where: { $0["url"] != nil }) else { continue }
      append(
        Column(key: column.key + "_url", title: column.title + ", address", kind: .string),
        cells.map { $0["url"] ?? .null })
    }
  }

  /// The figures of a headline.
  init(_ figures: [PageFigure]) {
    columns = [
      Column(key: "key", title: "Key of the report", kind: .string),
      Column(key: "label", title: "Figure", kind: .string),
      Column(key: "value", title: "Value", kind: .number),
      Column(key: "text", title: "With its unit", kind: .string),
      Column(key: "interval", title: "Interval", kind: .string),
      Column(key: "note", title: "Note", kind: .string),
    ]
    rows = figures.map {
      [
        .text($0.key), .text($0.label), .optional($0.value), .text($0.text),
        .optional($0.interval), .optional($0.note),
      ]
    }
  }

  /// The data of a chart, `nil` where CSV would change them: where a value is a list or an object,
  /// a column holds more than one type, or one holds empty texts and none.
  init?(values: [ReportValue]) {
    var header = CSVHeader()
    for case .object(let members) in values { header.merge(members.map(\.key)) }
    columns = []
    rows = values.map { _ in [] }
    for key in header.keys {
      let cells = values.map { $0[key] ?? .null }
      guard var kind = Self.kind(of: cells) else { return nil }
      if cells.contains(.text("")) {
        guard !cells.contains(.null) else { return nil }
        kind = .verbatim
      }
      append(Column(key: key, title: key, kind: kind), cells)
    }
    guard !columns.isEmpty, columns.allSatisfy({ !$0.key.isEmpty }) else { return nil }
  }

  private mutating func append(_ column: Column, _ cells: [ReportValue]) {
    columns.append(column)
    for (place, cell) in cells.enumerated() { rows[place].append(cell) }
  }

  /// The type that all values share apart from null, `nil` where they share none.
  private static func kind(of values: [ReportValue]) -> Column.Kind? {
    var found: Column.Kind?
    for value in values {
      let own: Column.Kind
      switch value {
      case .null: continue
      case .bool: own = .boolean
      case .integer, .unsigned, .number: own = .number
      case .text: own = .string
      case .list, .object: return nil
      }
      guard found == nil || found == own else { return nil }
      found = own
    }
    return found ?? .string
  }
}
