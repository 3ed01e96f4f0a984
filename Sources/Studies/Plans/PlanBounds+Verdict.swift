// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments

extension PlanBounds {
  /// The time to a request's first token at least [s].
  func timeToFirstToken(prompt: Double) -> Double {
    sharesPrefixes ? 0 : max(0, prompt * perToken + perOutput)
  }

  /// The time for each further token at least [s].
  var timePerOutputToken: Double { step / tokensPerStep }

  /// Requests per second that a replica can carry in the long run at most.
  func requestsPerSecond(_ traffic: PlanTraffic) -> Double {
    let arithmetic = traffic.mean { prompt, output in
      (sharesPrefixes ? 0 : prompt * perToken) + (output - 1) * perToken + output * perOutput
    }
    let decoded = traffic.mean { _, output in max(0, output - 1) } / tokensPerStep
    let cached = traffic.mean { prompt, output in prompt * max(0, output - 1) } / tokensPerStep
    func rate(_ amount: Double, _ seconds: Double) -> Double {
      seconds > 0 ? amount / seconds : .infinity
    }
    let memory =
      sharesPrefixes
      ? rate(ranks * sequences, decoded * deviceStep)
      : rate(
        ranks, decoded / sequences * deviceStep + cached * deviceStepPerCachedToken)
    let places = rate(ranks * sequences, decoded * step)
    let room =
      sharesPrefixes
      ? .infinity : rate(ranks * keyValueBytes, cached * keyValueBytesPerToken * step)
    return min(rate(1, arithmetic), memory, places, room)
  }

  /// Why a candidate of so many replicas cannot do; `nil` where nothing says so.
  ///
  /// - Parameters:
  ///   - objectives: The latencies that must be kept.
  ///   - traffic: The requests.
  ///   - replicas: Replicas that share them.
  func exclusion(
    _ objectives: [ScenarioObjective], traffic: PlanTraffic, replicas: Int
  ) -> PlanExclusion? {
    for objective in objectives {
      let least = Self.trust * self.least(objective, traffic)
      guard least > objective.limitSeconds else { continue }
      return PlanExclusion(
        kind: .latency(objective.key), reason: "what memory, link and arithmetic take alone",
        needed: least * 1e3, allowed: objective.limitSeconds * 1e3, unit: "ms")
    }
    guard let offered = traffic.offered else { return nil }
    let most = Double(replicas) * requestsPerSecond(traffic) / Self.trust
    guard most < offered else { return nil }
    return PlanExclusion(
      kind: .load, reason: "requests that arrive against those that roofs let through",
      needed: offered, allowed: most, unit: "requests/s")
  }

  /// What an objective's figure is at least [s].
  ///
  /// Of distributions, a lower quantile is taken than the objective's, since runs cut their warm-up
  /// and have requests of their own.
  private func least(_ objective: ScenarioObjective, _ traffic: PlanTraffic) -> Double {
    let share =
      switch objective.statistic {
      case "p50", "mean": 0.3
      case "p90": 0.75
      case "p95": 0.85
      default: 0.9
      }
    switch objective.metric {
    case "ttft": return traffic.quantile(share) { prompt, _ in timeToFirstToken(prompt: prompt) }
    case "tpot": return timePerOutputToken
    default:
      return traffic.quantile(share) { prompt, output in
        timeToFirstToken(prompt: prompt) + (output - 1) * timePerOutputToken
      }
    }
  }
}

extension PreparedCandidate {
  /// Why the candidate cannot do, found without simulating it; `nil` where nothing says so.
  ///
  /// - Throws: `DoesNotFit` where a memory has no room.
  func exclusion(
    _ objectives: [ScenarioObjective], traffic: PlanTraffic
  ) throws -> PlanExclusion? {
    switch configuration {
    case .replica(let one):
      let bounds = try PlanBounds(one)
      return bounds.exclusion(objectives, traffic: traffic, replicas: 1)
    case .fleet(let fleet):
      // Groups that divide prompts from outputs, answers from a cache and growing fleets are beyond
      // what the bounds know; their memory is checked all the same.
      let bounds = try fleet.groups.map { try PlanBounds($0) }
      guard fleet.groups.count == 1, fleet.operations.responseCache == nil,
        fleet.operations.autoscaler == nil
      else { return nil }
      return bounds[0].exclusion(
        objectives, traffic: traffic, replicas: fleet.groups[0].replicas)
    }
  }
}
