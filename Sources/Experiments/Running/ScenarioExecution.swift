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
    /// The timeline's sink, as the first of the replications left it.
    public var timeline: (any TimelineSink)?
    /// The sink of decisions, as the first of the replications left it.
    public var decisions: (any DecisionSink)?
    /// The sink of requests, as the first of the replications left it.
    public var requests: (any RequestSink)?
    /// The sink of forward passes, as the first of the replications left it.
    public var passes: (any PassSink)?
  }

  /// Runs every replication of a scenario.
  ///
  /// - Parameters:
  ///   - scenario: What to run.
  ///   - replications: Which replications to run; `nil` for as many as the scenario says, from 0.
  ///   - timeline: Where the first of the replications sends what happened on every resource.
  ///   - decisions: Makes what takes the decisions of the first of the replications.
  ///   - requests: Who is told what became of each request of the first of the replications.
  ///   - passes: Makes who is told of each forward pass of the first of the replications.
  ///   - library: Where the names of parts are looked for.
  ///   - uncertainty: Runs with drawn errors of kernel timings, for intervals; `nil` for none.
  ///   - history: The most windows in which each result shows its run over time; `nil` for none.
  ///   - progress: Told now and then how far the run under way has come.
  /// - Throws: What reading and running throw; `DoesNotFit` when the model does not fit.
  public static func execute(
    _ scenario: Scenario, replications: Range<UInt32>? = nil,
    timeline: (any TimelineSink)? = nil,
    decisions: ((ServingConfiguration) throws -> any DecisionSink)? = nil,
    requests: (any RequestSink)? = nil,
    passes: ((ServingConfiguration) throws -> any PassSink)? = nil,
    library: DataLibrary = .standard, uncertainty: Int? = nil, history: Int? = nil,
    progress: ((ServingSimulation.Progress) throws -> Void)? = nil
  ) throws -> Outcome {
    let replications = replications ?? 0..<UInt32(scenario.run.replications)
    let first = replications.lowerBound
    if scenario.isFleet {
      try Scenario.refuse(
        timeline: timeline != nil, decisions: decisions != nil, uncertainty: uncertainty != nil,
        passes: passes != nil)
      return try executeFleet(
        scenario, replications: replications, requests: requests, library: library,
        history: history, progress: progress)
    }
    var outcome = Outcome(results: [], timeline: nil)
    for replication in replications {
      let configuration = try scenario.configuration(replication: replication, library: library)
      let study = try uncertainty.map { try TimingUncertainty(configuration, replications: $0) }
      var recorded = configuration
      recorded.run.historyWindows = history
      let clock = ProcessClock()
      let run = try ServingSimulation.run(
        recorded, timeline: replication == first ? timeline : nil,
        decisions: replication == first ? decisions?(configuration) : nil,
        requests: replication == first ? requests : nil,
        passes: replication == first ? passes?(configuration) : nil, progress: progress)
      var result = run.result
      result.notices += scenario.objectives.map { $0.verdict(on: result) }
      result.runInfo = clock.runInfo(events: result.eventsProcessed)
      if replication == first {
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
    _ scenario: Scenario, replications: Range<UInt32>, requests: (any RequestSink)?,
    library: DataLibrary, history: Int?,
    progress: ((ServingSimulation.Progress) throws -> Void)?
  ) throws -> Outcome {
    var outcome = Outcome(results: [], timeline: nil)
    for replication in replications {
      var configuration = try scenario.fleetConfiguration(
        replication: replication, library: library)
      configuration.run.historyWindows = history
      let clock = ProcessClock()
      let run = try scenario.locatingFailures {
        try FleetSimulation.run(
          configuration, requests: replication == replications.lowerBound ? requests : nil,
          progress: progress)
      }
      if replication == replications.lowerBound { outcome.requests = run.requests }
      var result = run.result
      result.notices += scenario.objectives.map { $0.verdict(on: result) }
      result.runInfo = clock.runInfo(events: result.eventsProcessed)
      outcome.results.append(result)
    }
    return outcome
  }
}

extension ScenarioExecution {
  /// Reads all that a scenario names and turns it into what an engine runs, without running it.
  ///
  /// - Throws: What is wrong with the scenario or the files.
  public static func check(_ scenario: Scenario, library: DataLibrary = .standard) throws {
    if scenario.isFleet {
      _ = try scenario.fleetConfiguration(library: library)
    } else {
      _ = try scenario.configuration(library: library)
    }
  }
}
