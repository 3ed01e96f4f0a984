// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Writes any list of records in any format: cache replays, listings, statistics of traces.
///
/// JSON is an array of the records as they encode themselves, with keys in snake case, sorted, and
/// numbers at their resolution; JSON lines a record a line; CSV a row a record under dotted keys,
/// without what stands in lists. Tables and Markdown show the chosen columns.
public struct RecordRenderer: Sendable {
  /// A column of a table or of Markdown.
  public struct Column: Sendable {
    /// The dotted key of the figure.
    public var key: String
    /// The title.
    public var title: String
    /// How the figure is printed.
    public var form: Form
    /// When the table is too wide, columns with the highest of these go first; those with 0 stay.
    public var dropOrder: Int
    /// A column for the figure under that key.
    public init(_ key: String, _ title: String, form: Form = .plain, dropOrder: Int = 0) {
      self.key = key
      self.title = title
      self.form = form
      self.dropOrder = dropOrder
    }
  }

  /// How a figure is printed in tables.
  public enum Form: Sendable {
    /// Text as it is, integers with thousands set apart, other numbers with two decimals or three
    /// digits.
    case plain
    /// A share in percent.
    case percent
    /// Bytes in binary units.
    case bytes
  }

  /// The format.
  public var format: ReportFormat
  /// What the terminal can show; only tables look at it.
  public var style: ReportStyle

  /// A renderer for that format.
  public init(format: ReportFormat, style: ReportStyle = ReportStyle()) {
    self.format = format
    self.style = style
  }

  /// The text of the records, which ends in a newline unless it is empty.
  ///
  /// - Parameter columns: What a table shows; every key outside lists where it's `nil`.
  public func render(_ records: [some Encodable], columns: [Column]? = nil) throws -> String {
    let values = try records.map { record in
      var nonFinite: [String] = []
      return try ReportValue(encoding: record).roundedToResolution(nonFinite: &nonFinite)
    }
    switch format {
    case .json: return JSONText.text(of: .list(values)) + "\n"
    case .jsonl: return values.map { JSONText.text(of: $0, layout: .compact) + "\n" }.joined()
    case .csv: return csv(values)
    case .table: return lines(table(values, columns).lines(style: style))
    case .markdown: return lines(table(values, columns).markdownLines())
    }
  }

  private func lines(_ lines: [String]) -> String {
    lines.map { $0 + "\n" }.joined()
  }

  private func csv(_ values: [ReportValue]) -> String {
    let rows = values.map { $0.withoutLists.flattened() }
    var header = CSVHeader()
    for row in rows { header.merge(row.map(\.key)) }
    return CSVText.line(header.keys)
      + rows.map { row in
        CSVText.line(
          header.keys.map { key in
            row.first { $0.key == key }.map { CSVText.field($0.value) } ?? ""
          })
      }.joined()
  }

  private func table(_ values: [ReportValue], _ columns: [Column]?) -> TextTable {
    let rows = values.map { $0.withoutLists.flattened() }
    var header = CSVHeader()
    for row in rows { header.merge(row.map(\.key)) }
    let columns =
      columns ?? header.keys.map { Column($0, $0.replacing("_", with: " ")) }
    var table = TextTable(
      columns: columns.map { column in
        let isNumeric = rows.allSatisfy { row in
          row.first { $0.key == column.key }?.value.isNumericOrNull ?? true
        }
        return .init(column.title, isNumeric: isNumeric, dropOrder: column.dropOrder)
      })
    for row in rows {
      table.append(
        columns.map { column in
          Self.text(of: row.first { $0.key == column.key }?.value ?? .null, form: column.form)
        })
    }
    return table
  }

  private static func text(of value: ReportValue, form: Form) -> String {
    switch (form, value) {
    case (_, .null), (_, .list), (_, .object): return FigureText.absent
    case (_, .text(let text)): return text
    case (_, .bool(let value)): return value ? "yes" : "no"
    case (.plain, .integer(let value)): return FigureText.integer(value)
    case (.plain, .unsigned(let value)): return FigureText.integer(value)
    case (.plain, .number(let value)): return FigureText.number(value)
    case (.percent, _): return FigureText.percent(value.numericValue ?? .nan)
    case (.bytes, _): return FigureText.bytes(value.numericValue ?? .nan)
    }
  }
}

extension ReportValue {
  /// The tree without its lists.
  fileprivate var withoutLists: ReportValue {
    guard case .object(let members) = self else { return self }
    return .object(
      members.compactMap { member in
        if case .list = member.value { return nil }
        return .init(member.key, member.value.withoutLists)
      })
  }

  fileprivate var isNumericOrNull: Bool {
    self == .null || numericValue != nil
  }
}
