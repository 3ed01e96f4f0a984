// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
public import Serving

/// A figure that publications print and the report has only in parts.
///
/// A new one is a line in ``all``, and one in docs/reference-cases.md.
public struct DerivedFigure: Sendable {
  /// The name, which may stand wherever a key of the report may.
  public var name: String
  /// The figure of a run; `nil` where the run has none.
  public var value: @Sendable (SimulationResult) -> Double?

  /// Every derived figure.
  public static let all: [DerivedFigure] = [
    // All tokens over all time, prefill included: the throughput of offline batches.
    .init(name: "output_tokens_per_second_overall") { result in
      guard result.measuredSeconds == result.simulatedSeconds else { return nil }
      return quotient(Double(result.requests.outputTokens), result.simulatedSeconds)
    },
    // What one sequence gets while it decodes.
    .init(name: "decode_tokens_per_second") { result in
      result.tpotMs.flatMap { quotient(1000, $0.mean) }
    },
    .init(name: "stall_ms_per_token.total") { $0.stallMsPerToken.total },
    .init(name: "stalled_share") { result in
      let stalled = result.stallMsPerToken.total
      return quotient(stalled, stalled + result.timeMsPerToken.reduce(0) { $0 + $1.value })
    },
    .init(name: "expert_cache.misses_per_token") { result in
      quotient(Double(result.expertCache.misses), outputTokens(result))
    },
    // Resident or on its way when the gate named it.
    .init(name: "expert_cache.found_rate") { result in
      let found = Double(result.expertCache.hits + result.expertCache.late)
      return quotient(found, found + Double(result.expertCache.misses))
    },
    // Fetched ahead, used, and there in time, of all that was fetched ahead.
    .init(name: "prefetch.good_rate") { result in
      result.prefetch.flatMap { prefetch in
        quotient(Double(prefetch.used - prefetch.late), Double(prefetch.issued))
      }
    },
    .init(name: "prefetch.precision") { result in
      result.prefetch.flatMap { quotient(Double($0.predictedRight), Double($0.predicted)) }
    },
  ]

  private static func outputTokens(_ result: SimulationResult) -> Double {
    result.throughput.outputTokensPerSecond * result.measuredSeconds
  }

  private static func quotient(_ dividend: Double, _ divisor: Double) -> Double? {
    divisor > 0 ? dividend / divisor : nil
  }
}

/// Names the figures of a report by their dotted keys, and finds them in a run's record.
public protocol ResultFigures: Sendable {
  /// Whether a report may have this key.
  func mayContain(_ key: String) -> Bool
  /// The key that was probably meant by one that no report has.
  func closest(to key: String) -> String?
  /// Every number of a run's report, by key.
  func numbers(of result: SimulationResult) -> [String: Double]
}

extension ResultFigures {
  /// What is wrong with the name of a figure, if anything.
  func problem(with metric: String) -> String? {
    guard !mayContain(metric), !DerivedFigure.all.contains(where: { $0.name == metric }) else {
      return nil
    }
    let guess =
      closestMatch(to: metric, among: DerivedFigure.all.map(\.name)) ?? closest(to: metric)
    return "no report has the figure '\(metric.prefix(60))'"
      + (guess.map { "; did you mean '\($0)'?" } ?? "; docs/report-schema.md lists the keys")
  }
}
