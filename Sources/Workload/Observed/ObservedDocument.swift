// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation

/// A file of results as its readers see it: whole, or line by line.
struct ObservedDocument {
  let bytes: [UInt8]
  let file: String

  /// The keys of the object in the first line, if that is one.
  var keysOfFirstLine: Set<String>? {
    let lines = LineReader(bytes: bytes, file: file)
    var line: [UInt8] = []
    while (try? lines.next(into: &line)) == true {
      guard line.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { continue }
      return try? JSONDecoder().decode(ObjectKeys.self, from: Data(line)).keys
    }
    return nil
  }

  /// Decodes the whole file.
  ///
  /// Python writes NaN and Infinity, which JSON has not; they are read where they occur.
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let data = Data(bytes)
    let decoder = JSONDecoder()
    decoder.allowsJSON5 =
      data.range(of: Data("NaN".utf8)) != nil || data.range(of: Data("Infinity".utf8)) != nil
    do {
      return try decoder.decode(type, from: data)
    } catch let error as DecodingError {
      let problem = DecodingProblem(error)
      throw diagnostic(problem.key, problem.message)
    }
  }

  /// Decodes each line that is not blank, and hands it on with what makes errors about it.
  func forEachLine<Value: Decodable>(
    as type: Value.Type, _ body: (Value, ObservedLine) throws -> Void
  ) throws {
    let lines = LineReader(bytes: bytes, file: file)
    let decoder = JSONDecoder()
    var line: [UInt8] = []
    while try lines.next(into: &line) {
      guard line.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { continue }
      let place = ObservedLine(file: file, number: lines.lineNumber)
      let value: Value
      do {
        value = try decoder.decode(type, from: Data(line))
      } catch let error as DecodingError {
        let problem = DecodingProblem(error)
        let hint = lines.lineWasTerminated ? "" : " (the file may have been cut short)"
        throw place.diagnostic(problem.key, problem.message + hint)
      }
      try body(value, place)
    }
  }

  /// A diagnostic about a key of the whole file, at the line where its first part stands.
  func diagnostic(_ key: String, _ message: String) -> Diagnostic {
    let name = key.prefix { $0 != "[" && $0 != "." }
    var line = 1
    if !name.isEmpty, let place = Data(bytes).range(of: Data("\"\(name)\"".utf8)) {
      line += bytes[..<place.lowerBound].count { $0 == 0x0A }
    }
    return ObservedLine(file: file, number: line).diagnostic(key, message)
  }
}

/// One line of a file of results.
struct ObservedLine {
  let file: String
  let number: Int

  /// A diagnostic about a key of the line.
  func diagnostic(_ key: String, _ message: String) -> Diagnostic {
    Diagnostic(
      location: SourceLocation(file: file, line: number, column: 1), path: key, message: message)
  }

  /// A number of tokens.
  func tokens(_ value: Double, _ key: String) throws -> Int32 {
    guard value >= 1, value <= Double(RequestLimits.maximumTokens), value == value.rounded() else {
      throw diagnostic(
        key, "is \(value); a whole number of 1 to \(RequestLimits.maximumTokens) tokens is expected"
      )
    }
    return Int32(value)
  }

  /// A span of time, which is finite and not negative.
  func span(_ value: Double, _ key: String) throws -> Double {
    guard value.isFinite, value >= 0, value < 1e9 else {
      throw diagnostic(key, "is \(value); a time from 0 to 1e9 is expected")
    }
    return value
  }
}

/// What a decoder found wrong: the key as a path, and a sentence without it.
struct DecodingProblem {
  let key: String
  let message: String

  init(_ error: DecodingError) {
    switch error {
    case .keyNotFound(let missing, let context):
      key = Self.path(context.codingPath + [missing])
      message = "is missing"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      key = Self.path(context.codingPath)
      message = "is not \(Self.words(type))"
    case .dataCorrupted(let context):
      key = Self.path(context.codingPath)
      message = key.isEmpty ? "is not a JSON object" : "holds a value that is out of range"
    @unknown default:
      key = ""
      message = "cannot be read"
    }
  }

  private static func words(_ type: Any.Type) -> String {
    switch type {
    case is Double.Type, is Int64.Type: "the number that is expected"
    case is String.Type: "the text that is expected"
    case is Bool.Type: "true or false"
    default: "of the form that is expected"
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    var text = ""
    for key in keys {
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
    return text
  }
}
