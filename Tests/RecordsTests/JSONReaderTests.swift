// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Records

@Suite struct JSONReaderTests {
  private func read(_ text: String) throws -> ReportValue {
    try ReportValue(json: Data(text.utf8))
  }

  @Test(arguments: [
    ("null", ReportValue.null), (" true ", .bool(true)), ("false", .bool(false)),
    ("0", .integer(0)), ("-12", .integer(-12)), ("9223372036854775807", .integer(.max)),
    ("18446744073709551615", .unsigned(.max)), ("1.0", .number(1)), ("-2.5e-3", .number(-0.0025)),
    ("1E2", .number(100)), ("36893488147419103232", .number(36_893_488_147_419_103_232)),
    ("\"\"", .text("")), ("\"a\\u00e9\\ud83d\\ude00\\n\\/\"", .text("a\u{E9}\u{1F600}\n/")),
    ("\"gr\u{FC}n\"", .text("gr\u{FC}n")), ("[]", .list([])), ("{}", .object([])),
    (
      "[1,[2] , {\"a\":null}]",
      .list([
        .integer(1), .list([.integer(2)]), .object([.init("a", .null)]),
      ])
    ),
  ])
  func `Values read as what they are`(text: String, value: ReportValue) throws {
    #expect(try read(text) == value)
  }

  @Test func `Members keep the order in which they were written`() throws {
    let value = try read("{\"b\": 1, \"a\": 2, \"c\": {\"z\": 3, \"y\": 4}}")
    #expect(
      JSONText.text(of: value, layout: .compact, sortsKeys: false)
        == "{\"b\":1,\"a\":2,\"c\":{\"z\":3,\"y\":4}}")
  }

  @Test(arguments: [
    "", "nul", "01", "1.", ".5", "+1", "1e", "-", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\\ud800\"",
    "\"\u{1}\"", "[1,]", "[1", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "1 2", "1e999", "[1}",
  ])
  func `What is no JSON is refused`(text: String) {
    #expect(throws: JSONSyntaxError.self) { try read(text) }
  }

  @Test func `Deep nesting is refused and does not end the process`() {
    let text = String(repeating: "[", count: 100_000)
    #expect(throws: JSONSyntaxError.self) { try read(text) }
  }

  /// Foundation's reader is the oracle: written and read again, a tree is what it was.
  @Test(arguments: 0..<200)
  func `Whatever is written reads back, as Foundation reads it too`(seed: UInt64) throws {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    func tree(_ depth: Int) -> ReportValue {
      switch next() % (depth > 3 ? 5 : 7) {
      case 0: return .null
      case 1: return .bool(next() % 2 == 0)
      case 2: return .integer(Int64(bitPattern: next()) >> Int64(next() % 60))
      case 3: return .number(Double(Int64(bitPattern: next()) >> 12) / 1024)
      case 4:
        let scalars = (0..<(next() % 12)).compactMap { _ in Unicode.Scalar(UInt32(next() % 0x3000))
        }
        return .text(String(String.UnicodeScalarView(scalars)))
      case 5: return .list((0..<(next() % 5)).map { _ in tree(depth + 1) })
      default: return .object((0..<(next() % 5)).map { .init("k\($0)", tree(depth + 1)) })
      }
    }
    let value = tree(0)
    let text = JSONText.text(of: value, layout: seed % 2 == 0 ? .compact : .indented)
    #expect(try read(text) == value)
    #expect(try byFoundation(text) == byFoundation(JSONText.text(of: try read(text))))
  }

  private func byFoundation(_ text: String) throws -> Data {
    let value = try JSONSerialization.jsonObject(
      with: Data(text.utf8), options: .fragmentsAllowed)
    return try JSONSerialization.data(
      withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
  }

  @Test(arguments: 0..<400)
  func `No damaged text ends the process`(place: Int) {
    let text = "{\"a\":[1,2.5e3,\"\\u00e9x\"],\"b\":{\"c\":null,\"d\":true}}"
    var bytes = Array(text.utf8)
    bytes[place % bytes.count] = UInt8(truncatingIfNeeded: place * 131)
    _ = try? ReportValue(json: Data(bytes))
    _ = try? ReportValue(json: Data(bytes.prefix(place % bytes.count)))
    _ = try? JSONMembers(of: Data(bytes))
  }

  @Test func `The members of an object come with their texts`() throws {
    let members = try JSONMembers(of: Data(" {\"a\" : [1, 2] ,\"b\":\"x\"}".utf8))
    #expect(members.text(of: "a") == "[1, 2]" && members["b"] == .text("x"))
    #expect(members["c"] == nil && members.text(of: "c") == nil)
    #expect(throws: JSONSyntaxError.self) { try JSONMembers(of: Data("[1]".utf8)) }
  }

  @Test(arguments: [
    ("a", ReportValue.integer(1)), ("b.c", .text("x\"y")), ("b.d.e", .number(2.5)), ("f", .null),
    ("b.\u{e9}", .bool(true)),
  ])
  func `A value is found by its path`(path: String, expected: ReportValue) {
    let text = """
      {"a" : 1, "b":{"g":[{"c":0},[]], "c":"x\\"y","d":{"h":{}, "e" :2.5},"\\u00e9":true},"f":null}
      """
    #expect(ReportValue.value(at: path.split(separator: "."), in: text) == expected)
  }

  @Test(arguments: ["x", "a.b", "b.c.d", "b.g.c"])
  func `There is no value at the end of a path that leads nowhere`(path: String) {
    let text = "{\"a\":1,\"b\":{\"c\":{},\"g\":[{\"c\":0}]}}"
    #expect(ReportValue.value(at: path.split(separator: "."), in: text) == nil)
  }

  /// What is passed over is held to the same grammar as what is read.
  @Test(arguments: 0..<600)
  func `Passing over a value and reading it agree`(seed: UInt64) {
    var generator = SplitMix(state: seed)
    var bytes = Array("{\"a\":[1,-2.5e3,\"\\u0041x\",{}],\"b\":{\"c\":null,\"d\":true}}".utf8)
    let alphabet = Array("{}[]\",:\\u019-.eEtrn \n".utf8)
    for _ in 0..<Int.random(in: 0...2, using: &generator) {
      bytes[Int.random(in: bytes.indices, using: &generator)] =
        alphabet.randomElement(using: &generator) ?? 0
    }
    let whole = try? ReportValue(json: Data(bytes))
    let members = try? JSONMembers(of: Data(bytes))
    if case .object? = whole { #expect(members != nil) } else { #expect(members == nil) }
  }
}

private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
