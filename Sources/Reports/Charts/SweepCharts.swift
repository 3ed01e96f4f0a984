// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// The points of a study.
enum SweepCharts {
  /// Figures that curves are drawn of, where points have them.
  private static let curveFigures = [
    "tpot_ms.mean", "throughput.output_tokens_per_second", "ttft_ms.p99",
    "cost.usd_per_million_output_tokens", "expert_cache.hit_rate",
  ]

  /// Figures for the axes of a scatter, the first of each that points have.
  static func scatterFigures(of table: SweepTable) -> (x: SweepFigure, y: SweepFigure)? {
    func first(_ keys: [String], but other: String? = nil) -> String? {
      (keys + table.figures).first { $0 != other && table.place($0) != nil }
    }
    guard
      let x = first([
        "cost.usd_per_million_output_tokens", "throughput.output_tokens_per_second",
      ]),
      let y = first(["tpot_ms.mean", "tpot_ms.p99", "e2el_ms.mean"], but: x)
    else { return nil }
    return (.named(x), .named(y))
  }

  /// The places of the points that no other beats in both figures.
  static func front(of table: SweepTable, _ x: SweepFigure, _ y: SweepFigure) -> Set<Int> {
    guard let first = table.place(x.key), let second = table.place(y.key) else { return [] }
    let values = table.points.indices.compactMap { index -> (index: Int, x: Double, y: Double)? in
      let point = table.points[index]
      guard let left = point.estimates[first]?.mean, let right = point.estimates[second]?.mean
      else { return nil }
      return (index, x.isHigherBetter ? -left : left, y.isHigherBetter ? -right : right)
    }.sorted { ($0.x, $0.y, $0.index) < ($1.x, $1.y, $1.index) }
    var best = Double.infinity
    var bestX = -Double.infinity
    var front: Set<Int> = []
    for value in values {
      // Equal points are on the front together.
      if value.y < best || (value.y == best && value.x == bestX) {
        front.insert(value.index)
        best = value.y
        bestX = value.x
      }
    }
    return front
  }

  /// Points by two figures, with the line of those that no other beats in both.
  static func pareto(of table: SweepTable) -> Chart? {
    guard let (x, y) = scatterFigures(of: table), let first = table.place(x.key),
      let second = table.place(y.key)
    else { return nil }
    let front = front(of: table, x, y)
    let rows = table.points.indices.compactMap { index -> ReportValue? in
      let point = table.points[index]
      guard let left = point.estimates[first]?.mean, let right = point.estimates[second]?.mean
      else { return nil }
      let name = zip(table.axes, point.labels).map { "\($0) \($1)" }.joined(separator: ", ")
      return [
        "point": .text(name), "x": .number(left), "y": .number(right),
        "front": front.contains(index) ? "on the front" : "beaten by another",
      ]
    }
    guard !rows.isEmpty else { return nil }
    let names = ["on the front", "beaten by another"]
    let encoding: ReportValue = [
      "x": VegaLite.position("x", x.axisTitle), "y": VegaLite.position("y", y.axisTitle),
    ]
    let spec = VegaLite.spec(
      rows, height: 340,
      [
        "encoding": encoding,
        "layer": [
          [
            "transform": [["filter": "datum.front == 'on the front'"]],
            "mark": [
              "type": "line", "interpolate": "step-after", "color": .text(ChartColours.vermilion),
              "strokeWidth": 1.5,
            ],
            "encoding": ["order": ["field": "x", "type": "quantitative"]],
          ],
          [
            "mark": ["type": "point", "filled": true, "size": 55, "opacity": 0.85],
            "encoding": [
              "color": VegaLite.colour(
                "front", nil, names: names, colours: [ChartColours.vermilion, ChartColours.sky]),
              "shape": [
                "field": "front", "type": "nominal",
                "scale": ["domain": .texts(names), "range": ["diamond", "circle"]],
              ],
              "tooltip": VegaLite.tooltip(
                ("point", "point", nil), ("x", x.axisTitle, ",.5~g"), ("y", y.axisTitle, ",.5~g")),
            ],
          ],
        ],
      ])
    return Chart(
      id: "pareto", title: "Points by \(x.title) and \(y.title)",
      description: "A point for each setting, its means over replications; diamonds on the line are"
        + " those that no other point beats in both figures. \(better(x)), \(better(y)). The axes"
        + " need not begin at 0.", spec: spec)
  }

  private static func better(_ figure: SweepFigure) -> String {
    "\(figure.isHigherBetter ? "More" : "Less") \(figure.title) is better"
  }

  /// Curves of figures along each axis that has more than one value.
  static func curves(of table: SweepTable) -> [Chart] {
    table.axes.indices.flatMap { axis -> [Chart] in
      guard Set(table.points.map { $0.labels[axis] }).count > 1 else { return [] }
      return curveFigures.compactMap { curve(of: table, axis: axis, figure: .named($0)) }
    }
  }

