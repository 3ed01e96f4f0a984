// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// The records of a CSV text (RFC 4180: quotes, doubled quotes, line breaks within quotes).
///
/// Blank lines and lines that begin with "#" are passed over. SwiftCSV is not used: its rows carry
/// no line numbers, so that with blank lines or line breaks within quotes an error could not say
/// where it is. `DelimitedLines` of `Routing` knows no quotes.
package struct CSVLines {
  /// The name under which errors are reported.
  package let file: String
  /// The line on which the current record begins, from 1.
  package private(set) var line = 0
  /// The fields of the current record.
  package private(set) var fields: [String] = []
  /// The column at which each begins, from 1 [B].
  package private(set) var columns: [Int] = []

  private let bytes: [UInt8]
  private var offset = 0
  private var nextLine = 1

  /// More fields than these are no table of timings.
  static let mostFields = 1024

  package init(bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  /// Reads a whole file.
  ///
  /// - Throws: `MissingFile` when there is none; a diagnostic when it is a folder, cannot be read or
  ///   is no UTF-8.
  package static func bytes(of path: String) throws -> [UInt8] {
    func refuse(_ message: String) -> Diagnostic {
      Diagnostic(location: SourceLocation(origin: path), message: message)
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw MissingFile(path: path)
    }
    guard !isFolder.boolValue else { throw refuse("is a folder; expected a file") }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw refuse("cannot be read")
    }
    var bytes = [UInt8](data)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw refuse("is not UTF-8 text")
    }
    return bytes
  }

  /// Goes to the next record; `false` at the end.
  ///
  /// - Throws: A diagnostic when a quote is not closed.
  package mutating func next() throws -> Bool {
    while offset < bytes.count {
      let byte = bytes[offset]
      if byte == 0x23 {  // '#'
        skipLine()
      } else if byte == 0x0A {
        offset += 1
        nextLine += 1
      } else if byte == 0x0D {
        offset += 1
      } else {
        try readRecord()
        return true
      }
    }
    return false
  }

  /// A diagnostic at a field of the current record.
  package func diagnostic(_ message: String, field: Int? = nil, key: String = "") -> Diagnostic {
    let column = field.flatMap { columns.indices.contains($0) ? columns[$0] : nil } ?? 1
    return Diagnostic(
      location: SourceLocation(file: file, line: max(line, 1), column: column), path: key,
      message: message)
  }

  private mutating func skipLine() {
    while offset < bytes.count, bytes[offset] != 0x0A { offset += 1 }
  }

  private mutating func readRecord() throws {
    line = nextLine
    fields.removeAll(keepingCapacity: true)
    columns.removeAll(keepingCapacity: true)
    let start = offset
    while true {
      columns.append(offset - start + 1)
      fields.append(try readField())
      guard fields.count <= Self.mostFields else {
        throw diagnostic("has more than \(Self.mostFields) fields")
      }
      guard offset < bytes.count else { return }
      let byte = bytes[offset]
      offset += 1
      if byte == 0x0A {
        nextLine += 1
        return
      }
    }
  }

  /// Reads up to a comma, the line break or the end.
  private mutating func readField() throws -> String {
    if offset < bytes.count, bytes[offset] == 0x22 { return try readQuoted() }
    let start = offset
    while offset < bytes.count, bytes[offset] != 0x2C, bytes[offset] != 0x0A { offset += 1 }
    var end = offset
    if end > start, bytes[end - 1] == 0x0D, offset == bytes.count || bytes[offset] == 0x0A {
      end -= 1
    }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  private mutating func readQuoted() throws -> String {
    var text: [UInt8] = []
    offset += 1
    while true {
      guard offset < bytes.count else {
        throw diagnostic("a quote is not closed", field: columns.count - 1)
      }
      let byte = bytes[offset]
      offset += 1
      if byte == 0x0A { nextLine += 1 }
      if byte != 0x22 {
        text.append(byte)
      } else if offset < bytes.count, bytes[offset] == 0x22 {
        text.append(0x22)
        offset += 1
      } else {
        break
      }
    }
    if offset < bytes.count, bytes[offset] == 0x0D { offset += 1 }
    guard offset == bytes.count || bytes[offset] == 0x2C || bytes[offset] == 0x0A else {
      throw diagnostic("expected a comma after the closing quote", field: columns.count - 1)
    }
    return String(decoding: text, as: UTF8.self)
  }
}
