// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// What memories hold, and what a machine costs.
enum MemoryCostCharts {
  /// The parts of the plan of each memory, as shares of its capacity.
  static func memory(of run: ReportValue) -> Chart? {
    var rows: [ReportValue] = []
    var names: [String] = []
    for memory in run.list("memory") {
      guard let name = memory.text("name"), let capacity = memory.number("capacity_bytes"),
        capacity > 0
      else { continue }
      for part in memory.list("parts") {
        guard let title = part.text("name"), let bytes = part.number("value"), bytes > 0 else {
          continue
        }
        if !names.contains(title) { names.append(title) }
        rows.append([
          "memory": .text("\(name), \(FigureText.bytes(capacity))"), "part": .text(title),
          "share": .number(bytes / capacity), "text": .text(FigureText.bytes(bytes)),
        ])
      }
    }
    guard !rows.isEmpty else { return nil }
    // What is free comes last and pale.
    names = names.filter { $0 != "free" } + names.filter { $0 == "free" }
    let used = names.filter { $0 != "free" }
    let colours = ChartColours.series(used.count) + (names.contains("free") ? ["#DDDDDD"] : [])
    let order = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    rows = rows.map { row in
      var row = row
      row.set("order", to: .integer(Int64(order[row.text("part") ?? ""] ?? 0)))
      return row
    }
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(34),
      [
        "mark": ["type": "bar", "stroke": "white", "strokeWidth": 0.5],
        "encoding": [
          "y": VegaLite.name("memory"),
          "x": VegaLite.share("share", "share of capacity", isFixed: false),
          "color": VegaLite.colour("part", nil, names: names, colours: colours),
          "order": ["field": "order", "type": "quantitative"],
          "tooltip": VegaLite.tooltip(
            ("memory", "memory", nil), ("part", "part", nil), ("text", "size", nil),
            ("share", "share", ".1%")),
        ],
      ])
    return Chart(
      id: "memory", title: "What the memories hold",
      description: "A bar for each memory, whose whole length is its capacity, divided as it was"
        + " planned before the run.", spec: spec)
  }

  /// What each part of the bill contributes to the price of a million output tokens.
  static func costItems(of run: ReportValue) -> Chart? {
    let items = run.list("cost.items")
    let rows = items.compactMap { item -> ReportValue? in
      guard let name = item.text("name"), let usd = item.number("usd_per_million_output_tokens")
      else { return nil }
      let count = item.number("count") ?? 1
      return [
        "item": .text(count == 1 ? name : "\(FigureText.fixed(count, decimals: 0)) × \(name)"),
        "usd": .number(usd), "text": .text(FigureText.number(usd) + " USD"),
      ]
    }.sorted { ($0.number("usd") ?? 0) > ($1.number("usd") ?? 0) }
    guard !rows.isEmpty else { return nil }
    let sources = items.compactMap { $0.text("price_source") }
    var links: [PageLink] = []
    for source in sources where !links.contains(where: { $0.text == source }) {
      links.append(PageLink(source))
    }
    var chart = TimeCharts.labelledBars(
      id: "cost-items", title: "Cost by part",
      description: "What each part of the machine adds to the price of a million output tokens:"
        + " its purchase written off, and its energy.",
      rows: rows, category: "item", value: "usd", valueTitle: "USD per million output tokens",
      colour: nil)
    chart.sources = links
    return chart
  }
}
