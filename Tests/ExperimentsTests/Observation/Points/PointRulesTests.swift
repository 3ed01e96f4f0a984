// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving
import TestSupport
import Testing

@testable import Experiments

/// Rules by which serving points become scenarios.
@Suite struct PointRulesTests {
  static func point(
    model: String = "Org/M", backend: String = "vllm", concurrency: Int? = 8,
    recorded: ServingPoint.Recorded = .init(tensor: 1, pipeline: 1, data: 1)
  ) -> ServingPoint {
    ServingPoint(
      id: "p", line: 2, source: "dump; config_id=7;", model: model, system: "box",
      backend: backend, version: "1", precision: "fp8", productFormat: "", expertFormat: "",
      isDisaggregated: false, prompt: 100, output: 10, concurrency: concurrency,
      recorded: recorded, ttftMs: 10, tpotMs: 1)
  }

  static func rules(_ yaml: String) throws -> PointRules {
    try PointRules(try ConfigurationNode.parse(yaml, file: "r.yaml"), file: "r.yaml")
  }

  static let text = """
    summary: s
    rules:
      - set: {hardware: box, model: m, runtime: r, serving: {max_batch: 1, token_budget: "= 2 * prompt"}}
      - when: {backend: [sglang, trtllm]}
        transferred: true
        fitted: true
        set: {serving: {max_batch: "= concurrency"}}
      - when: {model: Org/Dense}
        unsupported: "its model has no experts"
      - when: {source: "config_id=7;", backend: trtllm}
        parallelism: {data: 2, expert: 2}
    """

  @Test func `Later rules are laid over earlier ones, where their conditions hold`() throws {
    let rules = try Self.rules(Self.text)
    let first = try rules.resolve(Self.point()).get()
    #expect(first.tree.value(at: "serving.max_batch")?.scalar == "1" && !first.isTransferred)
    #expect(!first.isFitted)
    #expect(first.tree.value(at: "serving.token_budget")?.scalar == "200")
    #expect(first.tree["name"]?.scalar == "p")
    #expect(first.tree.value(at: "serving.parallelism") == nil)
    let second = try rules.resolve(Self.point(backend: "sglang")).get()
    #expect(second.tree.value(at: "serving.max_batch")?.scalar == "8" && second.isTransferred)
    #expect(second.isFitted)
    #expect(second.tree.value(at: "serving.token_budget")?.scalar == "200")
    let third = try rules.resolve(Self.point(backend: "trtllm")).get()
    #expect(third.plan == ParallelPlan(data: 2, expert: 2))
    #expect(third.tree.value(at: "serving.parallelism.data")?.scalar == "2")
  }

  @Test func `What is not simulated says why`() throws {
    let rules = try Self.rules(Self.text)
    func reason(_ point: ServingPoint) throws -> String? {
      guard case .failure(let refusal) = try rules.resolve(point) else { return nil }
      return refusal.reason
    }
    #expect(try reason(Self.point(model: "Org/Dense")) == "its model has no experts")
    #expect(try reason(Self.point(concurrency: nil)) == "its concurrency is not recorded")
    #expect(try reason(Self.point(recorded: .init())) == "its number of GPUs is not recorded")
    let nameless = try Self.rules("rules: [{set: {hardware: box, model: m}}]")
    guard case .failure(let refusal) = try nameless.resolve(Self.point()) else {
      Issue.record("A scenario without a runtime was made.")
      return
    }
    #expect(refusal.reason == "no rule names its runtime")
  }

  @Test(arguments: [
    ("rules: []", "expected a list"), ("summary: s", "is missing"),
    ("rules: [{wen: {backend: a}}]", "unknown key 'wen'"),
    ("rules: [{when: {modl: a}}]", "unknown key 'modl'"), ("rules: [{set: 3}]", "expected keys"),
    ("rules: [{parallelism: {data: 2, expert: 4}}]", "do not divide"),
  ])
  func `Wrong rules are refused`(yaml: String, words: String) throws {
    let error = try #require(throws: Diagnostics.self) { try Self.rules(yaml) }
    #expect("\(error)".contains(words), "\(error)")
  }

  @Test(.enabled(if: SharedData.isPresent, "the recorded data are not beside the checkout"))
  func `The shipped rules name a machine, a model and a runtime for every MoE point`() throws {
    let path = try #require(SharedData.path("aiconfigurator/silicon_sample.csv"))
    let rules = try PointRules.load("serving-points")
    var reasons: [String: Int] = [:]
    var resolved = 0
    for point in try ServingPointTable.read(path) where !point.isDisaggregated {
      switch try rules.resolve(point) {
      case .success: resolved += 1
      case .failure(let refusal): reasons[refusal.reason, default: 0] += 1
      }
    }
    #expect(resolved > 1_500, "\(reasons)")
    #expect(!reasons.keys.contains { $0.hasPrefix("no rule names") }, "\(reasons)")
  }
}
