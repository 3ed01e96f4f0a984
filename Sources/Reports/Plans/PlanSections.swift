// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Studies
import Units

/// Builds the report of a plan for people.
struct PlanSections {
  private let outcome: PlanOutcome

  init(_ outcome: PlanOutcome) { self.outcome = outcome }

  var all: [ReportSection] {
    let detailed = outcome.finalists.filter { !$0.headroom.isEmpty || $0.number == outcome.best }
    return ([head, nothing, front] + detailed.map(detail) + [search, notices]).filter {
      !$0.blocks.isEmpty
    }
  }

  private var head: ReportSection {
    ReportSection(
      title: "",
      blocks: [
        .facts([
          ("Plan", "\(outcome.plan), seed \(outcome.seed)"), ("Ranked by", outcome.objective),
          (
            "Candidates",
            "\(FigureText.integer(outcome.candidates)), of which"
              + " \(FigureText.integer(outcome.work.simulated)) simulated"
          ),
        ]),
        outcome.best == nil ? .warning(outcome.verdict) : .paragraph(outcome.verdict),
      ])
  }

  // MARK: Plans

  private var front: ReportSection {
    var table = TextTable(columns: [
      .init("Plan"), .init("USD/M tok", isNumeric: true), .init("P99 TTFT ms", isNumeric: true),
      .init("P99 TPOT ms", isNumeric: true), .init("Accuracy", isNumeric: true, dropOrder: 3),
      .init("USD to buy", isNumeric: true), .init("W", isNumeric: true, dropOrder: 1),
      .init("Tok/s", isNumeric: true, dropOrder: 4), .init("State"),
    ])
    for plan in outcome.finalists {
      table.append([
        plan.label, interval(plan.usdPerMillionTokens, decimals: 3),
        interval(plan.p99TtftMs, decimals: 0), interval(plan.p99TpotMs, decimals: 1),
        plan.accuracy.map(FigureText.percent) ?? FigureText.absent,
        plan.bill.purchaseUsd.map { FigureText.fixed($0, decimals: 0) } ?? FigureText.absent,
        plan.meanWatts.map { FigureText.fixed($0.mean, decimals: 0) } ?? FigureText.absent,
        plan.outputTokensPerSecond.map { FigureText.fixed($0.mean, decimals: 0) }
          ?? FigureText.absent, state(plan),
      ])
    }
    return ReportSection(
      title: "Finalists (means of replications ± half of the 95 % interval)",
      blocks: table.rows.isEmpty ? [] : [.table(table)])
  }

  private func state(_ plan: PlanOutcome.Finalist) -> String {
    guard plan.isFeasible else { return "misses " + (plan.misses.first ?? "") }
    var words = plan.number == outcome.best ? ["best"] : plan.isOnFront ? ["front"] : ["beaten"]
    if !plan.isCertain { words.append("not certain") }
    return words.joined(separator: ", ")
  }

  private func interval(_ estimate: PlanEstimate?, decimals: Int) -> String {
    guard let estimate else { return FigureText.absent }
    let mean = FigureText.fixed(estimate.mean, decimals: decimals)
    guard estimate.high > estimate.low else { return mean }
    return mean + " ± " + FigureText.fixed(estimate.high - estimate.mean, decimals: decimals)
  }

  private func detail(_ plan: PlanOutcome.Finalist) -> ReportSection {
    var blocks: [ReportSection.Block] = [.table(bill(plan.bill))]
    if !plan.headroom.isEmpty {
      var table = TextTable(columns: [
        .init("Load"), .init("P99 TTFT ms", isNumeric: true),
        .init("P99 TPOT ms", isNumeric: true), .init("Tok/s", isNumeric: true), .init("Misses"),
      ])
      for step in plan.headroom {
        table.append([
          "\(step.load) x", FigureText.number(step.p99TtftMs), FigureText.number(step.p99TpotMs),
          FigureText.fixed(step.outputTokensPerSecond, decimals: 0),
          step.misses.isEmpty ? "nothing" : step.misses.joined(separator: "; "),
        ])
      }
      blocks.append(.table(table))
    }
    if let breaks = plan.breaksFirst { blocks.append(.paragraph("What breaks first: " + breaks)) }
    if !plan.sensitivities.isEmpty {
      var table = TextTable(columns: [
        .init("1 % more of"), .init("USD/M tok %", isNumeric: true),
        .init("P99 TTFT %", isNumeric: true), .init("P99 TPOT %", isNumeric: true),
        .init("With a tenth less"),
      ])
      for row in plan.sensitivities {
        table.append([
          row.rate, signed(row.usdPerMillionTokens), signed(row.p99Ttft), signed(row.p99Tpot),
          row.meetsWithTenthLess ? "still meets" : "misses",
        ])
      }
      blocks.append(.table(table))
    }
    if let settings = plan.settings { blocks += self.settings(settings) }
    return ReportSection(title: plan.label, blocks: blocks)
  }

