// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Records
import Serving

/// Builds the report of a comparison for people: who wins, by how much, why, how sure.
struct PolicyComparisonSections {
  private let comparison: PolicyComparison

  init(_ comparison: PolicyComparison) {
    self.comparison = comparison
  }

  var all: [ReportSection] {
    [head, speed, differences, experts, predictions, resolved, stalls, notices, run].filter {
      !$0.blocks.isEmpty
    }
  }

  private var head: ReportSection {
    let setting = comparison.setting
    let count = comparison.replications
    var facts: [(label: String, value: String)] = [
      ("Scenario", "\(comparison.scenario), seed \(comparison.seed)"),
      ("Replications", count == 1 ? "1: no interval can be given" : "\(count)"),
      ("Machine", setting.hardware), ("Runtime", setting.runtime), ("Model", setting.model),
      ("Precision", setting.precision), ("Cache", setting.cache), ("Routing", setting.routing),
      ("Workload", setting.workload),
    ]
    facts.removeAll { $0.value.isEmpty }
    var blocks: [ReportSection.Block] = [.facts(facts), .paragraph(comparison.verdict)]
    let unstable = comparison.rows.filter { $0.unstableReplications > 0 }
    if !unstable.isEmpty {
      let names = unstable.map { "\($0.name) (\($0.unstableReplications) of \(count))" }
      blocks.append(
        .warning(
          "UNSTABLE: runs without a steady state, which are neither averaged nor compared: "
            + names.joined(separator: ", ")))
    }
    return ReportSection(title: "", blocks: blocks)
  }

  private var speed: ReportSection {
    let hasCeilings = comparison.rows.contains { $0.ceilingShare != nil }
    var columns: [TextTable.Column] = [
      .init("Policy"), .init("Tok/s", isNumeric: true),
      .init("TTFT ms", isNumeric: true, dropOrder: 2), .init("TPOT ms", isNumeric: true),
      .init("P99 TPOT", isNumeric: true, dropOrder: 3), .init("Hit rate", isNumeric: true),
    ]
    if hasCeilings {
      columns += [
        .init("Of belady", isNumeric: true, dropOrder: 1),
        .init("Of perfect prefetch", isNumeric: true, dropOrder: 1),
        .init("Of link-bound", isNumeric: true, dropOrder: 5),
      ]
    }
    var table = TextTable(columns: columns + [.init("State", dropOrder: 4)])
    for row in comparison.rows {
      let mean = row.mean
      var cells = [
        row.name, FigureText.number(mean?.outputTokensPerSecond), FigureText.number(mean?.ttftMs),
        FigureText.number(mean?.tpotMs), FigureText.number(mean?.p99TpotMs), percent(mean?.hitRate),
      ]
      if hasCeilings {
        cells += [
          percent(row.ceilingShare?.belady), percent(row.ceilingShare?.perfectPrefetch),
          percent(row.ceilingShare?.linkBound),
        ]
      }
      table.append(cells + [state(row)])
    }
    let measure = comparison.measure == .tpotMs ? "mean TPOT" : "output tokens/s"
    let runs = comparison.replications == 1 ? "" : ", means of the replications"
    return ReportSection(
      title: "Speed (ranked by \(measure)\(runs))", blocks: [.table(table)])
  }

  private func state(_ row: PolicyComparison.Row) -> String {
    switch (row.steadyReplications, row.unstableReplications) {
    case (_, 0): "steady"
    case (0, _): "UNSTABLE"
    case (let steady, let unstable): "\(unstable) of \(steady + unstable) UNSTABLE"
    }
  }

  private func percent(_ share: Double?) -> String {
    share.map(FigureText.percent) ?? FigureText.absent
  }

  private typealias Figure = (
    title: String, difference: @Sendable (PolicyComparison.Differences) -> PairedDifference?,
    scale: Double
  )

  private static let figures: [Figure] = [
    ("tok/s", { $0.outputTokensPerSecond }, 1), ("TTFT ms", { $0.ttftMs }, 1),
    ("TPOT ms", { $0.tpotMs }, 1), ("hit rate, points", { $0.hitRate }, 100),
    ("stalled ms/tok", { $0.stallMsPerToken }, 1),
  ]

  private var differences: ReportSection {
    let confidence = FigureText.fixed(comparison.confidence * 100, decimals: 0) + " %"
    let isCorrected = comparison.rows.contains { row in
      row.versusBaseline.map { all in
        Self.figures.contains { $0.difference(all)?.adjustedPValue != nil }
      } ?? false
    }
    let hasIntervals = comparison.rows.contains { row in
      row.versusBaseline.map { all in Self.figures.contains { $0.difference(all)?.low != nil } }
        ?? false
    }
    var columns: [TextTable.Column] = [
      .init("Policy"), .init("Figure"), .init("Difference", isNumeric: true),
    ]
    if hasIntervals { columns.append(.init("\(confidence) interval", isNumeric: true)) }
    columns.append(.init("Ratio", isNumeric: true, dropOrder: 1))
    if hasIntervals {
      columns.append(.init(isCorrected ? "p (Holm)" : "p", isNumeric: true))
    }
    var table = TextTable(columns: columns)
    for row in comparison.rows {
      guard let all = row.versusBaseline else { continue }
      for figure in Self.figures {
        guard let difference = figure.difference(all) else { continue }
        var cells = [row.name, figure.title, signed(difference.mean * figure.scale)]
        if hasIntervals { cells.append(interval(difference, scale: figure.scale)) }
        cells.append(
          difference.ratio.map { FigureText.fixed($0, decimals: 3) } ?? FigureText.absent)
        if hasIntervals {
          cells.append(probability(difference.adjustedPValue ?? difference.pValue))
        }
        table.append(cells)
      }
    }
    guard !table.rows.isEmpty else { return ReportSection(title: "", blocks: []) }
    return ReportSection(
      title: "Against \(comparison.baseline), paired by replication", blocks: [.table(table)])
  }

