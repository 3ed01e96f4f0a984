// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// Figures as people read them, for the terminal and Markdown; files for programs have all digits.
package enum FigureText {
  /// An integer with thousands set apart: "12,345".
  package static func integer(_ value: some BinaryInteger) -> String {
    (value < 0 ? "-" : "") + grouped(String(value.magnitude))
  }

  /// A number with this many decimals and thousands set apart.
  package static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return absent }
    let text = QuantityFormat.fixed(value, decimals: decimals)
    guard !text.contains("e") else { return plainDecimal(value) }
    let end = text.firstIndex(of: ".") ?? text.endIndex
    let start = text.hasPrefix("-") ? text.index(after: text.startIndex) : text.startIndex
    return text[..<start] + grouped(text[start..<end]) + text[end...]
  }

  /// Digits with a comma before every three of them.
  private static func grouped(_ digits: some StringProtocol) -> String {
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return result
  }

  /// A number with two decimals, as serving benchmarks print them, or three digits when it's small.
  package static func number(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0.00" : absent }
    var decimals = 2
    var size = value.magnitude
    while size < 1, decimals < 9 {
      size *= 10
      decimals += 1
    }
    return fixed(value, decimals: value.magnitude >= 0.1 ? 2 : decimals)
  }

  /// A number or the sign of absence.
  package static func number(_ value: Double?) -> String {
    value.map { number($0) } ?? absent
  }

  /// A share in percent with one decimal: "12.5 %".
  package static func percent(_ share: Double) -> String {
    share.isFinite ? fixed(share * 100, decimals: 1) + " %" : absent
  }

  /// Bytes in the largest binary unit that leaves at least 1: "1.5 GiB".
  package static func bytes(_ value: Double) -> String {
    value.isFinite ? QuantityFormat(significantDigits: 4).string(value, .bytes) : absent
  }

  /// Bytes in the largest binary unit that leaves at least 1.
  package static func bytes(_ value: Int64) -> String { bytes(Double(value)) }

  /// A count in thousands, millions or billions where it's large: "3.1 million".
  package static func large(_ value: Double) -> String {
    switch value.magnitude {
    case 1e9...: fixed(value / 1e9, decimals: 2) + " billion"
    case 1e6...: fixed(value / 1e6, decimals: 2) + " million"
    default: fixed(value, decimals: 0)
    }
  }

  /// What stands where there is no figure.
  package static let absent = "-"
}
