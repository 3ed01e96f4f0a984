// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Policies on the same requests.
enum ComparisonCharts {
  /// A figure of which differences are drawn.
  struct Figure {
    var key: String
    var title: String
    var unit: String
    /// By what the report's figure is multiplied to be in that unit.
    var scale: Double = 1
    var isHigherBetter = false
  }

  /// The figures of which differences are known, in the order of the report.
  static let figures = [
    Figure(key: "tpot_ms", title: "mean TPOT", unit: "ms"),
    Figure(key: "ttft_ms", title: "mean TTFT", unit: "ms"),
    Figure(
      key: "output_tokens_per_second", title: "output tokens per second", unit: "tokens/s",
      isHigherBetter: true),
    Figure(key: "stall_ms_per_token", title: "stalls of an output token", unit: "ms"),
    Figure(
      key: "hit_rate", title: "hit rate", unit: "percentage points", scale: 100,
      isHigherBetter: true),
  ]

  /// The measure by replication: a point for each run, a bar's end at the mean.
  static func measure(of comparison: ReportValue) -> Chart? {
    let key = comparison.text("measure") ?? "tpot_ms"
    guard let figure = figures.first(where: { $0.key == key }) else { return nil }
    var means: [ReportValue] = []
    var runs: [ReportValue] = []
    for row in comparison.list("rows") {
      guard let name = row.text("name") else { continue }
      if let mean = row.number("mean.\(key)") {
        means.append([
          "policy": .text(name), "mean": .number(mean * figure.scale),
          "kind": .text(row.text("kind") ?? "policy"),
        ])
      }
      for run in row.list("runs") {
        guard let value = run.number("figures.\(key)") else { continue }
        runs.append([
          "policy": .text(name), "value": .number(value * figure.scale),
          "replication": .integer(Int64(run.number("replication") ?? 0)),
          "state": run.flag("stable") == false ? "no steady state" : "steady",
        ])
      }
    }
    guard !means.isEmpty else { return nil }
    means.sort {
      let (left, right) = ($0.number("mean") ?? 0, $1.number("mean") ?? 0)
      return figure.isHigherBetter ? left > right : left < right
    }
    let order = means.compactMap { $0.text("policy") }
    let missing = runs.compactMap { $0.text("policy") }.filter { !order.contains($0) }
    var sort = order
    for name in missing where !sort.contains(name) { sort.append(name) }
    let y = VegaLite.name("policy", nil, sort: .texts(sort))
    let title = "\(figure.title) (\(figure.unit))"
    let spec = VegaLite.spec(
      [], height: VegaLite.step(30),
      [
        "layer": [
          [
            "data": ["values": .list(means)], "mark": ["type": "bar", "height": ["band": 0.6]],
            "encoding": [
              "y": y, "x": VegaLite.number("mean", title),
              "color": VegaLite.colour(
                "kind", nil, names: ["policy", "ceiling"],
                colours: [ChartColours.blue, "#BBBBBB"]),
              "tooltip": VegaLite.tooltip(("policy", "", nil), ("mean", "mean, \(title)", ",.5~g")),
            ],
          ],
          [
            "data": ["values": .list(runs)],
            "mark": ["type": "point", "filled": true, "size": 50, "opacity": 1],
            "encoding": [
              "y": y, "x": VegaLite.number("value", title),
              "shape": [
                "field": "state", "type": "nominal", "title": nil,
                "scale": [
                  "domain": ["steady", "no steady state"], "range": ["circle", "cross"],
                ],
              ],
              "color": ["value": .text(ChartColours.orange)],
              "tooltip": VegaLite.tooltip(
                ("policy", "", nil), ("replication", "replication", "d"), ("value", title, ",.5~g"),
                ("state", "state", nil)),
            ],
          ],
        ]
      ])
    return Chart(
      id: "measure", title: "Policies and ceilings: \(figure.title)",
      description:
        "Bars are means over the replications with a steady state, the best first; points"
        + " are single runs, crosses those without a steady state, which are in no mean. Ceilings"
        + " are no policies: the baseline with Belady's eviction, and with transfers that take no"
        + " time.", spec: spec)
  }

  /// Differences from the baseline, paired by replication, with their intervals.
  static func differences(of comparison: ReportValue) -> [Chart] {
    let baseline = comparison.text("baseline") ?? "the baseline"
    let confidence = FigureText.number((comparison.number("confidence") ?? 0.95) * 100)
      .replacing(".00", with: "")
    return figures.compactMap { figure in
      let rows = comparison.list("rows").compactMap { row -> ReportValue? in
        guard let name = row.text("name"),
          let difference = row.at("versus_baseline.\(figure.key)"),
          let mean = difference.number("mean")
        else { return nil }
        let pairs = Int(difference.number("pairs") ?? 0)
        return [
          "policy": .text(name), "mean": .number(mean * figure.scale),
          "low": .optional(difference.number("low").map { $0 * figure.scale }),
          "high": .optional(difference.number("high").map { $0 * figure.scale }),
          "pairs": .integer(Int64(pairs)),
          "p": .text(
            (difference.number("adjusted_pvalue") ?? difference.number("adjusted_p_value")
              ?? difference.number("p_value")).map { FigureText.number($0) } ?? "none"),
        ]
      }
      guard !rows.isEmpty else { return nil }
      return difference(
        figure, rows, title: "Against \(baseline): \(figure.title)",
        description:
          "For each policy the mean difference from \(baseline) over replications, both on"
          + " the same requests and routing, with its \(confidence) % interval. Beyond the line at"
          + " 0 on the \(figure.isHigherBetter ? "right" : "left") a policy is better; an interval"
          + " across the line tells nothing apart.")
    }
  }

