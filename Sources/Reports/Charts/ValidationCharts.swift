// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Simulated figures beside published ones.
enum ValidationCharts {
  /// How a case is coloured: what came of it where it counts, and why it does not count elsewhere.
  static let states = ["within tolerance", "beyond tolerance", "not counted"]

  private static func state(of entry: ReportValue) -> String {
    guard entry.text("status") == "counted" else { return "not counted" }
    return entry.text("verdict") == "within" ? "within tolerance" : "beyond tolerance"
  }

  /// Published against simulated figures on logarithmic axes, a point for each case of a kind.
  ///
  /// - Parameter kind: "value" or "ratio".
  static func scatter(of validation: ReportValue, kind: String) -> Chart? {
    var rows: [ReportValue] = []
    for system in validation.list("systems") {
      let link = PageLink(system.text("source") ?? "")
      for entry in system.list("cases") where entry.text("kind") == kind {
        guard let published = entry.number("published"), published > 0,
          let simulated = entry.number("simulated"), simulated > 0
        else { continue }
        rows.append([
          "case": .text("\(system.text("name") ?? "")/\(entry.text("id") ?? "")"),
          "what": .text(entry.text("what") ?? ""), "published": .number(published),
          "simulated": .number(simulated), "unit": .text(entry.text("unit") ?? ""),
          "error": .optional(entry.number("error")), "state": .text(state(of: entry)),
          "source": .text("\(system.text("source") ?? ""), \(entry.text("source") ?? "")"),
          "url": .optional(link.url),
        ])
      }
    }
    guard !rows.isEmpty else { return nil }
    let values = rows.flatMap { row -> [Double] in
      [row.number("published") ?? 1, row.number("simulated") ?? 1]
    }
    let low = (values.min() ?? 1) / 1.5
    let high = (values.max() ?? 1) * 1.5
    let isRatio = kind == "ratio"
    return Chart(
      id: isRatio ? "published-ratios" : "published-values",
      title: isRatio
        ? "Published against simulated ratios" : "Published against simulated values",
      description:
        "A point for each case: what was published across, what is simulated upward, both"
        + " logarithmic. On the solid line they agree; dashed lines are a factor of two off."
        + (isRatio
          ? " Ratios are how much one run is over another." : " Each value is in its own unit.")
        + " A click opens the source where its address is known.",
      spec: spec(rows, low: low, high: high))
  }

  private static func spec(_ rows: [ReportValue], low: Double, high: Double) -> ReportValue {
    func channel(_ field: String, _ title: String) -> ReportValue {
      VegaLite.logarithmic(field, title, over: [low, high], format: "~g")
    }
    let x = channel("published", "published, in the case's unit")
    let y = channel("simulated", "simulated")
    func line(_ factor: Double, isDashed: Bool) -> ReportValue {
      // Within the axes, so that nothing is drawn beyond the plot.
      let from = max(low, low / factor)
      let to = min(high, high / factor)
      let points: [ReportValue] = [
        ["published": .number(from), "simulated": .number(from * factor)],
        ["published": .number(to), "simulated": .number(to * factor)],
      ]
      return [
        "data": ["values": .list(points)],
        "mark": [
          "type": "line", "color": .text(ChartColours.grey), "strokeWidth": 1,
          "strokeDash": isDashed ? [4, 4] : [1, 0],
        ],
        "encoding": ["x": x, "y": y],
      ]
    }
    return VegaLite.spec(
      rows, height: 420,
      [
        "layer": [
          line(1, isDashed: false), line(2, isDashed: true), line(0.5, isDashed: true),
          [
            "mark": ["type": "point", "filled": true, "size": 55, "opacity": 0.8],
            "encoding": [
              "x": x, "y": y,
              "color": VegaLite.colour(
                "state", nil, names: states,
                colours: [ChartColours.blue, ChartColours.vermilion, "#AAAAAA"]),
              "shape": [
                "field": "state", "type": "nominal",
                "scale": [
                  "domain": .texts(states), "range": ["circle", "triangle-up", "diamond"],
                ],
              ],
              "href": ["field": "url", "type": "nominal"],
              "tooltip": VegaLite.tooltip(
                ("case", "case", nil), ("what", "what", nil), ("published", "published", ",.4~g"),
                ("simulated", "simulated", ",.4~g"), ("unit", "unit", nil),
                ("error", "error", "+.1%"), ("source", "source", nil)),
            ],
          ],
        ]
      ])
  }

  /// The errors of counted cases by system, a point each, with the median.
  static func errors(of validation: ReportValue) -> Chart? {
    var rows: [ReportValue] = []
    var medians: [(name: String, error: Double)] = []
    for system in validation.list("systems") {
      let name = system.text("name") ?? ""
      for entry in system.list("cases") where entry.text("status") == "counted" {
        guard let error = entry.number("error") else { continue }
        rows.append([
          "system": .text(name), "case": .text(entry.text("id") ?? ""), "error": .number(error),
          "what": .text(entry.text("what") ?? ""),
        ])
      }
      if let median = system.number("all.median_absolute_error") { medians.append((name, median)) }
    }
    guard !rows.isEmpty else { return nil }
    medians.sort { ($0.error, $0.name) < ($1.error, $1.name) }
    let sort: ReportValue = .texts(medians.map(\.name))
    let y = VegaLite.name("system", nil, sort: sort)
    var x = VegaLite.share("error", "(simulated − published) / published", isFixed: false)
    x.set("axis", to: ["format": "+.0%"])
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(20),
      [
        "layer": [
          [
            "data": ["values": [["zero": 0]]],
            "mark": ["type": "rule", "color": .text(ChartColours.grey)],
            "encoding": ["x": ["field": "zero", "type": "quantitative"]],
          ],
          [
            "mark": [
              "type": "point", "filled": true, "size": 36, "opacity": 0.65,
              "color": .text(ChartColours.blue),
            ],
            "encoding": [
              "y": y, "x": x,
              "tooltip": VegaLite.tooltip(
                ("system", "system", nil), ("case", "case", nil), ("what", "what", nil),
                ("error", "error", "+.1%")),
            ],
          ],
        ]
      ])
    return Chart(
      id: "errors", title: "Errors of counted cases by system",
      description: "A row for each system and a point for each counted case: left of the line the"
        + " simulation gives less than was published, right of it more. Systems are sorted by the"
        + " median of the error's size, the best first.", spec: spec)
  }
}