  private func signed(_ value: Double?) -> String {
    guard let value else { return FigureText.absent }
    return (value > 0.0005 ? "+" : "") + FigureText.fixed(value, decimals: 2)
  }

  private func bill(_ bill: PlanBill) -> TextTable {
    var table = TextTable(columns: [
      .init("Part"), .init("Count", isNumeric: true), .init("USD each", isNumeric: true),
      .init("USD", isNumeric: true), .init("W at full load", isNumeric: true, dropOrder: 1),
    ])
    for item in bill.items {
      table.append([
        item.name, FigureText.integer(item.count),
        item.usdEach.map { FigureText.fixed($0, decimals: 0) } ?? FigureText.absent,
        item.usd.map { FigureText.fixed($0, decimals: 0) } ?? FigureText.absent,
        FigureText.fixed(item.wattsEach * Double(item.count), decimals: 0),
      ])
    }
    let hosts = bill.hosts == 1 ? "Sum, one machine" : "Sum, \(bill.hosts) machines"
    table.append([
      hosts, "", "",
      bill.purchaseUsd.map { FigureText.fixed($0, decimals: 0) } ?? FigureText.absent,
      FigureText.fixed(bill.fullWatts, decimals: 0),
    ])
    return table
  }

  private func settings(_ settings: RunnableSettings) -> [ReportSection.Block] {
    let servers = settings.servers == 1 ? "" : ", \(settings.servers) of them behind a router"
    var blocks: [ReportSection.Block] = [
      .paragraph("To run it with \(settings.runtime)\(servers):"), .picture([settings.command]),
    ]
    if !settings.notes.isEmpty { blocks.append(.list(settings.notes)) }
    if let measurement = settings.measurement {
      blocks += [
        .paragraph("The measurement, by requests of the mean lengths:"), .picture([measurement]),
      ]
    }
    if !settings.falsifiedBy.isEmpty {
      blocks += [
        .paragraph("Its own traffic was simulated; it proves this plan wrong if it gives"),
        .list(settings.falsifiedBy),
      ]
    }
    return blocks
  }

  // MARK: The search

  private var nothing: ReportSection {
    guard let nothing = outcome.nothingFits else { return ReportSection(title: "", blocks: []) }
    var blocks: [ReportSection.Block] = [
      .facts([("What binds", nothing.bindingLimit)])
    ]
    for (words, near) in [
      ("Nearest plan that meets the objectives", nothing.nearestThatDoes),
      ("Nearest plan within the limits", nothing.nearestWithinLimits),
    ] {
      guard let near else { continue }
      blocks.append(
        .facts([
          (words, near.label), ("Lacks", near.lacks.joined(separator: "; ")),
          ("USD per million tokens", FigureText.number(near.usdPerMillionTokens)),
          ("P99 TTFT ms", FigureText.number(near.p99TtftMs)),
          ("P99 TPOT ms", FigureText.number(near.p99TpotMs)),
        ]))
      blocks.append(.table(bill(near.bill)))
    }
    return ReportSection(title: "Nothing fits", blocks: blocks)
  }

  private var search: ReportSection {
    var blocks: [ReportSection.Block] = []
    if !outcome.excluded.isEmpty {
      var table = TextTable(columns: [
        .init("Never simulated"), .init("Candidates", isNumeric: true),
        .init("Nearest", dropOrder: 1), .init("What it lacks"),
      ])
      for row in outcome.excluded {
        table.append([row.reason, FigureText.integer(row.count), row.nearest, row.example])
      }
      blocks.append(.table(table))
    }
    if !outcome.rounds.isEmpty {
      var table = TextTable(columns: [
        .init("Round"), .init("Requests", isNumeric: true), .init("Candidates", isNumeric: true),
        .init("Kept", isNumeric: true), .init("Events", isNumeric: true),
      ])
      for (index, round) in outcome.rounds.enumerated() {
        table.append([
          "\(index + 1)", FigureText.integer(round.requests),
          FigureText.integer(round.candidates), FigureText.integer(round.kept),
          FigureText.integer(round.events),
        ])
      }
      blocks.append(.table(table))
    }
    let work = outcome.work
    blocks.append(
      .facts([
        (
          outcome.exhaustive ? "Brute force" : "Search",
          "\(FigureText.integer(work.runs)) runs, \(FigureText.integer(work.events)) events"
        ),
        (
          "Headroom, sensitivities",
          "\(FigureText.integer(work.detailRuns)) runs, \(FigureText.integer(work.detailEvents))"
            + " events"
        ),
      ]))
    return ReportSection(title: "The search", blocks: blocks)
  }

  private var notices: ReportSection {
    ReportSection(
      title: "Notices", blocks: outcome.notices.isEmpty ? [] : [.list(outcome.notices)])
  }
}
