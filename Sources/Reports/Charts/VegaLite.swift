// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Pieces of Vega-Lite specifications that many charts share.
enum VegaLite {
  /// The schema that every specification names.
  static let schema = "https://vega.github.io/schema/vega-lite/v6.json"

  /// How wide a label may be before it is cut [px]; no name of a part or resource is longer.
  static let labelLimit: ReportValue = 300

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

  /// A quantitative channel on a logarithmic axis.
  static func logarithmic(_ field: String, _ title: String) -> ReportValue {
    [
      "field": .text(field), "type": "quantitative", "title": .text(title),
      "scale": ["type": "log", "nice": false],
      "axis": ["labelOverlap": true, "tickCount": 6, "format": "~s"],
    ]
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
  static func name(
    _ field: String, _ title: String? = nil, sort: ReportValue = nil
  ) -> ReportValue {
    [
      "field": .text(field), "type": "nominal", "title": .optional(title), "sort": sort,
      "axis": ["labelLimit": labelLimit, "labelOverlap": false],
    ]
  }

  /// A colour for each of these names, with a legend that keeps their order.
  static func colour(
    _ field: String, _ title: String?, names: [String], colours: [String]
  ) -> ReportValue {
    [
      "field": .text(field), "type": "nominal", "title": .optional(title),
      "scale": ["domain": .texts(names), "range": .texts(colours)],
      "legend": ["orient": "bottom", "columns": 3, "labelLimit": 260, "symbolLimit": 60],
    ]
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
