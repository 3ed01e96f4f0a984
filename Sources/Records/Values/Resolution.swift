// SPDX-License-Identifier: GPL-3.0-or-later

/// How finely figures are printed.
///
/// The clock counts nanoseconds, so that milliseconds have six decimals that mean something and
/// seconds nine; rates, shares and money get six. No figure gets more than fifteen digits in all,
/// beyond which a `Double` only shows noise.
package enum Resolution {
  /// The decimals of a number under this key.
  package static func decimals(forKey key: String) -> Int {
    switch key {
    case "simulated_seconds", "measured_seconds", "busy_seconds": 9
    case "events_per_cpu_second": 0
    default: 6
    }
  }

  /// The `Double` nearest to `value` with this many decimals, never more than 15 digits in all.
  ///
  /// The quotient of two integers that a `Double` holds exactly is correctly rounded, so its
  /// shortest description is the decimal itself: 0.001975 and not 0.0019749999999999998.
  package static func round(_ value: Double, decimals: Int) -> Double {
    guard value.isFinite, value != 0 else { return value.isFinite ? 0 : value }
    var decimals = decimals
    var scale = powerOfTen(decimals)
    while decimals > 0, (value * scale).magnitude >= 1e15 {
      decimals -= 1
      scale = powerOfTen(decimals)
    }
    let scaled = value * scale
    guard scaled.magnitude < 9e15 else { return value }
    let rounded = scaled.rounded() / scale
    return rounded == 0 ? 0 : rounded
  }

  package static func powerOfTen(_ exponent: Int) -> Double {
    var result = 1.0
    for _ in 0..<exponent { result *= 10 }
    return result
  }
}

extension ReportValue {
  /// The tree with every number rounded to its resolution, and null where it wasn't finite.
  ///
  /// - Parameter nonFinite: collects the dotted keys of numbers that weren't finite.
  package func roundedToResolution(
    key: String = "", path: String = "", nonFinite: inout [String]
  ) -> ReportValue {
    switch self {
    case .number(let value):
      guard value.isFinite else {
        nonFinite.append(path)
        return .null
      }
      return .number(Resolution.round(value, decimals: Resolution.decimals(forKey: key)))
    case .list(let values):
      return .list(
        values.enumerated().map {
          $1.roundedToResolution(key: key, path: joined(path, String($0)), nonFinite: &nonFinite)
        })
    case .object(let members):
      return .object(
        members.map { member in
          .init(
            member.key,
            member.value.roundedToResolution(
              key: member.key, path: joined(path, member.key), nonFinite: &nonFinite))
        })
    case .null, .bool, .integer, .unsigned, .text:
      return self
    }
  }
}

/// Joins two parts of a dotted key.
package func joined(_ path: String, _ key: String) -> String {
  path.isEmpty ? key : "\(path).\(key)"
}

/// A finite number in plain decimal notation with the fewest digits that tell it from its
/// neighbours: "0.00001" and never "1e-05"; whole numbers end in ".0".
package func plainDecimal(_ value: Double) -> String {
  let text = "\(value)"
  guard let mark = text.firstIndex(of: "e") else { return text }
  let exponent = Int(text[text.index(after: mark)...]) ?? 0
  guard exponent > -20, exponent < 25 else { return text }
  var mantissa = String(text[..<mark])
  let isNegative = mantissa.hasPrefix("-")
  if isNegative { mantissa.removeFirst() }
  let parts = mantissa.split(separator: ".", omittingEmptySubsequences: false)
  var digits = String(parts[0])
  var fraction = parts.count > 1 && parts[1] != "0" ? String(parts[1]) : ""
  let sign = isNegative ? "-" : ""
  if exponent < 0 {
    let zeros = String(repeating: "0", count: -exponent - 1)
    return "\(sign)0.\(zeros)\(digits)\(fraction)"
  }
  while fraction.count < exponent { fraction += "0" }
  digits += fraction.prefix(exponent)
  fraction = String(fraction.dropFirst(exponent))
  return "\(sign)\(digits).\(fraction.isEmpty ? "0" : fraction)"
}
