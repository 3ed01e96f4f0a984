// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Hits and traffic of experts.
enum CacheCharts {
  /// The share of accesses of each MoE layer that found their expert, a line for each tier.
  ///
  /// - Parameter runs: Runs with their names; with more than one, each has its own lines.
  static func hitRates(of runs: [(name: String, run: ReportValue)]) -> Chart? {
    var rows: [ReportValue] = []
    var names: [String] = []
    for (name, run) in runs {
      for tier in run.members("expert_cache.tiers") {
        let series = runs.count == 1 ? tier.key : "\(name), \(tier.key)"
        let own = tier.value.list("layers").compactMap { layer -> ReportValue? in
          guard let number = layer.number("layer"), let accesses = layer.number("accesses"),
            accesses > 0, let hits = layer.number("hits")
          else { return nil }
          return [
            "series": .text(series), "layer": .number(number), "rate": .number(hits / accesses),
            "accesses": .number(accesses),
          ]
        }
        if !own.isEmpty { names.append(series) }
        rows += own
      }
    }
    guard !rows.isEmpty else { return nil }
    let single = Set(rows.compactMap { $0.number("layer") }).count == 1
    let spec = VegaLite.spec(
      rows, height: 240,
      [
        "mark": single
          ? ["type": "point", "filled": true, "size": 60]
          : ["type": "line", "point": ["size": 28, "filled": true]],
        "encoding": [
          "x": [
            "field": "layer", "type": "quantitative", "title": "MoE layer, from 0",
            "axis": ["format": "d", "tickMinStep": 1], "scale": ["nice": false],
          ], "y": VegaLite.share("rate", "hits of all accesses"),
          "color": VegaLite.colour(
            "series", nil, names: names, colours: ChartColours.series(names.count)),
          "tooltip": VegaLite.tooltip(
            ("series", "tier", nil), ("layer", "layer", "d"), ("rate", "hit rate", ".1%"),
            ("accesses", "accesses", ",d")),
        ],
      ])
    return Chart(
      id: "hit-rate-by-layer", title: "Hit rate by layer",
      description: "For every MoE layer the share of accesses whose expert was resident in the tier"
        + " (hbm: the GPU's memory, dram: the host's) when the layer's gate named it.", spec: spec)
  }

  /// Bytes over each link for each purpose.
  static func traffic(of run: ReportValue) -> Chart? {
    let largest = run.list("traffic").compactMap { $0.number("bytes") }.max() ?? 0
    let (divisor, unit) =
      largest >= 1e13 ? (1e12, "TB") : largest >= 1e10 ? (1e9, "GB") : (1e6, "MB")
    let rows = run.list("traffic").compactMap { entry -> ReportValue? in
      guard let link = entry.text("link"), let bytes = entry.number("bytes") else { return nil }
      return [
        "link": .text(link), "purpose": .text(entry.text("purpose") ?? ""),
        "moved": .number(bytes / divisor), "text": .text(FigureText.bytes(bytes)),
      ]
    }
    guard !rows.isEmpty else { return nil }
    var purposes: [String] = []
    for row in rows {
      if let name = row.text("purpose"), !purposes.contains(name) { purposes.append(name) }
    }
    let spec = VegaLite.spec(
      rows, height: VegaLite.step(30),
      [
        "mark": ["type": "bar"],
        "encoding": [
          "y": VegaLite.name("link"), "x": VegaLite.number("moved", "moved (\(unit))"),
          "color": VegaLite.colour(
            "purpose", "purpose", names: purposes, colours: ChartColours.series(purposes.count)),
          "tooltip": VegaLite.tooltip(
            ("link", "link", nil), ("purpose", "purpose", nil), ("text", "moved", nil)),
        ],
      ])
    return Chart(
      id: "traffic", title: "Traffic by purpose",
      description: "Bytes that transfers moved over each link in the measured time, by what they"
        + " were for.", spec: spec)
  }
}
