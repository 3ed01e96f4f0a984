// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Units

@testable import Configuration

@Suite struct MappingReaderTests {
  private func reader(_ text: String) throws -> MappingReader {
    MappingReader(try ConfigurationNode.parse(text, file: "f.yaml"), into: DiagnosticCollector())
  }

  @Test func collectsEverythingThatIsWrong() throws {
    let reader = try reader(
      """
      memory: 24 GB/s
      count: 2.5
      bandwith: 31.5 GB/s
      policy: lruu
      share: 150%
      latency: nan
      flag: yes please
      """)
    #expect(reader.bytes("memory") == nil)
    #expect(reader.int("count", in: 1...8) == nil)
    #expect(reader.requiredQuantity("bandwidth", .bytesPerSecond, in: 1...1e15) == 1)
    #expect(reader.choice("policy", among: ["lfu", "lru", "fifo"]) == nil)
    #expect(reader.quantity("share", .fraction, in: 0...1) == nil)
    #expect(reader.quantity("latency", .seconds) == nil)
    #expect(reader.bool("flag") == nil)
    reader.finish()
    #expect(
      reader.collector.all.map(\.description) == [
        "f.yaml:1:9: memory: '24 GB/s' is a data rate; expected an amount of data such as '24 GiB'",
        "f.yaml:2:8: count: expected a whole number; found '2.5'",
        "f.yaml:1:1: bandwidth: is missing",
        "f.yaml:4:9: policy: 'lruu' is none of lfu, lru, fifo; did you mean 'lru'?",
        "f.yaml:5:8: share: '150%' is out of range; expected between 0% and 100%",
        "f.yaml:6:10: latency: 'nan' is not a finite number",
        "f.yaml:7:7: flag: expected true or false; found 'yes please'",
        "f.yaml:3:1: bandwith: unknown key 'bandwith'; did you mean 'bandwidth'?",
      ])
    #expect(throws: Diagnostics.self) { try reader.collector.throwIfAny() }
  }

  @Test func readsWhatIsRight() throws {
    let reader = try reader(
      "a: 16\nb: 1e3\nc: \"24 GiB\"\nd: [x, 3]\ne: {f: int4-g64}\ng: null\nh: false\n")
    #expect(reader.int("a", in: 1...16) == 16)
    #expect(reader.int("b") == 1000)
    #expect(reader.bytes("c") == 24 << 30)
    #expect(reader.strings("d") == ["x", "3"])
    let inner = try #require(reader.mapping("e"))
    #expect(inner.format("f")?.bitsPerWeight == 4.5)
    #expect(reader.string("g") == nil)
    #expect(reader.bool("h") == false)
    reader.finish()
    inner.finish()
    #expect(reader.collector.isEmpty)
    try reader.collector.throwIfAny()
  }

  @Test func wrongKindsAreReported() throws {
    let reader = try reader("a: [1]\nb: {c: 1}\nd: 5\ne: '5'\n")
    #expect(reader.string("a") == nil)
    #expect(reader.quantity("b", .bytes) == nil)
    #expect(reader.sequence("d").isEmpty)
    #expect(reader.mapping("d")?.string("x") == nil)
    #expect(reader.int("e") == nil)
    #expect(reader.collector.all.count == 5)
  }

  @Test func manyErrorsAreBounded() throws {
    let text = (0..<1000).map { "key\($0): 1\n" }.joined()
    let reader = try reader(text)
    reader.finish()
    #expect(reader.collector.all.count == DiagnosticCollector.limit)
    #expect(reader.collector.dropped == 800)
  }

  @Test(
    arguments: [
      ("evction", "eviction"), ("lru", "lru"), ("rtx4090-desktop", "rtx-4090-desktop"),
      ("max_batch", "max-batch"), ("xyzzy", nil), ("", nil), ("rtx-4090", "rtx-4090-desktop"),
    ] as [(String, String?)])
  func findsTheClosest(text: String, match: String?) {
    let candidates = ["eviction", "lru", "rtx-3090-desktop", "rtx-4090-desktop", "max-batch"]
    #expect(closestMatch(to: text, among: candidates) == match)
  }
}
