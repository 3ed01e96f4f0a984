// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Units

/// A part of the time that a token takes, or a cause for which it waits.
struct TokenTime: Equatable {
  /// The part or the cause, in words.
  var name: String
  /// The time per output token [ms].
  var milliseconds: Double
  /// Whether the compute stream stood still for it.
  var isStall: Bool

  /// How a chart names it: a stall says that it is one.
  var label: String { isStall ? "stall: \(name)" : name }

  /// The causes of stalls by their keys, in the order of the report.
  static let causes: [(key: String, name: String)] = [
    ("demand_load", "demand load"), ("late_prefetch", "late prefetch"),
    ("staging", "staging copy"), ("drive", "drive"), ("link_contention", "link contention"),
    ("memory_full", "memory full"), ("kv_swap", "KV swap"), ("collective", "collective"),
    ("compute_queue", "compute queue"), ("host_compute", "host compute"),
  ]

  /// The parts and stalls of a run's report that are not zero.
  static func parts(of run: ReportValue) -> [TokenTime] {
    let computed = run.list("time_ms_per_token").compactMap { entry -> TokenTime? in
      guard let name = entry.text("name"), let value = entry.number("value") else { return nil }
      return TokenTime(name: name, milliseconds: value, isStall: false)
    }
    return (computed + stalls(of: run.at("stall_ms_per_token"))).filter { $0.milliseconds > 0 }
  }

  /// The stalls under the keys of a report.
  static func stalls(of value: ReportValue?) -> [TokenTime] {
    causes.compactMap { cause in
      value?.number(cause.key).map {
        TokenTime(name: cause.name, milliseconds: $0, isStall: true)
      }
    }
  }
}

/// Where a token's time goes.
enum TimeCharts {
  private static let unit = "ms per output token"

