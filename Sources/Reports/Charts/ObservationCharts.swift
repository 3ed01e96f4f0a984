// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Measured figures beside simulated ones.
enum ObservationCharts {
  private static let statistics = [
    ("mean", "mean"), ("p50", "median"), ("p90", "90 %"), ("p95", "95 %"), ("p99", "99 %"),
  ]
  private static let sides = ["measured", "simulated"]

  /// Means and percentiles of each latency, measured and simulated.
  static func latencies(of observation: ReportValue) -> Chart? {
    var rows: [ReportValue] = []
    var order: [String] = []
    for (key, name) in LatencyCharts.figures {
      for (statistic, title) in statistics {
        let line = "\(abbreviation(of: name)), \(title)"
        for side in sides {
          guard let value = observation.number("\(key).\(statistic).\(side)"), value > 0 else {
            continue
          }
          if !order.contains(line) { order.append(line) }
          rows.append([
            "line": .text(line), "side": .text(side), "ms": .number(value),
            "bias": .optional(observation.number("\(key).\(statistic).bias")),
          ])
        }
      }
    }
    guard !rows.isEmpty else { return nil }
    let y = VegaLite.name("line", nil, sort: .texts(order))
    let x = VegaLite.logarithmic(
      "ms", "latency (ms, logarithmic)", over: rows.compactMap { $0.number("ms") })
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(20),
      [
        "encoding": ["y": y, "x": x],
        "layer": [
          [
            "mark": ["type": "line", "color": .text(ChartColours.grey), "opacity": 0.6],
            "encoding": ["detail": ["field": "line", "type": "nominal"]],
          ],
          [
            "mark": ["type": "point", "filled": true, "size": 60, "opacity": 1],
            "encoding": [
              "color": VegaLite.colour(
                "side", nil, names: sides, colours: [ChartColours.vermilion, ChartColours.blue]),
              "shape": [
                "field": "side", "type": "nominal",
                "scale": ["domain": .texts(sides), "range": ["diamond", "circle"]],
              ],
              "tooltip": VegaLite.tooltip(
                ("line", "", nil), ("side", "", nil), ("ms", "ms", ",.5~g"),
                ("bias", "simulated over measured, less 1", "+.1%")),
            ],
          ],
        ],
      ])
    return Chart(
      id: "latencies", title: "Measured and simulated latencies",
      description: "For each statistic of each latency a diamond as it was measured and a circle as"
        + " it was simulated, on a logarithmic axis; the shorter the line between them, the"
        + " nearer.",
      spec: spec)
  }

  /// "TTFT" of "time to first token (TTFT)": labels of an axis have little room on a phone.
  private static func abbreviation(of name: String) -> String {
    guard let open = name.lastIndex(of: "("), name.last == ")" else { return name }
    return String(name[name.index(after: open)...].dropLast())
  }

  /// Measured against simulated latencies of serving points, on logarithmic axes.
  ///
  /// - Parameter figure: "tpot" or "ttft".
  static func points(of report: ReportValue, figure: String) -> Chart? {
    let kinds = ["calibrated kernels", "transferred kernels", "fitted to it"]
    let rows = report.list("points").compactMap { point -> ReportValue? in
      guard let measured = point.number("measured_\(figure)_ms"), measured > 0,
        let simulated = point.number("simulated_\(figure)_ms"), simulated > 0
      else { return nil }
      let kind =
        point.flag("is_fitted") == true
        ? kinds[2] : point.flag("is_transferred") == true ? kinds[1] : kinds[0]
      return [
        "point": .text(point.text("id") ?? ""),
        "what": .text(
          ["model", "system", "backend", "plan"].compactMap { point.text($0) }
            .joined(separator: ", ")),
        "users": .optional(point.number("concurrency")), "measured": .number(measured),
        "simulated": .number(simulated), "error": .optional(point.number("\(figure)_error")),
        "kind": .text(kind),
      ]
    }
    guard !rows.isEmpty else { return nil }
    let values = rows.flatMap { row -> [Double] in
      [row.number("measured") ?? 1, row.number("simulated") ?? 1]
    }
    func channel(_ field: String) -> ReportValue {
      VegaLite.logarithmic(field, "\(field) \(figure.uppercased()) (ms)", over: values)
    }
    let x = channel("measured")
    let y = channel("simulated")
    let ends = [(values.min() ?? 1) / 1.2, (values.max() ?? 1) * 1.2]
    let diagonal: [ReportValue] = ends.map {
      ["measured": .number($0), "simulated": .number($0)]
    }
    let spec = VegaLite.spec(
      rows, height: 380,
      [
        "encoding": ["x": x, "y": y],
        "layer": [
          [
            "data": ["values": .list(diagonal)],
            "mark": ["type": "line", "color": .text(ChartColours.grey), "strokeWidth": 1],
          ],
          [
            "mark": ["type": "point", "filled": true, "size": 40, "opacity": 0.6],
            "encoding": [
              "color": VegaLite.colour(
                "kind", nil, names: kinds,
                colours: [ChartColours.blue, ChartColours.orange, "#AAAAAA"]),
              "tooltip": VegaLite.tooltip(
                ("point", "point", nil), ("what", "what", nil), ("users", "users", "d"),
                ("measured", "measured (ms)", ",.4~g"), ("simulated", "simulated (ms)", ",.4~g"),
                ("error", "error", "+.1%")),
            ],
          ],
        ],
      ])
    return Chart(
      id: "points-\(figure)", title: "Measured against simulated \(figure.uppercased())",
      description: "A point for each measured setting, on logarithmic axes; on the line both agree,"
        + " above it the simulation is slower.", spec: spec)
  }
}
