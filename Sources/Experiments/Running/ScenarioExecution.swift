// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Residency
import Serving

/// Runs a scenario: its replications, and the re-runs that say what would help.
public enum ScenarioExecution {
  /// What came of a scenario.
  public struct Outcome {
    /// One result for each replication.
    public var results: [SimulationResult]
    /// The timeline's sink, as the first replication left it.
    public var timeline: (any TimelineSink)?
    /// The sink of decisions, as the first replication left it.
    public var decisions: (any DecisionSink)?
    /// The sink of requests, as the first replication left it.
    public var requests: (any RequestSink)?
    /// The sink of forward passes, as the first replication left it.
    public var passes: (any PassSink)?
  }

  /// Runs every replication of a scenario.
  ///
  /// - Parameters:
  ///   - scenario: What to run.
  ///   - timeline: Where the first replication sends what happened on every resource.
  ///   - decisions: Makes what takes the decisions of the first replication.
  ///   - requests: Who is told what became of each request of the first replication.
  ///   - passes: Makes who is told of each forward pass of the first replication.
  ///   - library: Where the names of parts are looked for.
  ///   - uncertainty: Runs with drawn errors of kernel timings, for intervals; `nil` for none.
  ///   - progress: Told now and then how far the run under way has come.
  /// - Throws: What reading and running throw; `DoesNotFit` when the model does not fit.
  public static func execute(
    _ scenario: Scenario, timeline: (any TimelineSink)? = nil,
    decisions: ((ServingConfiguration) throws -> any DecisionSink)? = nil,
    requests: (any RequestSink)? = nil,
    passes: ((ServingConfiguration) throws -> any PassSink)? = nil,
    library: DataLibrary = .standard, uncertainty: Int? = nil,
    progress: ((ServingSimulation.Progress) -> Void)? = nil
  ) throws -> Outcome {
    if scenario.isFleet {
      try Scenario.refuse(
        timeline: timeline != nil, decisions: decisions != nil, uncertainty: uncertainty != nil,
        passes: passes != nil)
      return try executeFleet(
        scenario, requests: requests, library: library, progress: progress)
    }
    var outcome = Outcome(results: [], timeline: nil)
    for replication in 0..<UInt32(scenario.run.replications) {
      let configuration = try scenario.configuration(replication: replication, library: library)
      let study = try uncertainty.map { try TimingUncertainty(configuration, replications: $0) }
      let clock = ProcessClock()
      let run = try ServingSimulation.run(
        configuration, timeline: replication == 0 ? timeline : nil,
        decisions: replication == 0 ? decisions?(configuration) : nil,
        requests: replication == 0 ? requests : nil,
        passes: replication == 0 ? passes?(configuration) : nil, progress: progress)
      var result = run.result
      result.notices += scenario.objectives.map { $0.verdict(on: result) }
      result.runInfo = clock.runInfo(events: result.eventsProcessed)
      if replication == 0 {
        outcome.passes = run.passes
        outcome.timeline = run.timeline
        outcome.decisions = run.decisions
        outcome.requests = run.requests
        if scenario.run.improvements {
          result.whatWouldHelp = try Improvements.evaluate(configuration, base: result)
        }
      }
      if let study { try study.evaluate(&result, progress: progress) }
      outcome.results.append(result)
    }
    return outcome
  }

  /// Runs every replication of a fleet.
  private static func executeFleet(
    _ scenario: Scenario, requests: (any RequestSink)?, library: DataLibrary,
    progress: ((ServingSimulation.Progress) -> Void)?
  ) throws -> Outcome {
    var outcome = Outcome(results: [], timeline: nil)
    for replication in 0..<UInt32(scenario.run.replications) {
      let configuration = try scenario.fleetConfiguration(
        replication: replication, library: library)
      let clock = ProcessClock()
      let run = try scenario.locatingFailures {
        try FleetSimulation.run(
          configuration, requests: replication == 0 ? requests : nil, progress: progress)
      }
      if replication == 0 { outcome.requests = run.requests }
      var result = run.result
      result.notices += scenario.objectives.map { $0.verdict(on: result) }
      result.runInfo = clock.runInfo(events: result.eventsProcessed)
      outcome.results.append(result)
    }
    return outcome
  }
}
