// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// The tables of a run's page. Cells hold the report's figures as they are.
enum RunTables {
  private static func cell(_ value: ReportValue, _ key: String) -> ReportValue {
    value.at(key) ?? .null
  }

  /// Rows from a list of objects, a column for each key.
  private static func table(
    _ id: String, _ title: String?, _ columns: [PageTable.Column], _ rows: [ReportValue],
    isSortable: Bool = false
  ) -> [PageBlock] {
    guard !rows.isEmpty else { return [] }
    let cells = rows.map { row in columns.map { cell(row, $0.key) } }
    // A column in which no row has anything says nothing.
    let kept = columns.indices.filter { column in cells.contains { $0[column] != .null } }
    return [
      .table(
        id: id,
        PageTable(
          title: title, columns: kept.map { columns[$0] },
          rows: cells.map { row in kept.map { row[$0] } },
          isSortable: isSortable))
    ]
  }

  static func resources(_ run: ReportValue) -> [PageBlock] {
    table(
      "resources-table", "Resources over the measured time",
      [
        .init("name", "Resource"), .init("utilization", "Used", .number, unit: "share", digits: 3),
        .init("busy_seconds", "Busy", .number, unit: "s", digits: 2),
        .init("mean_wait_ms", "Mean wait", .number, unit: "ms", digits: 3),
        .init("max_wait_ms", "Longest wait", .number, unit: "ms", digits: 2),
        .init("mean_queue_length", "Mean queue", .number, digits: 3),
        .init("operations", "Operations", .number, digits: 0),
      ], run.list("resources"), isSortable: true)
  }

  static func tiers(_ run: ReportValue) -> [PageBlock] {
    let rows = run.members("expert_cache.tiers").map { tier -> ReportValue in
      var row = tier.value
      row.set("tier", to: .text(tier.key))
      return row
    }
    return table(
      "tiers", "Expert cache",
      [
        .init("tier", "Tier"), .init("hit_rate", "Hit rate", .number, unit: "share", digits: 4),
        .init("hits", "Hits", .number, digits: 0), .init("misses", "Misses", .number, digits: 0),
        .init("late", "Late", .number, digits: 0),
        .init("bytes_loaded", "Loaded", .number, unit: "bytes", digits: 0),
        .init("evictions", "Evictions", .number, digits: 0),
      ], rows)
  }

  static func traffic(_ run: ReportValue) -> [PageBlock] {
    table(
      "traffic-table", "Traffic",
      [
        .init("link", "Link"), .init("purpose", "For"),
        .init("bytes", "Moved", .number, unit: "bytes", digits: 0),
        .init("transfers", "Transfers", .number, digits: 0),
      ], run.list("traffic"))
  }

  static func latencies(_ run: ReportValue) -> [PageBlock] {
    let rows = LatencyCharts.figures.compactMap { figure -> ReportValue? in
      guard var row = run.at(figure.key) else { return nil }
      row.set("name", to: .text(figure.name))
      return row
    }
    let statistics = [
      ("min", "Smallest"), ("mean", "Mean"), ("p50", "Median"), ("p90", "90 %"), ("p95", "95 %"),
      ("p99", "99 %"), ("max", "Largest"),
    ]
    return table(
      "latencies", "Latencies of the measured requests, in milliseconds",
      [.init("name", "Latency"), .init("count", "Values", .number, digits: 0)]
        + statistics.map { .init($0.0, $0.1, .number, unit: "ms", digits: 2) }, rows)
  }

  static func memory(_ run: ReportValue) -> [PageBlock] {
    let rows = run.list("memory").flatMap { memory -> [ReportValue] in
      let name = memory.text("name") ?? ""
      let whole: [(String, Double?)] = [
        ("capacity", memory.number("capacity_bytes")),
        ("most in use at once", memory.number("high_water_bytes")),
      ]
      let parts = memory.list("parts").map { ($0.text("name") ?? "", $0.number("value")) }
      return (whole + parts).map { entry in
        ["memory": .text(name), "part": .text(entry.0), "bytes": .optional(entry.1)]
      }
    }
    return table(
      "memory-table", "Memory",
      [
        .init("memory", "Memory"), .init("part", "Part"),
        .init("bytes", "Size", .number, unit: "bytes", digits: 0),
      ], rows)
  }

  static func costs(_ run: ReportValue) -> [PageBlock] {
    let items = run.list("cost.items").map { item -> ReportValue in
      var item = item
      if let source = item.text("price_source") {
        item.set("price_source", to: PageLink(source).value)
      }
      return item
    }
    let bill = [
      PageTable.Column("name", "Part"), .init("count", "Count", .number, digits: 0),
      .init("unit_usd", "Price of each", .number, unit: "USD", digits: 2),
      .init("total_usd", "Price", .number, unit: "USD", digits: 2),
      .init("mean_watts", "Mean power", .number, unit: "W", digits: 1),
      .init(
        "usd_per_million_output_tokens", "Per million output tokens", .number, unit: "USD",
        digits: 3),
      .init("price_source", "Source of the price", .link),
    ]
    var rows = table("bill", "Bill of the machine", bill, items, isSortable: true)
    var facts: [(label: String, text: String, url: String?)] = []
    func add(_ label: String, _ key: String, _ unit: String) {
      guard let value = run.number(key) else { return }
      facts.append((label, "\(FigureText.number(value)) \(unit)", nil))
    }
    add("Purchase", "cost.purchase_usd", "USD")
    add("Bought and written off", "cost.purchase.usd_per_hour", "USD per hour")
    add(
      "A million output tokens, bought", "cost.purchase.usd_per_million_output_tokens", "USD")
    add("Rented", "cost.rent.usd_per_hour", "USD per hour")
    add("A million output tokens, rented", "cost.rent.usd_per_million_output_tokens", "USD")
    add("Mean power", "energy.mean_watts", "W")
    add("Energy of an output token", "energy.joules_per_output_token", "J")
    let unpriced = run.list("cost.unpriced_parts").compactMap { part -> String? in
      if case .text(let name) = part { name } else { nil }
    }
    if !unpriced.isEmpty {
      facts.append(("Without a price, and in no sum", unpriced.joined(separator: ", "), nil))
    }
    if !facts.isEmpty { rows.append(.facts(id: "cost-facts", facts)) }
    return rows
  }