  private func interval(_ difference: PairedDifference, scale: Double) -> String {
    guard let low = difference.low, let high = difference.high else { return FigureText.absent }
    return "\(signed(low * scale)) to \(signed(high * scale))"
  }

  private func probability(_ value: Double?) -> String {
    guard let value else { return FigureText.absent }
    return value < 0.0005 ? "<0.001" : FigureText.fixed(value, decimals: 3)
  }

  private func signed(_ value: Double) -> String {
    (value > 0 ? "+" : "") + FigureText.number(value)
  }

  private var experts: ReportSection {
    let links = Set(comparison.rows.flatMap { $0.mean?.bytesPerToken.keys.map { $0 } ?? [] })
      .sorted()
    let prefetches = comparison.rows.contains { ($0.mean?.prefetchesPerToken ?? 0) > 0 }
    var columns: [TextTable.Column] = [
      .init("Policy"), .init("Hits", isNumeric: true), .init("Late", isNumeric: true),
      .init("Misses", isNumeric: true),
    ]
    if prefetches { columns.append(.init("Prefetched", isNumeric: true)) }
    columns += links.map { .init($0, isNumeric: true) }
    var table = TextTable(columns: columns)
    for row in comparison.rows {
      guard let mean = row.mean else { continue }
      var cells = [
        row.name, FigureText.number(mean.hitsPerToken), FigureText.number(mean.latePerToken),
        FigureText.number(mean.missesPerToken),
      ]
      if prefetches { cells.append(FigureText.number(mean.prefetchesPerToken)) }
      table.append(cells + links.map { FigureText.bytes(mean.bytesPerToken[$0] ?? 0) })
    }
    return ReportSection(
      title: "Experts and bytes per output token", blocks: table.rows.isEmpty ? [] : [.table(table)]
    )
  }

  /// What was fetched ahead: predictions that were right, and there in time; experts used on time or
  /// late; bytes for nothing; demand loads that were delayed.
  private var predictions: ReportSection {
    var table = TextTable(columns: [
      .init("Policy"), .init("Right", isNumeric: true), .init("In time", isNumeric: true),
      .init("GoodPred", isNumeric: true), .init("On time", isNumeric: true, dropOrder: 1),
      .init("Late", isNumeric: true), .init("Wasted", isNumeric: true),
      .init("Delayed", isNumeric: true),
    ])
    for row in comparison.rows {
      guard let mean = row.mean, mean.prefetchesPerToken > 0 || mean.fetchRate != nil else {
        continue
      }
      let good = mean.predictionAccuracy.flatMap { accuracy in
        mean.fetchRate.map { accuracy * $0 }
      }
      table.append([
        row.name, percent(mean.predictionAccuracy), percent(mean.fetchRate), percent(good),
        FigureText.number(mean.onTimePerToken), FigureText.number(mean.latePerToken),
        FigureText.bytes(mean.wastedBytesPerToken), FigureText.number(mean.demandsDelayedPerToken),
      ])
    }
    return ReportSection(
      title: "Fetched ahead, per output token", blocks: table.rows.isEmpty ? [] : [.table(table)])
  }

  /// What became of activated experts, where a policy decides that.
  private var resolved: ReportSection {
    var table = TextTable(columns: [
      .init("Policy"), .init("On the host", isNumeric: true),
      .init("Low precision", isNumeric: true), .init("Left out", isNumeric: true),
    ])
    for row in comparison.rows {
      guard let mean = row.mean,
        mean.computedOnHostPerToken + mean.lowPrecisionPerToken + mean.skippedPerToken > 0
      else { continue }
      table.append([
        row.name, FigureText.number(mean.computedOnHostPerToken),
        FigureText.number(mean.lowPrecisionPerToken), FigureText.number(mean.skippedPerToken),
      ])
    }
    return ReportSection(
      title: "Experts not simply fetched, per output token",
      blocks: table.rows.isEmpty ? [] : [.table(table)])
  }

  private var stalls: ReportSection {
    let causes = SimulationResult.StallBreakdown.causes.filter { cause in
      comparison.rows.contains { ($0.mean?.stallMsPerToken[keyPath: cause.key] ?? 0) > 0 }
    }
    var table = TextTable(
      columns: [.init("Policy")] + causes.map { .init($0.title, isNumeric: true) } + [
        .init("of a step", isNumeric: true)
      ])
    for row in comparison.rows {
      guard let mean = row.mean else { continue }
      table.append(
        [row.name]
          + causes.map { FigureText.number(mean.stallMsPerToken[keyPath: $0.key]) }
          + [FigureText.percent(mean.stalledShare)])
    }
    return ReportSection(
      title: "Stalled (ms per output token, by cause)",
      blocks: table.rows.isEmpty || causes.isEmpty ? [] : [.table(table)])
  }

  private var notices: ReportSection {
    ReportSection(
      title: "Notices", blocks: comparison.notices.isEmpty ? [] : [.list(comparison.notices)])
  }

  private var run: ReportSection {
    let runs = comparison.rows.reduce(0) { $0 + $1.runs.count }
    var text = runs == 1 ? "1 run" : "\(runs) runs"
    if let info = comparison.runInfo {
      text += "; moesim \(info.version) (\(info.build)) on \(info.host): "
      text += "\(FigureText.number(info.wallSeconds)) s of wall time, "
      text += "\(FigureText.number(info.cpuSeconds)) s of processor time"
    }
    return ReportSection(title: "", blocks: [.paragraph(text + ".")])
  }
}
