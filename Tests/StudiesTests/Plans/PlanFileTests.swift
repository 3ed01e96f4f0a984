// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import Studies

@Suite("Plan files")
struct PlanFileTests {
  @Test("Candidates are all combinations, the last part fastest")
  func combinations() throws {
    let plan = try TestPlan.read(TestPlan.desktop)
    let all = plan.candidates
    #expect(all.count == 3 * 3 * 3 * 4)
    #expect(all.map(\.number) == Array(0..<108))
    #expect(all[1].cache.label == "25%")
    #expect(all[1].precision.label == "native")
    #expect(all[4].precision.label == "experts int8")
  }

  @Test("A candidate's scenario says what its choices say, over what all have in common")
  func scenario() throws {
    let plan = try TestPlan.read(TestPlan.desktop)
    let scenario = try plan.scenario(of: plan.candidates[5], library: TestPlan.library)
    #expect(scenario.precision["experts"]?.description == "int8")
    #expect(scenario.policy.preset == "lru")
    #expect(scenario.cache.keyValue == .bytes(256 << 20))
    #expect(scenario.cache.experts == .sized(.share(0.25)))
    #expect(scenario.workload.arrivals == .poisson(rate: 4))
    #expect(scenario.objectives.map(\.key) == ["ttft_p99", "tpot_p99"])
  }

  @Test("Replicas by range")
  func ranges() throws {
    let doubled = try TestPlan.read(
      TestPlan.fleet, set: [("candidates.replicas", "{from: 1, to: 12, factor: 2}")])
    #expect(doubled.axes.replicas == [1, 2, 4, 8])
    let stepped = try TestPlan.read(
      TestPlan.fleet, set: [("candidates.replicas", "{from: 2, to: 8, step: 3}")])
    #expect(stepped.axes.replicas == [2, 5, 8])
  }

  static let mistakes: [(change: [(String, String)], key: String, words: String)] = [
    ([("traffic", "~")], "traffic", "is missing"),
    ([("traffic", "{rate: 1/s, users: 3, prompt: 1, output: 1}")], "traffic.users", "only one"),
    ([("traffic", "{rate: fast, prompt: 1, output: 1}")], "traffic.rate", "fast"),
    ([("traffic", "{rate: 1/s, prompt: 1, output: 1, colour: 2}")], "traffic.colour", "unknown"),
    ([("slo", "{}")], "slo", "is empty"),
    ([("slo", "{tpot_p98: 1 s}")], "slo.tpot_p98", "tpot_p9"),
    ([("models", "[gpt-oss-20b, gpt-oss-20b]")], "models[1]", "stands twice"),
    ([("candidates.hardware", "[]")], "candidates.hardware", "empty"),
    ([("candidates.replicas", "[0]")], "candidates.replicas[0]", "out of range"),
    ([("candidates.replicas", "{from: 4, to: 2}")], "candidates.replicas.to", "below from"),
    ([("candidates.polcy", "[lru]")], "candidates.polcy", "did you mean 'policy'"),
    ([("limits.rack_units", "10")], "candidates.hardware[0]", "rack_units: 8"),
    ([("limits.vendors", "[AMD]")], "candidates.hardware[0]", "vendor: NVIDIA"),
    ([("limits.budget", "12 kW")], "limits.budget", "USD"),
    ([("base.model", "gpt-oss-20b")], "base.model", "models"),
    ([("base.run.seed", "4")], "base.run.seed", "search.seed"),
    ([("base.serving.max_batch", "many")], "base.serving.max_batch", "whole number"),
    ([("search.screening", "100000")], "search.screening", "at most as many"),
    ([("search.replications", "1")], "search.replications", "out of range"),
    ([("pricing", "steal")], "pricing", "buy, rent"),
    ([("accuracy", "[{value: 70%}]")], "accuracy[0].source", "is missing"),
    ([("candidates.parallelism", "[{tensor: none}]")], "candidates.parallelism", "whole number"),
  ]

  @Test(
    "What is wrong is told with file, place, key and what would be right",
    arguments: 0..<mistakes.count)
  func errors(index: Int) throws {
    let (change, key, words) = Self.mistakes[index]
    do {
      _ = try TestPlan.read(TestPlan.fleet, set: change)
      Issue.record("\(key) was accepted")
    } catch let error as Diagnostics {
      let found = error.all.first { $0.path.hasPrefix(key) }
      let problem = try #require(found, "\(error)")
      #expect(problem.message.contains(words), "\(problem)")
      #expect(problem.location != nil)
    }
  }

  @Test("A name that means nothing is a missing file")
  func missing() {
    #expect(throws: MissingFile.self) {
      try TestPlan.read(TestPlan.fleet, set: [("candidates.hardware", "[h101-server]")])
    }
  }

  @Test("Every example reads, and can be made into a scenario each")
  func examples() throws {
    let folder = Checkout.root.appending(path: "scenarios/plans")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".yaml") }.sorted()
    #expect(files.count >= 3)
    for file in files {
      let plan = try PlanFile.load(folder.appending(path: file).path, library: TestPlan.library)
      #expect(plan.axes.count > 1, "\(file)")
    }
  }

  @Test("Every key is described")
  func documentation() throws {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "docs/plan.md"), encoding: .utf8)
    for key in [
      "name", "description", "traffic", "models", "slo", "base", "limits.budget",
      "limits.budget_per_hour", "limits.power", "limits.rack_units", "limits.vendors", "pricing",
      "candidates.hardware", "candidates.replicas", "candidates.parallelism", "candidates.policy",
      "candidates.precision", "candidates.cache", "candidates.runtime", "accuracy",
      "search.requests", "search.screening", "search.reduction", "search.finalists",
      "search.replications", "search.details", "search.seed",
    ] {
      #expect(text.contains("| `\(key)` |"), "\(key)")
    }
  }
}
