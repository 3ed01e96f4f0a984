// SPDX-License-Identifier: GPL-3.0-or-later

/// Reads JSON (RFC 8259) into a tree whose members stand in the order in which they were written.
///
/// Foundation's reader loses that order, in which a plan's scenarios are read, and boxes every value, where sweeps
/// read a result of some kilobytes for every run.
struct JSONReader {
  let bytes: UnsafeBufferPointer<UInt8>
  /// The next byte's offset.
  var place = 0
  private var depth = 0

  /// Containers within containers that are read at most.
  private static let greatestDepth = 512

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// The value of a text that holds one, with white space around it.
  static func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONSyntaxError) -> ReportValue {
    var reader = JSONReader(bytes)
    reader.skipSpace()
    let value = try reader.value()
    reader.skipSpace()
    guard reader.place == bytes.count else { throw reader.error("the end was expected") }
    return value
  }

  func error(_ message: String) -> JSONSyntaxError {
    JSONSyntaxError(offset: place, message: message)
  }

  static func isDigit(_ byte: UInt8) -> Bool {
    UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
  }

  var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  mutating func skipSpace() {
    while place < bytes.count {
      switch bytes[place] {
      case 0x20, 0x0A, 0x0D, 0x09: place += 1
      default: return
      }
    }
  }

  mutating func value() throws(JSONSyntaxError) -> ReportValue {
    switch next {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try list()
    case UInt8(ascii: "\""): return .text(try string())
    case UInt8(ascii: "t"):
      try word("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try word("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try word("null")
      return .null
    case let byte? where byte == UInt8(ascii: "-") || Self.isDigit(byte): return try number()
    default: throw error("a value was expected")
    }
  }

  mutating func word(_ word: StaticString) throws(JSONSyntaxError) {
    let end = place + word.utf8CodeUnitCount
    guard end <= bytes.count else { throw error("a value was expected") }
    for offset in 0..<word.utf8CodeUnitCount
    where bytes[place + offset] != word.utf8Start[offset] {
      throw error("a value was expected")
    }
    place = end
  }

  /// Enters a container, and leaves it where it is empty.
  ///
  /// - Returns: whether it has elements.
  mutating func entersAny(until end: UInt8) throws(JSONSyntaxError) -> Bool {
    place += 1
    depth += 1
    guard depth <= Self.greatestDepth else { throw error("containers are nested too deeply") }
    skipSpace()
    guard next == end else { return true }
    place += 1
    depth -= 1
    return false
  }

  /// Leaves a container where it ends here, or takes the comma before its next element.
  ///
  /// - Returns: whether it has ended.
  mutating func leaves(at end: UInt8) throws(JSONSyntaxError) -> Bool {
    skipSpace()
    switch next {
    case end:
      place += 1
      depth -= 1
      return true
    case UInt8(ascii: ","):
      place += 1
      skipSpace()
      return false
    default: throw error("',' or '\(Character(Unicode.Scalar(end)))' was expected")
    }
  }

  private mutating func object() throws(JSONSyntaxError) -> ReportValue {
    guard try entersAny(until: UInt8(ascii: "}")) else { return .object([]) }
    var members: [ReportValue.Member] = []
    repeat {
      let key = try key()
      members.append(.init(key, try value()))
    } while try !leaves(at: UInt8(ascii: "}"))
    return .object(members)
  }

  mutating func key() throws(JSONSyntaxError) -> String {
    guard next == UInt8(ascii: "\"") else { throw error("a key was expected") }
    let key = try string()
    skipSpace()
    guard next == UInt8(ascii: ":") else { throw error("':' was expected") }
    place += 1
    skipSpace()
    return key
  }

  private mutating func list() throws(JSONSyntaxError) -> ReportValue {
    guard try entersAny(until: UInt8(ascii: "]")) else { return .list([]) }
    var values: [ReportValue] = []
    repeat { values.append(try value()) } while try !leaves(at: UInt8(ascii: "]"))
    return .list(values)
  }
}

