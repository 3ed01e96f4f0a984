// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Reports
import Serving

/// What came of a pipeline over a wide-area network, as text.
enum WideAreaReport {
  /// The facts of one replication.
  static func facts(of result: WideAreaResult, scenario: Scenario) -> Facts {
    var facts = Facts()
    func count(_ key: String, _ value: Int) { facts.add(key, .integer(Int64(value))) }
    func number(_ key: String, _ value: Double, _ unit: String = "") {
      facts.add(key, .number(value), rounded(value) + unit)
    }
    facts.add("scenario", .text(scenario.name))
    facts.add("model", .text(scenario.model.label))
    count("requests.arrived", result.arrived)
    count("requests.completed", result.completed)
    count("requests.unfinished", result.unfinished)
    count("output_tokens", result.outputTokens)
    number("duration_s", result.durationSeconds, " s")
    number("tokens_per_second", result.tokensPerSecond)
    number("steps_per_second", result.stepsPerSecond)
    let distributions = [
      ("ttft_ms", result.timeToFirstToken), ("tpot_ms", result.timePerOutputToken),
      ("e2el_ms", result.endToEnd), ("failover_ms", result.failover),
    ]
    for (key, distribution) in distributions {
      guard let distribution else { continue }
      number("\(key).mean", distribution.mean, " ms")
      number("\(key).p50", distribution.p50, " ms")
      number("\(key).p99", distribution.p99, " ms")
    }
    count("failovers", result.failovers)
    count("replayed_tokens", result.replayedTokens)
    number("stranded_s", result.strandedSeconds, " s")
    facts.add(
      "utilisation", .list(result.utilisation.map { .number($0) }),
      result.utilisation.map { "\(Int(($0 * 100).rounded()))%" }.joined(separator: " "))
    for notice in result.notices { facts.add("notice", .text(notice)) }
    return facts
  }

  private static func rounded(_ value: Double) -> String {
    "\((value * 1000).rounded() / 1000)"
  }
}
