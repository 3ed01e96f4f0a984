// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Configuration

/// The messages with which reading `text` fails; empty when it succeeds.
func problems(_ text: String, limits: ReadingLimits = ReadingLimits()) -> [String] {
  do {
    _ = try ConfigurationNode.parse(text, file: "f.yaml", limits: limits)
    return []
  } catch { return error.all.map(\.description) }
}

@Suite struct ConfigurationNodeTests {
  @Test func keepsPlacesAndPaths() throws {
    let root = try ConfigurationNode.parse(
      "a: 1\nb:\n  - x: [p, 'q']\n  - null\nc: {d: ~, e: \"\"}\n", file: "f.yaml")
    let element = try #require(root.value(at: "b.0.x.1"))
    #expect(element.path == "b[0].x[1]")
    #expect(element.location.description == "f.yaml:3:12")
    #expect(element.scalar == "q")
    #expect(root.value(at: "b.1")?.isNull == true)
    #expect(root["c"]?["d"]?.isNull == true)
    #expect(root["c"]?["e"]?.scalar == "")
    #expect(root.mapping?.map(\.key) == ["a", "b", "c"])
  }

  @Test func readsJSON() throws {
    let text = """
      {"eps": 1e-05, "flag": true, "none": null, "list": [1, 2.5, -3E2],
      \t"text": "true", "nested": {"a":{"b":"tab\\tquote\\" \\u00e9 \\/"}}}
      """
    let root = try ConfigurationNode.parse(text, file: "config.json")
    let collector = DiagnosticCollector()
    let reader = MappingReader(root, into: collector)
    #expect(reader.double("eps") == 1e-5)
    #expect(reader.bool("flag") == true)
    #expect(!reader.has("none"))
    #expect(reader.sequence("list").map { $0.scalar ?? "" } == ["1", "2.5", "-3E2"])
    #expect(reader.string("text") == "true")
    #expect(root.value(at: "nested.a.b")?.scalar == "tab\tquote\" é /")
    reader.finish()
    #expect(collector.all.map(\.path) == ["nested"])
    #expect(reader.bool("text") == nil, "a quoted truth value is a text")
  }

  @Test func joinsSurrogatesOfJSON() throws {
    let text = #"{"a": "x\ud83d\ude00y", "b": "\\ud83d\\ude00", "c": "\u00e9\ud83d\ude01"}"#
    let root = try ConfigurationNode.parse(text, file: "config.json")
    #expect(root["a"]?.scalar == "x\u{1F600}y")
    #expect(root["b"]?.scalar == #"\ud83d\ude00"#)
    #expect(root["c"]?.scalar == "é\u{1F601}")
    #expect(!problems(#"{"a": "\ud83d alone"}"#).isEmpty)
  }

  @Test func writesJSONThatIsReadBack() throws {
    let text = "a: 1.50\nb: [x, 'true', true, null, 007, .5]\nc: {}\nd: []\ne: \"q\\\"\\n\\x01\"\n"
    let root = try ConfigurationNode.parse(text, file: "f.yaml")
    let object = try JSONSerialization.jsonObject(with: Data(root.json.utf8)) as? [String: Any]
    #expect(object?["a"] as? Double == 1.5)
    #expect((object?["b"] as? [Any])?[1] as? String == "true")
    #expect((object?["b"] as? [Any])?[2] as? Bool == true)
    #expect((object?["b"] as? [Any])?[4] as? String == "007")
    #expect(object?["e"] as? String == "q\"\n\u{1}")
    let again = try ConfigurationNode.parse(root.json, file: "f.json")
    #expect(again.json == root.json)
  }

  @Test func reportsAllDuplicatesWithBothPlaces() {
    let text = "a: 1\nb: {x: 1, x: 2}\n\"a\": 3\nc:\n  d: 1\n  d: 2\n  d: 3\n"
    let found = problems(text)
    #expect(found.contains("f.yaml:2:11: b.x: the key 'x' stands twice; first in line 2, column 5"))
    #expect(found.contains("f.yaml:3:1: a: the key 'a' stands twice; first in line 1, column 1"))
    #expect(found.contains("f.yaml:6:3: c.d: the key 'd' stands twice; first in line 5, column 3"))
    #expect(found.contains("f.yaml:7:3: c.d: the key 'd' stands twice; first in line 5, column 3"))
    #expect(found.count == 4)
  }

  @Test(arguments: [
    ("a: [1, 2\nb: 3", "f.yaml:2:"), ("a: 'x", "f.yaml:"), ("", "is empty"),
    ("# only\n", "is empty"),
    ("a: \u{7}", "f.yaml:1:4"), ("? [a, b]\n: 1\n", "expected a text"),
    ("a: *b", "undefined alias"),
    ("a: 1\n---\nb: 2\n", "single document"), ("\t- a", "f.yaml:1:"),
  ])
  func refusesMalformed(text: String, part: String) {
    let found = problems(text).joined(separator: "\n")
    #expect(found.contains(part), "\(found)")
  }

