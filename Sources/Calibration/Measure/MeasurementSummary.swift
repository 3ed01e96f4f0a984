// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

extension MeasurementSession {
  /// How noisy the run was, in lines: by kernel the typical and the worst spread, the five worst points,
  /// what was left out, and how far the machine drifted.
  public func summary() -> [String] {
    var lines = ["\(timed.count) points timed" + (skipped > 0 ? ", \(skipped) there before" : "")]
    for (reason, count) in leftOut { lines.append("\(count) left out: \(reason)") }
    if !timed.isEmpty {
      lines.append("spread of the middle half of repeats over the median:")
      for kernel in MeasuredKernel.allCases {
        let spreads = timed.filter { $0.row.kernel == kernel }.map(\.spread)
        guard !spreads.isEmpty else { continue }
        let statistics = SampleStatistics(spreads)
        lines.append(
          "  \(kernel.rawValue): median \(Self.percent(statistics.median)), worst "
            + "\(Self.percent(statistics.maximum)) of \(spreads.count) points")
      }
      let worst = timed.sorted { $0.spread > $1.spread }.prefix(5).filter { $0.spread > 0.1 }
      if !worst.isEmpty { lines.append("noisiest points:") }
      for (row, spread) in worst { lines.append("  \(Self.percent(spread)) \(row.pointText)") }
    }
    for drift in drifts {
      let change = drift.after / drift.before - 1
      let warning = abs(change) > 0.15 ? "; the machine is not steady, repeat the run" : ""
      lines.append(
        "drift: \(drift.name) took \(Self.time(drift.before)) before and "
          + "\(Self.time(drift.after)) after, \(Self.percent(change))\(warning)")
    }
    return lines
  }

  private static func percent(_ value: Double) -> String { String(format: "%.1f %%", 100 * value) }

  private static func time(_ seconds: Double) -> String {
    seconds < 1e-3
      ? String(format: "%.1f µs", 1e6 * seconds) : String(format: "%.2f ms", 1e3 * seconds)
  }
}
