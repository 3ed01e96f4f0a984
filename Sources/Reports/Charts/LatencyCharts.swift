// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Distributions of latencies.
enum LatencyCharts {
  /// The latencies of a report by their keys, in its order.
  static let figures: [(key: String, name: String)] = [
    ("ttft_ms", "time to first token (TTFT)"), ("tpot_ms", "time per output token (TPOT)"),
    ("itl_ms", "inter-token latency (ITL)"), ("e2el_ms", "end to end (E2EL)"),
    ("queue_ms", "queueing"),
  ]

  private static let statistics: [(key: String, name: String)] = [
    ("min", "smallest"), ("p50", "median"), ("mean", "mean"), ("p90", "90th percentile"),
    ("p95", "95th percentile"), ("p99", "99th percentile"), ("max", "largest"),
  ]

  /// The distributions of one run: whole where its history has them, otherwise by percentiles.
  static func distributions(of run: ReportValue) -> Chart? {
    cumulative(of: [("", run)]) ?? percentiles(of: run)
  }

  /// The share of values at or below each latency.
  ///
  /// - Parameter runs: Runs with their names; with more than one, one latency is drawn for each.
  static func cumulative(
    of runs: [(name: String, run: ReportValue)], figure: String? = nil
  ) -> Chart? {
    var rows: [ReportValue] = []
    var names: [String] = []
    for (run, value) in runs {
      guard let history = RunHistory(value) else { continue }
      for (key, title) in figures where figure == nil || figure == key {
        let name = figure == nil ? title : run
        // A logarithmic axis has no place for 0.
        let own = history.quantiles(key).filter { $0.value > 0 }.map { point -> ReportValue in
          [
            "series": .text(name), "share": .number(point.share), "ms": .number(point.value),
          ]
        }
        if !own.isEmpty { names.append(name) }
        rows += own
      }
    }
    guard !rows.isEmpty else { return nil }
    let spec = VegaLite.spec(
      rows, height: 280,
      [
        "mark": ["type": "line", "interpolate": "linear"],
        "encoding": [
          "x": VegaLite.logarithmic(
            "ms", "latency (ms, logarithmic)", over: rows.compactMap { $0.number("ms") }),
          "y": VegaLite.share("share", "share of values at or below"),
          "order": ["field": "share", "type": "quantitative"],
          "color": VegaLite.colour(
            "series", nil, names: names, colours: ChartColours.series(names.count)),
          "strokeDash": [
            "field": "series", "type": "nominal", "legend": nil, "sort": .texts(names),
          ],
          "tooltip": VegaLite.tooltip(
            ("series", "", nil), ("ms", "ms", ",.4~g"), ("share", "at or below", ".1%")),
        ],
      ])
    return Chart(
      id: figure.map { "latency-\($0)" } ?? "latency",
      title: "Latency distributions",
      description: "For each latency the share of its values that are no longer than what the axis"
        + " says: a steep line is a narrow distribution. Values of 0 have no place on a logarithmic"
        + " axis; a line that begins above 0 % has so many of them.", spec: spec)
  }

  /// Percentiles and extremes of each latency as points.
  static func percentiles(of run: ReportValue) -> Chart? {
    let lines = figures.compactMap { figure in run.at(figure.key).map { (figure.name, $0) } }
    return percentiles(
      lines, id: "latency", title: "Latency distributions, by percentiles",
      description:
        "For each latency its smallest value, median, mean, percentiles and largest value"
        + " on a logarithmic axis. Values of 0 have no place on it and stand in the table alone.")
  }

  /// Percentiles and extremes of one latency in several runs.
  static func percentiles(
    of runs: [(name: String, run: ReportValue)], figure: String
  ) -> Chart? {
    let title = figures.first { $0.key == figure }?.name ?? figure
    return percentiles(
      runs.compactMap { entry in entry.run.at(figure).map { (entry.name, $0) } },
      id: "latency-\(figure.replacing("_", with: "-"))",
      title: title.prefix(1).uppercased() + title.dropFirst() + " of each run",
      description: "For each run the smallest value, median, mean, percentiles and largest value of"
        + " the \(title) on a logarithmic axis. A run without a steady state has none.")
  }

  private static func percentiles(
    _ lines: [(name: String, distribution: ReportValue)], id: String, title: String,
    description: String
  ) -> Chart? {
    var rows: [ReportValue] = []
    var ranges: [ReportValue] = []
    for (name, distribution) in lines {
      for (statistic, title) in statistics {
        guard let value = distribution.number(statistic), value > 0 else { continue }
        rows.append(["figure": .text(name), "statistic": .text(title), "ms": .number(value)])
      }
      let values = statistics.compactMap { distribution.number($0.key) }.filter { $0 > 0 }
      if let low = values.min(), let high = values.max() {
        ranges.append(["figure": .text(name), "low": .number(low), "high": .number(high)])
      }
    }
    guard !rows.isEmpty else { return nil }
    let y = VegaLite.name("figure", nil, sort: .texts(lines.map(\.name)))
    let all = rows.compactMap { $0.number("ms") }
    func x(_ field: String) -> ReportValue {
      VegaLite.logarithmic(field, "latency (ms, logarithmic)", over: all)
    }
    let spec = VegaLite.spec(
      [], height: VegaLite.step(34),
      [
        "layer": [
          [
            "data": ["values": .list(ranges)], "mark": ["type": "rule", "opacity": 0.4],
            "encoding": [
              "y": y, "x": x("low"),
              "x2": ["field": "high"],
            ],
          ],
          [
            "data": ["values": .list(rows)],
            "mark": ["type": "point", "filled": true, "size": 80, "opacity": 1],
            "encoding": [
              "y": y, "x": x("ms"),
              "color": statisticColour,
              "shape": [
                "field": "statistic", "type": "nominal",
                "scale": [
                  "domain": .texts(statistics.map(\.name)),
                  "range": [
                    "triangle-left", "circle", "diamond", "square", "cross", "triangle-up",
                    "triangle-right",
                  ],
                ],
              ],
              "tooltip": VegaLite.tooltip(
                ("figure", "", nil), ("statistic", "", nil), ("ms", "ms", ",.5~g")),
            ],
          ],
        ]
      ])
    return Chart(id: id, title: title, description: description, spec: spec)
  }

  private static var statisticColour: ReportValue {
    VegaLite.colour(
      "statistic", nil, names: statistics.map(\.name),
      colours: [
        ChartColours.grey, ChartColours.blue, ChartColours.green, ChartColours.sky,
        ChartColours.orange, ChartColours.vermilion, ChartColours.grey,
      ])
  }
}
