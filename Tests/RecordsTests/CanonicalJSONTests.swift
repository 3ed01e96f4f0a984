// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Testing

@Suite("Canonical JSON")
struct CanonicalJSONTests {
  /// The numbers of RFC 8785, appendix B, by their bits.
  @Test(
    "writes numbers as appendix B of RFC 8785 does",
    arguments: [
      (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"),
      (0x0000_0000_0000_0001, "5e-324"), (0x8000_0000_0000_0001, "-5e-324"),
      (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
      (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
      (0x4340_0000_0000_0000, "9007199254740992"),
      (0xc340_0000_0000_0000, "-9007199254740992"),
      (0x4430_0000_0000_0000, "295147905179352830000"),
      (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
      (0x44b5_2d02_c7e1_4af6, "1e+23"), (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
      (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
      (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
      (0x444b_1ae4_d6e2_ef50, "1e+21"), (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
      (0x3eb0_c6f7_a0b5_ed8d, "0.000001"), (0x41b3_de43_5555_5553, "333333333.3333332"),
      (0x41b3_de43_5555_5554, "333333333.33333325"), (0x41b3_de43_5555_5555, "333333333.3333333"),
    ] as [(UInt64, String)])
  func numbers(bits: UInt64, text: String) {
    let value = Double(bitPattern: bits)
    #expect(CanonicalJSON.text(of: .number(value)) == text)
  }

  @Test("sorts keys by UTF-16 code units and escapes no more than it must")
  func keysAndStrings() {
    // The example of RFC 8785, section 3.2.3: U+FB33 sorts behind the surrogates of U+1F600.
    let value = ReportValue.object([
      .init("\u{20ac}", .text("Euro Sign")), .init("\r", .text("Carriage Return")),
      .init("\u{fb33}", .text("Hebrew Letter Dalet With Dagesh")), .init("1", .text("One")),
      .init("\u{1f600}", .text("Emoji: Grinning Face")), .init("\u{80}", .text("Control")),
      .init("\u{f6}", .text("Latin Small Letter O With Diaeresis")),
    ])
    #expect(
      CanonicalJSON.text(of: value)
        == "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\","
        + "\"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\","
        + "\"\u{1f600}\":\"Emoji: Grinning Face\","
        + "\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}")
    #expect(
      CanonicalJSON.text(of: .text("\u{20ac}$\u{0f}\nA'B\"\\\\\"/"))
        == "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"")
  }

  @Test("is the same for integers and numbers of one value, and null where JSON has no word")
  func kinds() {
    let value = ReportValue.list([
      .integer(3), .unsigned(3), .number(3), .number(.nan), .bool(true), .null,
    ])
    #expect(CanonicalJSON.text(of: value) == "[3,3,3,null,true,null]")
  }
}
