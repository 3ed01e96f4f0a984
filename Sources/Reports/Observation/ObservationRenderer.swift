// SPDX-License-Identifier: GPL-3.0-or-later

public import Experiments
import Records

/// Renders an observation: a measured run and its simulation, side by side.
///
/// JSON is the whole record with the verdict; JSON lines and CSV have a statistic of a figure a line.
public struct ObservationRenderer: Sendable {
  /// The format.
  public var format: ReportFormat
  /// How text is laid out.
  public var style: ReportStyle
  /// Whether tables and Markdown show the distributions as pictures.
  public var plots: Bool

  /// A renderer.
  public init(format: ReportFormat, style: ReportStyle = ReportStyle(), plots: Bool = false) {
    self.format = format
    self.style = style
    self.plots = plots
  }

  /// The observation as text that ends in a newline.
  ///
  /// - Parameter samples: The values of both sides, for pictures.
  public func render(
    _ document: ObservationDocument,
    samples: [(figure: ObservedFigure, measured: Sample, simulated: Sample)] = []
  ) throws -> String {
    switch format {
    case .json: return JSONText.text(of: document.value) + "\n"
    case .jsonl, .csv: return try RecordRenderer(format: format).render(rows(document.report))
    case .table:
      return sections(document, samples).map {
        $0.lines(style: style).map { $0 + "\n" }.joined()
      }.joined(separator: "\n")
    case .markdown:
      let title = document.report.results.split(separator: "/").last ?? ""
      var lines = ["# Observation of \(MarkdownText.escaped(String(title)))", ""]
      lines += sections(document, samples).flatMap { $0.markdownLines(level: 2) }
      while lines.last == "" { lines.removeLast() }
      return lines.map { $0 + "\n" }.joined()
    }
  }

  /// A statistic of a figure.
  private struct Row: Encodable {
    var figure: String
    var statistic: String
    var measured: Double?
    var simulated: Double?
    var error: Double?
    var bias: Double?

    init(_ figure: String, _ statistic: String, _ number: ComparedNumber) {
      self.figure = figure
      self.statistic = statistic
      (measured, simulated) = (number.measured, number.simulated)
      (error, bias) = (number.error, number.bias)
    }

    /// A distance has one value, which is an error.
    init(_ figure: String, _ statistic: String, distance: Double?) {
      self.figure = figure
      self.statistic = statistic
      error = distance
    }
  }

  private func rows(_ report: ObservationReport) -> [Row] {
    var rows: [Row] = []
    for (figure, comparison) in report.figures {
      rows += comparison.statistics.map { Row(figure.rawValue, $0.name, $0.value) }
      rows.append(Row(figure.rawValue, "ks_distance", distance: comparison.ksDistance))
      rows.append(Row(figure.rawValue, "wasserstein_ms", distance: comparison.wassersteinMs))
    }
    return rows + [
      Row("requests_per_second", "value", report.requestsPerSecond),
      Row("output_tokens_per_second", "value", report.outputTokensPerSecond),
      Row("duration_seconds", "value", report.durationSeconds),
    ]
  }

  private func sections(
    _ document: ObservationDocument,
    _ samples: [(figure: ObservedFigure, measured: Sample, simulated: Sample)]
  ) -> [ReportSection] {
    let report = document.report
    var sections = [
      ReportSection(title: "", blocks: [.facts(setting(report))]),
      ReportSection(title: "Measured and simulated", blocks: [.table(figures(report))]),
      ReportSection(title: "Distance of the distributions", blocks: [.table(distances(report))]),
    ]
    if plots {
      for sample in samples {
        sections.append(
          ReportSection(
            title: "\(sample.figure.title): share of requests up to x ms",
            blocks: [
              .picture(
                DistributionPlot(measured: sample.measured, simulated: sample.simulated)
                  .lines(width: format == .markdown ? 78 : style.width - 2))
            ]))
      }
    }
    sections.append(ReportSection(title: "Verdict", blocks: verdict(document.verdict)))
    if !report.notices.isEmpty {
      sections.append(ReportSection(title: "Notices", blocks: [.list(report.notices)]))
    }
    return sections
  }

  private func setting(_ report: ObservationReport) -> [(label: String, value: String)] {
    let requests = report.requests
    var fate = "\(FigureText.integer(requests.measured)) measured, "
    fate += "\(FigureText.integer(requests.completed)) completed in the simulation"
    if requests.rejected > 0 { fate += ", \(FigureText.integer(requests.rejected)) refused" }
    if requests.lost > 0 { fate += ", \(FigureText.integer(requests.lost)) lost" }
    if requests.unfinished > 0 { fate += ", \(FigureText.integer(requests.unfinished)) unfinished" }
    if requests.preemptions > 0 {
      fate += ", \(FigureText.integer(requests.preemptions)) preemptions"
    }
    let since =
      report.latenciesSince == "queued"
      ? "when the scheduler took a request up" : "when a request was sent"
    return [
      ("Results", "\(report.results) (\(report.format))"),
      ("Scenario", "\(report.scenario), seed \(report.seed)"),
      ("Machine", report.setting.hardware), ("Model", report.setting.model),
      ("Runtime", report.setting.runtime), ("Requests", fate), ("Latencies since", since),
    ]
  }

  private func figures(_ report: ObservationReport) -> TextTable {
    var table = TextTable(columns: [
      .init("Figure"), .init("Statistic"), .init("Measured", isNumeric: true),
      .init("Simulated", isNumeric: true), .init("Error", isNumeric: true),
    ])
    func add(_ figure: String, _ statistic: String, _ number: ComparedNumber) {
      table.append([
        figure, statistic, FigureText.number(number.measured),
        FigureText.number(number.simulated),
        number.bias.map { FigureText.percent($0) } ?? FigureText.absent,
      ])
    }
    for (figure, comparison) in report.figures {
      for (place, statistic) in comparison.statistics.enumerated() {
        add(place == 0 ? "\(figure.title) (ms)" : "", statistic.name, statistic.value)
      }
    }
    add("Requests/s", "", report.requestsPerSecond)
    add("Output tokens/s", "", report.outputTokensPerSecond)
    add("Duration (s)", "", report.durationSeconds)
    return table
  }

  private func distances(_ report: ObservationReport) -> TextTable {
    var table = TextTable(columns: [
      .init("Figure"), .init("Measured values", isNumeric: true),
      .init("Simulated values", isNumeric: true), .init("KS (0 to 1)", isNumeric: true),
      .init("Wasserstein (ms)", isNumeric: true),
    ])
    for (figure, comparison) in report.figures {
      table.append([
        figure.title, comparison.count.measured.map { FigureText.integer($0) } ?? FigureText.absent,
        FigureText.integer(comparison.count.simulated),
        comparison.ksDistance.map { FigureText.fixed($0, decimals: 3) } ?? FigureText.absent,
        FigureText.number(comparison.wassersteinMs),
      ])
    }
    return table
  }

  private func verdict(_ verdict: ObservationVerdict) -> [ReportSection.Block] {
    let found = verdict.limits.map { limit in
      let value = limit.found.map { plainDecimal($0) } ?? "nothing"
      return "\(limit.limit): \(limit.kept ? "kept" : "missed"), found \(value)"
    }
    let whose = verdict.rule == "default" ? "the default limits" : "the limits asked for"
    let missed = verdict.limits.count { !$0.kept }
    let sentence =
      verdict.kept
      ? "The simulation is within \(whose)."
      : "The simulation is beyond \(whose): \(missed) of \(verdict.limits.count) missed."
    return [verdict.kept ? .paragraph(sentence) : .warning(sentence), .list(found)]
  }
}
