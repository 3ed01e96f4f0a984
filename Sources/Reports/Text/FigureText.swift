// SPDX-License-Identifier: GPL-3.0-or-later

/// Figures as people read them, for the terminal and Markdown; files for programs have all digits.
enum FigureText {
  /// An integer with thousands set apart: "12,345".
  static func integer(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return value < 0 ? "-" + result : result
  }

  /// A number with this many decimals and thousands set apart.
  static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return absent }
    let scale = Resolution.powerOfTen(decimals)
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 9e15 else { return plainDecimal(value) }
    let whole = Int64(scaled)
    let unit = Int64(scale)
    var text = integer(whole / unit)
    if decimals > 0 {
      let fraction = String(whole % unit)
      text += "." + String(repeating: "0", count: decimals - fraction.count) + fraction
    }
    return value < 0 && whole != 0 ? "-" + text : text
  }

  /// A number with two decimals, as serving benchmarks print them, or three digits when it's small.
  static func number(_ value: Double) -> String {
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
  static func number(_ value: Double?) -> String {
    value.map { number($0) } ?? absent
  }

  /// A share in percent with one decimal: "12.5 %".
  static func percent(_ share: Double) -> String {
    share.isFinite ? fixed(share * 100, decimals: 1) + " %" : absent
  }

  /// Bytes in the largest binary unit that leaves at least 1: "1.5 GiB".
  static func bytes(_ value: Double) -> String {
    guard value.isFinite else { return absent }
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var size = value
    var unit = 0
    while size.magnitude >= 1024, unit < units.count - 1 {
      size /= 1024
      unit += 1
    }
    return fixed(size, decimals: unit == 0 && size == size.rounded() ? 0 : 1) + " " + units[unit]
  }

  /// Bytes in the largest binary unit that leaves at least 1.
  static func bytes(_ value: Int64) -> String { bytes(Double(value)) }

  /// A count in thousands, millions or billions where it's large: "3.1 million".
  static func large(_ value: Double) -> String {
    switch value.magnitude {
    case 1e9...: fixed(value / 1e9, decimals: 2) + " billion"
    case 1e6...: fixed(value / 1e6, decimals: 2) + " million"
    default: fixed(value, decimals: 0)
    }
  }

  /// What stands where there is no figure.
  static let absent = "-"
}
