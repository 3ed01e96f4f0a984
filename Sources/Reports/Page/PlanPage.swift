// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// The page of a plan.
struct PlanPage {
  let plan: ReportValue

  var document: PageDocument {
    PageDocument(
      kind: .plan, title: "Plan \(plan.text("plan") ?? "")",
      subtitle: plan.text("objective") ?? "",
      sections: [summary, front, bills, headroom, sensitivities, commands, search])
  }

  private var finalists: [ReportValue] { plan.list("finalists") }

  private var summary: PageSection {
    var text: [String] = []
    if let verdict = plan.text("verdict") { text.append(verdict) }
    if let nothing = plan.text("nothing_fits.explanation") { text.append(nothing) }
    let best = finalists.first { $0.number("number") == plan.number("best") }
    if best != nil {
      text.append(
        "Simulated, not measured. Intervals are over replications; prices and powers are those of"
          + " the machines' profiles.")
    }
    var blocks: [PageBlock] = []
    var notices: [String] = []
    for case .text(let notice) in plan.list("notices") { notices.append(notice) }
    if !notices.isEmpty { blocks.append(.notices(id: "notices", notices)) }
    if let best { blocks.append(.figures(id: "headline", headline(best))) }
    for key in ["nearest_that_does", "nearest_within_limits"] {
      guard let near = plan.at("nothing_fits.\(key)") else { continue }
      var lacks: [String] = []
      for case .text(let lack) in near.list("lacks") { lacks.append(lack) }
      blocks.append(
        .facts(
          id: key.replacing("_", with: "-"),
          [
            (
              key == "nearest_that_does"
                ? "Meets the objectives, beyond a limit by the least"
                : "Within all limits, misses the objectives by the least",
              PlanCharts.name(of: near), nil
            ), ("Lacks", lacks.joined(separator: "; "), nil),
          ]))
    }
    return PageSection(
      "summary", best == nil ? "Nothing fits" : "What to buy or rent", text: text, blocks)
  }

  private func headline(_ best: ReportValue) -> [PageFigure] {
    let figures = [
      ("usd_per_million_tokens", "Cost of a million output tokens", "USD"),
      ("usd_per_hour", "Cost of an hour", "USD"),
      ("p99_tpot_ms", "TPOT, 99th percentile", "ms"),
      ("p99_ttft_ms", "TTFT, 99th percentile", "ms"),
      ("output_tokens_per_second", "Output tokens per second", "tokens/s"),
      ("mean_watts", "Mean power", "W"),
    ]
    var cards = figures.compactMap { key, label, unit -> PageFigure? in
      guard let estimate = best.at(key), let mean = estimate.number("mean") else { return nil }
      var interval: String?
      if let low = estimate.number("low"), let high = estimate.number("high") {
        interval =
          "\(FigureText.number(low)) – \(FigureText.number(high)) \(unit), over replications"
      }
      return PageFigure(
        key: "finalists.\(key)", label: label, value: mean,
        text: "\(FigureText.number(mean)) \(unit)", interval: interval,
        note: "of \(PlanCharts.name(of: best))")
    }
    if let purchase = best.number("bill.purchase_usd") {
      cards.append(
        PageFigure(
          key: "finalists.bill.purchase_usd", label: "Purchase", value: purchase,
          text: "\(FigureText.number(purchase)) USD", interval: nil,
          note: "\(Int(best.number("bill.hosts") ?? 1)) host(s)"))
    }
    return cards
  }

