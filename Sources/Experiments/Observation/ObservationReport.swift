// SPDX-License-Identifier: GPL-3.0-or-later

import Serving
import Workload

/// A measured run and its simulation, side by side. docs/observe.md describes the keys.
public struct ObservationReport: Codable, Sendable {
  /// The version of this record's schema, "major.minor".
  public var schemaVersion = "1.0"
  /// The file of the measured run.
  public var results: String
  /// Who wrote it.
  public var format: String
  /// The scenario that was simulated.
  public var scenario: String
  /// The seed of the simulation.
  public var seed: UInt64
  /// What was simulated, in words.
  public var setting: SimulationResult.SettingSummary
  /// From when latencies count, "arrival" or "queued".
  public var latenciesSince: String
  /// What became of the requests.
  public var requests: ObservedRequests
  /// Requests answered per second.
  public var requestsPerSecond: ComparedNumber
  /// Output tokens per second.
  public var outputTokensPerSecond: ComparedNumber
  /// From the first arrival to the last token [s].
  public var durationSeconds: ComparedNumber
  /// Time to first token [ms].
  public var ttftMs: FigureComparison?
  /// Time per output token after the first, one value a request [ms].
  public var tpotMs: FigureComparison?
  /// Time between consecutive tokens [ms].
  public var itlMs: FigureComparison?
  /// Time to the last token [ms].
  public var e2elMs: FigureComparison?
  /// Time between being queued and being scheduled [ms].
  public var queueMs: FigureComparison?
  /// What a reader must know.
  public var notices: [String]
  /// All that is not deterministic.
  public var runInfo: SimulationResult.RunInfo?

  /// The compared figures in the order of tables.
  public var figures: [(figure: ObservedFigure, comparison: FigureComparison)] {
    let all: [(ObservedFigure, FigureComparison?)] = [
      (.ttft, ttftMs), (.tpot, tpotMs), (.itl, itlMs), (.endToEnd, e2elMs), (.queue, queueMs),
    ]
    return all.compactMap { figure, comparison in comparison.map { (figure, $0) } }
  }
}

/// What became of the requests of both sides.
public struct ObservedRequests: Codable, Sendable {
  /// Requests that were answered in the measured run.
  public var measured: Int
  /// Requests of the file that were left out of both sides.
  public var leftOut: Int
  /// Requests that were answered in the simulation.
  public var completed: Int
  /// Requests that the simulation refused.
  public var rejected: Int
  /// Requests that the simulation gave up after failures.
  public var lost: Int
  /// Requests that neither ended nor were refused when the simulation ended.
  public var unfinished: Int
  /// Preemptions in the simulation.
  public var preemptions: Int
}

/// One request as it was measured and as it was simulated.
public struct ObservedPair: Sendable {
  /// As the benchmark wrote it.
  public var measured: ObservedRequest
  /// As it was simulated; `nil` where it did not end.
  public var simulated: RequestOutcome?

  /// A pair.
  public init(measured: ObservedRequest, simulated: RequestOutcome?) {
    self.measured = measured
    self.simulated = simulated
  }
}