extension JSONReader {
  mutating func string() throws(JSONSyntaxError) -> String {
    place += 1
    let start = place
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "\""):
        let text = try text(start, place)
        place += 1
        return text
      case UInt8(ascii: "\\"): return try escapedString(from: start)
      case 0..<0x20: throw error("a control character must be escaped")
      default: place += 1
      }
    }
    throw error("a text does not end")
  }

  private func text(_ start: Int, _ end: Int) throws(JSONSyntaxError) -> String {
    guard
      let text = String(
        validating: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
    else { throw error("a text is no UTF-8") }
    return text
  }

  /// Goes on with a text at its first escape.
  private mutating func escapedString(from start: Int) throws(JSONSyntaxError) -> String {
    var result = try text(start, place)
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        place += 1
        return result
      case UInt8(ascii: "\\"):
        place += 1
        result.unicodeScalars.append(try escape())
      case 0..<0x20: throw error("a control character must be escaped")
      default:
        let begin = place
        while let plain = next, plain >= 0x20, plain != UInt8(ascii: "\""),
          plain != UInt8(ascii: "\\")
        {
          place += 1
        }
        result += try text(begin, place)
      }
    }
    throw error("a text does not end")
  }

  mutating func escape() throws(JSONSyntaxError) -> Unicode.Scalar {
    guard let byte = next else { throw error("a text does not end") }
    place += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{08}"
    case UInt8(ascii: "f"): return "\u{0C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try codeUnit()
      guard 0xD800...0xDBFF ~= unit else {
        guard let scalar = Unicode.Scalar(unit) else { throw error("half of a surrogate pair") }
        return scalar
      }
      guard next == UInt8(ascii: "\\"), place + 1 < bytes.count,
        bytes[place + 1] == UInt8(ascii: "u")
      else { throw error("half of a surrogate pair") }
      place += 2
      let low = try codeUnit()
      guard 0xDC00...0xDFFF ~= low,
        let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
      else { throw error("half of a surrogate pair") }
      return scalar
    default: throw error("no such escape")
    }
  }

  private mutating func codeUnit() throws(JSONSyntaxError) -> UInt32 {
    guard place + 4 <= bytes.count else { throw error("four hexadecimal digits were expected") }
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[place])).hexDigitValue else {
        throw error("four hexadecimal digits were expected")
      }
      unit = unit << 4 | UInt32(digit)
      place += 1
    }
    return unit
  }

  private mutating func number() throws(JSONSyntaxError) -> ReportValue {
    let start = place
    let isInteger = try skipNumber()
    let text = try text(start, place)
    if isInteger {
      if let integer = Int64(text) { return .integer(integer) }
      if let unsigned = UInt64(text) { return .unsigned(unsigned) }
    }
    guard let number = Double(text), number.isFinite else {
      throw error("a number is out of range")
    }
    return .number(number)
  }

  /// Passes over a number.
  ///
  /// - Returns: whether it is written as an integer.
  mutating func skipNumber() throws(JSONSyntaxError) -> Bool {
    if next == UInt8(ascii: "-") { place += 1 }
    let whole = digits()
    guard whole > 0, whole == 1 || bytes[place - whole] != UInt8(ascii: "0") else {
      throw error("a number was expected")
    }
    var isInteger = true
    if next == UInt8(ascii: ".") {
      isInteger = false
      place += 1
      guard digits() > 0 else { throw error("a digit was expected") }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      isInteger = false
      place += 1
      if next == UInt8(ascii: "-") || next == UInt8(ascii: "+") { place += 1 }
      guard digits() > 0 else { throw error("a digit was expected") }
    }
    return isInteger
  }

  private mutating func digits() -> Int {
    let start = place
    while let byte = next, Self.isDigit(byte) { place += 1 }
    return place - start
  }
}

/// What is wrong with a text that should be JSON.
public struct JSONSyntaxError: Error, CustomStringConvertible, Sendable {
  /// The byte at which reading ended, from 0.
  public var offset: Int
  /// What was expected there.
  public var message: String
  /// The place and the message.
  public var description: String { "no JSON: \(message) at byte \(offset)" }
}
