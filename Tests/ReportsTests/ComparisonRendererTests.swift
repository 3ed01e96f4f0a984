// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Experiments
@testable import Reports
@testable import Serving

@Suite("Reports of comparisons")
struct ComparisonRendererTests {
  private func row(
    _ name: String, kind: PolicyComparison.Row.Kind = .policy, tpot: [Double], against: [Double]?
  ) -> PolicyComparison.Row {
    let runs = tpot.enumerated().map { index, tpot in
      var result = SimulationResult.sample(policy: name)
      result.tpotMs?.mean = tpot
      result.replication = UInt32(index)
      return PolicyComparison.Run(result)
    }
    let difference = against.flatMap { base in
      PairedDifference(of: zip(tpot, base).map { (policy: $0, baseline: $1) })
    }
    return .init(
      name: name, kind: kind,
      roles: .init(
        eviction: "lru", hostEviction: "lru", prediction: "none", prefetch: "none",
        schedule: "compute-as-ready", resolve: "fetch", placement: "uniform",
        admission: "fcfs", transform: "none", kernels: "none"), knowsFuture: false,
      mean: ComparisonFigures(meanOf: runs.map(\.figures)), steadyReplications: runs.count,
      unstableReplications: 0, ceilingShare: kind == .ceiling ? nil : .init(belady: 0.8),
      versusBaseline: difference.map { .init(tpotMs: $0) }, runs: runs)
  }

  private func comparison(replications: Int = 3) -> PolicyComparison {
    let (lru, lfu) = ([40.0, 42, 44], [36.0, 39, 39])
    var unsteady = row("flooded", tpot: [], against: nil)
    unsteady.unstableReplications = replications
    return PolicyComparison(
      scenario: "quick|start", seed: 1, replications: replications, confidence: 0.95,
      setting: SimulationResult.sample().setting, baseline: "lru", measure: .tpotMs,
      verdict: "lfu: 1.11 x lru in speed of decoding.",
      rows: [
        row("lru", tpot: Array(lru.prefix(replications)), against: nil),
        row("lfu", tpot: Array(lfu.prefix(replications)), against: lru), unsteady,
        row("belady ceiling", kind: .ceiling, tpot: [30], against: nil),
      ], notices: ["the trace was wrapped"], runInfo: nil)
  }

  private func text(_ format: ReportFormat, _ comparison: PolicyComparison) throws -> String {
    try ComparisonRenderer(format: format).render(comparison)
  }

  @Test("are never wider than the terminal", arguments: [40, 60, 80, 132])
  func width(width: Int) throws {
    let renderer = ComparisonRenderer(format: .table, style: ReportStyle(width: width))
    for replications in [1, 3] {
      for line in try renderer.render(comparison(replications: replications)).split(separator: "\n")
      {
        #expect(line.count <= width, "\(line)")
      }
    }
  }

  @Test("say who wins, by how much, how sure, and what is unstable")
  func table() throws {
    let text = try text(.table, comparison())
    #expect(text.contains("lfu: 1.11 x lru in speed of decoding."))
    // Differences −4, −3, −5: their mean is −4, s = 1, and t = 4.30265 with 2 degrees of freedom.
    #expect(text.contains("-6.48 to -1.52") && text.contains("0.905"))
    #expect(text.contains("UNSTABLE") && text.contains("flooded (3 of 3)"))
    #expect(text.contains("the trace was wrapped") && text.contains("80.0 %"))
  }

  @Test("of one replication say that there is no interval")
  func single() throws {
    let text = try text(.table, comparison(replications: 1))
    #expect(text.contains("no interval can be given") && !text.contains(" to "))
    let json = try self.text(.json, comparison(replications: 1))
    #expect(json.contains("\"low\": null") && json.contains("\"pairs\": 1"))
  }

  @Test("come back from their JSON")
  func json() throws {
    let text = try text(.json, comparison())
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let read = try decoder.decode(PolicyComparison.self, from: Data(text.utf8))
    #expect(read.rows.count == 4 && read.rows[1].versusBaseline?.tpotMs?.mean == -4)
    #expect(read.rows[0].mean?.utilization["gpu0.h2d"] == 0.8125)
    #expect(try self.text(.json, read) == text)
  }

  @Test("have a row a policy in CSV and JSON lines")
  func rows() throws {
    let lines = try text(.csv, comparison()).split(separator: "\n").map(String.init)
    #expect(lines.count == 5)
    let header = lines[0].split(separator: ",").map(String.init)
    #expect(Set(header).count == header.count)
    for key in ["name", "mean.tpot_ms", "versus_baseline.tpot_ms.low", "ceiling_share.belady"] {
      #expect(header.contains(key), "\(key)")
    }
    #expect(!header.contains("versus_baseline") && !header.contains { $0.hasPrefix("runs") })
    for line in lines {
      #expect(line.split(separator: ",", omittingEmptySubsequences: false).count == header.count)
    }
    let objects = try text(.jsonl, comparison()).split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
    #expect(objects.map { $0?["name"] as? String } == ["lru", "lfu", "flooded", "belady ceiling"])
  }

  @Test("are safe in Markdown")
  func markdown() throws {
    let text = try text(.markdown, comparison())
    #expect(text.hasPrefix("# Comparison of policies: quick\\|start\n"))
    #expect(text.contains("| lfu | TPOT ms | -4.00 |"))
  }
}