  private var front: PageSection {
    let estimates = [
      ("usd_per_million_tokens", "USD per million output tokens", 3),
      ("p99_ttft_ms", "p99 TTFT (ms)", 1),
      ("p99_tpot_ms", "p99 TPOT (ms)", 1), ("output_tokens_per_second", "Output tokens/s", 1),
      ("mean_watts", "Mean power (W)", 0),
    ]
    let rows = finalists.map { finalist -> [ReportValue] in
      var misses: [String] = []
      for case .text(let miss) in finalist.list("misses") { misses.append(miss) }
      let state =
        finalist.flag("is_feasible") != true
        ? "misses a limit" : finalist.flag("is_certain") == true ? "fits" : "fits, not certainly"
      return [
        finalist.at("number") ?? .null, .text(finalist.text("label") ?? ""), .text(state),
        .text(finalist.flag("is_on_front") == true ? "yes" : "no"),
      ]
        + estimates.flatMap { key, _, _ in
          ["mean", "low", "high"].map { finalist.at("\(key).\($0)") ?? .null }
        } + [finalist.at("bill.purchase_usd") ?? .null, .text(misses.joined(separator: "; "))]
    }
    let table = PageTable(
      title: "Finalists, the best first",
      columns: [
        .init("number", "№", .number, digits: 0), .init("label", "Plan"), .init("state", "State"),
        .init("front", "On the front"),
      ]
        + estimates.flatMap { key, title, digits -> [PageTable.Column] in
          [
            .init(key, title, .number, digits: digits),
            .init(key + ".low", "from", .number, digits: digits),
            .init(key + ".high", "to", .number, digits: digits),
          ]
        } + [
          .init("purchase", "Purchase", .number, unit: "USD", digits: 0), .init("misses", "Misses"),
        ],
      rows: rows, isSortable: true)
    return PageSection(
      "front", "The front",
      text: ["“Fits, not certainly”: the mean is within every limit, its interval is not."],
      [PlanCharts.front(of: plan)].blocks
        + (rows.isEmpty ? [] : [.table(id: "finalists", table)]))
  }

  private var bills: PageSection {
    let rows = finalists.flatMap { finalist in
      finalist.list("bill.items").map { item -> [ReportValue] in
        [
          .text(PlanCharts.name(of: finalist)), .text(item.text("name") ?? ""),
          item.at("count") ?? .null, item.at("usd_each") ?? .null, item.at("watts_each") ?? .null,
        ]
      }
    }
    let table = PageTable(
      title: "Bills of the finalists",
      columns: [
        .init("plan", "Plan"), .init("part", "Part"), .init("count", "Count", .number, digits: 0),
        .init("usd", "Price of each", .number, unit: "USD", digits: 2),
        .init("watts", "Full power of each", .number, unit: "W", digits: 1),
      ], rows: rows, isFilterable: rows.count > 20, pageSize: rows.count > 50 ? 50 : nil)
    return PageSection(
      "bills", "Bills",
      [PlanCharts.bills(of: plan)].blocks + (rows.isEmpty ? [] : [.table(id: "bill-table", table)]))
  }

  private var headroom: PageSection {
    let rows = finalists.flatMap { finalist in
      finalist.list("headroom").map { entry -> [ReportValue] in
        var misses: [String] = []
        for case .text(let miss) in entry.list("misses") { misses.append(miss) }
        return [
          .text(PlanCharts.name(of: finalist)), entry.at("load") ?? .null,
          .text(entry.flag("meets") == true ? "yes" : "no"), entry.at("p99_ttft_ms") ?? .null,
          entry.at("p99_tpot_ms") ?? .null, entry.at("output_tokens_per_second") ?? .null,
          .text(misses.joined(separator: "; ")),
        ]
      }
    }
    let text = finalists.compactMap { finalist in
      finalist.text("breaks_first").map { "\(PlanCharts.name(of: finalist)): first, \($0)." }
    }
    let table = PageTable(
      title: "Under more load",
      columns: [
        .init("plan", "Plan"), .init("load", "Load", .number, unit: "×", digits: 2),
        .init("meets", "Meets objectives"),
        .init("ttft", "p99 TTFT", .number, unit: "ms", digits: 1),
        .init("tpot", "p99 TPOT", .number, unit: "ms", digits: 1),
        .init("rate", "Output tokens/s", .number, digits: 1), .init("misses", "Misses"),
      ], rows: rows)
    return PageSection(
      "headroom", "Headroom", text: text,
      [PlanCharts.headroom(of: plan)].blocks
        + (rows.isEmpty ? [] : [.table(id: "headroom-table", table)]))
  }

