// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Serving
import Testing

@testable import Experiments

@Suite("Comparison of policies")
struct ComparisonStudyTests {
  let tiny: TinyScenario

  init() throws { tiny = try TinyScenario() }

  @Test("A policy does not differ from itself")
  func itself() throws {
    let comparison = try tiny.compare(["lru", "lru"], replications: 3).comparison
    #expect(comparison.rows.map(\.name) == ["lru", "lru#2"])
    let difference = try #require(comparison.rows[1].versusBaseline)
    for found in [
      difference.outputTokensPerSecond, difference.ttftMs, difference.tpotMs, difference.hitRate,
      difference.stallMsPerToken,
    ] {
      let found = try #require(found)
      #expect(found.pairs == 3 && found.mean == 0 && found.low == 0 && found.high == 0)
      #expect(found.pValue == 1)
    }
    #expect(comparison.verdict.hasPrefix("lru and lru#2 do not differ"), "\(comparison.verdict)")
  }

  @Test("All policies of a replication see the same requests and routing, replications others")
  func commonRandomNumbers() throws {
    let outcome = try tiny.compare(["lru", "lfu", "belady", "prefetch-all"], replications: 2)
    let rows = outcome.comparison.rows
    for row in rows {
      for (run, reference) in zip(row.runs, rows[0].runs) {
        #expect(run.arrived == reference.arrived && run.completed == 6 && run.stable)
        #expect(run.promptTokens == reference.promptTokens)
        #expect(run.outputTokens == reference.outputTokens)
      }
    }
    #expect(rows[0].runs[0].outputTokens != rows[0].runs[1].outputTokens)
    #expect(outcome.comparison.measure == .outputTokensPerSecond)
  }

  @Test("One sequence at a time asks for the same experts whatever the policy")
  func commonRouting() throws {
    let outcome = try tiny.compare(
      ["lru", "lfu", "belady"], set: ["serving.max_batch=1", "workload.arrivals.users=1"])
    let caches = outcome.results.map { $0[0].expertCache }
    let accesses = caches.map { $0.hits + $0.late + $0.misses }
    #expect(Set(accesses).count == 1 && accesses[0] > 0)
    // What is asked for is the same, what is found is not: of all rules Belady's finds most.
    #expect(caches[2].hits > caches[0].hits && caches[2].hits > caches[1].hits)
  }

  @Test("Each run is that of simulate under the same policy", arguments: ["lfu", "prefetch-all"])
  func sameAsSimulate(policy: String) throws {
    let outcome = try tiny.compare(["lru", policy], replications: 2)
    let scenario = try Scenario.load(
      tiny.path,
      overrides: ["policy=\(policy)", "run.improvements=false", "run.replications=2"],
      library: tiny.library)
    let alone = try ScenarioExecution.execute(scenario, library: tiny.library).results
    for (run, result) in zip(outcome.results[1], alone) {
      #expect(run.throughput.outputTokensPerSecond == result.throughput.outputTokensPerSecond)
      #expect(run.expertCache.hits == result.expertCache.hits)
      #expect(run.simulatedSeconds == result.simulatedSeconds)
      #expect(run.eventsProcessed == result.eventsProcessed)
    }
  }

  @Test("Means and differences are those of the runs, typed out")
  func arithmetic() throws {
    let rows = try tiny.compare(["lru", "lfu"], replications: 2).comparison.rows
    let speeds = rows.map { $0.runs.map(\.figures.outputTokensPerSecond) }
    #expect(rows[0].mean?.outputTokensPerSecond == (speeds[0][0] + speeds[0][1]) / 2)
    let found = try #require(rows[1].versusBaseline?.outputTokensPerSecond)
    let differences = [speeds[1][0] - speeds[0][0], speeds[1][1] - speeds[0][1]]
    #expect(abs(found.mean - (differences[0] + differences[1]) / 2) < 1e-9)
    // With two pairs s / √2 is half of what lies between them, and t is 12.7062.
    let margin = 12.706_204_7 * abs(differences[0] - differences[1]) / 2
    #expect(abs((found.high ?? 0) - found.mean - margin) < 1e-6 * max(1, margin))
    #expect(found.adjustedPValue == nil && rows[0].versusBaseline == nil)
  }

