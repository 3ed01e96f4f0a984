// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import Workload

@Suite("Request traces")
struct RequestTraceReaderTests {
  static func records(_ text: String) throws -> [RequestRecord] {
    let reader = try RequestTraceReader(bytes: Array(text.utf8), file: "trace")
    return try records(reader)
  }

  static func records(_ reader: RequestTraceReader) throws -> [RequestRecord] {
    var record = RequestRecord()
    var all: [RequestRecord] = []
    while try reader.next(into: &record) { all.append(record) }
    return all
  }

  static func record(
    _ nanoseconds: Int64, _ prompt: Int32, _ output: Int32, _ blocks: [UInt64] = []
  )
    -> RequestRecord
  {
    var record = RequestRecord()
    record.arrivalNanoseconds = nanoseconds
    record.promptTokens = prompt
    record.outputTokens = output
    record.prefixBlocks = blocks
    return record
  }

  @Test("Our own CSV, with comments, blanks and prefix blocks")
  func own() throws {
    let text = """
      # made by hand

      arrival_s, prompt_tokens,output_tokens ,prefix_blocks
      0,10,1,1 2 3
      0.000000001,20,2,
      # a comment in between
      "1.5",30,3, 18446744073709551615
      1e1,40,4,7
      """
    #expect(
      try Self.records(text) == [
        Self.record(0, 10, 1, [1, 2, 3]), Self.record(1, 20, 2),
        Self.record(1_500_000_000, 30, 3, [.max]), Self.record(10_000_000_000, 40, 4, [7]),
      ])
  }

  @Test("The Azure CSV, with and without a break at the end")
  func azure() throws {
    let text =
      "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n"
      + "2023-11-16 18:15:50.9951690,396,109"
    let records = try Self.records(text)
    #expect(records.map(\.promptTokens) == [374, 396])
    #expect(records.map(\.outputTokens) == [44, 109])
    #expect(records[1].arrivalNanoseconds - records[0].arrivalNanoseconds == 4_314_579_000)
  }

  @Test("Mooncake's JSON lines")
  func mooncake() throws {
    let text = """
      {"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1, 2]}
      {"timestamp": 27.5, "output_length": 5, "input_length": 9, "other": {"a": [1]}}
      """
    let reader = try RequestTraceReader(bytes: Array(text.utf8), file: "trace")
    #expect(reader.format == .mooncake)
    let expected = [Self.record(0, 6758, 500, [0, 1, 2]), Self.record(27_500_000, 9, 5)]
    #expect(try Self.records(reader) == expected)
    try reader.rewind()
    #expect(try Self.records(reader) == expected)
  }

  static let header = "arrival_s,prompt_tokens,output_tokens\n"
  static let azureHeader = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
  static let bad: [(text: String, line: Int, column: Int, says: String)] = [
    ("", 1, 1, "holds no request"),
    ("# only a comment\n", 1, 1, "holds no request"),
    ("a,b,c\n1,2,3\n", 1, 1, "begins no known request trace"),
    ("arrival_s,prompt_tokens,output_tokens,colour\n", 1, 1, "'colour'"),
    (header + "0,1\n", 2, 1, "has 2 fields; the header names 3"),
    (header + "0,1,2\n1,2", 3, 1, "cut short"),
    (header + "0,1,2,3\n", 2, 1, "has 4 fields"),
    (header + "-1,1,2\n", 2, 1, "negative"),
    (header + "0,-7,2\n", 2, 3, "prompt_tokens is -7"),
    (header + "0,1,0\n", 2, 5, "output_tokens is 0"),
    (header + "nan,1,2\n", 2, 1, "finite"),
    (header + "inf,1,2\n", 2, 1, "finite"),
    (header + "x,1,2\n", 2, 1, "'x'"),
    (header + ",1,2\n", 2, 1, "empty"),
    (header + "0,1.5,2\n", 2, 3, "whole number"),
    (header + "0,99999999999,2\n", 2, 3, "is no request"),
    (header + "0,99999999999999999999999,2\n", 2, 3, "whole number"),
    (header + "1e300,1,2\n", 2, 1, "31 years"),
    (header + "2,1,2\n1.5,1,2\n", 3, 1, "0.5 s before"),
    ("arrival_s,prompt_tokens,output_tokens,prefix_blocks\n0,1,2,1 x\n", 2, 9, "prefix_blocks"),
    (
      "arrival_s,prompt_tokens,output_tokens,prefix_blocks\n0,1,2,99999999999999999999\n", 2, 7,
      "64 bits"
    ),
    (azureHeader + "2023-11-16,374,44\n", 2, 1, "2023-11-16 18:15:46"),
    (azureHeader + "2023-11-16 18:15:46,0,44\n", 2, 21, "ContextTokens is 0"),
    ("{\"timestamp\": 0, \"input_length\": 1}\n", 1, 1, "lacks 'output_length'"),
    ("{\"timestamp\": 0, \"input_length\": 1, \"output_le", 1, 1, "not a JSON object"),
    ("{\"timestamp\": -1, \"input_length\": 1, \"output_length\": 2}", 1, 1, "timestamp is -1"),
    ("{\"timestamp\": 0, \"input_length\": -1, \"output_length\": 2}", 1, 1, "input_length is -1"),
    ("{\"timestamp\": 0, \"input_length\": \"a\", \"output_length\": 2}", 1, 1, "input_length"),
    (
      "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 2, \"hash_ids\": [-1]}", 1, 1,
      "out of range"
    ),
    ("{\"timestamp\": NaN, \"input_length\": 1, \"output_length\": 2}", 1, 1, "not a JSON object"),
  ]

  @Test("Every mistake is told with its place", arguments: bad.indices)
  func located(index: Int) throws {
    let (text, line, column, says) = Self.bad[index]
    let error = #expect(throws: Diagnostic.self) { _ = try Self.records(text) }
    #expect(error?.location == SourceLocation(file: "trace", line: line, column: column), "\(text)")
    #expect(error?.message.contains(says) == true, "\(text): \(error?.message ?? "")")
  }

  @Test("A format that is asked for and not found is an error")
  func wrongFormat() {
    #expect(throws: Diagnostic.self) {
      _ = try RequestTraceReader(bytes: Array(Self.header.utf8), file: "trace", format: .mooncake)
    }
  }

  @Test("What is written is read back to the nanosecond", arguments: [UInt64(1), 2, 3])
  func roundTrip(seed: UInt64) throws {
    var generator = SplitMix(state: seed)
    var arrival: UInt64 = 0
    var expected: [RequestRecord] = []
    for _ in 0..<500 {
      arrival += generator.next() % 3_000_000_000
      let blocks = (0..<Int(generator.next() % 5)).map { _ in generator.next() }
      expected.append(
        Self.record(
          Int64(arrival), Int32(generator.next() % 9999) + 1, Int32(generator.next() % 999) + 1,
          blocks))
    }
    let writer = RequestTraceWriter(hasPrefixBlocks: true)
    var text = writer.header(comments: ["made by a test", ""])
    for record in expected {
      text += writer.line(
        arrivalNanoseconds: UInt64(record.arrivalNanoseconds), promptTokens: record.promptTokens,
        outputTokens: record.outputTokens, prefixBlocks: record.prefixBlocks[...])
    }
    #expect(try Self.records(text) == expected)
  }
}

/// SplitMix64, for tests that must not depend on the generators they test.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
