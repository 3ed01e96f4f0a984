// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors
import Serving
import SimulationKernel

/// Runs scenarios with `fleet.wide_area`.
public enum WideAreaExecution {
  /// Runs every replication of a scenario.
  ///
  /// - Returns: One result for each replication; `nil` where the scenario is no wide-area pipeline.
  /// - Throws: `MissingFile`, `Diagnostics`, or what a trace says of itself.
  public static func execute(_ scenario: Scenario) throws -> [WideAreaResult]? {
    guard let pipeline = scenario.fleet.wideArea else { return nil }
    let model = try scenario.loadModel()
    let precision = scenario.precisionPlan(of: model)
    let settings = try pipeline.settings(
      for: model, precision: precision, failures: scenario.fleet.failures)
    let limit = scenario.run.durationSeconds.map { SimulatedTime(seconds: $0) } ?? .distantFuture
    return try (0..<UInt32(scenario.run.replications)).map { replication in
      let source = try scenario.workload.open(
        seed: scenario.run.seed, replication: replication)
      return try scenario.locatingFailures {
        try settings.run(
          source, seed: scenario.run.seed, replication: replication, until: limit)
      }
    }
  }
}

extension Scenario {
  /// Runs what may find that `fleet.failures` names something which is not there, and says where.
  ///
  /// - Throws: A `Diagnostic` in place of `FailureSettings.Problem`; else what the body throws.
  func locatingFailures<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let problem as FailureSettings.Problem {
      throw Diagnostic(
        location: fleet.failureLocations[problem.entry],
        path: "fleet.failures[\(problem.entry)].what", message: problem.message)
    }
  }
}
