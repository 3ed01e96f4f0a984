// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// Tables of timings in files: JSON Lines, an object a line, or CSV with a header.
///
/// The columns are described in docs/timings-format.md.
public enum TimingTable {
  /// How a table is written.
  public enum Format: String, CaseIterable, Sendable {
    case jsonLines = "jsonl"
    case csv

    /// The format of a path's extension, or `nil` where that says nothing.
    public init?(extensionOf path: String) {
      let name = (path.split(separator: "/").last ?? "").lowercased()
      if name.hasSuffix(".csv") {
        self = .csv
      } else if name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson") || name.hasSuffix(".json") {
        self = .jsonLines
      } else {
        return nil
      }
    }
  }

  /// Reads a table. The extension says the format; where it does not, the first character does.
  ///
  /// - Throws: `MissingFile`, or `Diagnostics` with file, line, column, key, what was expected and
  ///   what was found.
  /// - Complexity: O(bytes of the file); about 10 µs a row.
  public static func read(_ path: String) throws -> [KernelMeasurement] {
    try parse(
      CSVLines.bytes(of: path), file: path, format: Format(extensionOf: path))
  }

  /// Reads a table that is in memory.
  ///
  /// - Parameter file: The name under which errors are reported.
  public static func parse(
    _ text: String, file: String, format: Format? = nil
  ) throws -> [KernelMeasurement] {
    try parse(Array(text.utf8), file: file, format: format)
  }

  private static func parse(
    _ bytes: [UInt8], file: String, format: Format?
  ) throws -> [KernelMeasurement] {
    let first = bytes.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
    switch format ?? (first == 0x7B ? .jsonLines : .csv) {
    case .jsonLines: return try parseJSONLines(bytes, file: file)
    case .csv: return try parseCSV(bytes, file: file)
    }
  }

  private static func parseJSONLines(
    _ bytes: [UInt8], file: String
  ) throws -> [KernelMeasurement] {
    let collector = DiagnosticCollector()
    var rows: [KernelMeasurement] = []
    var builder = RowBuilder()
    var start = 0
    var line = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      line += 1
      var content = bytes[start..<end]
      if content.last == 0x0D { content.removeLast() }
      start = end + 1
      guard content.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { continue }
      do {
        var reader = JSONLine(content, file: file, line: line)
        builder.begin(file: file, line: line)
        for entry in try reader.entries() {
          guard let place = KernelMeasurement.CodingKeys.named(entry.key) else {
            throw unknown(
              entry.key, "key", at: SourceLocation(file: file, line: line, column: entry.keyColumn))
          }
          if let value = entry.value { try builder.set(place, value, column: entry.column) }
        }
        rows.append(try builder.row())
      } catch let error as Diagnostic {
        collector.report(error)
      }
    }
    try collector.throwIfAny()
    return rows
  }

  private static func parseCSV(_ bytes: [UInt8], file: String) throws -> [KernelMeasurement] {
    var lines = CSVLines(bytes: bytes, file: file)
    let collector = DiagnosticCollector()
    guard try lines.next() else {
      throw Diagnostics([
        Diagnostic(
          location: SourceLocation(origin: file),
          message: "is empty; expected a header with the names of columns, or a JSON object a line")
      ])
    }
    var places: [Int] = []
    for (field, name) in lines.fields.enumerated() {
      let name = name.trimmingCharacters(in: .whitespaces)
      guard let place = KernelMeasurement.CodingKeys.named(name) else {
        collector.report(
          unknown(
            name, "column",
            at: SourceLocation(file: file, line: lines.line, column: lines.columns[field])))
        continue
      }
      if places.contains(place) {
        collector.report(lines.diagnostic("stands twice in the header", field: field, key: name))
      }
      places.append(place)
    }
    try collector.throwIfAny()
    var rows: [KernelMeasurement] = []
    var builder = RowBuilder()
    do {
      while try lines.next() {
        do {
          guard lines.fields.count == places.count else {
            throw lines.diagnostic(
              "expected \(places.count) fields, as in the header; found \(lines.fields.count)")
          }
          builder.begin(file: file, line: lines.line)
          for (field, place) in places.enumerated() where !lines.fields[field].isEmpty {
            let text = lines.fields[field]
            let value: TimingValue = TimingColumn.all[place].isText ? .text(text) : .bare(text)
            try builder.set(place, value, column: lines.columns[field])
          }
          rows.append(try builder.row())
        } catch let error as Diagnostic {
          collector.report(error)
        }
      }
    } catch let error as Diagnostic {
      collector.report(error)  // a quote that is not closed: there is nothing to go on with
    }
    try collector.throwIfAny()
    return rows
  }

  private static func unknown(
    _ name: String, _ kind: String, at location: SourceLocation
  ) -> Diagnostic {
    let known = KernelMeasurement.CodingKeys.allCases.map(\.rawValue)
    let hint =
      closestMatch(to: name, among: known).map { "did you mean '\($0)'?" }
      ?? "known are " + known.joined(separator: ", ")
    return Diagnostic(
      location: location, message: "unknown \(kind) '\(name.prefix(40))'; \(hint)")
  }
}

