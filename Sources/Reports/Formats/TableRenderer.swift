// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Writes results for a terminal: one in full, several as a comparison.
public struct TableRenderer: ReportRenderer {
  /// What the terminal can show.
  public var style: ReportStyle

  /// A renderer for a terminal of that style.
  public init(style: ReportStyle = ReportStyle()) {
    self.style = style
  }

  /// The text, no line of which is wider than the style says.
  public func render(_ documents: [ResultDocument]) -> String {
    let sections =
      documents.count == 1
      ? ReportSections(documents[0]).all : ComparisonSections(documents).all
    return sections.map { $0.lines(style: style).map { $0 + "\n" }.joined() }
      .joined(separator: "\n")
  }
}

/// Writes results as Markdown: one in full, several as a comparison.
public struct MarkdownRenderer: ReportRenderer {
  /// A renderer.
  public init() {}

  /// The Markdown.
  public func render(_ documents: [ResultDocument]) -> String {
    guard documents.count == 1 else {
      let lines = ComparisonSections(documents).all.flatMap { $0.markdownLines(level: 2) }
      return text(["# Comparison", ""] + lines)
    }
    let lines = ReportSections(documents[0]).all.flatMap { $0.markdownLines(level: 2) }
    return text(["# \(MarkdownText.escaped(documents[0].result.scenario))", ""] + lines)
  }

  private func text(_ lines: [String]) -> String {
    var lines = lines
    while lines.last == "" { lines.removeLast() }
    return lines.map { $0 + "\n" }.joined()
  }
}
