// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Serving

extension ReportSections {
  /// What a token costs, by way of having the machine and by part.
  var costAndEnergy: ReportSection? {
    let cost = document.result.cost
    let energy = document.result.energy
    var facts: [(label: String, value: String)] = []
    if let value = cost.usdPerMillionOutputTokens {
      facts.append(("Cost per million output tokens (USD)", FigureText.number(value)))
    }
    if let value = cost.usdPerHour {
      facts.append(("Cost per hour (USD)", FigureText.number(value)))
    }
    if let value = cost.purchaseUsd {
      facts.append(("Purchase price (USD)", FigureText.fixed(value, decimals: 0)))
    }
    if !cost.basis.isEmpty { facts.append(("Assumed", cost.basis)) }
    if let bought = cost.purchase, let rented = cost.rent {
      facts.append(("Bought, an hour and a million output tokens (USD)", Self.text(of: bought)))
      facts.append(("Rented, an hour and a million output tokens (USD)", Self.text(of: rented)))
    }
    if let missing = cost.unpricedParts, !missing.isEmpty {
      facts.append(("Price not known, and in no sum", missing.joined(separator: ", ")))
    }
    if let value = energy.joulesPerOutputToken {
      facts.append(("Energy per output token (J)", FigureText.number(value)))
    }
    facts.append(("Mean power (W)", FigureText.number(energy.meanWatts)))
    var blocks: [ReportSection.Block] = [.facts(facts)]
    if let items = cost.items, !items.isEmpty { blocks.append(.table(bill(items))) }
    return ReportSection(title: "Cost and energy", blocks: blocks)
  }

  private static func text(of way: SimulationResult.CostReport.Way) -> String {
    let million = way.usdPerMillionOutputTokens.map { FigureText.number($0) }
    return "\(FigureText.number(way.usdPerHour)), \(million ?? FigureText.absent)"
  }

  /// The bill of materials.
  private func bill(_ items: [SimulationResult.CostReport.Item]) -> TextTable {
    var table = TextTable(columns: [
      .init("Part"), .init("Count", isNumeric: true, dropOrder: 2),
      .init("Price (USD)", isNumeric: true), .init("Power (W)", isNumeric: true, dropOrder: 3),
      .init("USD/h", isNumeric: true, dropOrder: 4), .init("USD/M tokens", isNumeric: true),
      .init("J/M tokens", isNumeric: true, dropOrder: 1),
    ])
    for item in items {
      let number = { (value: Double?) in
        value.map { FigureText.number($0) } ?? FigureText.absent
      }
      table.append([
        item.name,
        item.count == item.count.rounded()
          ? FigureText.integer(Int64(item.count)) : FigureText.number(item.count),
        item.totalUsd.map { FigureText.fixed($0, decimals: 0) } ?? "not known",
        FigureText.number(item.meanWatts),
        number(item.writtenOffUsdPerHour.map { $0 + item.energyUsdPerHour }),
        number(item.usdPerMillionOutputTokens), number(item.joulesPerMillionOutputTokens),
      ])
    }
    return table
  }

  /// Utilisation by MoE-CAP's definitions.
  var moeCap: ReportSection? {
    guard let report = document.result.moeCap, report.sMbu != nil else { return nil }
    let gpus = report.gpus == 1 ? "one GPU" : "\(report.gpus) GPUs"
    var facts: [(label: String, value: String)] = [
      (
        "Peaks of \(gpus)",
        "\(FigureText.number(report.peakGbPerSecond)) GB/s, \(FigureText.number(report.peakTflops))"
          + " TFLOP/s in \(report.peakClass)"
      )
    ]
    if let required = report.required {
      facts.append(
        (
          "Asked for by a TPOT of \(FigureText.number(required.tpotMs)) ms",
          "\(FigureText.number(required.theoreticalGbPerSecond)) GB/s; a peak of"
            + " \(FigureText.number(required.gbPerSecond)) GB/s at this utilisation"
        ))
    }
    var table = TextTable(columns: [
      .init("Passes"), .init("Number", isNumeric: true, dropOrder: 2),
      .init("Mean batch", isNumeric: true, dropOrder: 3),
      .init("Experts per layer", isNumeric: true),
      .init("Weights (GB)", isNumeric: true, dropOrder: 1),
      .init("KV (GB)", isNumeric: true, dropOrder: 4), .init("S-MBU", isNumeric: true),
      .init("S-MFU", isNumeric: true),
    ])
    let rows = [("prefill", report.prefill), ("decode", report.decode), ("mixed", report.mixed)]
    for case (let name, let phase?) in rows {
      table.append([
        name, FigureText.integer(phase.passes), FigureText.number(phase.meanBatch),
        FigureText.number(phase.meanActivatedExperts), FigureText.number(phase.weightGbPerPass),
        FigureText.number(phase.keyValueGbPerPass), FigureText.percent(phase.sMbu),
        FigureText.percent(phase.sMfu),
      ])
    }
    if let bandwidth = report.sMbu, let rate = report.sMfu {
      table.append([
        "all", "", "", "", "", "", FigureText.percent(bandwidth), FigureText.percent(rate),
      ])
    }
    return ReportSection(
      title: "Utilisation of what a sparse model needs (MoE-CAP)",
      blocks: [.facts(facts), .table(table)])
  }

  /// Published scores, and what the policy changes.
  var accuracy: ReportSection? {
    guard let report = document.result.accuracy else { return nil }
    var facts: [(label: String, value: String)] = []
    if let score = report.score, let metric = report.metric, let source = report.source {
      facts.append((metric, "\(FigureText.number(score)) (\(source))"))
    }
    for other in report.known
    where
      !(other.score == report.score && other.metric == report.metric
      && other.precision == report.precision)
    {
      facts.append(
        (
          "\(other.metric), \(other.precision)",
          "\(FigureText.number(other.score)) (\(other.source))"
        ))
    }
    if !report.gateShares.isEmpty {
      let shares = report.gateShares.map { "\($0.name) \(FigureText.percent($0.value))" }
      facts.append(("Gates' weight served in", shares.joined(separator: ", ")))
    }
    facts.append(("What this is", report.basis))
    return ReportSection(title: "Accuracy", blocks: [.facts(facts)])
  }
}
