// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import GRDB
import Records

/// Runs as a table of columns, and questions to it in SQL.
public struct ResultTable: Sendable {
  /// What is wrong with a question.
  public struct Problem: Error, CustomStringConvertible, Sendable {
    /// What was found and what would be right.
    public var message: String
    /// The message.
    public var description: String { message }
  }

  /// The columns that every table has, before the varied keys and behind them.
  static let leading = ["point", "replication"]
  static let trailing = ["status", "message"]

  /// The names of the columns.
  public private(set) var columns: [String]
  /// The rows; each has a value for every column.
  public private(set) var rows: [[ReportValue]]

  /// The columns that runs could have: identity, varied keys, status, and every figure of a report
  /// in alphabetical order.
  public static func allColumns(of runs: [MergedRun]) -> [String] {
    var figures: Set<String> = []
    for run in runs {
      for member in run.record.result?.flattened() ?? [] { figures.insert(member.key) }
    }
    // A report has the replication and the seed as well, which may be varied.
    let known = leading + axes(of: runs) + trailing
    return known + figures.subtracting(known).sorted()
  }

  /// The columns that are shown unless others are asked for.
  public static func usualColumns(of runs: [MergedRun]) -> [String] {
    ["replication"] + axes(of: runs) + ["status"] + StudySummary.usualFigures
  }

  private static func axes(of runs: [MergedRun]) -> [String] {
    var axes: [String] = []
    for run in runs {
      for axis in run.axes where !axes.contains(axis) { axes.append(axis) }
    }
    return axes
  }

  /// The table of runs.
  ///
  /// - Parameters:
  ///   - runs: The runs.
  ///   - columns: The columns to show.
  ///   - condition: An SQL expression over any column; rows for which it isn't true are left out.
  ///   - order: SQL terms to sort by; `nil` keeps the order of the runs.
  /// - Throws: A ``Problem`` where a column is unknown or SQL is wrong.
  public init(
    of runs: [MergedRun], columns: [String], where condition: String? = nil, order: String? = nil
  ) throws {
    let known = Self.allColumns(of: runs)
    for column in columns where !known.contains(column) {
      // Before the first result, no figure is known.
      guard !runs.contains(where: { $0.record.result != nil }) else {
        throw Problem(message: "there is no column '\(column)'" + Self.guess(column, known))
      }
    }
    self.columns = columns
    let kept = try Self.indices(of: runs, where: condition, order: order)
    rows = kept.map { Self.cells(of: runs[$0], columns) }
  }

  /// The places of the runs for which a condition is true, in an order.
  ///
  /// - Parameters:
  ///   - runs: The runs.
  ///   - condition: An SQL expression over any column; `nil` keeps all.
  ///   - order: SQL terms to sort by; `nil` keeps the order of the runs.
  /// - Throws: A ``Problem`` where SQL is wrong.
  public static func indices(
    of runs: [MergedRun], where condition: String?, order: String? = nil
  ) throws -> [Int] {
    guard condition != nil || order != nil else { return Array(runs.indices) }
    let known = allColumns(of: runs)
    let filter = condition.map { quotingNames(in: $0, known) }
    let terms = order.map { quotingNames(in: $0, known) }
    let mentioned = known.filter { name in
      [filter, terms].contains { $0?.contains("\"\(name)\"") ?? false }
    }
    return try select(
      runs.map { cells(of: $0, mentioned) }, columns: mentioned, where: filter, order: terms,
      known: known)
  }

  private static func cells(of run: MergedRun, _ columns: [String]) -> [ReportValue] {
    let labels = Dictionary(run.labels.map { ($0.key, $0.value) }) { first, _ in first }
    let figures = Dictionary(
      (run.record.result?.flattened() ?? []).map { ($0.key, $0.value) }
    ) { first, _ in first }
    return columns.map { column in
      switch column {
      case "point": return .text(String(run.entry.point.prefix(16)))
      case "replication": return .integer(Int64(run.entry.replication))
      case "status": return .text(run.record.status.rawValue)
      case "message": return run.record.message.map(ReportValue.text) ?? .null
      default: return labels[column].map(value) ?? figures[column] ?? .null
      }
    }
  }

