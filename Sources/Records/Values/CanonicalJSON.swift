// SPDX-License-Identifier: GPL-3.0-or-later

/// JSON in the one form that RFC 8785 (JSON Canonicalization Scheme) gives a value, so that equal
/// values have equal bytes in any language.
public enum CanonicalJSON {
  /// The canonical text of a tree.
  ///
  /// Keys are sorted by their UTF-16 code units, there is no white space, strings escape what they
  /// must and no more, and numbers are written as ECMAScript does. Numbers that aren't finite
  /// become null, as JSON has no word for them; integers beyond 2⁵³ are rounded to the nearest
  /// double, as the scheme asks.
  ///
  /// - Complexity: O(*n* log *n*) in the members of the largest object, linear in the text.
  public static func text(of value: ReportValue) -> String {
    var output = ""
    write(value, to: &output)
    return output
  }

  private static func write(_ value: ReportValue, to output: inout String) {
    switch value {
    case .null: output += "null"
    case .bool(let value): output += value ? "true" : "false"
    case .integer(let value): output += number(Double(value))
    case .unsigned(let value): output += number(Double(value))
    case .number(let value): output += value.isFinite ? number(value) : "null"
    case .text(let value): output += quoted(value)
    case .list(let values):
      output += "["
      for (index, item) in values.enumerated() {
        if index > 0 { output += "," }
        write(item, to: &output)
      }
      output += "]"
    case .object(let members):
      output += "{"
      let sorted = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
      for (index, member) in sorted.enumerated() {
        if index > 0 { output += "," }
        output += quoted(member.key)
        output += ":"
        write(member.value, to: &output)
      }
      output += "}"
    }
  }

  /// A finite number as ECMAScript's Number::toString writes it: the shortest digits that read back
  /// as the same number, plain between 10⁻⁷ and 10²¹ and with an exponent beyond.
  static func number(_ value: Double) -> String {
    guard value != 0 else { return "0" }
    let (digits, exponent) = shortestDigits(value.magnitude)
    let sign = value < 0 ? "-" : ""
    let count = digits.count
    // `point` digits stand before the decimal point.
    let point = exponent + 1
    switch point {
    case count...21:
      return sign + digits + String(repeating: "0", count: point - count)
    case 1..<max(count, 2) where point <= 21:
      return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    case -5...0:
      return sign + "0." + String(repeating: "0", count: -point) + digits
    default:
      let fraction = count > 1 ? "." + digits.dropFirst() : ""
      return sign + digits.prefix(1) + fraction + "e" + (exponent < 0 ? "-" : "+")
        + String(exponent.magnitude)
    }
  }

  /// The shortest digits of a positive number, without zeros at either end, and the decimal exponent
  /// of the first of them.
  private static func shortestDigits(_ value: Double) -> (digits: String, exponent: Int) {
    // Swift's description is the shortest text that reads back as the same number.
    let text = value.description
    let parts = text.split(separator: "e")
    var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    var digits = String(mantissa[0])
    exponent += digits.count - 1
    if mantissa.count > 1 { digits += mantissa[1] }
    let zeros = digits.prefix { $0 == "0" }.count
    digits.removeFirst(zeros)
    exponent -= zeros
    while digits.hasSuffix("0") { digits.removeLast() }
    return (digits, exponent)
  }

  /// A string as RFC 8785 writes it.
  private static func quoted(_ text: String) -> String {
    // Most texts have nothing to escape.
    let isPlain = text.utf8.allSatisfy {
      $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
    }
    if isPlain { return "\"" + text + "\"" }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{08}": result += "\\b"
      case "\t": result += "\\t"
      case "\n": result += "\\n"
      case "\u{0C}": result += "\\f"
      case "\r": result += "\\r"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