  private static func difference(
    _ figure: Figure, _ rows: [ReportValue], title: String, description: String
  ) -> Chart {
    let axis = "difference of \(figure.title) (\(figure.unit))"
    let y = VegaLite.name("policy")
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(34),
      [
        "layer": [
          [
            "data": ["values": [["zero": 0]]],
            "mark": ["type": "rule", "strokeDash": [4, 3], "color": .text(ChartColours.grey)],
            "encoding": ["x": VegaLite.number("zero", axis)],
          ],
          [
            "mark": ["type": "rule", "strokeWidth": 2, "color": .text(ChartColours.blue)],
            "encoding": ["y": y, "x": VegaLite.number("low", axis), "x2": ["field": "high"]],
          ],
          [
            "mark": [
              "type": "point", "filled": true, "size": 80, "opacity": 1,
              "color": .text(ChartColours.blue),
            ],
            "encoding": [
              "y": y, "x": VegaLite.number("mean", axis),
              "tooltip": VegaLite.tooltip(
                ("policy", "policy", nil), ("mean", axis, "+,.4~g"), ("low", "from", "+,.4~g"),
                ("high", "to", "+,.4~g"), ("p", "p, corrected", nil), ("pairs", "pairs", "d")),
            ],
          ],
        ]
      ])
    return Chart(
      id: "difference-\(figure.key.replacing("_", with: "-"))", title: title,
      description: description, spec: spec)
  }

  /// How much of each ceiling's speed policies reach.
  static func ceilings(of comparison: ReportValue) -> Chart? {
    let ceilings = [
      ("belady", "of Belady's eviction"), ("perfect_prefetch", "of perfect prefetch"),
      ("link_bound", "of transfers that take no time"),
    ]
    var rows: [ReportValue] = []
    for row in comparison.list("rows") {
      guard let name = row.text("name") else { continue }
      for (key, title) in ceilings {
        guard let share = row.number("ceiling_share.\(key)") else { continue }
        rows.append([
          "policy": .text(name), "ceiling": .text(title), "share": .number(share),
          "text": .text(FigureText.percent(share)),
        ])
      }
    }
    guard !rows.isEmpty else { return nil }
    let names = ceilings.map(\.1)
    let offset: ReportValue = ["field": "ceiling", "sort": .texts(names)]
    let highest = max(1, rows.compactMap { $0.number("share") }.max() ?? 1)
    var x = VegaLite.share("share", "share of the ceiling's speed", isFixed: false)
    x.set("scale", to: ["domain": [0, .number(highest * 1.15)]])
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(18),
      [
        "encoding": ["y": VegaLite.name("policy"), "x": x, "yOffset": offset],
        "layer": [
          [
            "mark": ["type": "bar"],
            "encoding": [
              "color": VegaLite.colour(
                "ceiling", nil, names: names,
                colours: [ChartColours.blue, ChartColours.orange, ChartColours.green]),
              "tooltip": VegaLite.tooltip(
                ("policy", "policy", nil), ("ceiling", "share", nil), ("share", "", ".1%")),
            ],
          ],
          [
            "mark": ["type": "text", "align": "left", "dx": 4, "fontSize": 10],
            "encoding": ["text": ["field": "text", "type": "nominal"]],
          ],
        ],
      ])
    return Chart(
      id: "ceilings", title: "Ceiling reached",
      description:
        "For each policy its speed as a share of three ceilings: the same machine with an"
        + " eviction that knows the future, with a prefetch that is always right and in time, and"
        + " with transfers that take no time. More than 100 % means that a policy computes less or"
        + " moves less than the ceiling does.", spec: spec)
  }

  /// What a token waits for under each policy.
  static func stalls(of comparison: ReportValue) -> Chart? {
    let bars = comparison.list("rows").compactMap { row -> (name: String, parts: [TokenTime])? in
      guard let name = row.text("name"), let mean = row.at("mean") else { return nil }
      return (name, TokenTime.stalls(of: mean.at("stall_ms_per_token")))
    }
    return TimeCharts.stacked(
      id: "stalls", title: "Causes of stalls by policy",
      description: "For each policy and ceiling the time per output token for which the compute"
        + " stream stood still, by cause, over the replications with a steady state. A policy"
        + " without a bar has none.", bars: bars, isOfStallsAlone: true)
  }
}
