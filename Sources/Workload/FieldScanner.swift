// SPDX-License-Identifier: GPL-3.0-or-later

/// What is wrong with a field, before it is known where the field stands.
struct FieldError: Error {
  /// What was found and what would be right.
  var message: String
  /// The column of the field, from 1.
  var column: Int
}

/// Splits a line at commas and reads its fields, without copying them.
struct FieldScanner {
  private let line: UnsafeBufferPointer<UInt8>
  private(set) var fields: [Range<Int>]

  /// Splits a line. Quotes around a whole field are taken off; quoted commas are not supported, as
  /// no field of a request trace holds text.
  init(_ line: UnsafeBufferPointer<UInt8>, reusing storage: consuming [Range<Int>] = []) {
    self.line = line
    fields = storage
    fields.removeAll(keepingCapacity: true)
    var start = 0
    for index in 0...line.count where index == line.count || line[index] == UInt8(ascii: ",") {
      fields.append(Self.trimmed(line, start..<index))
      start = index + 1
    }
  }

  /// The text of a field.
  func text(_ field: Int) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: line[fields[field]]), as: UTF8.self)
  }

  /// The text of a field, shortened for a message.
  func quoted(_ field: Int) -> String {
    let text = text(field)
    return text.count > 40 ? "'\(text.prefix(40))…'" : "'\(text)'"
  }

  /// The column at which a field begins, from 1.
  func column(_ field: Int) -> Int { fields[field].lowerBound + 1 }

  /// A number of tokens.
  func tokens(_ field: Int, _ name: String) throws(FieldError) -> Int32 {
    let value = try integer(field, name)
    guard value >= 1 else {
      throw error(field, "\(name) is \(value); a request has at least 1 token of each kind")
    }
    guard value <= Int64(RequestLimits.maximumTokens) else {
      throw error(
        field, "\(name) is \(value); more than \(RequestLimits.maximumTokens) tokens is no request")
    }
    return Int32(value)
  }

  /// A whole number in decimal digits, perhaps with a sign.
  func integer(_ field: Int, _ name: String) throws(FieldError) -> Int64 {
    let range = fields[field]
    guard !range.isEmpty else { throw error(field, "\(name) is empty; a whole number is expected") }
    guard let value = Int64(text(field)) else {
      throw error(field, "\(name) is \(quoted(field)); a whole number is expected")
    }
    return value
  }

  /// A time in decimal seconds, as nanoseconds, exact to the nanosecond.
  func secondsAsNanoseconds(_ field: Int, _ name: String) throws(FieldError) -> Int64 {
    let range = fields[field]
    guard !range.isEmpty else { throw error(field, "\(name) is empty; seconds are expected") }
    if let exact = Self.plainDecimalNanoseconds(line, range) { return exact }
    // Exponents and the like: through a binary number.
    guard let value = Double(text(field)) else {
      throw error(field, "\(name) is \(quoted(field)); a number of seconds is expected")
    }
    guard value.isFinite else {
      throw error(field, "\(name) is \(quoted(field)); a finite number of seconds is expected")
    }
    guard value >= 0 else {
      throw error(field, "\(name) is \(quoted(field)); it may not be negative")
    }
    guard value * 1e9 <= Double(RequestLimits.maximumArrivalNanoseconds) else {
      throw error(field, "\(name) is \(quoted(field)); later than 31 years after the start")
    }
    return Int64((value * 1e9).rounded())
  }

  /// A priority.
  func priority(_ field: Int) throws(FieldError) -> Int32 {
    let value = try integer(field, "priority")
    guard RequestLimits.priorities.contains(Int(value)) else {
      throw error(
        field,
        "priority is \(value); whole numbers from \(RequestLimits.priorities.lowerBound) to "
          + "\(RequestLimits.priorities.upperBound) are expected")
    }
    return Int32(value)
  }

  /// Block identities, separated by blanks, appended to `blocks`.
  func blocks(_ field: Int, into blocks: inout [UInt64]) throws(FieldError) {
    var value: UInt64 = 0
    var digits = 0
    for index in fields[field].lowerBound...fields[field].upperBound {
      let byte = index < fields[field].upperBound ? line[index] : 0x20
      if byte == 0x20 {
        if digits > 0 { blocks.append(value) }
        value = 0
        digits = 0
        continue
      }
      guard byte >= 0x30, byte <= 0x39 else {
        throw FieldError(
          message: "prefix_blocks holds \(quoted(field)); whole numbers separated by blanks are "
            + "expected", column: index + 1)
      }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 0x30))
      guard !overflow, !carry else {
        throw error(field, "prefix_blocks holds a number beyond 64 bits")
      }
      value = sum
      digits += 1
    }
    guard blocks.count <= RequestLimits.maximumPrefixBlocks else {
      throw error(field, "prefix_blocks holds \(blocks.count) blocks, too many")
    }
  }

  /// An error at a field.
  func error(_ field: Int, _ message: String) -> FieldError {
    FieldError(message: message, column: column(field))
  }

  /// Digits with at most one point, up to 10⁹ seconds, as nanoseconds; `nil` for any other text.
  private static func plainDecimalNanoseconds(
    _ line: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
  ) -> Int64? {
    var nanoseconds: Int64 = 0
    var fraction = -1
    var digits = 0
    for index in range {
      let byte = line[index]
      if byte == UInt8(ascii: "."), fraction < 0 {
        fraction = 0
        continue
      }
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      digits += 1
      let digit = Int64(byte - UInt8(ascii: "0"))
      if fraction < 0 {
        guard nanoseconds < 100_000_000 else { return nil }
        nanoseconds = nanoseconds * 10 + digit
      } else if fraction < 9 {
        nanoseconds = nanoseconds * 10 + digit
        fraction += 1
      } else if fraction == 9 {
        if digit >= 5 { nanoseconds += 1 }
        fraction += 1
      }
    }
    guard digits > 0 else { return nil }
    for _ in 0..<(9 - min(max(fraction, 0), 9)) { nanoseconds *= 10 }
    return nanoseconds
  }

  private static func trimmed(
    _ line: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
  ) -> Range<Int> {
    var range = range
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    while let first = range.first, isBlank(line[first]) { range = (first + 1)..<range.upperBound }
    while let last = range.last, isBlank(line[last]) { range = range.lowerBound..<last }
    if range.count >= 2, line[range.lowerBound] == 0x22, line[range.upperBound - 1] == 0x22 {
      range = (range.lowerBound + 1)..<(range.upperBound - 1)
    }
    return range
  }
}
