// SPDX-License-Identifier: GPL-3.0-or-later

public import Experiments
import Records
import Serving
import Workload

/// The requests of an observation as CSV: a row a request, measured and simulated beside each other.
public struct RequestPairsWriter: Sendable {
  /// The figures of a request that stand in pairs of columns.
  private static let figures: [ObservedFigure] = [.ttft, .tpot, .endToEnd, .queue]

  /// The columns.
  public static let columns: [String] =
    ["request", "id", "arrival_s", "prompt_tokens", "output_tokens"]
    + figures.flatMap { ["measured_\($0.rawValue)", "simulated_\($0.rawValue)"] }
    + ["replica", "fate"]

  /// The text, with a header.
  ///
  /// - Parameters:
  ///   - pairs: The requests in the order of sending.
  ///   - origin: From which instant simulated latencies count, as measured ones do.
  public static func text(_ pairs: [ObservedPair], since origin: ObservedRun.Origin) -> String {
    var text = CSVText.line(columns)
    for (number, pair) in pairs.enumerated() {
      let arrival = pair.simulated.map { SecondsText.string(nanoseconds: $0.arrival) }
      var fields = [
        "\(number)", pair.measured.id, arrival ?? "", "\(pair.measured.promptTokens)",
        "\(pair.measured.outputTokens)",
      ]
      for figure in figures {
        fields.append(field(figure.value(of: pair.measured)))
        fields.append(field(pair.simulated.flatMap { figure.value(of: $0, since: origin) }))
      }
      fields.append(pair.simulated.map { "\($0.replica)" } ?? "")
      fields.append(pair.simulated?.fate.name ?? "unfinished")
      text += CSVText.line(fields)
    }
    return text
  }

  private static func field(_ value: Double?) -> String {
    value.map { plainDecimal(Resolution.round($0, decimals: 6)) } ?? ""
  }
}
