// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// A CSV file of another tool, read row by row with errors at their place.
struct ImportTable {
  private var lines: CSVLines
  private let names: [String]
  private var places: [String: Int] = [:]
  private var isOnRow = false
  private let skippedBefore: Bool

  /// The path as it was given.
  var path: String { lines.file }
  /// The name of the file alone.
  let fileName: String

  /// The same without ".csv".
  var stem: Substring { fileName.dropLast(fileName.hasSuffix(".csv") ? 4 : 0) }

  /// Opens a file.
  ///
  /// - Parameter standardNames: The names of the columns of a file whose first line is data already.
  init(_ path: String, standardNames: [String]? = nil) throws {
    lines = CSVLines(bytes: try CSVLines.bytes(of: path), file: path)
    fileName = String(path.split(separator: "/").last ?? "")
    guard try lines.next() else {
      throw Diagnostic(
        location: SourceLocation(origin: path), message: "is empty; expected a header")
    }
    let first = lines.fields.map { $0.trimmingCharacters(in: .whitespaces) }
    let isHeader = !first.contains { Double($0) != nil }
    if !isHeader, let standardNames, first.count == standardNames.count {
      names = standardNames
      skippedBefore = false
    } else {
      names = first
      skippedBefore = true
    }
    for (place, name) in names.enumerated() where places[name] == nil { places[name] = place }
  }

  /// Whether the header has a column.
  func has(_ name: String) -> Bool { places[name] != nil }

  /// Throws unless the header has all of some columns.
  func require(_ wanted: [String]) throws {
    for name in wanted where !has(name) {
      let near = closestMatch(to: name, among: names).map { "; '\($0)' is near" } ?? ""
      throw Diagnostic(
        location: SourceLocation(file: path, line: 1, column: 1), path: name,
        message: "expected a column of this name\(near)")
    }
  }

  /// Hands every row over; what is wrong with rows is collected and thrown at the end.
  mutating func forEachRow(_ body: (ImportTable) throws -> Void) throws {
    let collector = DiagnosticCollector()
    do {
      var isThere = skippedBefore ? try lines.next() : true
      while isThere {
        do {
          guard lines.fields.count == names.count else {
            throw lines.diagnostic(
              "expected \(names.count) fields, as in the header; found \(lines.fields.count)")
          }
          try body(self)
        } catch let error as Diagnostic {
          collector.report(error)
        }
        isThere = try lines.next()
      }
    } catch let error as Diagnostic {
      collector.report(error)
    }
    try collector.throwIfAny()
  }

  /// Where the current row stands.
  var location: SourceLocation { SourceLocation(file: path, line: lines.line, column: 1) }

  /// A diagnostic about a column of the current row.
  func diagnostic(_ name: String, _ message: String) -> Diagnostic {
    lines.diagnostic(message, field: places[name], key: name)
  }

  /// The text of a column; empty where there is no such column.
  func text(_ name: String) -> String {
    guard let place = places[name] else { return "" }
    return lines.fields[place]
  }

  /// Whether a column is there and the row has a value in it.
  func hasValue(_ name: String) -> Bool { !text(name).isEmpty }

  /// The whole number of a column.
  func integer(_ name: String, from least: Int = 1) throws -> Int {
    let text = text(name)
    let number = Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
    guard let number, number >= least, number < 1 << 53 else {
      throw diagnostic(name, "expected a whole number of at least \(least); found '\(text)'")
    }
    return number
  }

  /// The positive number of a column.
  func number(_ name: String) throws -> Double {
    let text = text(name)
    guard let number = Double(text), number.isFinite, number > 0 else {
      throw diagnostic(name, "expected a number above 0; found '\(text)'")
    }
    return number
  }

  /// A whole number that another must divide.
  func quotient(_ name: String, by divisor: Int) throws -> Int {
    let number = try integer(name)
    guard number % divisor == 0 else {
      throw diagnostic(name, "expected a multiple of \(divisor); found \(number)")
    }
    return number / divisor
  }

  /// A number format in our words, "bf16" for "bfloat16".
  func precision(_ name: String) throws -> String {
    let text = text(name)
    guard let precision = ImportedNames.precision(text) else {
      throw diagnostic(
        name, "expected a number format (\(ImportedNames.knownPrecisions)); found '\(text)'")
    }
    return precision
  }
}
