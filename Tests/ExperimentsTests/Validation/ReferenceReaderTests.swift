// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import Experiments

@Suite("Files of reference cases")
struct ReferenceReaderTests {
  @Test("are read with their runs laid over the scenario")
  func reading() throws {
    let text = ReferenceFile.text(
      [
        ReferenceFile.entry("one", published: "[1.2, 150%]", more: ", unit: ms, tolerance: 5%"),
        ReferenceFile.entry("two", status: "input", more: ", tolerance: {absolute: 0.5}"),
        ReferenceFile.entry("three", value: "{run: lru, over: fifo, metric: tpot_ms.mean}"),
      ],
      behind: """
        orderings:
          - {what: who wins, metric: tpot_ms.mean, better: lower, runs: [roomy, lru], source: here}
        """)
    let system = try ReferenceFile.read(text)
    #expect(system.runs.map(\.name) == ["lru", "fifo", "roomy", "alike"])
    #expect(system.run("roomy")?.scenario.policy.eviction.name == "lru")
    #expect(system.run("fifo")?.scenario.policy.eviction.name == "fifo")
    guard case .sized(.count(7)) = system.run("roomy")?.scenario.cache.experts else {
      Issue.record("the run's own setting does not stand")
      return
    }
    #expect(system.runs.allSatisfy { !$0.scenario.run.improvements })
    #expect(system.cases[0].published == 1.2...1.5 && system.cases[0].unit == "ms")
    #expect(system.cases.map(\.kind) == [.value, .value, .ratio])
    guard case .relative(0.05) = system.cases[0].tolerance,
      case .absolute(0.5) = system.cases[1].tolerance,
      case .relative(0.1) = system.cases[2].tolerance
    else {
      Issue.record("tolerances: \(system.cases.map(\.tolerance))")
      return
    }
    #expect(system.orderings[0].runs == ["roomy", "lru"] && system.orderings[0].lowerIsBetter)
  }

  @Test("tell everything that is wrong at once, where it stands")
  func everything() throws {
    let text = ReferenceFile.text(
      [
        ReferenceFile.entry("a", value: "{run: lrv, metric: tpot_ms.mean}"),
        ReferenceFile.entry("b", value: "{run: lru, metric: tpot_ms.meen}"),
        ReferenceFile.entry("b", more: ", tolerence: 5%"),
      ],
      runs: """
        runs:
          lru: {set: {policy: lru}}
          bad: {set: {cache.experts: -3, polcy.eviction: lru}}
          worse: {set: {policy: nothing-such}}

        """)
    let problems = try ReferenceFile.problems(text)
    func has(_ words: String...) -> Bool {
      problems.contains { line in words.allSatisfy(line.contains) }
    }
    #expect(has("tiny.yaml:", "'lrv'", "did you mean 'lru'?"))
    #expect(has("tpot_ms.meen", "did you mean 'tpot_ms.mean'?"))
    #expect(has("tolerence", "did you mean 'tolerance'?"))
    #expect(has("'b' stands twice"))
    #expect(has("runs.bad.cache.experts"))
    #expect(has("polcy"))
    #expect(has("nothing-such"))
    // The place is that of the setting in this file, not of a command line.
    let place = try #require(problems.first { $0.contains("runs.bad.cache.experts") })
    let line = text.split(separator: "\n", omittingEmptySubsequences: false)
      .firstIndex { $0.contains("cache.experts: -3") }
    #expect(place.hasPrefix("tiny.yaml:\(try #require(line) + 1):"), "\(place)")
  }

