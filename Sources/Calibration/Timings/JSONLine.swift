// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// Reads one line of JSON Lines: an object of texts, numbers, truth values and nulls.
///
/// `JSONDecoder` would say neither at which column a value stands nor which keys it did not know.
struct JSONLine {
  /// A key and its value; `nil` for null.
  struct Entry {
    var key: String
    var value: TimingValue?
    /// Where the key and the value begin, from 1 [B].
    var keyColumn: Int
    var column: Int
  }

  private let bytes: ArraySlice<UInt8>
  private let file: String
  private let line: Int
  private var offset: Int

  init(_ bytes: ArraySlice<UInt8>, file: String, line: Int) {
    self.bytes = bytes
    self.file = file
    self.line = line
    offset = bytes.startIndex
  }

  /// The entries in the order of the line.
  mutating func entries() throws -> [Entry] {
    var entries: [Entry] = []
    entries.reserveCapacity(24)
    skipBlanks()
    try expect(0x7B, "an object, {\"device\": …}")
    skipBlanks()
    if peek == 0x7D {
      offset += 1
    } else {
      while true {
        skipBlanks()
        let keyColumn = column
        let key = try string("a key in quotes")
        skipBlanks()
        try expect(0x3A, "':' after the key '\(key.prefix(40))'")
        skipBlanks()
        let start = column
        entries.append(
          Entry(key: key, value: try value(of: key), keyColumn: keyColumn, column: start))
        skipBlanks()
        if peek == 0x2C {
          offset += 1
          continue
        }
        try expect(0x7D, "',' or '}'")
        break
      }
    }
    skipBlanks()
    guard offset == bytes.endIndex else { throw diagnostic("expected the end of the line") }
    return entries
  }

  private var peek: UInt8? { offset < bytes.endIndex ? bytes[offset] : nil }
  private var column: Int { offset - bytes.startIndex + 1 }

  private func diagnostic(_ message: String, key: String = "") -> Diagnostic {
    Diagnostic(
      location: SourceLocation(file: file, line: line, column: column), path: key,
      message: message)
  }

  private func found() -> String {
    guard let byte = peek else { return "the end of the line" }
    return byte < 0x80 ? "'\(Character(Unicode.Scalar(byte)))'" : "another letter"
  }

  private mutating func skipBlanks() {
    while let byte = peek, byte == 0x20 || byte == 0x09 { offset += 1 }
  }

  private mutating func expect(_ byte: UInt8, _ words: String) throws {
    guard peek == byte else { throw diagnostic("expected \(words); found \(found())") }
    offset += 1
  }

  private mutating func value(of key: String) throws -> TimingValue? {
    guard let first = peek else { throw diagnostic("expected a value", key: key) }
    if first == 0x22 { return .text(try string("a text")) }
    if first == 0x5B || first == 0x7B {
      throw diagnostic(
        "expected a text, a number, true or false; found a \(first == 0x5B ? "list" : "mapping")",
        key: key)
    }
    let start = offset
    while let byte = peek, byte != 0x2C, byte != 0x7D, byte != 0x20, byte != 0x09 { offset += 1 }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    switch text {
    case "null": return nil
    case "true", "false": return .bare(text)
    default:
      // Double takes "inf", "nan" and hexadecimal numbers, JSON does not.
      guard let first = text.utf8.first, first == 0x2D || (0x30...0x39).contains(first),
        !text.utf8.contains(where: { $0 | 0x20 == 0x78 }), let number = Double(text),
        number.isFinite
      else {
        offset = start
        throw diagnostic(
          "expected a text, a number, true or false; found \(text.prefix(40))", key: key)
      }
      return .bare(text)
    }
  }

  private mutating func string(_ words: String) throws -> String {
    try expect(0x22, words)
    let start = offset
    while let byte = peek, byte != 0x22, byte != 0x5C { offset += 1 }
    if peek == 0x22 {
      offset += 1
      return String(decoding: bytes[start..<offset - 1], as: UTF8.self)
    }
    var scalars = String(decoding: bytes[start..<offset], as: UTF8.self)
    while let byte = peek {
      if byte == 0x22 {
        offset += 1
        return scalars
      }
      if byte == 0x5C {
        offset += 1
        scalars.unicodeScalars.append(try escape())
      } else {
        let start = offset
        while let byte = peek, byte != 0x22, byte != 0x5C { offset += 1 }
        scalars += String(decoding: bytes[start..<offset], as: UTF8.self)
      }
    }
    throw diagnostic("a quote is not closed")
  }

  private mutating func escape() throws -> Unicode.Scalar {
    guard let byte = peek else { throw diagnostic("a quote is not closed") }
    offset += 1
    switch byte {
    case 0x22, 0x5C, 0x2F: return Unicode.Scalar(byte)
    case 0x62: return "\u{8}"
    case 0x66: return "\u{C}"
    case 0x6E: return "\n"
    case 0x72: return "\r"
    case 0x74: return "\t"
    case 0x75:
      var value = try fourDigits()
      if (0xD800..<0xDC00).contains(value), peek == 0x5C {
        offset += 1
        try expect(0x75, "the second half of a pair of surrogates")
        let low = try fourDigits()
        guard (0xDC00..<0xE000).contains(low) else {
          throw diagnostic("expected the second half of a pair of surrogates")
        }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw diagnostic("half a pair of surrogates is no character")
      }
      return scalar
    default: throw diagnostic("unknown escape in a text")
    }
  }

  private mutating func fourDigits() throws -> UInt32 {
    let digits = bytes[offset...].prefix(4)
    guard digits.count == 4,
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw diagnostic("expected four hexadecimal digits") }
    offset += 4
    return value
  }

  /// `text` as a JSON string.
  static func quoted(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) else {
      return "\"\(text)\""
    }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