  /// Bars of parts and stalls on top of one another, one bar for each name.
  ///
  /// - Parameter bars: What each bar is of, and its parts.
  static func stacked(
    id: String, title: String, description: String, bars: [(name: String, parts: [TokenTime])],
    isOfStallsAlone: Bool = false
  ) -> Chart? {
    func label(_ part: TokenTime) -> String { isOfStallsAlone ? part.name : part.label }
    var legend: [TokenTime] = []
    for part in bars.flatMap(\.parts) where part.milliseconds > 0 {
      if !legend.contains(where: { $0.label == part.label }) { legend.append(part) }
    }
    guard !legend.isEmpty else { return nil }
    legend.sort { !$0.isStall && $1.isStall }
    let order = Dictionary(
      uniqueKeysWithValues: legend.enumerated().map { (label($0.element), $0.offset) })
    var rows: [ReportValue] = []
    for bar in bars {
      let total = bar.parts.reduce(0) { $0 + $1.milliseconds }
      for part in bar.parts where part.milliseconds > 0 {
        rows.append([
          "bar": .text(bar.name), "part": .text(label(part)), "ms": .number(part.milliseconds),
          "share": .number(total > 0 ? part.milliseconds / total : 0),
          "order": .integer(Int64(order[label(part)] ?? 0)),
        ])
      }
    }
    let names = bars.map(\.name)
    var y = VegaLite.name("bar", nil, sort: .texts(names), names: names)
    if bars.count == 1 { y.set("axis", to: nil) }
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(bars.count == 1 ? 64 : 34, names: bars.count == 1 ? [] : names),
      [
        "mark": ["type": "bar", "stroke": "white", "strokeWidth": 0.5],
        "encoding": [
          "y": y, "x": VegaLite.number("ms", unit),
          "color": VegaLite.colour(
            "part", nil, names: legend.map(label),
            colours: legend.map { ChartColours.part($0.name, isStall: $0.isStall) }),
          "order": ["field": "order", "type": "quantitative"],
          "tooltip": VegaLite.tooltip(
            ("bar", "of", nil), ("part", "part", nil), ("ms", unit, ",.3~f"),
            ("share", "share", ".1%")),
        ],
      ])
    return Chart(id: id, title: title, description: description, spec: spec)
  }

  /// One run's token, as one bar.
  static func token(of run: ReportValue) -> Chart? {
    let parts = TokenTime.parts(of: run)
    let total = parts.reduce(0) { $0 + $1.milliseconds }
    return stacked(
      id: "time-per-token", title: "Time per output token, stacked",
      description: "One bar of \(FigureText.number(total)) ms: blue, green and grey is what the"
        + " compute stream computed, orange, red and yellow what it stood still for. The time in"
        + " which a step was under way, divided by the output tokens; a sequence in a batch of b"
        + " waits about b times that for a token.",
      bars: [("one output token", parts)])
  }

  /// Every part and stall of one run, the longest first, each with its value.
  static func parts(of run: ReportValue) -> Chart? {
    let parts = TokenTime.parts(of: run).sorted { $0.milliseconds > $1.milliseconds }
    guard !parts.isEmpty else { return nil }
    let total = parts.reduce(0) { $0 + $1.milliseconds }
    let rows = parts.map { part -> ReportValue in
      [
        "part": .text(part.label), "ms": .number(part.milliseconds),
        "kind": part.isStall ? "stalled" : "computed",
        "text": .text(
          "\(FigureText.number(part.milliseconds)) ms, "
            + FigureText.percent(part.milliseconds / total)),
      ]
    }
    return labelledBars(
      id: "time-parts", title: "Time per output token, part by part",
      description: "A bar for each part and each cause of a stall, the longest first; stalls in"
        + " another colour. Bars that are too short to see have their value beside them.",
      rows: rows, category: "part", value: "ms", valueTitle: unit,
      colour: VegaLite.colour(
        "kind", nil,
        names: parts.contains(where: \.isStall) ? ["computed", "stalled"] : ["computed"],
        colours: [ChartColours.blue, ChartColours.vermilion]))
  }

  /// What faster parts would change, as bars of the share by which TPOT falls.
  static func improvements(of run: ReportValue) -> Chart? {
    let rows = run.list("what_would_help").compactMap { item -> ReportValue? in
      guard let name = item.text("resource"), let share = item.number("tpot_reduction") else {
        return nil
      }
      let factor = QuantityFormat(significantDigits: 3).number(item.number("factor") ?? 1)
      return [
        "what": .text("\(name) × \(factor)"), "share": .number(share),
        "text": .text(FigureText.percent(share)),
      ]
    }.sorted { ($0.number("share") ?? 0) > ($1.number("share") ?? 0) }
    guard !rows.isEmpty else { return nil }
    return labelledBars(
      id: "what-would-help", title: "What would help",
      description:
        "How much the mean time per output token falls when one resource is so many"
        + " times as fast and all else stays; each bar is a run of its own.",
      rows: rows, category: "what", value: "share", valueTitle: "fall of mean TPOT",
      format: ".0%", colour: nil)
  }

  /// Horizontal bars in the order of the data, with the text of each behind its end.
  static func labelledBars(
    id: String, title: String, description: String, rows: [ReportValue], category: String,
    value: String, valueTitle: String, format: String? = nil, domain: ReportValue? = nil,
    ticks: [Double]? = nil, colour: ReportValue?
  ) -> Chart {
    var x = VegaLite.number(value, valueTitle)
    if let format {
      var axis: ReportValue = ["format": .text(format)]
      if let ticks { axis.set("values", to: .list(ticks.map { .number($0) })) }
      x.set("axis", to: axis)
    }
    let values = rows.compactMap { $0.number(value) }
    // Room for the text behind the longest bar.
    let highest = max(0, values.max() ?? 0)
    let lowest = min(0, values.min() ?? 0)
    x.set(
      "scale", to: ["domain": domain ?? [.number(lowest * 1.3), .number(max(highest * 1.3, 1e-9))]])
    var bar: ReportValue = ["type": "bar"]
    if colour == nil { bar.set("color", to: .text(ChartColours.blue)) }
    var encoding: ReportValue = [:]
    if let colour { encoding.set("color", to: colour) }
    let names = rows.compactMap { $0.text(category) }
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(24, names: names),
      [
        "encoding": [
          "y": VegaLite.name(category, nil, names: names), "x": x,
          "tooltip": VegaLite.tooltip((category, "", nil), ("text", valueTitle, nil)),
        ],
        "layer": [
          ["mark": bar, "encoding": encoding],
          [
            "mark": ["type": "text", "align": "left", "dx": 4],
            "encoding": ["text": ["field": "text", "type": "nominal"]],
          ],
        ],
      ])
    return Chart(id: id, title: title, description: description, spec: spec)
  }
}
