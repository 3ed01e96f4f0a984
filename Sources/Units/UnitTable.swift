// SPDX-License-Identifier: GPL-3.0-or-later

/// A unit that a user may write: its dimension and how many base units it is.
struct KnownUnit: Hashable, Sendable {
  var symbol: String
  var dimension: Dimension
  var scale: Double

  /// The number written as `digits` of this unit, in base units.
  ///
  /// A decimal prefix moves the exponent before the text is read, so that "0.8 us" is the double
  /// nearest to 8e-7.
  func baseUnits(_ digits: String) -> Double? {
    guard let exponent = Self.exponents[scale] else { return Double(digits).map { $0 * scale } }
    let parts = digits.lowercased().split(separator: "e", maxSplits: 1)
    guard let mantissa = parts.first else { return nil }
    let written = parts.count > 1 ? Int(parts[1]) : 0
    // An exponent beyond Int is beyond any double too.
    guard let written, abs(written) < 100_000 else { return Double(digits) }
    return Double("\(mantissa)e\(written + exponent)")
  }

  /// The powers of ten among the scales.
  private static let exponents: [Double: Int] = [
    1e-12: -12, 1e-9: -9, 1e-6: -6, 1e-3: -3, 0.01: -2, 1: 0, 1e3: 3, 1e6: 6, 1e9: 9, 1e12: 12,
    1e15: 15, 1e18: 18,
  ]
}

/// All units, and how a written unit is found among them.
enum UnitTable {
  /// The unit named `symbol`, case-sensitive, spaces around "/" removed.
  static func unit(named symbol: String) -> KnownUnit? { bySymbol[symbol] }

  /// The known unit that a writer of `symbol` most likely meant: the same letters in other case.
  static func suggestion(for symbol: String) -> String? {
    let folded = symbol.lowercased()
    if let aliased = commonSlips[folded] { return aliased }
    return all.first { $0.symbol.lowercased() == folded }?.symbol
  }

  /// Spellings which are understood but are not units here.
  private static let commonSlips: [String: String] = [
    "gbytes": "GB", "gig": "GB", "gigs": "GB", "mb/sec": "MB/s", "gb/sec": "GB/s",
    "gbps": "Gbit/s", "mbps": "Mbit/s", "gb/s/dir": "GB/s", "dollars": "USD", "eur": "USD",
    "hours": "h", "hrs": "h", "hr": "h", "minutes": "min", "seconds": "s", "sec": "s",
    "secs": "s", "msec": "ms", "usec": "us", "usd/hr": "USD/h", "watts": "W", "watt": "W",
    "percent": "%", "tflop/sec": "TFLOPS",
  ]

  static let all: [KnownUnit] = build()

  private static let bySymbol: [String: KnownUnit] = {
    var table: [String: KnownUnit] = [:]
    for unit in all { table[unit.symbol] = unit }
    return table
  }()

  private static let decimal: [(String, Double)] = [
    ("", 1), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("P", 1e15), ("E", 1e18),
  ]
  private static let binary: [(String, Double)] = [
    ("Ki", 1024), ("Mi", 1_048_576), ("Gi", 1_073_741_824), ("Ti", 1_099_511_627_776),
    ("Pi", 1_125_899_906_842_624),
  ]
  private static let small: [(String, Double)] = [
    ("p", 1e-12), ("n", 1e-9), ("u", 1e-6), ("\u{B5}", 1e-6), ("\u{3BC}", 1e-6), ("m", 1e-3),
  ]

  private static func build() -> [KnownUnit] {
    var units: [KnownUnit] = []
    func add(_ symbol: String, _ dimension: Dimension, _ scale: Double) {
      units.append(KnownUnit(symbol: symbol, dimension: dimension, scale: scale))
    }
    // Data. "B" is a byte and "bit" a bit; a lone "b" would be read as either, so it is refused.
    for (prefix, scale) in decimal + binary + [("K", 1e3)] {
      add(prefix + "B", .bytes, scale)
      add(prefix + "B/s", .bytesPerSecond, scale)
      if scale < 1e18 {
        add("USD/" + prefix + "B", .currencyPerByte, 1 / scale)
      }
    }
    for (prefix, scale) in decimal {
      add(prefix + "bit", .bytes, scale / 8)
      add(prefix + "bit/s", .bytesPerSecond, scale / 8)
      add(prefix + "FLOP", .flop, scale)
      add(prefix + "FLOPS", .flopPerSecond, scale)
      add(prefix + "FLOP/s", .flopPerSecond, scale)
      add(prefix + "OPS", .flopPerSecond, scale)
      add(prefix + "W", .watts, scale)
      add(prefix + "Hz", .hertz, scale)
      add(prefix + "J", .joules, scale)
      add(prefix + "Wh", .joules, scale * 3600)
      add("USD/" + prefix + "Wh", .currencyPerEnergy, 1 / (scale * 3600))
      add(prefix + "/s", .perSecond, scale)
      add(prefix + "IOPS", .perSecond, scale)
      add(prefix + "USD", .currency, scale)
    }
    for (prefix, scale) in small {
      add(prefix + "s", .seconds, scale)
      add(prefix + "J", .joules, scale)
      add(prefix + "W", .watts, scale)
      add(prefix + "J/bit", .joulesPerByte, scale * 8)
      add(prefix + "J/B", .joulesPerByte, scale)
    }
    for (symbol, scale) in [("s", 1.0), ("min", 60), ("h", 3600), ("d", 86_400)] {
      add(symbol, .seconds, scale)
    }
    for (symbol, perHour) in [("s", 3600.0), ("h", 1), ("hour", 1), ("d", 1.0 / 24)] {
      add("USD/" + symbol, .currencyPerHour, perHour)
    }
    add("USD/J", .currencyPerEnergy, 1)
    add("%", .fraction, 0.01)
    for symbol in ["token", "tokens"] {
      add(symbol, .tokens, 1)
      add(symbol + "/s", .tokensPerSecond, 1)
    }
    for symbol in ["req/s", "requests/s", "1/s"] { add(symbol, .perSecond, 1) }
    add("/min", .perSecond, 1.0 / 60)
    add("/h", .perSecond, 1.0 / 3600)
    return units
  }
}
