// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Units

@Suite struct QuantityTests {
  @Test(
    arguments: [
      ("24 GiB", 25_769_803_776, .bytes), ("24 GB", 24e9, .bytes), ("24GB", 24e9, .bytes),
      ("1 KiB", 1024, .bytes), ("1 kB", 1000, .bytes), ("2 EB", 2e18, .bytes),
      ("31.5 GB/s", 31.5e9, .bytesPerSecond), ("400 Gbit/s", 50e9, .bytesPerSecond),
      ("330 TFLOPS", 330e12, .flopPerSecond), ("330 TFLOP/s", 330e12, .flopPerSecond),
      ("130 TOPS", 130e12, .flopPerSecond), ("3 us", 3e-6, .seconds), ("3 µs", 3e-6, .seconds),
      ("3 μs", 3e-6, .seconds), ("1.5 ms", 1.5e-3, .seconds), ("2 min", 120, .seconds),
      ("450 W", 450, .watts), ("0.15 USD/kWh", 0.15 / 3.6e6, .currencyPerEnergy),
      ("12.5%", 0.125, .fraction), ("6/s", 6, .perSecond), ("1200 kIOPS", 1.2e6, .perSecond),
      ("0.60 USD/h", 0.6, .currencyPerHour), ("1599 USD", 1599, .currency),
      ("$1599", 1599, .currency), ("6 pJ/bit", 48e-12, .joulesPerByte),
      ("1.7 GHz", 1.7e9, .hertz), ("512 tokens", 512, .tokens), ("16", 16, .count),
      ("1e-05", 1e-5, .count), ("-3", -3, .count), ("  4 GiB ", 4_294_967_296, .bytes),
      ("4 USD/GiB", 4 / 1_073_741_824.0, .currencyPerByte), ("1_000", 1000, .count),
    ] as [(String, Double, Dimension)])
  func reads(text: String, value: Double, dimension: Dimension) throws {
    let quantity = try Quantity(parsing: text)
    #expect(quantity.dimension == dimension)
    #expect(abs(quantity.value - value) <= 1e-12 * abs(value))
  }

  @Test(arguments: [
    ("24 gib", "did you mean 'GiB'"), ("24 Gb", "did you mean 'GB'"), ("abc", "number"),
    ("", "number"), ("nan", "finite"), ("1e999 GB", "finite"), ("3 furlongs", "unknown unit"),
    ("1.2.3", "unknown unit"), ("--4", "number"), (".", "number"), ("9 gbps", "Gbit/s"),
  ])
  func refuses(text: String, part: String) throws {
    let error = #expect(throws: QuantityError.self) { try Quantity(parsing: text) }
    #expect(error.map { "\($0)".contains(part) } == true, "\(String(describing: error))")
  }

  @Test func decimalPrefixesAreExact() throws {
    #expect(try Quantity(parsing: "0.8 us").value == 0.8e-6)
    #expect(try Quantity(parsing: "5.2 us").value == 5.2e-6)
    #expect(try Quantity(parsing: "31.5 GB/s").value == 31.5e9)
    #expect(try Quantity(parsing: "1.1e3 ms").value == 1.1)
    #expect(try Quantity(parsing: "35%").value == 0.35)
    #expect(try Quantity(parsing: "1e-999999999999 us").value == 0)
  }

  @Test func checksDimensions() throws {
    let wrong = #expect(throws: QuantityError.self) {
      try Quantity(parsing: "24 GiB", as: .bytesPerSecond)
    }
    #expect(
      wrong?.description
        == "'24 GiB' is an amount of data; expected a data rate such as '31.5 GB/s'")
    let bare = #expect(throws: QuantityError.self) { try Quantity(parsing: "24", as: .bytes) }
    #expect(bare?.description.contains("has no unit") == true)
    #expect(try Quantity(parsing: "0.35", as: .fraction).value == 0.35)
    #expect(try Quantity(parsing: "35%", as: .fraction).value == 0.35)
  }

  @Test(
    arguments: [
      (25_769_803_776, .bytes, "24 GiB"), (0, .bytes, "0 B"), (1023, .bytes, "1023 B"),
      (1024, .bytes, "1 KiB"), (1_073_741_823, .bytes, "1 GiB"),
      (31.5e9, .bytesPerSecond, "31.5 GB/s"),
      (330.3e12, .flopPerSecond, "330.3 TFLOPS"), (3e-6, .seconds, "3 us"),
      (0.0123456, .seconds, "12.35 ms"), (90, .seconds, "90 s"), (7200, .seconds, "2 h"),
      (0, .seconds, "0 s"), (450, .watts, "450 W"),
      (0.15 / 3.6e6, .currencyPerEnergy, "0.15 USD/kWh"),
      (0.125, .fraction, "12.5%"), (6, .perSecond, "6/s"), (14_300, .watts, "14.3 kW"),
      (0.6, .currencyPerHour, "0.6 USD/h"), (-1536, .bytes, "-1.5 KiB"),
      (0.0019749999999, .count, "0.001975"),
    ] as [(Double, Dimension, String)])
  func prints(value: Double, dimension: Dimension, text: String) {
    #expect(QuantityFormat().string(value, dimension) == text)
  }

  @Test func printedTextIsReadBack() throws {
    var state: UInt64 = 7
    for dimension in Dimension.allCases {
      for _ in 0..<200 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let mantissa = 1 + 9 * Double(state >> 11) / 9_007_199_254_740_992
        var value = mantissa
        let exponent = Int(state >> 7 & 15) - 3
        for _ in 0..<abs(exponent) { value = exponent < 0 ? value / 10 : value * 10 }
        let text = QuantityFormat(significantDigits: 6).string(value, dimension)
        let back = try Quantity(parsing: text, as: dimension)
        #expect(abs(back.value - value) <= 2e-5 * value, "\(text) from \(value)")
      }
    }
  }

  @Test func everyExampleIsOfItsDimension() throws {
    for dimension in Dimension.allCases {
      #expect(try Quantity(parsing: dimension.example, as: dimension).value > 0)
    }
  }

  @Test func byteCountIsExact() throws {
    #expect(try ByteCount(parsing: "4000 MiB") == .mebibytes(4000))
    #expect(ByteCount.gibibytes(2) - .gibibytes(1) == .mebibytes(1024))
    #expect(throws: QuantityError.self) { try ByteCount(parsing: "99999999 EB") }
  }
}
