// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Records
import Reports

/// The formats of tables that are no reports of runs.
enum ListingFormat: String, CaseIterable, ExpressibleByArgument {
  /// A table for a terminal.
  case table
  /// JSON.
  case json
  /// A JSON object a line.
  case jsonl
  /// A row a line, comma-separated.
  case csv
  /// Markdown.
  case markdown
}

/// A table in each of the formats.
struct Listing {
  /// The table.
  var table: TextTable
  /// The same as a tree, under stable keys.
  var value: ReportValue
  /// The keys of the columns in CSV; the titles of the table's are for people.
  var keys: [String]

  /// A listing of rows under columns; a row has a value for every column.
  init(_ columns: [(key: String, title: String, isNumeric: Bool, dropOrder: Int)]) {
    keys = columns.map(\.key)
    table = TextTable(
      columns: columns.map {
        TextTable.Column($0.title, isNumeric: $0.isNumeric, dropOrder: $0.dropOrder)
      })
    value = .list([])
  }

  /// Adds a row, with the text of each cell where that is not the value's own.
  mutating func append(_ values: [ReportValue], texts: [Int: String] = [:]) {
    precondition(values.count == keys.count, "A row has a value for every column.")
    table.append(values.indices.map { texts[$0] ?? Self.text(values[$0]) })
    guard case .list(var rows) = value else { return }
    rows.append(.object(zip(keys, values).map { ReportValue.Member($0, $1) }))
    value = .list(rows)
  }

  /// The listing as text that ends in a newline.
  func text(_ format: ListingFormat, style: ReportStyle) -> String {
    switch format {
    case .table: (table.lines(style: style) + omissions(style)).joined(separator: "\n") + "\n"
    case .markdown: table.markdownLines().joined(separator: "\n") + "\n"
    case .json: JSONText.text(of: value) + "\n"
    case .jsonl: jsonLines
    case .csv: csv
    }
  }

  /// What a terminal has no room for.
  private func omissions(_ style: ReportStyle) -> [String] {
    let titles = table.omitted(style: style)
    guard !titles.isEmpty else { return [] }
    let text =
      "no room for \(titles.joined(separator: ", ")): widen the terminal, or use --format csv"
    return text.wrapped(to: style.width).map { style.emphasize($0, .faint) }
  }

  private var jsonLines: String {
    guard case .list(let rows) = value else { return "" }
    return rows.map { JSONText.text(of: $0, layout: .compact) + "\n" }.joined()
  }

  private var csv: String {
    var lines = [keys.joined(separator: ",")]
    if case .list(let rows) = value {
      for row in rows {
        lines.append(keys.map { Self.field(Self.text(row[$0] ?? .null)) }.joined(separator: ","))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func field(_ text: String) -> String {
    let needsQuotes = text.contains { $0 == "," || $0 == "\"" || $0.isNewline }
    return needsQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
  }

  private static func text(_ value: ReportValue) -> String {
    switch value {
    case .null: ""
    case .text(let text): text
    default: JSONText.text(of: value, layout: .compact)
    }
  }
}

/// Where a command's result goes, and in which format.
struct ListingOptions: ParsableArguments {
  @Option(help: "The format of the result: table, json, jsonl, csv or markdown.")
  var format: ListingFormat = .table

  @Option(name: .shortAndLong, help: "Write the result to a file instead of standard output.")
  var output: String?

  /// How a table is drawn.
  var style: ReportStyle { output == nil ? .detected() : ReportStyle() }

  /// How a listing is drawn: a program that reads it, or a file, gets every row whole on one line.
  private var listingStyle: ReportStyle {
    let whole = 1 << 20
    return output == nil ? .detected(pipeWidth: whole) : ReportStyle(width: whole)
  }

  /// Writes a listing.
  func write(_ listing: Listing) throws {
    try OutputWriter.write(listing.text(format, style: listingStyle), to: output)
  }
}
