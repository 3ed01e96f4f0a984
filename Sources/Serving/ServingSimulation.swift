// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import SimulationKernel

/// Runs one replica through its workload.
public enum ServingSimulation {
  /// How far a run has come, for a display.
  public struct Progress: Sendable {
    /// The simulated time [s].
    public var simulatedSeconds: Double
    /// Requests that arrived.
    public var arrived: Int
    /// Requests that completed.
    public var completed: Int
    /// Requests of the workload, where that is known.
    public var expected: Int?
  }

  /// What came of a run.
  public struct Run {
    /// The result.
    public var result: SimulationResult
    /// The sinks as the run left them.
    public var timeline: (any TimelineSink)?
    /// The sink of decisions.
    public var decisions: (any DecisionSink)?
    /// The sink of requests.
    public var requests: (any RequestSink)?
    /// The sink of forward passes.
    public var passes: (any PassSink)?
  }

  /// Runs a configuration to the end of its workload, or to its time limit.
  ///
  /// - Parameters:
  ///   - configuration: Everything that the run depends on.
  ///   - timeline: Where to send what happened on every resource; `nil` for nowhere.
  ///   - decisions: Where to send what was decided about experts; `nil` for nowhere.
  ///   - requests: Who is told what became of each request; `nil` for nobody.
  ///   - passes: Who is told of each forward pass; `nil` for nobody.
  ///   - progress: Told now and then how far the run has come; what it throws ends the run.
  /// - Returns: The result, and the sinks as the run left them.
  /// - Throws: ``DoesNotFit`` when the model does not fit, ``RoutingMismatch``, ``PassesNotRecorded``, and the errors of the workload and the routing.
  public static func run(
    _ configuration: ServingConfiguration, timeline: (any TimelineSink)? = nil,
    decisions: (any DecisionSink)? = nil, requests: (any RequestSink)? = nil,
    passes: (any PassSink)? = nil, progress: ((Progress) throws -> Void)? = nil
  ) throws -> Run {
    var engine = try ServingEngine(configuration, timeline: timeline, decisions: decisions)
    engine.outcomes = requests
    engine.history = configuration.run.historyWindows.map { HistoryRecorder(windows: $0) }
    if passes != nil, engine.passCosts == nil {
      throw PassesNotRecorded(
        "\(configuration.model.name) is an encoder–decoder, of whose passes MoE-CAP has no record;"
          + " expected a decoder with --passes")
    }
    engine.passes = passes
    var simulation = Simulation<EngineEvent>()
    engine.begin(in: &simulation)
    let limit = configuration.run.maximumSeconds.map { SimulatedTime(seconds: $0).nanoseconds }
    var untilReport = 1 << 16
    while engine.failure == nil, let event = simulation.next() {
      if let limit, simulation.now.nanoseconds > limit { break }
      engine.handle(event, in: &simulation)
      // What is still on its way serves nobody: the run ends with its last token.
      if engine.isFinished { break }
      untilReport -= 1
      if untilReport == 0 {
        untilReport = 1 << 16
        try progress?(
          Progress(
            simulatedSeconds: simulation.now.seconds, arrived: engine.progress.arrivals,
            completed: engine.progress.completions, expected: configuration.run.expectedRequests))
      }
    }
    if let failure = engine.failure { throw failure }
    let end = min(simulation.now.nanoseconds, limit ?? .max)
    var result = engine.result(endedAt: end, events: simulation.processedEventCount)
    result.history = engine.finishedHistory(endedAt: end, isStable: result.steadyState.stable)
    if engine.recordsTimeline && engine.isFinished {
      // A timeline shows transfers that are under way at the end, whole.
      while let event = simulation.next() { engine.handle(event, in: &simulation) }
    }
    return Run(
      result: result, timeline: engine.timeline?.sink, decisions: engine.decisions?.sink,
      requests: engine.outcomes, passes: engine.passes)
  }

  /// The expert cache of a configuration, with its eviction rule and what it holds when a run begins.
  ///
  /// - Throws: What ``run(_:timeline:decisions:requests:passes:progress:)`` throws before it begins.
  public static func expertTier(of configuration: ServingConfiguration) throws -> ResidencyTier {
    try ServingEngine(configuration, timeline: nil).tier
  }
}