  /// A figure along an axis: a line for each setting of the other axes, in colours of one of them.
  private static func curve(of table: SweepTable, axis: Int, figure: SweepFigure) -> Chart? {
    guard let place = table.place(figure.key) else { return nil }
    let others = table.axes.indices.filter { other in
      other != axis && Set(table.points.map { $0.labels[other] }).count > 1
    }
    // Lines have the colour of the other axis with the fewest values.
    func values(_ axis: Int) -> [String] {
      var values: [String] = []
      for point in table.points where !values.contains(point.labels[axis]) {
        values.append(point.labels[axis])
      }
      return values
    }
    let colour = others.filter { values($0).count <= 8 }.min { values($0).count < values($1).count }
    let numbers = values(axis).map(AxisNumber.init)
    let isNumeric = !numbers.contains { $0.value == nil } && Set(numbers.map(\.unit)).count == 1
    let unit = isNumeric ? numbers.first?.unit ?? "" : ""
    var rows: [ReportValue] = []
    for point in table.points {
      guard let estimate = point.estimates[place] else { continue }
      let label = point.labels[axis]
      rows.append([
        "x": isNumeric ? .optional(AxisNumber(label).value) : .text(label),
        "value": .number(estimate.mean),
        "low": .optional(estimate.halfWidth.map { estimate.mean - $0 }),
        "high": .optional(estimate.halfWidth.map { estimate.mean + $0 }),
        "n": .integer(Int64(estimate.count)),
        "colour": .text(colour.map { point.labels[$0] } ?? ""),
        "line": .text(
          others.map { "\(table.axes[$0]) \(point.labels[$0])" }.joined(separator: ", ")),
      ])
    }
    guard rows.count > 1 else { return nil }
    // Only values that some point on the chart has.
    let present = Set(rows.compactMap { $0.text("colour") })
    let spec = VegaLite.spec(
      rows, height: 260,
      curveContent(
        axisTitle: table.axes[axis] + (unit.isEmpty ? "" : " (\(unit))"), isNumeric: isNumeric,
        order: values(axis), figure: figure,
        hasIntervals: rows.contains { $0["low"]?.numericValue != nil },
        colour: colour.map { axis in
          (table.axes[axis], values(axis).filter { present.contains($0) })
        }))
    let name = (table.axes[axis] + "-" + figure.key).map {
      $0.isLetter || $0.isNumber ? String($0) : "-"
    }.joined()
    return Chart(
      id: "curve-\(name)", title: "\(figure.title.capitalisedFirst) by \(table.axes[axis])",
      description: "The mean over replications at each value of \(table.axes[axis]), with its 95 %"
        + " interval where there are several; a line joins points that agree in all other keys,"
        + " where the axis is one of numbers."
        + " Points without a steady state or without a result are not drawn. The vertical axis need"
        + " not begin at 0.", spec: spec)
  }

  private static func curveContent(
    axisTitle: String, isNumeric: Bool, order: [String], figure: SweepFigure,
    hasIntervals: Bool, colour: (title: String, values: [String])?
  ) -> ReportValue {
    let x: ReportValue =
      isNumeric
      ? [
        "field": "x", "type": "quantitative", "title": .text(axisTitle),
        "scale": ["zero": false, "nice": false, "padding": 16],
      ]
      : [
        "field": "x", "type": "ordinal", "title": .text(axisTitle), "sort": .texts(order),
        "axis": ["labelAngle": order.count > 6 ? -40 : 0],
      ]
    let y = VegaLite.position("value", figure.axisTitle)
    let colouring: ReportValue =
      colour.map {
        VegaLite.colour(
          "colour", $0.title, names: $0.values, colours: ChartColours.series($0.values.count))
      } ?? ["value": .text(ChartColours.blue)]
    var shared: ReportValue = ["x": x, "color": colouring]
    // Names have no order that a line could follow; points of one name stand side by side.
    var mark: ReportValue = ["type": "point", "filled": true, "size": 60, "opacity": 1]
    if isNumeric {
      mark = ["type": "line", "point": ["size": 40, "filled": true]]
    } else if let colour {
      shared.set("xOffset", to: ["field": "colour", "sort": .texts(colour.values)])
    }
    var drawn: ReportValue = [
      "y": y, "detail": ["field": "line", "type": "nominal"],
      "tooltip": VegaLite.tooltip(
        ("x", axisTitle, nil), ("line", "at", nil), ("value", figure.axisTitle, ",.5~g"),
        ("low", "from", ",.5~g"), ("high", "to", ",.5~g"), ("n", "replications", "d")),
    ]
    if isNumeric, let colour {
      // Lines that lie on one another show through each other's gaps.
      drawn.set(
        "strokeDash",
        to: ["field": "colour", "type": "nominal", "sort": .texts(colour.values), "legend": nil])
    }
    let curve: ReportValue = ["mark": mark, "encoding": drawn]
    let intervals: ReportValue = [
      "mark": ["type": "rule", "opacity": 0.6],
      "encoding": [
        "y": VegaLite.position("low", figure.axisTitle), "y2": ["field": "high"],
      ],
    ]
    return ["encoding": shared, "layer": .list(hasIntervals ? [intervals, curve] : [curve])]
  }
}

/// A value of an axis as a number with its unit: "25%", "8 GiB", "0.5".
struct AxisNumber {
  var value: Double?
  var unit: String

  init(_ text: String) {
    let digits = text.prefix { $0.isNumber || ".-+eE".contains($0) }
    // An 'e' that begins a unit is none of the number.
    value = Double(digits)
    unit = String(text.dropFirst(digits.count)).trimmingWhiteSpace
    if value?.isFinite != true { value = nil }
  }
}

extension String {
  fileprivate var trimmingWhiteSpace: String {
    let start = drop { $0.isWhitespace }
    return String(start.reversed().drop { $0.isWhitespace }.reversed())
  }
}
