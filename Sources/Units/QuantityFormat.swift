// SPDX-License-Identifier: GPL-3.0-or-later

/// How a quantity is printed: a unit that suits its size, and so many significant digits.
///
/// Amounts of data are printed in binary units (GiB), rates in decimal ones (GB/s), as data sheets
/// print them. Printing does not depend on a locale.
public struct QuantityFormat: Hashable, Sendable {
  /// How many digits count, from 1 to 15.
  public var significantDigits: Int

  /// Creates a format with `significantDigits` digits.
  public init(significantDigits: Int = 4) {
    self.significantDigits = min(max(significantDigits, 1), 15)
  }

  /// The text of `value` base units of `dimension`.
  public func string(_ value: Double, _ dimension: Dimension) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : (value < 0 ? "-inf" : "inf") }
    switch dimension {
    case .fraction: return number(value * 100) + "%"
    case .count: return number(value)
    case .bytes: return scaled(value, Self.byteSteps)
    case .bytesPerSecond: return scaled(value, Self.decimalSteps, unit: "B/s")
    case .flop: return scaled(value, Self.decimalSteps, unit: "FLOP")
    case .flopPerSecond: return scaled(value, Self.decimalSteps, unit: "FLOPS")
    case .seconds: return scaled(value, Self.durationSteps)
    case .perSecond: return scaled(value, Self.rateSteps, unit: "/s", space: false)
    case .hertz: return scaled(value, Self.decimalSteps, unit: "Hz")
    case .watts: return scaled(value, Self.powerSteps, unit: "W")
    case .joules: return scaled(value, Self.decimalSteps, unit: "J")
    case .joulesPerByte: return number(value * 1e12 / 8) + " pJ/bit"
    case .currency: return number(value) + " USD"
    case .currencyPerEnergy: return number(value * 3.6e6) + " USD/kWh"
    case .currencyPerHour: return number(value) + " USD/h"
    case .currencyPerByte: return number(value * 1_073_741_824) + " USD/GiB"
    case .tokens: return number(value) + " tokens"
    case .tokensPerSecond: return number(value) + " tokens/s"
    }
  }

  /// `value` rounded to the significant digits, without trailing zeros or an exponent where the
  /// number can be read without one (from 1e-6 to 1e15).
  public func number(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    guard value != 0 else { return "0" }
    let magnitude = abs(value)
    guard magnitude >= 1e-6, magnitude < 1e15 else { return "\(value)" }
    var exponent = 0  // of the leading digit
    var probe = magnitude
    while probe >= 10 {
      probe /= 10
      exponent += 1
    }
    while probe < 1 {
      probe *= 10
      exponent -= 1
    }
    let decimals = max(0, significantDigits - 1 - exponent)
    return Self.fixed(value, decimals: min(decimals, 15), trimmed: true)
  }

  /// `value` with exactly `decimals` digits behind the point (0 to 15), rounded half away from zero.
  ///
  /// Values whose rounded digits do not fit 2⁵³ are printed by their shortest exact form.
  public static func fixed(_ value: Double, decimals: Int, trimmed: Bool = false) -> String {
    guard value.isFinite else { return "\(value)" }
    var power = 1.0
    for _ in 0..<decimals { power *= 10 }
    let scaled = (abs(value) * power).rounded()
    guard scaled < 9_007_199_254_740_992 else { return "\(value)" }
    var digits = String(UInt64(scaled))
    guard decimals > 0 else { return (value < 0 && scaled > 0 ? "-" : "") + digits }
    if digits.count <= decimals {
      digits = String(repeating: "0", count: decimals + 1 - digits.count) + digits
    }
    let whole = digits.dropLast(decimals)
    var part = digits.suffix(decimals)
    if trimmed { while part.last == "0" { part.removeLast() } }
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return sign + whole + (part.isEmpty ? "" : "." + part)
  }

  private typealias Step = (scale: Double, prefix: String)

  private static let decimalSteps: [Step] = [
    (1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""),
  ]
  private static let rateSteps: [Step] = [(1, "")]
  private static let powerSteps: [Step] = [(1e6, "M"), (1e4, "k"), (1, "")]
  private static let byteSteps: [Step] = [
    (1_125_899_906_842_624, "PiB"), (1_099_511_627_776, "TiB"), (1_073_741_824, "GiB"),
    (1_048_576, "MiB"), (1024, "KiB"), (1, "B"),
  ]
  private static let durationSteps: [Step] = [
    (172_800, "d"), (7200, "h"), (120, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"),
  ]
  private static let unitOfDuration: [String: Double] = ["d": 86_400, "h": 3600, "min": 60]

  private func scaled(
    _ value: Double, _ steps: [Step], unit: String = "", space: Bool = true
  ) -> String {
    let magnitude = abs(value)
    // A value that rounds up to the next unit is printed in it: 1023.99 MiB is 1 GiB.
    let rounding = 1 - 0.5 * tenth(toThe: significantDigits)
    let step = steps.first { magnitude >= $0.scale * rounding } ?? steps[steps.count - 1]
    let scale = Self.unitOfDuration[step.prefix] ?? step.scale
    let kilowatts = step.prefix == "k" && step.scale == 1e4
    let text = number(value / (kilowatts ? 1e3 : scale))
    return text + (space ? " " : "") + (value == 0 ? zeroPrefix(steps) : step.prefix) + unit
  }

  /// The prefix with which zero is printed: "0 B", "0 s".
  private func zeroPrefix(_ steps: [Step]) -> String {
    steps.contains { $0.prefix == "ns" } ? "s" : steps[steps.count - 1].prefix
  }

  private func tenth(toThe exponent: Int) -> Double {
    var result = 1.0
    for _ in 0..<exponent { result /= 10 }
    return result
  }
}
