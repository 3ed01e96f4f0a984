// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

extension ScenarioObjective {
  /// Whether a result meets the objective, as a sentence.
  func verdict(on result: SimulationResult) -> String {
    let limit = "slo.\(key) of \(Self.text(limitSeconds * 1e3)) ms"
    guard let found = figure(of: result) else { return "\(limit): there is no such figure" }
    return
      "\(limit): \(found <= limitSeconds * 1e3 ? "met" : "missed"), found \(Self.text(found)) ms"
  }

  /// The figure that the objective limits [ms], where the result has one.
  func figure(of result: SimulationResult) -> Double? {
    let distribution =
      switch metric {
      case "ttft": result.ttftMs
      case "tpot": result.tpotMs
      case "itl": result.itlMs
      default: result.e2elMs
      }
    guard let distribution else { return nil }
    return switch statistic {
    case "mean": distribution.mean
    case "p50": distribution.p50
    case "p90": distribution.p90
    case "p95": distribution.p95
    case "p99": distribution.p99
    default: distribution.max
    }
  }

  private static func text(_ milliseconds: Double) -> String {
    "\((milliseconds * 1000).rounded() / 1000)"
  }
}
