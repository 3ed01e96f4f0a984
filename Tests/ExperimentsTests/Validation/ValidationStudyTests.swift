// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Serving
import TestSupport
import Testing

@testable import Experiments

@Suite("Validation")
struct ValidationStudyTests {
  private func report(
    _ text: String, progress: ((ValidationStudy.Progress) -> Void)? = nil
  ) throws -> ValidationReport {
    let selection = ValidationSelection(try ReferenceFile.read(text))
    return ValidationStudy([selection], figures: FewFigures(), library: ReferenceFile.library)
      .run(progress: progress)
  }

  @Test("sets what runs say beside what was published")
  func endToEnd() throws {
    let text = ReferenceFile.text(
      [
        ReferenceFile.entry("speed"),
        ReferenceFile.entry("ratio", value: "{run: alike, over: lru, metric: tpot_ms.mean}"),
        ReferenceFile.entry("hits", value: "{run: lru, metric: expert_cache.hit_rate}"),
        ReferenceFile.entry("stalled", value: "{run: lru, metric: stalled_share}"),
      ],
      behind: """
        orderings:
          - {what: more room, metric: tpot_ms.mean, better: lower, runs: [roomy, lru], source: here}
        """)
    var told: [String] = []
    let report = try report(text) { told.append("\($0.run) \($0.completed)/\($0.total)") }
    // 'alike' is the same as 'lru', and nothing asks for 'fifo'.
    #expect(told == ["tiny/lru 0/2", "tiny/roomy 1/2"])
    let system = report.systems[0]
    let direct = try ScenarioExecution.execute(
      #require(ReferenceFile.read(text).run("lru")).scenario, library: ReferenceFile.library
    ).results[0]
    #expect(system.cases[0].simulated == direct.tpotMs?.mean)
    #expect(system.cases[1].simulated == 1 && system.cases[1].verdict == .within)
    #expect(system.cases[2].simulated == direct.expertCache.hitRate)
    let share = try #require(system.cases[3].simulated)
    #expect(share > 0 && share < 1)
    #expect(system.orderings[0].reproduced)
    #expect(report.summary.orderingsReproduced == 1 && report.runInfo != nil)
  }

  @Test("takes the mean over replications")
  func replications() throws {
    let runs = "runs:\n  lru: {set: {policy: lru}, replications: 3}\n"
    let text = ReferenceFile.text([ReferenceFile.entry("speed")], runs: runs)
    let direct = try ScenarioExecution.execute(
      #require(ReferenceFile.read(text).run("lru")).scenario, library: ReferenceFile.library
    ).results.compactMap { $0.tpotMs?.mean }
    #expect(direct.count == 3 && Set(direct).count > 1)
    let found = try #require(try report(text).systems[0].cases[0].simulated)
    #expect(abs(found - direct.reduce(0, +) / 3) < 1e-12)
  }

  @Test("tells of a run that fails in the cases that need it")
  func failure() throws {
    let text = ReferenceFile.text(
      [
        ReferenceFile.entry("big", value: "{run: big, metric: tpot_ms.mean}"),
        ReferenceFile.entry("small"),
      ],
      runs: "runs:\n  lru: {set: {policy: lru}}\n  big: {set: {cache.kv: 4 TiB}}\n")
    let cases = try report(text).systems[0].cases
    #expect(cases[0].verdict == .failed && cases[0].simulated == nil && cases[0].error == nil)
    #expect(cases[0].failure?.contains("'big' failed") == true)
    #expect(cases[1].simulated != nil)
  }

  @Test("gives the same figures again")
  func determinism() throws {
    let text = ReferenceFile.text([ReferenceFile.entry("speed")])
    #expect(
      try report(text).systems[0].cases[0].simulated == report(text).systems[0].cases[0].simulated)
  }

  @Test("finds systems, cases and paths, and names what was meant")
  func selection() throws {
    let files = try TemporaryLibrary()
    let scratch = files.root
    for name in ["one", "two"] {
      let text = ReferenceFile.text([ReferenceFile.entry("a"), ReferenceFile.entry("b")])
        .replacing("system: tiny", with: "system: \(name)")
      try files.write(text, to: "reference-cases/\(name).yaml")
    }
    let library = DataLibrary(roots: [scratch, Checkout.root.path])
    func names(_ arguments: [String]) throws -> [String] {
      try ValidationSelection.load(arguments, figures: FewFigures(), library: library)
        .filter { ["one", "two"].contains($0.system.name) }
        .map { "\($0.system.name):\($0.cases.map(\.id).joined(separator: ","))" }
    }
    #expect(try names(["two", "one"]) == ["two:a,b", "one:a,b"])
    #expect(try names(["one/b"]) == ["one:b"])
    #expect(try names(["one/b", "two/a", "one/a"]) == ["one:a,b", "two:a"])
    #expect(try names(["one", "one/b"]) == ["one:a,b"] && names(["one/b", "one"]) == ["one:a,b"])
    #expect(try names(["\(scratch)/reference-cases/two.yaml"]) == ["two:a,b"])
    #expect(throws: MissingFile.self) { try names(["one/c"]) }
    do {
      _ = try names(["onne"])
      Issue.record("'onne' is no system")
    } catch let error as MissingFile {
      #expect(error.hint.contains("did you mean 'one'?"))
    }
  }
}
