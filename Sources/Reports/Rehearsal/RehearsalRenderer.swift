// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
public import Experiments
import Records

/// Renders a rehearsal: what was simulated and what was measured, side by side.
public struct RehearsalRenderer: Sendable {
  /// The format.
  public var format: ReportFormat
  /// How text is laid out.
  public var style: ReportStyle

  /// A renderer.
  public init(format: ReportFormat, style: ReportStyle = ReportStyle()) {
    self.format = format
    self.style = style
  }

  /// The report as text.
  public func render(_ report: RehearsalReport) throws -> String {
    switch format {
    case .json: return try JSONText.text(encoding: report) + "\n"
    case .jsonl, .csv: return try RecordRenderer(format: format).render([report])
    case .table:
      return sections(report).map { $0.lines(style: style).map { $0 + "\n" }.joined() }
        .joined(separator: "\n")
    case .markdown:
      var lines = ["# Rehearsal of \(MarkdownText.escaped(report.scenario))", ""]
      lines += sections(report).flatMap { $0.markdownLines(level: 2) }
      while lines.last == "" { lines.removeLast() }
      return lines.map { $0 + "\n" }.joined()
    }
  }

  private func sections(_ report: RehearsalReport) -> [ReportSection] {
    var sections = [
      ReportSection(title: "", blocks: [.facts(setting(report))]),
      ReportSection(title: "Decisions and bytes", blocks: [.table(counts(report))]),
      ReportSection(title: "Time of a decoding step", blocks: [.table(times(report))]),
      ReportSection(title: "The machine before and after", blocks: [.table(drift(report))]),
    ]
    if !report.notices.isEmpty {
      sections.append(ReportSection(title: "Notices", blocks: [.list(report.notices)]))
    }
    return sections
  }

  private func setting(_ report: RehearsalReport) -> [(label: String, value: String)] {
    let who =
      report.decisions == "live"
      ? "made by the execution itself, with the same rule"
      : "those of the simulation, followed by the execution"
    return [
      ("Scenario", "\(report.scenario), seed \(report.seed)"), ("Model", report.model),
      ("Policy", report.policy),
      (
        "Cache",
        "\(report.slots) experts of \(FigureText.bytes(report.expertBytes))"
      ),
      ("Decisions", who), ("Experts from", report.measured.source),
      ("Products", report.measured.products),
    ]
  }

  private func counts(_ report: RehearsalReport) -> TextTable {
    let (left, right) = (report.simulated, report.measured.execution)
    var table = TextTable(columns: [
      .init("Count"), .init("Simulated", isNumeric: true), .init("Executed", isNumeric: true),
      .init("Equal"),
    ])
    func add(_ name: String, _ first: Int, _ second: Int) {
      table.append([
        name, FigureText.integer(first), FigureText.integer(second),
        first == second ? "yes" : "NO",
      ])
    }
    add("hits", left.hits, right.hits)
    add("misses", left.misses, right.misses)
    add("on their way (late)", left.late, right.late)
    add("streamed through a buffer", left.streamed, right.streamed)
    add("fetched ahead", left.prefetched, right.prefetched)
    table.append([
      "bytes read", FigureText.bytes(left.bytes), FigureText.bytes(right.bytes),
      report.bytesAreEqual ? "yes" : "NO",
    ])
    table.append(["accesses, one by one", "", "", report.accessesAreEqual ? "yes" : "NO"])
    table.append(["slots hold what they should", "", "", report.contentIsRight ? "yes" : "NO"])
    return table
  }

  private func times(_ report: RehearsalReport) -> TextTable {
    let (left, right) = (report.simulated, report.measured.execution)
    var table = TextTable(columns: [
      .init("ms"), .init("Simulated", isNumeric: true), .init("Measured", isNumeric: true),
      .init("Error", isNumeric: true),
    ])
    func add(_ name: String, _ first: Double, _ second: Double) {
      table.append([
        name, FigureText.number(first), FigureText.number(second),
        second > 0 ? FigureText.percent(first / second - 1) : FigureText.absent,
      ])
    }
    add("mean of \(right.decodeSteps) steps", left.meanMs, right.meanMs)
    add("median", left.medianMs, right.medianMs)
    for (first, second) in zip(left.stagesMs, right.stagesMs)
    where first.ms > 0 || second.ms > 0 {
      add("  \(first.name)", first.ms, second.ms)
    }
    return table
  }

  private func drift(_ report: RehearsalReport) -> TextTable {
    var table = TextTable(columns: [
      .init("ms"), .init("Before", isNumeric: true), .init("After", isNumeric: true),
      .init("Change", isNumeric: true),
    ])
    for drift in report.measured.drift {
      table.append([
        drift.figure, FigureText.number(drift.beforeMs), FigureText.number(drift.afterMs),
        FigureText.percent(drift.change),
      ])
    }
    return table
  }
}