  @Test(
    "refuse values that mean nothing",
    arguments: [
      ("{metric: tpot_ms.mean}", "forms no value"),
      ("{rum: lru, metric: tpot_ms.mean}", "did you mean 'run'?"),
      ("{run: lru}", "metric: is missing"),
      ("{run: lru, over: fifo, against: alike, as: gain, metric: tpot_ms.mean}", "beside 'over'"),
      ("{run: lru, against: fifo, metric: tpot_ms.mean}", "as: is missing"),
      ("{run: lru, as: gain, metric: tpot_ms.mean}", "'against' is missing"),
      ("{run: lru, share: [tpot_ms.mean]}", "of: is missing"),
      ("{mean: []}", "expected a list of values"),
      ("{ratio: [{run: lru, metric: tpot_ms.mean}]}", "two values; found 1"),
      ("{mean: [3]}", "expected a value"),
      ("{run: lru, mean: [], metric: tpot_ms.mean}", "formed in one way"),
      ("{formula: expert-transfr, run: lru}", "did you mean 'expert-transfer'?"),
      ("{formula: expert-transfer, experts: 8, rate: 32 GB/s}", "run: is missing"),
      ("{formula: expert-transfer, run: lru, experts: 8}", "rate: is missing"),
      ("{formula: expert-transfer, run: lru, experts: 8, rate: 3 s}", "rate"),
    ])
  func values(value: String, message: String) throws {
    let problems = try ReferenceFile.problems(
      ReferenceFile.text([ReferenceFile.entry("a", value: value)]))
    #expect(problems.contains { $0.contains(message) }, "\(problems)")
  }

  @Test(
    "hold calibration and labels to one another",
    arguments: [
      ("[one]", "counted", "0.5", "must be calibrated"),
      ("[onee]", "calibrated", "0.5", "did you mean 'one'?"),
      ("[]", "input", "0.5", "names no case"),
      ("[one]", "calibrated", "0.7", "it is not what was fitted"),
      ("[other/one]", "calibrated", "0.5", "no entry of calibration was fitted on it"),
    ])
  func calibration(fittedOn: String, status: String, value: String, message: String) throws {
    func text(_ fittedOn: String, _ status: String, _ value: String) -> String {
      ReferenceFile.text(
        [ReferenceFile.entry("one", status: status)],
        before: """
          calibration:
            - {parameter: cache.memory_fraction, value: \(value), fitted_on: \(fittedOn), how: by hand}

          """,
        runs: "runs:\n  lru: {set: {policy: lru, cache.memory_fraction: 0.5}}\n")
    }
    let problems = try ReferenceFile.problems(text(fittedOn, status, value))
    #expect(problems.contains { $0.contains(message) }, "\(problems)")
    #expect(try ReferenceFile.problems(text("[one]", "calibrated", "0.5")).isEmpty)
  }

  @Test("say why a case is not counted")
  func reasons() throws {
    let bare = ReferenceFile.entry("a").replacing("counted", with: "reported")
    #expect(
      try ReferenceFile.problems(ReferenceFile.text([bare])).contains {
        $0.contains("reason") && $0.contains("is missing")
      })
    let odd = ReferenceFile.entry("a", more: ", reason: none")
    #expect(
      try ReferenceFile.problems(ReferenceFile.text([odd])).contains { $0.contains("is counted") })
  }

  @Test("describe every figure, formula and key")
  func documentation() throws {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "docs/reference-cases.md"), encoding: .utf8)
    let rows = text.split(separator: "\n")
    for figure in DerivedFigure.all {
      #expect(rows.contains { $0.hasPrefix("| `\(figure.name)` |") }, "\(figure.name)")
    }
    for formula in ReferenceFormula.all {
      let row = try #require(
        rows.first { $0.hasPrefix("| `\(formula.name)` |") }, "\(formula.name)")
      for parameter in formula.parameters { #expect(row.contains("`\(parameter.name)`")) }
    }
    for status in ReferenceCase.Status.allCases { #expect(text.contains("`\(status.rawValue)`")) }
    for grade in ReferenceCase.Grade.allCases { #expect(text.contains("`\(grade.rawValue)`")) }
  }

  @Test("that the documentation shows are right")
  func example() throws {
    let text = try String(
      contentsOf: Checkout.root.appending(path: "docs/reference-cases.md"), encoding: .utf8)
    let block = try #require(text.components(separatedBy: "```yaml\n").dropFirst().first)
    let yaml = try #require(block.components(separatedBy: "```").first)
    let node = try ConfigurationNode.parse(yaml, file: "example.yaml")
    let system = try ReferenceSystem.read(
      node, file: "example.yaml", figures: FewFigures(), library: ReferenceFile.library)
    #expect(system.cases.count == 2 && system.calibration.count == 1 && system.orderings.count == 1)
  }
}
