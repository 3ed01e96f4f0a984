// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Serving

/// What one run of a candidate gave, as far as plans are judged by it.
struct PlanFigures: Sendable {
  /// What a million output tokens cost [USD].
  var usdPerMillionTokens: Double?
  /// What an hour costs [USD].
  var usdPerHour: Double?
  /// The 99th percentile of the time to first token [ms].
  var p99TtftMs: Double?
  /// The 99th percentile of the time per output token [ms].
  var p99TpotMs: Double?
  /// Mean power [W].
  var meanWatts: Double
  /// Output tokens per second.
  var outputTokensPerSecond: Double
  /// The objectives' figures [ms], in the order of the plan; `nil` where there is none.
  var objectives: [Double?]
  /// Why there is no steady state; empty where there is one.
  var unstable: String
  /// Requests that arrive over those that complete, in a second; 1 where users wait.
  var overload: Double
  /// The share of the requests that were refused or lost.
  var refusedShare: Double
  /// Events that the run took.
  var events: UInt64
  /// The busiest resource and its share.
  var busiest: (name: String, share: Double)?
  /// Preemptions for each completed request.
  var preemptionsPerRequest: Double

  /// The figures of a run.
  ///
  /// - Parameter pricing: Whether an hour costs the purchase written off and the energy, or the rent.
  init(
    _ result: SimulationResult, objectives: [ScenarioObjective], pricing: PlanPricing
  ) {
    outputTokensPerSecond = result.throughput.outputTokensPerSecond
    let cost = pricing == .rent ? result.cost.rent : result.cost.purchase
    usdPerHour = cost?.usdPerHour
    usdPerMillionTokens = cost?.usdPerMillionOutputTokens
    p99TtftMs = result.ttftMs?.p99
    p99TpotMs = result.tpotMs?.p99
    meanWatts = result.energy.meanWatts
    self.objectives = objectives.map { Self.figure($0, result) }
    unstable = result.steadyState.stable ? "" : result.steadyState.reason
    let completed = result.steadyState.completedRequestsPerSecond
    overload =
      result.steadyState.offeredRequestsPerSecond.map {
        completed > 0 ? max(1, $0 / completed) : .infinity
      } ?? 1
    let counts = result.requests
    let refused = counts.rejected + (counts.lost ?? 0)
    refusedShare = counts.arrived > 0 ? Double(refused) / Double(counts.arrived) : 1
    preemptionsPerRequest = Double(counts.preemptions) / Double(max(1, counts.completed))
    events = result.eventsProcessed
    busiest = result.resources.filter { $0.utilization > 0 }.max {
      ($0.utilization, $1.name) < ($1.utilization, $0.name)
    }.map { ($0.name, $0.utilization) }
  }

  private static func figure(_ objective: ScenarioObjective, _ result: SimulationResult) -> Double?
  {
    let distribution =
      switch objective.metric {
      case "ttft": result.ttftMs
      case "tpot": result.tpotMs
      default: result.e2elMs
      }
    guard let distribution else { return nil }
    return switch objective.statistic {
    case "mean": distribution.mean
    case "p50": distribution.p50
    case "p90": distribution.p90
    case "p95": distribution.p95
    case "p99": distribution.p99
    default: distribution.max
    }
  }

  /// What misses the objectives, the worst first; empty where all are met.
  func misses(_ wanted: [ScenarioObjective]) -> [PlanExclusion] {
    if !unstable.isEmpty {
      return [
        PlanExclusion(
          kind: .unstable, reason: unstable, needed: .infinity, allowed: 1, unit: "")
      ]
    }
    if refusedShare > 0 {
      return [
        PlanExclusion(
          kind: .unstable,
          reason: "a share of \(refusedShare) of the requests is refused: longer than the KV cache",
          needed: .infinity, allowed: 1, unit: "")
      ]
    }
    var all: [PlanExclusion] = []
    for (objective, found) in zip(wanted, objectives) {
      let limit = objective.limitSeconds * 1e3
      guard let found else {
        all.append(
          PlanExclusion(
            kind: .objective(objective.key), reason: "no request has such a figure",
            needed: .infinity, allowed: limit, unit: ""))
        continue
      }
      guard found > limit else { continue }
      all.append(
        PlanExclusion(
          kind: .objective(objective.key), reason: "", needed: found, allowed: limit, unit: "ms"))
    }
    return all.enumerated().sorted {
      ($0.element.ratio, -$0.offset) > ($1.element.ratio, -$1.offset)
    }.map(\.element)
  }

  /// Beyond which a ratio says that there is no steady state.
  static let unstableRatio = 1000.0

  /// The largest of the objectives' figures as multiples of their limits; without a steady state a
  /// larger number, by how far the load is beyond what is served.
  func worstRatio(_ wanted: [ScenarioObjective]) -> Double {
    guard refusedShare == 0 else { return .infinity }
    guard unstable.isEmpty else { return Self.unstableRatio * overload }
    return zip(wanted, objectives).reduce(0) { worst, pair in
      max(worst, pair.1.map { $0 / (pair.0.limitSeconds * 1e3) } ?? .infinity)
    }
  }
}
