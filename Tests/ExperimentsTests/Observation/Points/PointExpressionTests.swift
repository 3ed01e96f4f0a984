// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Experiments

/// Numbers that depend on a serving point.
@Suite struct PointExpressionTests {
  static let values = ["prompt": 1_000, "output": 7, "concurrency": 64]

  static func value(_ text: String) -> Int? {
    guard case .value(let expression) = PointExpression.parse(text) else { return nil }
    return expression.value(values)
  }

  @Test(arguments: [
    ("= prompt", 1_000), ("= 2 * prompt", 2_000), ("= 0.8 * output", 6), ("=10*concurrency", 640),
    ("= prompt + concurrency + 64", 1_128), ("= 3 * 2 * output + 1", 43), ("= 12", 12),
  ])
  func `Terms are added, factors multiplied, the sum rounded up`(text: String, expected: Int) {
    #expect(Self.value(text) == expected)
  }

  @Test(arguments: ["= promt", "= prompt * output", "= 2 *", "=", "= prompt - 1"])
  func `Other texts are refused`(text: String) {
    guard case .problem(let message) = PointExpression.parse(text) else {
      Issue.record("'\(text)' was read.")
      return
    }
    #expect(message.contains("expected"))
  }

  @Test func `Expressions are replaced in a tree, and wrong ones named by their place`() throws {
    let tree = try ConfigurationNode.parse(
      "a: {b: [= prompt, text], c: '= 2 * output'}", file: "t.yaml")
    let result = try tree.evaluated(Self.values)
    #expect(
      result.value(at: "a.b.0")?.scalar == "1000" && result.value(at: "a.b.1")?.scalar == "text")
    #expect(result.value(at: "a.c")?.scalar == "14")
    let wrong = try ConfigurationNode.parse("a: {b: = width}", file: "t.yaml")
    let error = #expect(throws: Diagnostic.self) { try wrong.evaluated(Self.values) }
    #expect(error?.path == "a.b")
  }
}
