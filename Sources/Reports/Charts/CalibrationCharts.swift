// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Predicted times of kernels beside measured ones, as `calibrate check` judges them.
enum CalibrationCharts {
  /// A law with the kernel that it is judged on.
  static func name(of law: ReportValue) -> String {
    [law.text("kernel"), law.text("variant")].compactMap { $0 }.joined(separator: ": ")
  }

  private static func colour(_ laws: [ReportValue]) -> ReportValue {
    let names = laws.map(name)
    return VegaLite.colour("law", nil, names: names, colours: ChartColours.series(names.count))
  }

  /// The median and the 90th percentile of each law's errors.
  static func errors(of laws: [ReportValue]) -> Chart? {
    let rows = laws.map { law -> ReportValue in
      [
        "law": .text(name(of: law)), "points": .optional(law.number("points")),
        "median": .optional(law.number("median")), "p90": .optional(law.number("p90")),
        "worst": .optional(law.number("worst")),
      ]
    }
    guard !rows.isEmpty else { return nil }
    let names = laws.map(name)
    let y = VegaLite.name("law", nil, names: names)
    func x(_ field: String) -> ReportValue {
      VegaLite.share(field, "|predicted / measured − 1|", isFixed: false)
    }
    let tooltip = VegaLite.tooltip(
      ("law", "law", nil), ("points", "points", "d"), ("median", "median", ".1%"),
      ("p90", "90th percentile", ".1%"), ("worst", "worst", ".1%"))
    return Chart(
      id: "kernel-errors", title: "Errors by kernel",
      description: "A row for each law on a kernel: the bar is the median of the errors' sizes, the"
        + " upright line their 90th percentile. Shorter is better.",
      spec: VegaLite.spec(
        rows, height: VegaLite.step(30, names: names),
        [
          "layer": [
            [
              "mark": [
                "type": "bar", "height": ["band": 0.55], "color": .text(ChartColours.blue),
              ],
              "encoding": ["y": y, "x": x("median"), "tooltip": tooltip],
            ],
            [
              "mark": [
                "type": "tick", "thickness": 3, "opacity": 1, "band": 0.75,
                "color": .text(ChartColours.vermilion),
              ],
              "encoding": ["y": y, "x": x("p90"), "tooltip": tooltip],
            ],
          ]
        ]))
  }

  /// Which way predictions err around each size.
  static func biases(of laws: [ReportValue]) -> Chart? {
    let rows = laws.flatMap { law in
      law.list("biases").compactMap { bias -> ReportValue? in
        guard let from = bias.number("from"), let to = bias.number("to"), from > 0 else {
          return nil
        }
        return [
          "law": .text(name(of: law)), "size": .number((from * to).squareRoot()),
          "bias": .optional(bias.number("bias")), "points": .optional(bias.number("points")),
        ]
      }
    }
    let sizes = Set(rows.compactMap { $0.number("size") })
    guard sizes.count > 1 else { return nil }
    var y = VegaLite.share("bias", "median of predicted / measured − 1", isFixed: false)
    y.set("axis", to: ["format": "+.0%"])
    return Chart(
      id: "kernel-biases", title: "Bias by size",
      description: "A line for each law: above 0 predictions are too slow around that size, below 0"
        + " too fast. Sizes are the tokens of a product, the cached rows of attention, or the bytes"
        + " of a copy.",
      spec: VegaLite.spec(
        rows, height: 300,
        [
          "layer": [
            [
              "data": ["values": [["zero": 0]]],
              "mark": ["type": "rule", "color": .text(ChartColours.grey)],
              "encoding": ["y": ["field": "zero", "type": "quantitative"]],
            ],
            [
              "mark": ["type": "line", "point": ["size": 45]],
              "encoding": [
                "x": VegaLite.logarithmic("size", "size", over: Array(sizes)), "y": y,
                "color": colour(laws),
                "tooltip": VegaLite.tooltip(
                  ("law", "law", nil), ("size", "size", ",.4~g"), ("bias", "bias", "+.1%"),
                  ("points", "points", "d")),
              ],
            ],
          ]
        ]))
  }

  /// Measured against predicted times, a point for each timing that the check lists.
  static func points(of laws: [ReportValue]) -> Chart? {
    let rows = laws.flatMap { law in
      law.list("worst_points").compactMap { point -> ReportValue? in
        guard let measured = point.number("measured_seconds"), measured > 0,
          let predicted = point.number("predicted_seconds"), predicted > 0
        else { return nil }
        return [
          "law": .text(name(of: law)), "shape": .text(point.text("shape") ?? "-"),
          "size": .optional(point.number("size")), "measured": .number(measured * 1e6),
          "predicted": .number(predicted * 1e6), "error": .number(predicted / measured - 1),
        ]
      }
    }
    let times = rows.flatMap { row -> [Double] in
      [row.number("measured") ?? 1, row.number("predicted") ?? 1]
    }
    guard let low = times.min(), let high = times.max() else { return nil }
    let x = VegaLite.logarithmic("measured", "measured (µs)", over: times)
    let y = VegaLite.logarithmic("predicted", "predicted (µs)", over: times)
    let diagonal: [ReportValue] = [low / 1.2, high * 1.2].map {
      ["measured": .number($0), "predicted": .number($0)]
    }
    return Chart(
      id: "kernel-points", title: "Predicted against measured times",
      description: "A point for each timing that is listed, on logarithmic axes: on the line both"
        + " agree, above it the law predicts too long a time.",
      spec: VegaLite.spec(
        rows, height: 380,
        [
          "encoding": ["x": x, "y": y],
          "layer": [
            [
              "data": ["values": .list(diagonal)],
              "mark": ["type": "line", "color": .text(ChartColours.grey), "strokeWidth": 1],
            ],
            [
              "mark": ["type": "point", "filled": true, "size": 40, "opacity": 0.65],
              "encoding": [
                "color": colour(laws),
                "tooltip": VegaLite.tooltip(
                  ("law", "law", nil), ("shape", "shape", nil), ("size", "size", ",.4~g"),
                  ("measured", "measured (µs)", ",.4~g"),
                  ("predicted", "predicted (µs)", ",.4~g"), ("error", "error", "+.1%")),
              ],
            ],
          ],
        ]))
  }
}
