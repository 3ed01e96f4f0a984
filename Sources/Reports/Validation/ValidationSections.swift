// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Records

/// Builds the report of a validation for people: case by case, then system by system, then in all.
struct ValidationSections {
  private let report: ValidationReport

  init(_ report: ValidationReport) {
    self.report = report
  }

  var all: [ReportSection] {
    (report.systems.flatMap(sections) + [scores, summary]).filter { !$0.blocks.isEmpty }
  }

  // MARK: Systems

  private func sections(_ system: ValidationReport.System) -> [ReportSection] {
    var blocks: [ReportSection.Block] = [.paragraph("\(system.summary) Source: \(system.source).")]
    if !system.cases.isEmpty { blocks.append(.table(table(system.cases))) }
    let labels = system.cases.compactMap { entry in
      entry.reason.map { "\(entry.id) is \(entry.status.rawValue): \($0)" }
    }
    let failures = system.cases.compactMap { entry in
      entry.failure.map { "\(entry.id) has no simulated value: \($0)" }
    }
    if !labels.isEmpty || !failures.isEmpty { blocks.append(.list(failures + labels)) }
    return [
      ReportSection(title: system.name, blocks: blocks),
      ReportSection(
        title: "\(system.name): fitted",
        blocks: system.calibration.isEmpty ? [] : [.list(system.calibration.map(sentence))]),
      ReportSection(
        title: "\(system.name): orderings",
        blocks: system.orderings.isEmpty ? [] : [.list(system.orderings.map(sentence))]),
      ReportSection(
        title: "\(system.name): notices",
        blocks: system.notices.isEmpty ? [] : [.list(system.notices)]),
    ]
  }

  private func table(_ cases: [ValidationReport.Case]) -> TextTable {
    var table = TextTable(columns: [
      .init("Case"), .init("Simulated", isNumeric: true), .init("Published", isNumeric: true),
      .init("Unit", dropOrder: 1), .init("Error", isNumeric: true),
      .init("Allowed", isNumeric: true, dropOrder: 2), .init("Status"),
      .init("Source", dropOrder: 3),
    ])
    for entry in cases {
      table.append([
        entry.id, figure(entry.simulated), published(entry), entry.unit, percent(entry.error),
        entry.tolerance, status(entry), "\(entry.source) (\(entry.grade.rawValue))",
      ])
    }
    return table
  }

  private func status(_ entry: ValidationReport.Case) -> String {
    switch (entry.status, entry.verdict) {
    case (.counted, .within): "within"
    case (.counted, .beyond): "BEYOND"
    case (_, .failed): "FAILED"
    case (let status, _): status.rawValue
    }
  }

  private func published(_ entry: ValidationReport.Case) -> String {
    let low = figure(entry.published)
    return entry.publishedHigh.map { "\(low) to \(figure($0))" } ?? low
  }

  /// Small numbers with three digits, since shares and factors differ in the third.
  private func figure(_ value: Double?) -> String {
    guard let value else { return FigureText.absent }
    return value.magnitude < 10 ? FigureText.fixed(value, decimals: 3) : FigureText.number(value)
  }

  private func percent(_ share: Double?) -> String {
    guard let share else { return FigureText.absent }
    return (share > 0 ? "+" : "") + FigureText.percent(share)
  }

  private func sentence(_ calibration: ValidationReport.Calibration) -> String {
    "\(calibration.parameter) = \(calibration.value), on "
      + "\(calibration.fittedOn.joined(separator: ", ")): \(calibration.how)"
  }

  private func sentence(_ ordering: ValidationReport.Ordering) -> String {
    let ranked = zip(ordering.runs, ordering.simulated).map { "\($0) (\(figure($1)))" }
    let verdict = ordering.reproduced ? "reproduced" : "NOT REPRODUCED"
    return "\(verdict): \(ordering.what), \(ordering.metric), \(ordering.better) is better: "
      + ranked.joined(separator: ordering.better == "lower" ? " < " : " > ")
      + " (\(ordering.source))" + (ordering.failure.map { "; \($0)" } ?? "")
  }

  // MARK: In all

  private var scores: ReportSection {
    var table = TextTable(columns: [
      .init("System"), .init("Counted", isNumeric: true), .init("Within", isNumeric: true),
      .init("Failed", isNumeric: true, dropOrder: 4), .init("Median", isNumeric: true),
      .init("Values", isNumeric: true, dropOrder: 2),
      .init("Ratios", isNumeric: true, dropOrder: 2), .init("Orderings", isNumeric: true),
      .init("Not counted", isNumeric: true, dropOrder: 3),
    ])
    for system in report.systems {
      table.append([
        system.name, "\(system.all.counted)", "\(system.all.within)", "\(system.all.failed)",
        median(system.all), median(system.values), median(system.ratios),
        "\(system.orderings.count(where: \.reproduced)) of \(system.orderings.count)",
        "\(system.cases.count - system.all.counted)",
      ])
    }
    return ReportSection(
      title: "By system (median |error| of counted cases: all, values, ratios)",
      blocks: [.table(table)])
  }

  private func median(_ score: ValidationReport.Score) -> String {
    score.medianAbsoluteError.map(FigureText.percent) ?? FigureText.absent
  }

  private var summary: ReportSection {
    let summary = report.summary
    let share = { (value: Double?) in value.map(FigureText.percent) ?? FigureText.absent }
    var blocks: [ReportSection.Block] = [
      .facts([
        ("Systems", "\(summary.systems), one vote each"),
        ("Median |error|", share(summary.medianAbsoluteError)),
        ("of values", share(summary.medianAbsoluteErrorOfValues)),
        ("of ratios", share(summary.medianAbsoluteErrorOfRatios)),
        ("Orderings", "\(summary.orderingsReproduced) of \(summary.orderings) reproduced"),
        ("Not counted", "\(summary.uncounted) cases: calibrated, input or reported"),
      ])
    ]
    if !summary.outliers.isEmpty {
      let limit = FigureText.fixed(ValidationReport.outlierError * 100, decimals: 0)
      let names = summary.outliers.map { outlier in
        "\(outlier.system)/\(outlier.id) (\(outlier.error.map { percent($0) } ?? "failed"))"
      }
      blocks.append(.warning("Off by more than \(limit) %: " + names.joined(separator: ", ")))
    }
    return ReportSection(title: "In all", blocks: blocks)
  }
}
