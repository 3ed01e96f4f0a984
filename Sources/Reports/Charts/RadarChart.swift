// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records

/// The radar of MoE-CAP (arXiv 2412.07067): cost, accuracy and performance on three axes.
///
/// Vega-Lite has no polar coordinates, so that positions are computed here and drawn as lines. What
/// each axis spans is fixed and written on it, so that radars of different runs can be compared:
/// outward is better on each.
enum RadarChart {
  private struct Axis {
    var name: String
    var key: String
    /// The values at the centre and at the rim.
    var center: Double
    var rim: Double
    var isLogarithmic: Bool
    var labels: [(value: Double, text: String)]

    func radius(of value: Double) -> Double {
      let share =
        isLogarithmic
        ? (log10(max(value, 1e-12)) - log10(center)) / (log10(rim) - log10(center))
        : (value - center) / (rim - center)
      return min(1, max(0, share))
    }
  }

  private static let axes = [
    Axis(
      name: "Accuracy (%)", key: "accuracy", center: 0, rim: 100, isLogarithmic: false,
      labels: [(25, "25"), (50, "50"), (75, "75"), (100, "100")]),
    Axis(
      name: "Performance (output tokens/s)", key: "output_tokens_per_second", center: 0.1,
      rim: 1e7, isLogarithmic: true,
      labels: [(10, "10"), (1e3, "1k"), (1e5, "100k"), (1e7, "10M")]),
    Axis(
      name: "Cost (USD to buy)", key: "purchase_usd", center: 1e10, rim: 1e2,
      isLogarithmic: true, labels: [(1e8, "100M"), (1e6, "1M"), (1e4, "10k"), (1e2, "100")]),
  ]

  /// The direction of an axis: the first points upward.
  private static func point(_ axis: Int, _ radius: Double) -> (x: Double, y: Double) {
    let angle = Double.pi / 2 - 2 * Double.pi * Double(axis) / Double(axes.count)
    // Rounded, so that the same run gives the same bytes wherever sines differ in the last digit.
    func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }
    return (rounded(radius * cos(angle)), rounded(radius * sin(angle)))
  }

  /// The radar of runs for which all three are known; `nil` without any.
  static func chart(of runs: [(name: String, run: ReportValue)]) -> Chart? {
    var lines: [ReportValue] = []
    var names: [String] = []
    for (name, run) in runs {
      let values = axes.map { run.number("moe_cap.radar.\($0.key)") }
      guard !values.contains(nil) else { continue }
      names.append(name)
      for place in 0...axes.count {
        let axis = place % axes.count
        let value = values[axis] ?? 0
        let (x, y) = point(axis, axes[axis].radius(of: value))
        lines.append([
          "run": .text(name), "order": .integer(Int64(place)), "x": .number(x), "y": .number(y),
          "axis": .text(axes[axis].name), "value": .number(value),
        ])
      }
    }
    guard !lines.isEmpty else { return nil }
    return Chart(
      id: "moe-cap-radar", title: "MoE-CAP radar: cost, accuracy, performance",
      description: "A triangle for each run, whose corners stand further out the better it is:"
        + " accuracy from 0 to 100 %, output tokens per second from 0.1 to 10M, and the machine's"
        + " price from 10,000M down to 100 USD, the last two on logarithmic axes.",
      spec: spec(lines, names), sources: [PageLink("MoE-CAP, arXiv 2412.07067")])
  }

  private static func spec(_ lines: [ReportValue], _ names: [String]) -> ReportValue {
    func position(_ field: String, _ domain: ReportValue) -> ReportValue {
      ["field": .text(field), "type": "quantitative", "axis": nil, "scale": ["domain": domain]]
    }
    let x = position("x", [-1.5, 1.5])
    let y = position("y", [-0.85, 1.3])
    let order: ReportValue = ["field": "order", "type": "quantitative"]
    return [
      "width": 420, "height": 300, "view": ["stroke": nil],
      "encoding": ["x": x, "y": y],
      "layer": [
        [
          "data": ["values": .list(rings)],
          "mark": ["type": "line", "color": "#999999", "opacity": 0.45, "strokeWidth": 1],
          "encoding": ["detail": ["field": "ring"], "order": order],
        ],
        [
          "data": ["values": .list(spokes)],
          "mark": ["type": "line", "color": "#999999", "strokeWidth": 1],
          "encoding": ["detail": ["field": "axis"], "order": order],
        ],
        [
          "data": ["values": .list(lines)],
          "mark": ["type": "line", "strokeWidth": 2.5, "point": ["size": 60, "filled": true]],
          "encoding": [
            "order": order,
            "color": VegaLite.colour(
              "run", nil, names: names, colours: ChartColours.series(names.count)),
            "tooltip": VegaLite.tooltip(
              ("run", "run", nil), ("axis", "axis", nil), ("value", "value", ",.5~g")),
          ],
        ],
        [
          "data": ["values": .list(labels)],
          "mark": ["type": "text", "fontSize": 9, "dx": 4, "align": "left", "opacity": 0.75],
          "encoding": ["text": ["field": "text", "type": "nominal"]],
        ],
        [
          "data": ["values": .list(titles)],
          "mark": ["type": "text", "fontWeight": "bold", "fontSize": 11],
          "encoding": ["text": ["field": "text", "type": "nominal"]],
        ],
      ],
    ]
  }

  private static var rings: [ReportValue] {
    [0.25, 0.5, 0.75, 1].flatMap { radius in
      (0...axes.count).map { place -> ReportValue in
        let (x, y) = point(place % axes.count, radius)
        return [
          "ring": .number(radius), "order": .integer(Int64(place)), "x": .number(x),
          "y": .number(y),
        ]
      }
    }
  }

  private static var spokes: [ReportValue] {
    axes.indices.flatMap { axis in
      [0, 1].map { radius -> ReportValue in
        let (x, y) = point(axis, Double(radius))
        return [
          "axis": .text(axes[axis].name), "order": .integer(Int64(radius)), "x": .number(x),
          "y": .number(y),
        ]
      }
    }
  }

  private static var labels: [ReportValue] {
    axes.indices.flatMap { axis in
      axes[axis].labels.map { label -> ReportValue in
        let (x, y) = point(axis, axes[axis].radius(of: label.value))
        // Beside the axis, outside of the triangle where that is possible.
        let (right, up) = axis == 0 ? (0.04, 0.03) : axis == 1 ? (0.02, 0.1) : (-0.16, 0.1)
        return ["text": .text(label.text), "x": .number(x + right), "y": .number(y + up)]
      }
    }
  }

  private static var titles: [ReportValue] {
    axes.indices.map { axis in
      let (x, y) = point(axis, 1.2)
      return ["text": .text(axes[axis].name), "x": .number(x), "y": .number(y)]
    }
  }
}
