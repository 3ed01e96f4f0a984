// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Studies

/// The figures that stand first on the page of a run.
enum HeadlineFigures {
  private struct Figure {
    var key: String
    var label: String
    var unit: String
    /// A further figure that is told beside it.
    var beside: (key: String, label: String)?
  }

  private static let figures = [
    Figure(
      key: "throughput.output_tokens_per_second", label: "Output tokens per second",
      unit: "tokens/s", beside: ("throughput.total_tokens_per_second", "with prompt tokens")),
    Figure(
      key: "tpot_ms.mean", label: "Time per output token (TPOT), mean", unit: "ms",
      beside: ("tpot_ms.p99", "99th percentile")),
    Figure(
      key: "ttft_ms.mean", label: "Time to first token (TTFT), mean", unit: "ms",
      beside: ("ttft_ms.p99", "99th percentile")),
    Figure(
      key: "e2el_ms.mean", label: "Whole request (E2EL), mean", unit: "ms",
      beside: ("e2el_ms.p99", "99th percentile")),
    Figure(
      key: "throughput.requests_per_second", label: "Requests per second", unit: "requests/s",
      beside: ("throughput.goodput_requests_per_second", "within every limit")),
    Figure(key: "expert_cache.hit_rate", label: "Expert cache hit rate", unit: "%", beside: nil),
    Figure(
      key: "cost.usd_per_million_output_tokens", label: "Cost of a million output tokens",
      unit: "USD", beside: ("cost.usd_per_hour", "USD per hour")),
    Figure(
      key: "energy.joules_per_output_token", label: "Energy per output token", unit: "J",
      beside: ("energy.mean_watts", "W in the mean")),
  ]

  /// The figures of one run; intervals are those of errors of kernel timings, where they were asked
  /// for.
  static func of(_ run: ReportValue) -> [PageFigure] {
    let uncertain = run.list("uncertainty.figures")
    return figures.compactMap { figure in
      guard let value = run.number(figure.key) else {
        let reason = run.members("omitted").first { figure.key.hasPrefix($0.key) }
        guard case .text(let why)? = reason?.value else { return nil }
        return PageFigure(
          key: figure.key, label: figure.label, value: nil, text: "not reported", interval: nil,
          note: why)
      }
      var interval: String?
      if let entry = uncertain.first(where: { $0.text("name") == figure.key }),
        let low = entry.number("low"), let high = entry.number("high")
      {
        interval =
          "\(text(low, figure.unit, isLow: true)) – \(text(high, figure.unit)), 90 % over errors of"
          + " kernel timings"
      }
      return PageFigure(
        key: figure.key, label: figure.label, value: value, text: text(value, figure.unit),
        interval: interval, note: note(figure, run))
    }
  }

  /// The means of replications, with Student's interval over them.
  static func of(replications runs: [ReportValue]) -> [PageFigure] {
    figures.compactMap { figure in
      let values = runs.compactMap { $0.number(figure.key) }
      // A mean over some of the replications would be of other runs than it says.
      guard values.count == runs.count, let estimate = IntervalEstimate(of: values) else {
        return nil
      }
      var interval: String?
      if let half = estimate.halfWidth {
        interval =
          "\(text(estimate.mean - half, figure.unit, isLow: true)) –"
          + " \(text(estimate.mean + half, figure.unit)), 95 % over \(values.count) replications"
      }
      return PageFigure(
        key: figure.key, label: figure.label, value: estimate.mean,
        text: text(estimate.mean, figure.unit), interval: interval, note: nil)
    }
  }

  private static func note(_ figure: Figure, _ run: ReportValue) -> String? {
    guard let beside = figure.beside, let value = run.number(beside.key) else { return nil }
    switch figure.key {
    case "tpot_ms.mean", "ttft_ms.mean", "e2el_ms.mean":
      return "\(beside.label): \(text(value, "ms"))"
    case "throughput.output_tokens_per_second":
      let saturated = run.flag("throughput.saturated") == true
      return "\(FigureText.number(value)) \(beside.label)"
        + (saturated ? "; of a machine that does not keep up" : "")
    default: return "\(FigureText.number(value)) \(beside.label)"
    }
  }

  /// A figure with its unit; the low end of a range leaves the unit to the high end.
  private static func text(_ value: Double, _ unit: String, isLow: Bool = false) -> String {
    if unit == "%" { return FigureText.percent(value) }
    return FigureText.number(value) + (isLow ? "" : " \(unit)")
  }
}