  static func moeCap(_ run: ReportValue) -> [PageBlock] {
    guard let report = run.at("moe_cap") else { return [] }
    let rows = ["prefill", "decode", "mixed"].compactMap { name -> ReportValue? in
      guard var row = report.at(name) else { return nil }
      row.set("phase", to: .text(name))
      return row
    }
    return table(
      "moe-cap-table", "Sparse utilisation by kind of pass (MoE-CAP)",
      [
        .init("phase", "Passes of"), .init("passes", "Passes", .number, digits: 0),
        .init("s_mbu", "S-MBU", .number, unit: "share", digits: 4),
        .init("s_mfu", "S-MFU", .number, unit: "share", digits: 4),
        .init("mean_batch", "Mean batch", .number, digits: 2),
        .init("mean_activated_experts", "Activated experts of a layer", .number, digits: 2),
        .init("weight_gb_per_pass", "Weights of a pass", .number, unit: "GB", digits: 2),
        .init("key_value_gb_per_pass", "Keys and values of a pass", .number, unit: "GB", digits: 3),
      ], rows)
  }

  static func accuracy(_ run: ReportValue) -> [PageBlock] {
    guard let accuracy = run.at("accuracy") else { return [] }
    let rows = accuracy.list("known").map { entry -> ReportValue in
      var entry = entry
      if let source = entry.text("source") { entry.set("source", to: PageLink(source).value) }
      return entry
    }
    var facts: [(label: String, text: String, url: String?)] = []
    if let score = accuracy.number("score") {
      facts.append(
        (accuracy.text("metric") ?? "Accuracy", FigureText.number(score), nil))
    }
    if let basis = accuracy.text("basis") { facts.append(("Basis of the accuracy", basis, nil)) }
    let table = table(
      "accuracy-known", "Published accuracy of the model",
      [
        .init("precision", "Precision"), .init("metric", "Metric"),
        .init("score", "Score", .number, digits: 2), .init("source", "Source", .link),
      ], rows)
    return (facts.isEmpty ? [] : [.facts(id: "accuracy", facts)]) + table
  }

  static func uncertainty(_ run: ReportValue) -> [PageBlock] {
    table(
      "uncertainty", "Intervals from errors of kernel timings",
      [
        .init("name", "Figure"), .init("nominal", "Nominal", .number, digits: 3),
        .init("low", "5 %", .number, digits: 3), .init("high", "95 %", .number, digits: 3),
        .init("standard_deviation", "Standard deviation", .number, digits: 3),
      ], run.list("uncertainty.figures"))
  }

  static func setting(_ run: ReportValue) -> [(label: String, text: String, url: String?)] {
    let labels = [
      ("hardware", "Machine"), ("runtime", "Runtime"), ("model", "Model"),
      ("precision", "Precision"), ("policy", "Policy"), ("cache", "Cache"),
      ("routing", "Routing"), ("workload", "Workload"),
    ]
    var facts: [(label: String, text: String, url: String?)] = [
      ("Scenario", run.text("scenario") ?? "", nil),
      (
        "Seed and replication",
        "\(FigureText.integer(Int64(run.number("seed") ?? 0))),"
          + " \(FigureText.integer(Int64(run.number("replication") ?? 0)))", nil
      ),
    ]
    facts += labels.compactMap { key, label in
      run.text("setting.\(key)").flatMap { $0.isEmpty ? nil : (label, $0, nil) }
    }
    func count(_ key: String) -> String { FigureText.integer(Int64(run.number(key) ?? 0)) }
    facts.append(
      (
        "Size of the simulation", "\(count("steps")) steps, \(count("events_processed")) events",
        nil
      ))
    return facts
  }

  static func sources(_ run: ReportValue, _ entries: [RunPage.SourceEntry]) -> [PageBlock] {
    var rows = entries.map { entry -> [ReportValue] in
      [
        .text(entry.path), .text(entry.value), PageLink(entry.source).value,
        .text(entry.isAssumption ? "assumption" : "source"),
      ]
    }
    if entries.isEmpty {
      rows = run.list("cost.items").compactMap { item in
        guard let name = item.text("name"), let source = item.text("price_source") else {
          return nil
        }
        let price = FigureText.number(item.number("unit_usd"))
        return [
          .text("price of \(name)"), .text("\(price) USD"), PageLink(source).value,
          .text(source.hasPrefix("assumption") ? "assumption" : "source"),
        ]
      }
    }
    if let source = run.text("accuracy.source") {
      rows.append([
        .text("accuracy"), .text(FigureText.number(run.number("accuracy.score"))),
        PageLink(source).value, "source",
      ])
    }
    guard !rows.isEmpty else { return [] }
    return [
      .table(
        id: "sources-table",
        PageTable(
          title: "Figures and their sources",
          columns: [
            .init("figure", "Figure"), .init("value", "Value"), .init("source", "Source", .link),
            .init("kind", "Kind"),
          ], rows: rows, isSortable: true, isFilterable: rows.count > 12,
          pageSize: rows.count > 40 ? 40 : nil))
    ]
  }
}
