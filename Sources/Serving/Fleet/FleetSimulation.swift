// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

/// Runs a fleet through its workload.
public enum FleetSimulation {
  /// Runs a configuration to the end of its workload, or to its time limit.
  ///
  /// - Parameters:
  ///   - configuration: Everything that the run depends on.
  ///   - requests: Who is told what becomes of each request; `nil` for nobody.
  ///   - progress: Told now and then how far the run has come; what it throws ends the run.
  /// - Returns: The result, and who was told, as the run left it.
  /// - Throws: ``DoesNotFit`` when a GPU's part of a model does not fit, `IndivisibleModel` when a plan does not
  ///   divide it, ``RoutingMismatch``, ``FailureSettings/Problem``, and the errors of workload, routing and topology.
  public static func run(
    _ configuration: FleetConfiguration, requests: (any RequestSink)? = nil,
    progress: ((ServingSimulation.Progress) throws -> Void)? = nil
  ) throws -> (result: SimulationResult, requests: (any RequestSink)?) {
    var engine = try FleetEngine(configuration)
    var simulation = Simulation<FleetEvent>()
    engine.outcomes = requests
    engine.history = configuration.run.historyWindows.map { HistoryRecorder(windows: $0) }
    engine.begin(in: &simulation)
    engine.recordHistory(now: 0)
    let limit = configuration.run.maximumSeconds.map { SimulatedTime(seconds: $0).nanoseconds }
    var untilReport = 1 << 14
    while engine.failure == nil, let event = simulation.next() {
      if let limit, simulation.now.nanoseconds > limit { break }
      engine.handle(event, in: &simulation)
      if engine.isFinished { break }
      untilReport -= 1
      if untilReport == 0 {
        untilReport = 1 << 14
        try progress?(
          .init(
            simulatedSeconds: simulation.now.seconds, arrived: engine.progress.arrivals,
            completed: engine.progress.completions, expected: configuration.run.expectedRequests))
      }
    }
    if let failure = engine.failure { throw failure }
    let end = min(simulation.now.nanoseconds, limit ?? .max)
    var result = engine.result(endedAt: end, events: simulation.processedEventCount)
    result.history = engine.finishedHistory(endedAt: end, isStable: result.steadyState.stable)
    return (result, engine.outcomes)
  }
}