  @Test("Several comparisons are corrected, and the baseline may be any")
  func correction() throws {
    let comparison = try tiny.compare(
      ["lru", "lfu", "static"], replications: 3, baseline: "lfu"
    ).comparison
    #expect(comparison.baseline == "lfu" && comparison.rows[1].versusBaseline == nil)
    let found = try [0, 2].map {
      try #require(comparison.rows[$0].versusBaseline?.outputTokensPerSecond)
    }
    let values = try found.map { try #require($0.pValue) }
    let adjusted = try found.map { try #require($0.adjustedPValue) }
    #expect(adjusted == HolmCorrection.adjusted(values))
  }

  @Test("No policy passes the ceilings, and with free transfers nothing stalls")
  func ceilings() throws {
    let comparison = try tiny.compare(
      ["lru", "lfu", "static", "load-then-compute", "belady"], ceilings: true
    ).comparison
    #expect(comparison.rows.suffix(2).map(\.name) == ["belady ceiling", "link-bound ceiling"])
    for row in comparison.rows where row.kind == .policy {
      let share = try #require(row.ceilingShare)
      let (belady, link) = (try #require(share.belady), try #require(share.linkBound))
      #expect(belady > 0.3 && belady <= 1.001 && link > 0 && link < 1, "\(row.name)")
      #expect((belady == 1) == (row.name == "belady"), "\(row.name)")
    }
    let free = try #require(comparison.rows.last?.mean)
    #expect(free.stalledShare < 0.001 && free.missesPerToken > 0)
    #expect((comparison.rows[0].mean?.stalledShare ?? 0) > 0.3)
    let alone = try tiny.compare(["lru"]).comparison
    #expect(alone.rows.count == 1 && alone.rows[0].ceilingShare == nil)
  }

  @Test("With free transfers too, no other policy is faster than the ceiling")
  func freeTransfers() throws {
    func speed(_ policy: String, schedule: String? = nil) throws -> Double {
      let overrides = ["policy=\(policy)"] + (schedule.map { ["policy.schedule=\($0)"] } ?? [])
      let scenario = try Scenario.load(tiny.path, overrides: overrides, library: tiny.library)
      var configuration = try scenario.configuration(library: tiny.library)
      configuration.figures = configuration.figures.withFreeTransfers()
      return try ServingSimulation.run(configuration).result.throughput.outputTokensPerSecond
    }
    let ceiling = try speed("lru", schedule: "load-then-compute")
    let row = try tiny.compare(["lru"], ceilings: true).comparison.rows[2]
    #expect(row.name == "link-bound ceiling" && row.mean?.outputTokensPerSecond == ceiling)
    for policy in ["lru", "lfu", "static", "fifo", "belady", "prefetch-all"] {
      #expect(try speed(policy) <= ceiling * 1.000_1, "\(policy)")
    }
  }

  @Test("The sentence names the winner, not the oracle, and says what binds it")
  func verdict() throws {
    let comparison = try tiny.compare(["static", "lru", "belady"], replications: 3).comparison
    let verdict = comparison.verdict
    #expect(verdict.hasPrefix("lru: ") || verdict.hasPrefix("static wins"), "\(verdict)")
    #expect(verdict.contains("link-bound: gpu0.h2d"), "\(verdict)")
    #expect(verdict.contains("belady, which knows the future, reaches"), "\(verdict)")
    #expect(comparison.rows.map(\.knowsFuture) == [false, false, true])
    let single = try tiny.compare(["static", "lru"]).comparison.verdict
    #expect(single.contains("one replication, so without an interval"), "\(single)")
  }

  @Test("Runs without a steady state are labelled and not averaged")
  func unstable() throws {
    let flooded = try TinyScenario(arrivals: "{process: constant, rate: 2000/s}", requests: 120)
    let comparison = try flooded.compare(["lru", "lfu"], replications: 2).comparison
    for row in comparison.rows {
      #expect(row.steadyReplications == 0 && row.unstableReplications == 2 && row.mean == nil)
      #expect(row.runs.allSatisfy { !$0.stable && !$0.reason.isEmpty })
      #expect(row.runs.allSatisfy { $0.figures.outputTokensPerSecond > 0 })
    }
    #expect(comparison.rows[1].versusBaseline?.outputTokensPerSecond == nil)
    #expect(comparison.verdict.hasPrefix("No policy has a steady state"))
  }

  @Test("An open load that is kept up with is ranked by the time per token")
  func openLoad() throws {
    let open = try TinyScenario(arrivals: "{process: constant, rate: 0.5/s}")
    let comparison = try open.compare(["static", "belady"], replications: 2).comparison
    #expect(comparison.measure == .tpotMs)
    let ratio = try #require(comparison.rows[1].versusBaseline?.tpotMs?.ratio)
    #expect(ratio < 1)
  }

  @Test("The record comes back from its JSON")
  func roundTrip() throws {
    var comparison = try tiny.compare(["lru", "lfu"], replications: 2, ceilings: true).comparison
    comparison.runInfo = nil
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys]
    let data = try encoder.encode(comparison)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let read = try decoder.decode(PolicyComparison.self, from: data)
    #expect(try encoder.encode(read) == data)
  }

  @Test("Two runs of a comparison agree to the last bit")
  func deterministic() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let texts = try (0..<2).map { _ in
      var comparison = try tiny.compare(["lru", "lfu"], replications: 2).comparison
      comparison.runInfo = nil
      return try encoder.encode(comparison)
    }
    #expect(texts[0] == texts[1])
  }

  @Test("What cannot be compared is refused with what can")
  func refusals() throws {
    #expect(throws: ComparisonError.self) { try tiny.study([]) }
    #expect(throws: ComparisonError.self) { try tiny.study(["lru"], replications: 0) }
    #expect(throws: ComparisonError.self) { try tiny.study(["lru"], set: ["policy=lfu"]) }
    #expect(throws: ComparisonError.self) { try tiny.study(["lru"], set: ["policy.preset=lfu"]) }
    let baseline = #expect(throws: ComparisonError.self) {
      try tiny.study(["lru", "lfu"], baseline: "lruu")
    }
    #expect("\(try #require(baseline))".contains("did you mean 'lru'?"))
    let missing = try #require(
      #expect(throws: MissingFile.self) { try tiny.study(["lru", "lfuu"]) })
    #expect(missing.description.contains("did you mean 'lfu'?"), "\(missing)")
    let presets = tiny.library.names(.policy).joined(separator: ", ")
    #expect(missing.description.contains(presets), "\(missing)")
  }

  @Test("A setting of a role holds for every policy, a preset may be a path")
  func settings() throws {
    let preset = tiny.folder + "/own one.yaml"
    try "name: own\nsummary: a\nsource: b\neviction: fifo\nchunks: 3\n".write(
      toFile: preset, atomically: true, encoding: .utf8)
    let rows = try tiny.compare(["lru", preset], set: ["policy.schedule=load-then-compute"])
      .comparison.rows
    #expect(rows.map(\.roles.schedule) == ["load-then-compute", "load-then-compute"])
    #expect(rows.map(\.roles.eviction) == ["lru", "fifo"] && rows[1].name == preset)
  }
}
