// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation
import Records
import Serving

/// One run of a plan: reads its scenario, simulates, and records what came of it.
struct SweepRun {
  let entry: SweepPlan.Entry
  let tree: ConfigurationNode
  let folder: String
  let library: DataLibrary
  let digests: FileDigestCache
  let timeoutSeconds: Double?

  /// A run took longer than it may.
  private struct TookTooLong: Error {}

  func record() throws -> RunRecord {
    let scenario: Scenario
    let outcome: ScenarioExecution.Outcome
    let deadline = timeoutSeconds.map { ContinuousClock.now + .seconds($0) }
    do {
      let recorded = try ConfigurationFiles.recording {
        let scenario = try Scenario.read(tree, file: "\(folder)/plan", library: library)
        let outcome = try ScenarioExecution.execute(
          scenario, replications: entry.replication..<(entry.replication + 1),
          requests: entry.kind == .pilot ? RequestCollector() : nil, library: library
        ) { _ in
          if let deadline, ContinuousClock.now > deadline { throw TookTooLong() }
        }
        return (scenario, outcome)
      }
      (scenario, outcome) = recorded.value
      try checkFiles(recorded.paths, scenario)
    } catch is TookTooLong {
      let limit = timeoutSeconds.map { "\($0)" } ?? ""
      return RunRecord(
        id: entry.id, status: .timeout, message: "it took longer than \(limit) s")
    } catch let error as DoesNotFit {
      return RunRecord(id: entry.id, status: .infeasible, message: "\(error)")
    }
    guard let result = outcome.results.first else {
      return RunRecord(id: entry.id, status: .failed, message: "it has no result")
    }
    return record(of: result, outcome.requests as? RequestCollector)
  }

  private func record(of result: SimulationResult, _ requests: RequestCollector?) -> RunRecord {
    var value = ResultDocument(result).value
    // The scenario's name is a label, and run_info depends on the host.
    value.remove("run_info")
    value.remove("scenario")
    let isStable = result.steadyState.stable
    return RunRecord(
      id: entry.id, status: isStable ? .ok : .unstable,
      message: isStable ? nil : result.steadyState.reason, result: value,
      series: requests.map { Self.series(of: $0.outcomes) })
  }

  /// The means of batches of end-to-end latencies [s], by arrival.
  private static func series(of outcomes: [RequestOutcome]) -> [Double] {
    let completed = outcomes.filter { $0.fate == .completed }.sorted { $0.number < $1.number }
    return MSER5.batchMeans(of: completed.map { Double($0.lastToken - $0.arrival) * 1e-9 })
  }

  /// Throws when a file is not what it was when the plan was made.
  private func checkFiles(_ paths: [String], _ scenario: Scenario) throws {
    let expected = Set(entry.files)
    var all = paths
    if let trace = scenario.workload.trace { all.append(trace) }
    for path in all where !expected.contains(try digests.digest(of: path).hexadecimal) {
      throw Diagnostic(
        location: SourceLocation(origin: path),
        message: "has changed since the plan was made; plan again")
    }
  }
}