  /// A label as a number where it is one, so that it sorts and compares as one.
  private static func value(of label: String) -> ReportValue {
    if let integer = Int64(label) { return .integer(integer) }
    if let number = Double(label), number.isFinite { return .number(number) }
    return .text(label)
  }

  /// The indices of the rows that SQL selects.
  private static func select(
    _ table: [[ReportValue]], columns: [String], where condition: String?, order: String?,
    known: [String]
  ) throws -> [Int] {
    let database = try DatabaseQueue()
    return try database.write { database in
      let names = columns.map { "\"\($0)\"" }
      try database.execute(
        sql: "CREATE TABLE run (place INTEGER PRIMARY KEY\(names.map { ", " + $0 }.joined()))")
      let holes = String(repeating: ", ?", count: columns.count)
      let insert = try database.makeStatement(sql: "INSERT INTO run VALUES (?\(holes))")
      for (place, row) in table.enumerated() {
        let values: [(any DatabaseValueConvertible)?] = [place] + row.map(\.databaseCell)
        try insert.execute(arguments: StatementArguments(values))
      }
      var sql = "SELECT place FROM run"
      if let condition { sql += " WHERE \(condition)" }
      sql += " ORDER BY " + (order.map { "\($0), " } ?? "") + "place"
      do { return try Int.fetchAll(database, sql: sql) } catch let error as DatabaseError {
        let reason = error.message ?? "\(error.resultCode)"
        var hint = ""
        if let name = reason.split(separator: ": ").last, reason.hasPrefix("no such column") {
          hint = guess(String(name), known)
        }
        throw Problem(message: "'\(condition ?? order ?? "")': \(reason)\(hint)")
      }
    }
  }

  /// SQL in which every name of a column that stands outside quotes is quoted, so that
  /// `ttft_ms.p99 < 500` needs none.
  static func quotingNames(in sql: String, _ known: [String]) -> String {
    let names = Set(known)
    var result = ""
    var word = ""
    var quote: Character?
    func flush() {
      result += names.contains(word) ? "\"\(word)\"" : word
      word = ""
    }
    for character in sql {
      if let open = quote {
        result.append(character)
        if character == open { quote = nil }
      } else if character.isLetter || character.isNumber || "_.".contains(character) {
        word.append(character)
      } else {
        flush()
        if character == "'" || character == "\"" { quote = character }
        result.append(character)
      }
    }
    flush()
    return Self.valuesInSingleQuotes(result, names)
  }

  /// Double quotes around what is no column are taken for a text's, as shells make them handy.
  private static func valuesInSingleQuotes(_ sql: String, _ names: Set<String>) -> String {
    var parts = sql.split(separator: "\"", omittingEmptySubsequences: false).map(String.init)
    for index in stride(from: 1, to: parts.count - 1, by: 2) {
      let text = parts[index]
      parts[index] =
        names.contains(text) ? "\"\(text)\"" : "'\(text.replacing("'", with: "''"))'"
    }
    return parts.joined()
  }

  private static func guess(_ column: String, _ known: [String]) -> String {
    let near = known.filter { $0.contains(column) || column.contains($0) }.prefix(4)
    return near.isEmpty
      ? "; 'moesim results STORE --columns list' names all of them"
      : "; did you mean \(near.joined(separator: ", "))?"
  }
}

extension ReportValue {
  /// The value as SQLite keeps it.
  fileprivate var databaseCell: (any DatabaseValueConvertible)? {
    switch self {
    case .null: nil
    case .bool(let value): value ? 1 : 0
    case .integer(let value): value
    case .unsigned(let value): Double(value)
    case .number(let value): value.isFinite ? value : nil
    case .text(let value): value
    case .list, .object: JSONText.text(of: self, layout: .compact)
    }
  }
}
