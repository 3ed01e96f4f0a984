// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Experiments
@testable import Reports
@testable import Serving

@Suite("Reports of validations")
struct ValidationRendererTests {
  private func entry(
    _ id: String, simulated: Double?, published: Double, kind: ReferenceCase.Kind = .value,
    status: ReferenceCase.Status = .counted
  ) -> ValidationReport.Case {
    let error = simulated.map { ($0 - published) / published }
    return .init(
      id: id, what: "time per token", kind: kind, simulated: simulated, published: published,
      publishedHigh: id == "range" ? published * 2 : nil, unit: "ms", error: error,
      verdict: error.map { abs($0) <= 0.1 ? .within : .beyond } ?? .failed, tolerance: "10 %",
      status: status, reason: status == .counted ? nil : "it was fitted", grade: .paper,
      source: "table|2", failure: simulated == nil ? "the run 'a' failed: does not fit" : nil)
  }

  private var report: ValidationReport {
    let cases = [
      entry("close", simulated: 105, published: 100), entry("far", simulated: 150, published: 100),
      entry("lost", simulated: nil, published: 100),
      entry("fitted", simulated: 100, published: 100, status: .calibrated),
      entry("range", simulated: 2.1, published: 2, kind: .ratio),
    ]
    let system = ValidationReport.System(
      name: "some-system", summary: "A system.", source: "arXiv 0000.00000",
      calibration: [
        .init(parameter: "runtime.per_layer", value: "3 ms", fittedOn: ["fitted"], how: "by hand")
      ], cases: cases,
      orderings: [
        .init(
          what: "who wins", metric: "tpot_ms.mean", better: "lower", runs: ["ours", "lru"],
          simulated: [50, 40], reproduced: false, source: "figure 7", failure: nil)
      ], all: .init(cases), values: .init(cases.filter { $0.kind == .value }),
      ratios: .init(cases.filter { $0.kind == .ratio }), notices: ["an assumption"])
    return ValidationReport(systems: [system], summary: .init([system]), runInfo: nil)
  }

  private func text(_ format: ReportFormat, width: Int = 132) throws -> String {
    try ValidationRenderer(format: format, style: ReportStyle(width: width)).render(report)
  }

  @Test("are never wider than the terminal", arguments: [40, 60, 80, 132])
  func width(width: Int) throws {
    for line in try text(.table, width: width).split(separator: "\n") {
      #expect(line.count <= width, "\(line)")
    }
  }

  @Test("say what is off, what failed, what was fitted and what does not count")
  func table() throws {
    let text = try text(.table)
    func row(_ id: String) -> String {
      text.split(separator: "\n").first { $0.hasPrefix("  \(id) ") }.map(String.init) ?? ""
    }
    #expect(row("close").contains("+5.0 %") && row("close").contains("within"))
    #expect(row("far").contains("+50.0 %") && row("far").contains("BEYOND"))
    #expect(row("lost").contains("FAILED") && text.contains("does not fit"))
    #expect(row("fitted").contains("calibrated") && text.contains("it was fitted"))
    #expect(row("range").contains("2.000 to 4.000"))
    #expect(text.contains("runtime.per_layer = 3 ms, on fitted: by hand"))
    #expect(text.contains("NOT REPRODUCED") && text.contains("ours (50.00) < lru (40.00)"))
    #expect(text.contains("0 of 1 reproduced") && text.contains("an assumption"))
    // Worst first: the one that failed, then the one that is half as much again.
    #expect(text.contains("some-system/lost (failed), some-system/far (+50.0 %)"))
  }

  @Test("come back from their JSON")
  func json() throws {
    let text = try text(.json)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let read = try decoder.decode(ValidationReport.self, from: Data(text.utf8))
    #expect(read.systems[0].cases.count == 5 && read.systems[0].all.counted == 4)
    #expect(try ValidationRenderer(format: .json).render(read) == text)
    #expect(text.contains("\"schema_version\": \"1.0\""))
  }

  @Test("have a row a case in CSV and JSON lines")
  func rows() throws {
    let lines = try text(.csv).split(separator: "\n").map(String.init)
    #expect(lines.count == 6 && lines[0].hasPrefix("system,id,what,kind,simulated,published"))
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("some-system,") })
    let objects = try text(.jsonl).split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(objects.map { $0?["id"] as? String } == ["close", "far", "lost", "fitted", "range"])
  }

  @Test("are safe in Markdown")
  func markdown() throws {
    let text = try text(.markdown)
    #expect(text.hasPrefix("# Simulated and published\n") && text.contains("table\\|2"))
  }

  @Test("know the figures by the names of the schema")
  func figures() {
    let figures = ReportedFigures()
    #expect(figures.mayContain("tpot_ms.mean") && !figures.mayContain("tpot_ms.meen"))
    #expect(figures.closest(to: "tpot_ms.meen") == "tpot_ms.mean")
    let result = SimulationResult.sample()
    let numbers = figures.numbers(of: result)
    #expect(numbers["expert_cache.hit_rate"] == result.expertCache.hitRate)
    #expect(numbers["tpot_ms.mean"] == result.tpotMs?.mean && numbers["scenario"] == nil)
  }
}
