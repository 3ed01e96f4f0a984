// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Which machines serve a traffic.
enum PlanCharts {
  /// What a finalist goes by on a chart.
  static func name(of finalist: ReportValue) -> String {
    "№ \(Int(finalist.number("number") ?? 0)): \(finalist.text("label") ?? "")"
  }

  private static func state(of finalist: ReportValue, front: Set<Int>) -> String {
    guard finalist.flag("is_feasible") == true else { return "misses a limit" }
    return front.contains(Int(finalist.number("number") ?? 0)) ? "on the front" : "fits"
  }

  /// Finalists by what a million tokens cost and by the 99th percentile of TPOT.
  static func front(of plan: ReportValue) -> Chart? {
    let front = Set(plan.list("front").compactMap { $0.numericValue.map { Int($0) } })
    let rows = plan.list("finalists").compactMap { finalist -> ReportValue? in
      guard let cost = finalist.at("usd_per_million_tokens"), let usd = cost.number("mean"),
        let latency = finalist.at("p99_tpot_ms"), let tpot = latency.number("mean")
      else { return nil }
      return [
        "plan": .text(name(of: finalist)),
        "number": .text("№ \(Int(finalist.number("number") ?? 0))"),
        "usd": .number(usd), "usd_low": cost.at("low") ?? .number(usd),
        "usd_high": cost.at("high") ?? .number(usd), "tpot": .number(tpot),
        "tpot_low": latency.at("low") ?? .number(tpot),
        "tpot_high": latency.at("high") ?? .number(tpot),
        "state": .text(state(of: finalist, front: front)),
      ]
    }
    guard !rows.isEmpty else { return nil }
    let x = "USD per million output tokens"
    let y = "99th percentile of TPOT (ms)"
    let names = ["on the front", "fits", "misses a limit"]
    let interval: ReportValue = ["type": "rule", "opacity": 0.5, "color": .text(ChartColours.grey)]
    var layers: [ReportValue] = [
      [
        "mark": interval,
        "encoding": [
          "y": VegaLite.number("tpot", y), "x": VegaLite.position("usd_low", x),
          "x2": ["field": "usd_high"],
        ],
      ],
      [
        "mark": interval,
        "encoding": [
          "x": VegaLite.position("usd", x), "y": VegaLite.number("tpot_low", y),
          "y2": ["field": "tpot_high"],
        ],
      ],
      [
        "mark": ["type": "point", "filled": true, "size": 80, "opacity": 1],
        "encoding": [
          "x": VegaLite.position("usd", x), "y": VegaLite.number("tpot", y),
          "color": VegaLite.colour(
            "state", nil, names: names,
            colours: [ChartColours.blue, ChartColours.sky, ChartColours.vermilion]),
          "shape": [
            "field": "state", "type": "nominal",
            "scale": ["domain": .texts(names), "range": ["diamond", "circle", "cross"]],
          ],
          "tooltip": VegaLite.tooltip(
            ("plan", "plan", nil), ("usd", x, ",.4~g"), ("usd_low", "from", ",.4~g"),
            ("usd_high", "to", ",.4~g"), ("tpot", y, ",.4~g"), ("tpot_low", "from", ",.4~g"),
            ("tpot_high", "to", ",.4~g")),
        ],
      ],
      [
        "mark": ["type": "text", "align": "left", "dx": 8, "dy": -8, "fontSize": 10],
        "encoding": [
          "x": VegaLite.position("usd", x), "y": VegaLite.number("tpot", y),
          "text": ["field": "label", "type": "nominal"],
        ],
      ],
    ]
    if let limit = plan.list("finalists").first?.list("objectives").first(where: {
      $0.text("key") == "tpot_p99"
    })?.number("limit_ms") {
      layers.insert(
        [
          "data": ["values": [["limit": .number(limit)]]],
          "mark": ["type": "rule", "strokeDash": [4, 3], "color": .text(ChartColours.vermilion)],
          "encoding": ["y": VegaLite.number("limit", y)],
        ], at: 0)
    }
    return Chart(
      id: "front", title: "Finalists by cost and latency",
      description: "A point for each finalist with the intervals of both figures over replications;"
        + " diamonds are on the Pareto front, crosses miss an objective or a limit, and a dashed"
        + " line is the objective of TPOT. Nearer to the lower left is better. The axis of cost"
        + " need not begin at 0.",
      spec: VegaLite.spec(labelled(rows), height: 320, ["layer": .list(layers)]))
  }

  /// Rows with a label each; points in one place share one that names all of them.
  private static func labelled(_ rows: [ReportValue]) -> [ReportValue] {
    var labels: [String: String] = [:]
    func place(_ row: ReportValue) -> String {
      "\(row.number("usd") ?? 0)/\(row.number("tpot") ?? 0)"
    }
    for row in rows {
      let number = row.text("number") ?? ""
      labels[place(row)] = labels[place(row)].map { "\($0), \(number)" } ?? number
    }
    return rows.map { row in
      var row = row
      // The first in a place has the label of all.
      row.set("label", to: .text(labels.removeValue(forKey: place(row)) ?? ""))
      return row
    }
  }