extension TimingTable {
  /// One row as a line of JSON Lines, without its line break.
  public static func jsonLine(_ row: KernelMeasurement) -> String {
    var text = "{"
    for column in TimingColumn.all {
      guard let value = column.value(of: row) else { continue }
      if text.utf8.count > 1 { text += "," }
      text += "\"\(column.name)\":"
      switch value {
      case .text(let value): text += JSONLine.quoted(value)
      case .bare(let value): text += value
      }
    }
    return text + "}"
  }

  /// The columns that at least one row uses, in the order of files.
  static func usedColumns(_ rows: [KernelMeasurement]) -> [TimingColumn] {
    TimingColumn.all.filter { column in rows.contains { column.value(of: $0) != nil } }
  }

  /// One row as a line of CSV, without its line break.
  static func csvLine(_ row: KernelMeasurement, columns: [TimingColumn]) -> String {
    columns.map { column in
      switch column.value(of: row) {
      case .text(let text): csvField(text)
      case .bare(let text): text
      case nil: ""
      }
    }.joined(separator: ",")
  }

  private static func csvField(_ text: String) -> String {
    guard
      text.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D })
        || text.hasPrefix("#")
    else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }

  /// Hands a whole table over, line by line, each with its line break.
  public static func write(
    _ rows: [KernelMeasurement], as format: Format, line: (String) throws -> Void
  ) rethrows {
    switch format {
    case .jsonLines:
      for row in rows { try line(jsonLine(row) + "\n") }
    case .csv:
      let columns = usedColumns(rows)
      try line(columns.map(\.name).joined(separator: ",") + "\n")
      for row in rows { try line(csvLine(row, columns: columns) + "\n") }
    }
  }

  /// A whole table as a text.
  public static func text(_ rows: [KernelMeasurement], as format: Format) -> String {
    var text = ""
    write(rows, as: format) { text += $0 }
    return text
  }
}

/// Puts a row together from the values of its columns.
private struct RowBuilder {
  private var file = ""
  private var line = 0
  private var current = RowBuilder.empty
  private var columns = [Int](repeating: 0, count: TimingColumn.all.count)

  private static let empty = KernelMeasurement(device: "", kernel: .launch, median: 0, source: "")
  private static let always: [KernelMeasurement.CodingKeys] = [.device, .kernel, .median, .source]

  mutating func begin(file: String, line: Int) {
    self.file = file
    self.line = line
    current = Self.empty
    for place in columns.indices { columns[place] = 0 }
  }

  mutating func set(_ place: Int, _ value: TimingValue, column: Int) throws {
    let key = TimingColumn.all[place]
    guard columns[place] == 0 else {
      throw diagnostic("stands twice", key.name, column: column)
    }
    columns[place] = column
    if let expected = key.set(value, in: &current) {
      var hint = ""
      if case .kernel = key.kind, case .text(let text) = value,
        let near = closestMatch(to: text, among: MeasuredKernel.allCases.map(\.rawValue))
      {
        hint = "; did you mean '\(near)'?"
      }
      throw diagnostic(
        "expected \(expected); found \(value.inWords)\(hint)", key.name, column: column)
    }
  }

  func row() throws -> KernelMeasurement {
    for key in Self.always where columns[key.index] == 0 {
      throw diagnostic("is missing; every row needs it", key.rawValue, column: 1)
    }
    if let fault = current.fault {
      throw diagnostic(
        fault.message, fault.key.rawValue, column: max(1, columns[fault.key.index]))
    }
    return current
  }

  private func diagnostic(_ message: String, _ key: String, column: Int) -> Diagnostic {
    Diagnostic(
      location: SourceLocation(file: file, line: line, column: column), path: key,
      message: message)
  }
}
