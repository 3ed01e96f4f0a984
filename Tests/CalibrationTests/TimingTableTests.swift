// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Testing

@testable import Calibration

@Suite struct TimingTableTests {
  static func sample() -> [KernelMeasurement] {
    var gemm = KernelMeasurement(device: "D, \"one\"", kernel: .gemm, median: 1.5e-05, source: "S")
    (gemm.m, gemm.n, gemm.k) = (1, 2, 3)
    gemm.minimum = 1e-05
    gemm.maximum = 0.25
    var copy = KernelMeasurement(device: "#E\n", kernel: .copy, median: 2, source: "\\ü\u{1}")
    copy.bytes = 1 << 40
    copy.direction = "h2d"
    copy.pinned = false
    return [gemm, copy]
  }

  @Test(arguments: TimingTable.Format.allCases)
  func whatIsWrittenIsReadBack(_ format: TimingTable.Format) throws {
    let rows = Self.sample()
    let text = TimingTable.text(rows, as: format)
    #expect(try TimingTable.parse(text, file: "t", format: format) == rows)
    #expect(try TimingTable.parse(text, file: "t") == rows, "the content says the format")
  }

  @Test func randomRowsSurviveBothFormats() throws {
    var generator = SplitMix(state: 7)
    let rows = (0..<400).map { _ in Self.randomRow(&generator) }
    for format in TimingTable.Format.allCases {
      let text = TimingTable.text(rows, as: format)
      let back = try TimingTable.parse(text, file: "t", format: format)
      #expect(back == rows)
      #expect(TimingTable.text(back, as: format) == text)
    }
    // What Foundation reads of a line is the same row.
    for row in rows {
      let data = Data(TimingTable.jsonLine(row).utf8)
      #expect(try JSONDecoder().decode(KernelMeasurement.self, from: data) == row)
    }
  }

  /// A row with all that its kernel needs and some columns more.
  static func randomRow(_ generator: inout SplitMix) -> KernelMeasurement {
    let kernel = MeasuredKernel.allCases.randomElement(using: &generator)!
    let letters = ["a", "\"", ",", "\n", "\\", "#", " ", "é", "\r\n", "\t", "🙂", "{"]
    func text(_ generator: inout SplitMix) -> String {
      (0...Int.random(in: 0..<6, using: &generator)).map { _ in
        letters.randomElement(using: &generator)!
      }.joined()
    }
    var row = KernelMeasurement(
      device: text(&generator), kernel: kernel,
      median: Double.random(in: 1e-9..<1, using: &generator), source: text(&generator))
    for column in TimingColumn.all {
      let isNeeded =
        kernel.requiredKeys.contains(column.key) || (kernel == .allToAll && column.key == .bytes)
      guard isNeeded || Bool.random(using: &generator) else { continue }
      switch column.kind {
      case .text(let path): row[keyPath: path] = text(&generator)
      case .choice(let path, let choices):
        row[keyPath: path] = choices.randomElement(using: &generator)
      case .format(let path):
        row[keyPath: path] = ["bf16", "int4-g64-zp", "q4_k"].randomElement(using: &generator)
      case .integer(let path, let least):
        row[keyPath: path] = Int.random(in: least...(1 << 50), using: &generator)
      case .number(let path):
        row[keyPath: path] = Double.random(in: 0x1p-1000..<1e6, using: &generator)
      case .flag(let path): row[keyPath: path] = Bool.random(using: &generator)
      case .requiredText, .kernel, .median: break
      }
    }
    // Columns that bound one another.
    if row.minimum != nil { row.minimum = row.median / 2 }
    if row.maximum != nil { row.maximum = row.median * 3 }
    if let experts = row.experts {
      row.totalExperts = row.totalExperts.map { _ in experts }
      row.topK = row.topK.map { _ in 1 }
      row.activated = row.activated.map { _ in experts }
    }
    return row
  }

  struct Wrong: Sendable, CustomTestStringConvertible {
    var text: String
    var message: String
    var testDescription: String { message }
  }

  static let head = #"{"device":"D","source":"S","kernel":"#

  @Test(arguments: [
    Wrong(
      text: head + #""gemm","m":1,"n":2,"k":3,"median_s":1}"# + "\n" + head + #""gemm","m":1}"#,
      message: "t:2:1: median_s: is missing; every row needs it"),
    Wrong(
      text: head + #""gemm","m":1,"n":2,"median_s":1}"#,
      message: "t:1:1: k: is missing; a row of 'gemm' needs it"),
    Wrong(
      text: head + #""gemm","m":0,"n":2,"k":3,"median_s":1}"#,
      message: "t:1:48: m: expected a whole number of at least 1; found 0"),
    Wrong(
      text: head + #""gem","m":0}"#,
      message: "found 'gem'; did you mean 'gemm'?"),
    Wrong(
      text: head + #""gemm","medain_s":0}"#,
      message: "t:1:44: unknown key 'medain_s'; did you mean 'median_s'?"),
    Wrong(
      text: head + #""launch","median_s":0}"#,
      message: "median_s: expected a number above 0; found 0"),
    Wrong(
      text: head + #""launch","median_s":"1"}"#,
      message: "median_s: expected a number above 0; found '1'"),
    Wrong(
      text: head + #""launch","median_s":2,"min_s":3}"#,
      message: "min_s: expected at most median_s, 2.0; found 3.0"),
    Wrong(
      text: head + #""launch","median_s":2,"max_s":1}"#,
      message: "max_s: expected at least median_s, 2.0; found 1.0"),
    Wrong(
      text: head + #""launch","median_s":2,"median_s":2}"#,
      message: "median_s: stands twice"),
    Wrong(
      text: head + #""launch","median_s":2,"precision":"bf17"}"#,
      message: "precision: expected a number format such as bf16"),
    Wrong(text: head + #""launch","median_s":[2]}"#, message: "found a list"),
    Wrong(text: head + #""launch","median_s":nan}"#, message: "found nan"),
    Wrong(text: head + #""launch""#, message: "expected ',' or '}'; found the end of the line"),
    Wrong(text: "device,kernel\nD,launch,", message: "t:2:1: expected 2 fields, as in the header"),
    Wrong(text: "device,kernal", message: "unknown column 'kernal'; did you mean 'kernel'?"),
    Wrong(text: "device,device", message: "t:1:8: device: stands twice in the header"),
    Wrong(
      text: "device,kernel,median_s,source\n\n# x\n\"D\nE\",launch,-1,S",
      message: "t:4:14: median_s: expected a number above 0; found -1"),
    Wrong(text: "device,kernel\n\"D,launch", message: "t:2:1: a quote is not closed"),
    Wrong(text: "", message: "t: is empty"),
  ])
  func whatIsWrongIsNamed(_ wrong: Wrong) throws {
    let error = try #require(throws: Diagnostics.self) {
      try TimingTable.parse(wrong.text, file: "t")
    }
    #expect("\(error)".contains(wrong.message), "\(error)")
  }

  @Test func everyWrongLineIsTold() {
    let bad = Self.head + #""launch"}"#
    #expect {
      try TimingTable.parse([bad, bad, bad].joined(separator: "\n"), file: "t")
    } throws: {
      ($0 as? Diagnostics)?.all.map { $0.location?.line } == [1, 2, 3]
    }
  }

  @Test func aMissingFileIsMissing() {
    #expect(throws: MissingFile.self) { try TimingTable.read("/nowhere/t.jsonl") }
    #expect(throws: Diagnostic.self) { try TimingTable.read("/") }
  }
}

/// A small generator of its own, so that the rows are the same everywhere (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
