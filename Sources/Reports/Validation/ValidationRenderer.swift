// SPDX-License-Identifier: GPL-3.0-or-later

public import Experiments
import Records

/// Writes simulated figures beside published ones, in any format.
///
/// JSON is the whole record; JSON lines and CSV have a case a row, with its system; tables and
/// Markdown show cases, rankings and scores by system, and a summary.
public struct ValidationRenderer: Sendable {
  /// The format.
  public var format: ReportFormat
  /// What the terminal can show; only the table looks at it.
  public var style: ReportStyle

  /// A renderer for that format.
  public init(format: ReportFormat, style: ReportStyle = ReportStyle()) {
    self.format = format
    self.style = style
  }

  /// The text of the report, which ends in a newline.
  public func render(_ report: ValidationReport) throws -> String {
    switch format {
    case .json: return try JSONText.text(encoding: report) + "\n"
    case .jsonl, .csv: return try RecordRenderer(format: format).render(rows(report))
    case .table:
      return ValidationSections(report).all
        .map { $0.lines(style: style).map { $0 + "\n" }.joined() }.joined(separator: "\n")
    case .markdown:
      var lines = ["# Simulated and published", ""]
      lines += ValidationSections(report).all.flatMap { $0.markdownLines(level: 2) }
      while lines.last == "" { lines.removeLast() }
      return lines.map { $0 + "\n" }.joined()
    }
  }

  /// A case with the name of its system before it.
  private struct Row: Encodable {
    var system: String
    var entry: ValidationReport.Case

    enum Key: String, CodingKey { case system }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(system, forKey: .system)
      try entry.encode(to: encoder)
    }
  }

  private func rows(_ report: ValidationReport) -> [Row] {
    report.systems.flatMap { system in
      system.cases.map { Row(system: system.name, entry: $0) }
    }
  }
}
