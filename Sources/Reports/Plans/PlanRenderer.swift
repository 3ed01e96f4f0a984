// SPDX-License-Identifier: GPL-3.0-or-later

import Records
public import Studies

/// Writes the outcome of a plan.
///
/// JSON is the whole record; tables and Markdown answer what to buy, why, how sure, and what breaks.
public struct PlanRenderer: Sendable {
  /// A format in which plans are written.
  public enum Format: String, CaseIterable, Sendable {
    /// Tables for a terminal.
    case table
    /// One JSON object.
    case json
    /// Markdown.
    case markdown
  }

  /// The format.
  public var format: Format
  /// What the terminal can show; only the table looks at it.
  public var style: ReportStyle

  /// A renderer for that format.
  public init(format: Format, style: ReportStyle = ReportStyle()) {
    self.format = format
    self.style = style
  }

  /// The text of an outcome, which ends in a newline.
  ///
  /// - Throws: What encoding throws.
  public func render(_ outcome: PlanOutcome) throws -> String {
    let sections = PlanSections(outcome).all
    switch format {
    case .json: return try JSONText.text(encoding: outcome) + "\n"
    case .table:
      return sections.map { $0.lines(style: style).map { $0 + "\n" }.joined() }
        .joined(separator: "\n")
    case .markdown:
      var lines = ["# Plan: \(MarkdownText.escaped(outcome.plan))", ""]
      lines += sections.flatMap { $0.markdownLines(level: 2) }
      while lines.last == "" { lines.removeLast() }
      return lines.map { $0 + "\n" }.joined()
    }
  }
}
