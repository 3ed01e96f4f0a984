// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Levels and rates over the time of a run, from its history.
enum HistoryCharts {
  /// All charts for which the history has series: counts, shares, and tokens per second.
  static func all(of run: ReportValue) -> [Chart] {
    guard let history = RunHistory(run) else { return [] }
    let levels = history.series("levels")
    let rates = history.series("rates")
    // Caches are filled to a share; what waits and runs is counted.
    let shares = levels.filter { isShare($0.name) }
    let counts = levels.filter { !isShare($0.name) }
    return [
      lines(
        counts, history, id: "levels-over-time", title: "Requests over time",
        axis: "requests", isShare: false,
        description: "How many requests wait and run at the end of each window. A line that rises"
          + " without end is a load that the machine does not keep up with."),
      lines(
        shares + rates.filter { isShare($0.name) }, history, id: "shares-over-time",
        title: "Caches over time", axis: "share", isShare: true,
        description: "How full the caches are at the end of each window, and the share of accesses"
          + " within it that found their expert."),
      lines(
        rates.filter { !isShare($0.name) }, history, id: "rates-over-time",
        title: "Tokens per second over time", axis: "tokens per second", isShare: false,
        description: "Tokens of each window divided by its length."),
    ].compactMap { $0 }
  }

  private static func isShare(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.contains("cache") || name.contains("rate") || name.contains("share")
  }

  private static func lines(
    _ series: [(name: String, values: [Double?])], _ history: RunHistory, id: String,
    title: String, axis: String, isShare: Bool, description: String
  ) -> Chart? {
    var rows: [ReportValue] = []
    for one in series {
      for (window, value) in zip(history.windows, one.values) {
        guard let value else { continue }
        rows.append([
          "series": .text(one.name), "time": .number(window.to), "value": .number(value),
        ])
      }
    }
    guard !rows.isEmpty else { return nil }
    let names = series.map(\.name)
    var y = isShare ? VegaLite.share("value", axis) : VegaLite.number("value", axis)
    // There is no half of a request.
    if axis == "requests" { y.set("axis", to: ["tickMinStep": 1]) }
    let spec = VegaLite.spec(
      rows, height: 220,
      [
        "mark": ["type": "line", "interpolate": "step-before", "strokeWidth": 1.5],
        "encoding": [
          "x": VegaLite.position("time", "simulated time (s)"), "y": y,
          "color": VegaLite.colour(
            "series", nil, names: names, colours: ChartColours.series(names.count)),
          "strokeDash": [
            "field": "series", "type": "nominal", "legend": nil, "sort": .texts(names),
          ],
          "tooltip": VegaLite.tooltip(
            ("series", "", nil), ("time", "until (s)", ",.4~f"),
            ("value", axis, isShare ? ".1%" : ",.4~g")),
        ],
      ])
    return Chart(id: id, title: title, description: description, spec: spec)
  }
}
