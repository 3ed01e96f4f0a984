// SPDX-License-Identifier: GPL-3.0-or-later

public import Experiments
import Records

/// Writes measured serving points beside simulated ones, in any format.
///
/// JSON is the whole record; JSON lines and CSV have a point a row; tables and Markdown show points,
/// groups, curves, what was not simulated, and medians.
public struct PointReportRenderer: Sendable {
  /// The format.
  public var format: ReportFormat
  /// What the terminal can show; only the table looks at it.
  public var style: ReportStyle
  /// Points and curves that tables list at most.
  public var rows: Int

  /// A renderer for that format.
  public init(format: ReportFormat, style: ReportStyle = ReportStyle(), rows: Int = .max) {
    self.format = format
    self.style = style
    self.rows = rows
  }

  /// The text of the report, which ends in a newline.
  public func render(_ report: PointReport) throws -> String {
    switch format {
    case .json: return try JSONText.text(encoding: report) + "\n"
    case .jsonl, .csv: return try RecordRenderer(format: format).render(report.points)
    case .table:
      return PointReportSections(report, rows: rows).all
        .map { $0.lines(style: style).map { $0 + "\n" }.joined() }.joined(separator: "\n")
    case .markdown:
      var lines = ["# Measured and simulated", ""]
      lines += PointReportSections(report, rows: rows).all.flatMap { $0.markdownLines(level: 2) }
      while lines.last == "" { lines.removeLast() }
      return lines.map { $0 + "\n" }.joined()
    }
  }
}

/// Builds the report of serving points for people.
struct PointReportSections {
  private let report: PointReport
  private let rows: Int

  init(_ report: PointReport, rows: Int) {
    self.report = report
    self.rows = rows
  }

  var all: [ReportSection] {
    [points, groups, curves, refusals, summary].compactMap { $0 }.filter { !$0.blocks.isEmpty }
  }

  private func signed(_ share: Double) -> String {
    (share > 0 ? "+" : "") + FigureText.percent(share)
  }

  private var points: ReportSection? {
    guard !report.points.isEmpty else { return nil }
    var table = TextTable(columns: [
      .init("Model"), .init("System"), .init("Server"), .init("Format", dropOrder: 2),
      .init("Spread"), .init("Tokens"), .init("Users", isNumeric: true),
      .init("TTFT ms", isNumeric: true), .init("simulated", isNumeric: true),
      .init("error", isNumeric: true), .init("TPOT ms", isNumeric: true),
      .init("simulated", isNumeric: true), .init("error", isNumeric: true),
      .init("Line", isNumeric: true, dropOrder: 1),
    ])
    for point in report.points.prefix(rows) {
      table.append([
        point.model.split(separator: "/").last.map(String.init) ?? point.model,
        point.system + (point.isTransferred ? " (t)" : "") + (point.isFitted ? " (f)" : ""),
        point.backend, point.precision, point.plan, "\(point.prompt)+\(point.output)",
        "\(point.concurrency)", FigureText.fixed(point.measuredTtftMs, decimals: 1),
        FigureText.fixed(point.simulatedTtftMs, decimals: 1), signed(point.ttftError),
        FigureText.fixed(point.measuredTpotMs, decimals: 2),
        FigureText.fixed(point.simulatedTpotMs, decimals: 2), signed(point.tpotError),
        "\(point.line)",
      ])
    }
    let left = report.points.count - min(rows, report.points.count)
    return ReportSection(
      title: "Points, the worst first",
      blocks: [
        .table(table),
        .paragraph(
          "(t): kernels carried over from another machine; (f): of the group to which the runtime"
            + " was fitted." + (left > 0 ? " \(left) more points are not listed." : "")),
      ])
  }

  private func table(_ groups: [PointReport.Group]) -> TextTable {
    var table = TextTable(columns: [
      .init("Group"), .init("Points", isNumeric: true), .init("TPOT |error|", isNumeric: true),
      .init("signed", isNumeric: true), .init("TTFT |error|", isNumeric: true),
      .init("signed", isNumeric: true), .init("Kernels", dropOrder: 1),
      .init("Runtime", dropOrder: 2),
    ])
    for group in groups {
      table.append([
        group.name, "\(group.points)", FigureText.percent(group.medianTpotError),
        signed(group.biasTpot), FigureText.percent(group.medianTtftError), signed(group.biasTtft),
        group.isTransferred ? "carried over" : "calibrated", group.isFitted ? "fitted here" : "",
      ])
    }
    return table
  }

  private var groups: ReportSection? {
    guard !report.groups.isEmpty else { return nil }
    return ReportSection(title: "Groups (medians)", blocks: [.table(table(report.groups))])
  }

  private var curves: ReportSection? {
    guard !report.curves.isEmpty else { return nil }
    var table = TextTable(columns: [
      .init("Curve"), .init("Users"), .init("Knee", isNumeric: true),
      .init("simulated", isNumeric: true), .init("Verdict"),
    ])
    func knee(_ value: Double?) -> String {
      value.map { FigureText.fixed($0, decimals: 0) } ?? "beyond"
    }
    // Those that disagree first.
    let sorted = report.curves.filter { !$0.agrees } + report.curves.filter(\.agrees)
    for curve in sorted.prefix(rows) {
      let users = curve.steps.map(\.concurrency)
      table.append([
        curve.name, "\(users.first ?? 0) to \(users.last ?? 0)", knee(curve.measuredKnee),
        knee(curve.simulatedKnee), curve.agrees ? "agrees" : "DISAGREES",
      ])
    }
    return ReportSection(
      title: "Throughput against concurrency: the knee",
      blocks: [
        .table(table),
        .paragraph(
          "\(report.curves.count(where: \.agrees)) of \(report.curves.count) knees agree. The knee is"
            + " where doubling the users gives less than 1.41 times the throughput."),
      ])
  }

  private var refusals: ReportSection? {
    guard !report.refusals.isEmpty else { return nil }
    return ReportSection(
      title: "Not simulated",
      blocks: [
        .list(
          report.refusals.map { refusal in
            "\(refusal.points) point\(refusal.points == 1 ? "" : "s"): \(refusal.reason)"
              + " (such as \(refusal.example))"
          })
      ])
  }

  private var summary: ReportSection? {
    var blocks: [ReportSection.Block] = []
    if !report.summaries.isEmpty { blocks.append(.table(table(report.summaries))) }
    var facts = [
      ("Simulated", "\(report.points.count) points"),
      ("Not simulated", "\(report.refusals.reduce(0) { $0 + $1.points }) points"),
      ("Disaggregated", "\(report.disaggregated) points, not looked at"),
      ("Repeated", "\(report.duplicates) points, counted once"),
    ]
    if let fit = report.fit {
      let values = fit.values.map {
        "\($0.key) \(FigureText.fixed($0.seconds * 1e6, decimals: 1)) us"
      }
      facts.append(
        (
          "Fitted",
          "\(values.joined(separator: ", ")) of \(fit.runtime) on \(fit.points) points of"
            + " \(fit.group): median TPOT error \(FigureText.percent(fit.medianBefore)) before,"
            + " \(FigureText.percent(fit.medianAfter)) after"
        ))
    }
    blocks.append(.facts(facts.map { (label: $0.0, value: $0.1) }))
    return ReportSection(title: "In all (medians; fitted groups apart)", blocks: blocks)
  }
}
