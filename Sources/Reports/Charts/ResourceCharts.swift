// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// How busy the machine's resources are.
enum ResourceCharts {
  /// The share of its capacity that each resource used, over the measured time.
  static func utilisation(of run: ReportValue) -> Chart? {
    let resources = run.list("resources").compactMap { resource -> (String, Double)? in
      guard let name = resource.text("name"), let share = resource.number("utilization") else {
        return nil
      }
      return (name, share)
    }
    let rows = (resources.isEmpty ? flat(run) : resources).enumerated().sorted {
      ($1.element.1, $0.offset) < ($0.element.1, $1.offset)
    }.map { entry -> ReportValue in
      [
        "resource": .text(entry.element.0), "share": .number(entry.element.1),
        "text": .text(FigureText.percent(entry.element.1)),
      ]
    }
    guard !rows.isEmpty else { return nil }
    return TimeCharts.labelledBars(
      id: "utilisation", title: "Utilisation of every resource",
      description: "The share of each resource's capacity that was used over the measured time, the"
        + " busiest first. The axis ends beyond 100 %, which is what a resource can do.",
      rows: rows, category: "resource", value: "share", valueTitle: "share of capacity used",
      format: ".0%", domain: [0, 1.15], ticks: [0, 0.2, 0.4, 0.6, 0.8, 1], colour: nil)
  }

  /// The same for several runs, a bar for each beside those of the others.
  static func utilisation(of runs: [(name: String, run: ReportValue)]) -> Chart? {
    var rows: [ReportValue] = []
    for (name, run) in runs {
      for (resource, share) in flat(run) {
        rows.append(["run": .text(name), "resource": .text(resource), "share": .number(share)])
      }
    }
    guard !rows.isEmpty else { return nil }
    let names = runs.map(\.name)
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(14),
      [
        "mark": ["type": "bar"],
        "encoding": [
          "y": VegaLite.name("resource"), "x": VegaLite.share("share", "share of capacity used"),
          "yOffset": ["field": "run", "sort": .texts(names)],
          "color": VegaLite.colour(
            "run", nil, names: names, colours: ChartColours.series(names.count)),
          "tooltip": VegaLite.tooltip(
            ("run", "run", nil), ("resource", "resource", nil), ("share", "used", ".1%")),
        ],
      ])
    return Chart(
      id: "utilisation", title: "Utilisation of every resource",
      description:
        "For each resource the share of its capacity that each run used over its measured"
        + " time.", spec: spec)
  }

  private static func flat(_ run: ReportValue) -> [(String, Double)] {
    run.members("utilization").compactMap { member in
      member.value.numericValue.map { (member.key, $0) }
    }
  }

  /// How busy each resource was in each window of the run, as a heat map.
  static func overTime(of run: ReportValue) -> Chart? {
    guard let history = RunHistory(run) else { return nil }
    var rows: [ReportValue] = []
    for series in history.series("busy") {
      for (window, value) in series.values.enumerated() where window < history.windows.count {
        guard let value else { continue }
        rows.append([
          "resource": .text(series.name), "from": .number(history.windows[window].from),
          "to": .number(history.windows[window].to), "share": .number(value),
        ])
      }
    }
    guard !rows.isEmpty else { return nil }
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(28),
      [
        "mark": ["type": "rect"],
        "encoding": [
          "x": [
            "field": "from", "type": "quantitative", "title": "simulated time (s)",
            "scale": ["zero": false, "nice": false],
          ],
          "x2": ["field": "to"], "y": VegaLite.name("resource"),
          "color": [
            "field": "share", "type": "quantitative", "title": "busy",
            "scale": ["domain": [0, 1], "scheme": "viridis"],
            "legend": ["format": ".0%"],
          ],
          "tooltip": VegaLite.tooltip(
            ("resource", "resource", nil), ("from", "from (s)", ",.4~f"), ("to", "to (s)", ",.4~f"),
            ("share", "busy", ".1%")),
        ],
      ])
    return Chart(
      id: "utilisation-over-time", title: "Utilisation over time",
      description: "A row for each resource and a column for each window of the run: dark is idle,"
        + " bright is busy all the time.", spec: spec)
  }
}

/// What a run's report says of how the run went on, window by window.
struct RunHistory {
  /// The windows [s].
  var windows: [(from: Double, to: Double)] = []
  private let value: ReportValue

  /// The history of a report, `nil` where the run kept none.
  init?(_ run: ReportValue) {
    guard let history = run.at("history") else { return nil }
    value = history
    var start = history.number("begin_seconds") ?? 0
    for end in history.list("end_seconds").compactMap(\.numericValue) {
      windows.append((start, end))
      start = end
    }
    guard !windows.isEmpty else { return nil }
  }

  /// The series under a key by name, a value for each window; `nil` where a window has none.
  func series(_ key: String) -> [(name: String, values: [Double?])] {
    value.members(key).map { ($0.key, $0.value.elements.map(\.numericValue)) }
  }

  /// The distribution of a latency: values [ms] below which shares lie.
  func quantiles(_ key: String) -> [(share: Double, value: Double)] {
    let shares = value.list("quantiles.shares").compactMap(\.numericValue)
    let values = value.list("quantiles.\(key)").map(\.numericValue)
    return zip(shares, values).compactMap { share, value in value.map { (share, $0) } }
  }
}
