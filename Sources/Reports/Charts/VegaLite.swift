// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records

/// Pieces of Vega-Lite specifications that many charts share.
enum VegaLite {
  /// The schema that every specification names.
  static let schema = "https://vega.github.io/schema/vega-lite/v6.json"

  /// A specification as wide as its container.
  ///
  /// - Parameters:
  ///   - rows: The data, a member a column.
  ///   - height: The height of the plot [px], or a step.
  ///   - content: What is drawn: `mark` and `encoding`, or `layer`.
  static func spec(
    _ rows: [ReportValue], height: ReportValue = 280, _ content: ReportValue
  ) -> ReportValue {
    var spec: ReportValue = [
      "data": ["values": .list(rows)], "width": "container", "height": height,
      "autosize": ["type": "fit-x", "contains": "padding"],
    ]
    if case .object(let members) = content {
      for member in members { spec.set(member.key, to: member.value) }
    }
    return spec
  }

  /// So many pixels for each value of a discrete axis.
  static func step(_ pixels: Int64) -> ReportValue { ["step": .integer(pixels)] }

  /// A quantitative channel that begins at 0.
  static func number(_ field: String, _ title: String) -> ReportValue {
    ["field": .text(field), "type": "quantitative", "title": .text(title)]
  }

  /// A quantitative channel over a range that need not hold 0, as positions of points may be.
  static func position(_ field: String, _ title: String) -> ReportValue {
    [
      "field": .text(field), "type": "quantitative", "title": .text(title),
      "scale": ["zero": false, "nice": true],
    ]
  }

  /// A quantitative channel on a logarithmic axis that holds these values, with room at either end.
  ///
  /// Ticks are given, since a line for each of nine parts of a decade hides the data.
  static func logarithmic(
    _ field: String, _ title: String, over values: [Double], format: String = "~s"
  ) -> ReportValue {
    let low = (values.min() ?? 1) / 1.25
    let high = (values.max() ?? 1) * 1.25
    return [
      "field": .text(field), "type": "quantitative", "title": .text(title),
      "scale": ["type": "log", "domain": [.number(low), .number(high)], "nice": false],
      "axis": [
        "values": .list(logarithmicTicks(low, high).map { .number($0) }), "format": .text(format),
        "labelOverlap": true,
      ],
    ]
  }

  /// The powers of ten within a range; also their doubles and fivefolds where there are few.
  static func logarithmicTicks(_ low: Double, _ high: Double) -> [Double] {
    guard low > 0, high > low, high.isFinite else { return [] }
    let first = Int(log10(low).rounded(.down))
    let last = Int(log10(high).rounded(.up))
    func ticks(_ steps: [Double]) -> [Double] {
      var ticks: [Double] = []
      for power in first...last {
        let decade = pow(10, Double(abs(power)))
        // Divided rather than multiplied by a negative power, so that 0.1 is 0.1.
        for step in steps { ticks.append(power < 0 ? step / decade : step * decade) }
      }
      return ticks.filter { low <= $0 && $0 <= high }
    }
    let decades = ticks([1])
    if decades.count > 8 { return stride(from: 0, to: decades.count, by: 2).map { decades[$0] } }
    if decades.count >= 4 { return decades }
    return ticks(decades.count >= 2 ? [1, 3] : [1, 1.5, 2, 3, 5, 7])
  }

  /// A quantitative channel of shares from 0 to 1, labelled in percent.
  static func share(_ field: String, _ title: String, isFixed: Bool = true) -> ReportValue {
    var channel: ReportValue = [
      "field": .text(field), "type": "quantitative", "title": .text(title),
      "axis": ["format": ".0%"],
    ]
    if isFixed { channel.set("scale", to: ["domain": [0, 1]]) }
    return channel
  }

  /// A discrete channel, in the order of the data unless another is given.
  ///
  /// - Parameter names: The names that stand on the axis; long ones are broken into lines.
  static func name(
    _ field: String, _ title: String? = nil, sort: ReportValue = nil, names: [String] = []
  ) -> ReportValue {
    var axis: ReportValue = ["labelOverlap": false]
    let broken = names.filter { lines(of: $0).count > 1 }
    if !broken.isEmpty {
      let cases = broken.map { name in
        let lines = lines(of: name).map { JSONText.quoted($0) }.joined(separator: ", ")
        return "\(JSONText.quoted(name)): [\(lines)]"
      }
      // An expression can look a name up, and labels of several texts have several lines.
      axis.set(
        "labelExpr",
        to: .text("({\(cases.joined(separator: ", "))})[datum.label] || datum.label"))
    }
    return [
      "field": .text(field), "type": "nominal", "title": .optional(title), "sort": sort,
      "axis": axis,
    ]
  }

  /// A name in lines of about 26 letters, broken at spaces; bars between parts become commas.
  static func lines(of name: String) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in name.replacing(" | ", with: ", ").split(separator: " ").map(String.init) {
      if !line.isEmpty, line.count + 1 + word.count > 26 {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return lines + [line]
  }

  /// So many pixels for each of these names, or as many as their lines need.
  static func step(_ pixels: Int64, names: [String]) -> ReportValue {
    let most = names.map { lines(of: $0).count }.max() ?? 1
    return step(max(pixels, Int64(12 * most + 8)))
  }

  /// A colour for each of these names, with a legend that keeps their order. Where the legend
  /// stands is left to who draws the chart, since that depends on the room.
  static func colour(
    _ field: String, _ title: String?, names: [String], colours: [String]
  ) -> ReportValue {
    [
      "field": .text(field), "type": "nominal", "title": .optional(title),
      "scale": ["domain": .texts(names), "range": .texts(colours)],
    ]
  }

  /// How many columns of a legend fit below a plot that is 500 px wide.
  static func legendColumns(_ names: [String]) -> Int64 {
    // Six pixels a letter, and thirty for the symbol and the gap.
    let width = 30 + 6 * (names.map(\.count).max() ?? 0)
    return Int64(max(1, min(4, 500 / width)))
  }

  /// What a pointer over a mark is told.
  static func tooltip(
    _ fields: (field: String, title: String, format: String?)...
  ) -> ReportValue {
    .list(
      fields.map { entry in
        var channel: ReportValue = ["field": .text(entry.field), "title": .text(entry.title)]
        if let format = entry.format {
          channel.set("type", to: "quantitative")
          channel.set("format", to: .text(format))
        } else {
          channel.set("type", to: "nominal")
        }
        return channel
      })
  }
}