  private var sensitivities: PageSection {
    let rows = finalists.flatMap { finalist in
      finalist.list("sensitivities").map { entry -> [ReportValue] in
        [
          .text(PlanCharts.name(of: finalist)), .text(entry.text("rate") ?? ""),
          entry.at("usd_per_million_tokens") ?? .null, entry.at("p99_ttft") ?? .null,
          entry.at("p99_tpot") ?? .null,
          .text(entry.flag("meets_with_tenth_less") == true ? "yes" : "no"),
        ]
      }
    }
    guard !rows.isEmpty else { return PageSection("sensitivities", "Sensitivities") }
    let table = PageTable(
      title: "Change of figures for a rate of one per cent more",
      columns: [
        .init("plan", "Plan"), .init("rate", "Rate"),
        .init("usd", "Cost", .number, unit: "%", digits: 2),
        .init("ttft", "p99 TTFT", .number, unit: "%", digits: 2),
        .init("tpot", "p99 TPOT", .number, unit: "%", digits: 2),
        .init("tenth", "Meets objectives with a tenth less"),
      ], rows: rows, isSortable: true)
    return PageSection(
      "sensitivities", "What the answer hangs on", [.table(id: "sensitivity-table", table)])
  }

  private var commands: PageSection {
    let blocks = finalists.flatMap { finalist -> [PageBlock] in
      guard let settings = finalist.at("settings"), let command = settings.text("command") else {
        return []
      }
      let number = Int(finalist.number("number") ?? 0)
      var lines = [
        "# \(PlanCharts.name(of: finalist)), \(settings.text("runtime") ?? "server"),"
          + " servers: \(Int(settings.number("servers") ?? 1))", command,
      ]
      for case .text(let note) in settings.list("notes") { lines.append("# \(note)") }
      if let measurement = settings.text("measurement") {
        lines += ["# A measurement by requests of the mean lengths:", measurement]
      }
      for case .text(let test) in settings.list("falsified_by") {
        lines.append("# Proved wrong by: \(test)")
      }
      return [
        .code(
          id: "settings-\(number)", text: lines.joined(separator: "\n") + "\n", language: "shell")
      ]
    }
    return PageSection(
      "settings", "How to run them",
      text: blocks.isEmpty ? [] : ["The command of each finalist's server, the best first."], blocks
    )
  }

  private var search: PageSection {
    func count(_ key: String) -> String { FigureText.integer(Int64(plan.number(key) ?? 0)) }
    let rounds = PageTable(
      title: "Rounds of screening",
      columns: [
        .init("requests", "Requests a run", .number, digits: 0),
        .init("candidates", "Candidates", .number, digits: 0),
        .init("kept", "Went on", .number, digits: 0), .init("events", "Events", .number, digits: 0),
      ],
      rows: plan.list("rounds").map { round in
        ["requests", "candidates", "kept", "events"].map { round.at($0) ?? .null }
      })
    let excluded = PageTable(
      title: "Never simulated",
      columns: [
        .init("reason", "Reason"), .init("count", "Candidates", .number, digits: 0),
        .init("nearest", "Nearest"), .init("example", "What it lacks"),
      ],
      rows: plan.list("excluded").map { entry in
        [
          .text(entry.text("reason") ?? ""), entry.at("count") ?? .null,
          .text(entry.text("nearest") ?? ""), .text(entry.text("example") ?? ""),
        ]
      })
    return PageSection(
      "search", "How it was searched",
      text: [
        "\(count("candidates")) candidates, of which \(count("work.simulated")) were simulated in"
          + " \(count("work.runs")) runs."
      ],
      [PlanCharts.exclusions(of: plan)].blocks
        + (excluded.rows.isEmpty ? [] : [.table(id: "excluded-table", excluded)])
        + (rounds.rows.isEmpty ? [] : [.table(id: "rounds", rounds)]))
  }
}