  @Test func refusesAliasBombs() {
    var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let aliases = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      bomb += "a\(level): &a\(level) [\(aliases)]\n"
    }
    #expect(problems(bomb).first?.contains("aliases") == true)
    // Few aliases, but each doubles: caught by the number of values.
    var doubling = "a0: &a0 [\([String](repeating: "x", count: 5000).joined(separator: ", "))]\n"
    for level in 1...15 { doubling += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    #expect(problems(doubling).first?.contains("values, aliases") == true)
    // Few and shallow enough to be read, but too many values: caught while the tree is made.
    var wide = "a0: &a0 [\([String](repeating: "x", count: 1500).joined(separator: ","))]\n"
    wide += "b: [*a0, *a0]\nc: *a0\n"
    var limits = ReadingLimits()
    limits.nodes = 4000
    #expect(problems(wide, limits: limits).first?.contains("more than 4000 values") == true)
    // As a key, which Yams hashes.
    var keyed = "a0: &a0 [x, x]\n"
    for level in 1...14 { keyed += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    keyed += "? *a14\n: 1\n"
    #expect(!problems(keyed).isEmpty)
  }

  @Test func aliasesThatAreFewAreRead() throws {
    let flat = "base: &base {x: 1}\n" + (0..<200).map { "k\($0): *base\n" }.joined()
    #expect(try ConfigurationNode.parse(flat, file: "f.yaml").value(at: "k199.x")?.scalar == "1")
    let root = try ConfigurationNode.parse("a: &x {b: 1}\nc: *x\n", file: "f.yaml")
    #expect(root.value(at: "c.b")?.scalar == "1")
  }

  @Test(arguments: [70, 990, 5000, 50_000])
  func refusesDeepNesting(depth: Int) {
    let openers = String(repeating: "[", count: depth)
    let closers = String(repeating: "]", count: depth)
    #expect(problems(openers + closers).first?.contains("nested more deeply") == true)
    #expect(!problems(openers).isEmpty)
    #expect(!problems(String(repeating: "[a: ", count: depth)).isEmpty)
    #expect(!problems(String(repeating: "- ", count: depth) + "x").isEmpty)
    #expect(!problems(String(repeating: "? ", count: depth) + "x").isEmpty)
  }

  @Test func refusesLargeFilesAndReportsMissingOnes() throws {
    var limits = ReadingLimits()
    limits.bytes = 1 << 20
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let large = folder.appending(path: "large.yaml")
    try Data(repeating: 0x61, count: (1 << 20) + 1).write(to: large)
    #expect(throws: Diagnostics.self) {
      try ConfigurationNode.load(path: large.path, limits: limits)
    }
    let binary = folder.appending(path: "binary.yaml")
    try Data([0x61, 0x3A, 0x20, 0xFF, 0xFE]).write(to: binary)
    let error = #expect(throws: Diagnostics.self) { try ConfigurationNode.load(path: binary.path) }
    #expect(error?.description.contains("UTF-8") == true)
    #expect(throws: MissingFile.self) {
      try ConfigurationNode.load(path: folder.appending(path: "none.yaml").path)
    }
    #expect(throws: Diagnostics.self) { try ConfigurationNode.load(path: folder.path) }
  }

  @Test func mergesInDepth() throws {
    let base = try ConfigurationNode.parse(
      "a: {b: 1, c: {d: 2}}\nl: [1, 2]\nk: x\n", file: "base.yaml")
    let over = try ConfigurationNode.parse(
      "k: {m: 1}\na: {c: {e: 3}, b: 9}\nl: [5]\n", file: "over.yaml")
    let merged = base.merging(over)
    #expect(merged.mapping?.map(\.key) == ["a", "l", "k"])
    #expect(merged.value(at: "a.b")?.scalar == "9")
    #expect(merged.value(at: "a.b")?.location.file == "over.yaml")
    #expect(merged.value(at: "a.c.d")?.scalar == "2")
    #expect(merged.value(at: "a.c.d")?.location.file == "base.yaml")
    #expect(merged.value(at: "a.c.e")?.path == "a.c.e")
    #expect(merged["l"]?.sequence?.count == 1)
    #expect(merged.value(at: "k.m")?.scalar == "1")
  }

  @Test func setsOneValue() throws {
    let base = try ConfigurationNode.parse("a: {b: 1}\nl: [{n: 1}]\nk: x\n", file: "f.yaml")
    func set(_ path: String, _ text: String) throws -> ConfigurationNode {
      try base.setting(
        path, to: .value(parsing: text, origin: "--set"), origin: "--set")
    }
    #expect(try set("a.b", "2").value(at: "a.b")?.location.description == "--set")
    #expect(try set("a.x.y", "{z: 3}").value(at: "a.x.y.z")?.path == "a.x.y.z")
    #expect(try set("l.0.n", "7").value(at: "l.0.n")?.scalar == "7")
    #expect(try set("k", "*.csv").value(at: "k")?.scalar == "*.csv")
    #expect(throws: Diagnostic.self) { try set("k.z", "1") }
    #expect(throws: Diagnostic.self) { try set("l.4.n", "1") }
    #expect(throws: Diagnostic.self) { try set("a..b", "1") }
    #expect(throws: Diagnostic.self) { try set("", "1") }
  }
}