  /// What each finalist's machines cost to buy, part by part.
  static func bills(of plan: ReportValue) -> Chart? {
    var rows: [ReportValue] = []
    var items: [String] = []
    for finalist in plan.list("finalists") {
      for item in finalist.list("bill.items") {
        guard let name = item.text("name"), let usd = item.number("usd_each") else { continue }
        let count = item.number("count") ?? 1
        if !items.contains(name) { items.append(name) }
        rows.append([
          "plan": .text(Self.name(of: finalist)), "item": .text(name),
          "usd": .number(usd * count), "count": .number(count), "each": .number(usd),
          "order": .integer(Int64(items.firstIndex(of: name) ?? 0)),
        ])
      }
    }
    guard !rows.isEmpty else { return nil }
    let names = plan.list("finalists").map(Self.name)
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(32, names: names),
      [
        "mark": ["type": "bar", "stroke": "white", "strokeWidth": 0.5],
        "encoding": [
          "y": VegaLite.name("plan", nil, sort: .texts(names), names: names),
          "x": VegaLite.number("usd", "purchase (USD)"),
          "color": VegaLite.colour(
            "item", nil, names: items, colours: ChartColours.series(items.count)),
          "order": ["field": "order", "type": "quantitative"],
          "tooltip": VegaLite.tooltip(
            ("plan", "plan", nil), ("item", "part", nil), ("count", "count", "d"),
            ("each", "USD each", ",.2~f"), ("usd", "USD", ",.2~f")),
        ],
      ])
    return Chart(
      id: "bills", title: "What finalists cost to buy",
      description:
        "A bar for each finalist, the best first, divided by the parts of its bill. Parts"
        + " without a known price are not in it.", spec: spec)
  }

  /// Latencies as shares of their limits under the plan's load and under more.
  static func headroom(of plan: ReportValue) -> Chart? {
    let figures = [
      ("ttft_p99", "p99_ttft_ms", "p99 TTFT"), ("tpot_p99", "p99_tpot_ms", "p99 TPOT"),
    ]
    var rows: [ReportValue] = []
    var names: [String] = []
    for finalist in plan.list("finalists") where !finalist.list("headroom").isEmpty {
      let name = Self.name(of: finalist)
      names.append(name)
      for (key, figure, title) in figures {
        guard
          let objective = finalist.list("objectives").first(where: { $0.text("key") == key }),
          let limit = objective.number("limit_ms"), limit > 0
        else { continue }
        var points: [(load: Double, value: Double)] = []
        if let found = objective.number("found.mean") { points.append((1, found)) }
        for entry in finalist.list("headroom") {
          if let load = entry.number("load"), let value = entry.number(figure) {
            points.append((load, value))
          }
        }
        for point in points where point.value > 0 {
          rows.append([
            "plan": .text(name), "figure": .text(title), "load": .number(point.load),
            "share": .number(point.value / limit), "ms": .number(point.value),
          ])
        }
      }
    }
    guard !rows.isEmpty else { return nil }
    let shares = rows.compactMap { $0.number("share") } + [1]
    func y(_ field: String) -> ReportValue {
      VegaLite.logarithmic(field, "latency / limit (logarithmic)", over: shares, format: "~g")
    }
    let spec = VegaLite.spec(
      rows, height: 280,
      [
        "layer": [
          [
            "data": ["values": [["limit": 1]]],
            "mark": [
              "type": "rule", "strokeDash": [4, 3], "color": .text(ChartColours.vermilion),
            ],
            "encoding": ["y": y("limit")],
          ],
          [
            "mark": ["type": "line", "point": ["size": 50, "filled": true]],
            "encoding": [
              "x": [
                "field": "load", "type": "quantitative",
                "title": "load as a multiple of the plan's",
                "scale": ["zero": false], "axis": ["format": "~g", "tickCount": 6],
              ], "y": y("share"),
              "color": VegaLite.colour(
                "plan", nil, names: names, colours: ChartColours.series(names.count)),
              "strokeDash": [
                "field": "figure", "type": "nominal", "title": nil,
                "legend": ["symbolType": "stroke"],
              ],
              "tooltip": VegaLite.tooltip(
                ("plan", "plan", nil), ("figure", "figure", nil), ("load", "load", ".2~f"),
                ("ms", "ms", ",.4~g"), ("share", "of the limit", ".1%")),
            ],
          ],
        ]
      ])
    return Chart(
      id: "headroom", title: "Headroom under more load",
      description: "For each finalist that was looked at, the 99th percentiles of TTFT and TPOT as"
        + " multiples of their limits, at the plan's load and at more. Beyond the dashed line a"
        + " limit is missed.", spec: spec)
  }

  /// Why candidates were never simulated.
  static func exclusions(of plan: ReportValue) -> Chart? {
    let rows = plan.list("excluded").compactMap { entry -> ReportValue? in
      guard let reason = entry.text("reason"), let count = entry.number("count") else { return nil }
      return [
        "reason": .text(reason), "count": .number(count),
        "text": .text(FigureText.integer(Int64(count))),
      ]
    }
    guard !rows.isEmpty else { return nil }
    return TimeCharts.labelledBars(
      id: "excluded", title: "Candidates that were never simulated",
      description: "How many candidates cannot work or are beyond a limit, by reason.", rows: rows,
      category: "reason", value: "count", valueTitle: "candidates", format: "d", colour: nil)
  }
}
