// SPDX-License-Identifier: GPL-3.0-or-later

public import Experiments
import Records

/// Writes a comparison of policies in any format.
///
/// JSON is the whole record; JSON lines and CSV have one policy or ceiling each, the latter without
/// the single runs; tables and Markdown answer who wins, by how much, and why.
public struct ComparisonRenderer: Sendable {
  /// The format.
  public var format: ReportFormat
  /// What the terminal can show; only the table looks at it.
  public var style: ReportStyle

  /// A renderer for that format.
  public init(format: ReportFormat, style: ReportStyle = ReportStyle()) {
    self.format = format
    self.style = style
  }

  /// The text of the comparison, which ends in a newline.
  public func render(_ comparison: PolicyComparison) throws -> String {
    switch format {
    case .json: return try JSONText.text(encoding: comparison) + "\n"
    case .jsonl: return try RecordRenderer(format: .jsonl).render(comparison.rows)
    case .csv: return try csv(comparison)
    case .table:
      return PolicyComparisonSections(comparison).all
        .map { $0.lines(style: style).map { $0 + "\n" }.joined() }.joined(separator: "\n")
    case .markdown:
      var lines = ["# Comparison of policies: \(MarkdownText.escaped(comparison.scenario))", ""]
      lines += PolicyComparisonSections(comparison).all.flatMap { $0.markdownLines(level: 2) }
      while lines.last == "" { lines.removeLast() }
      return lines.map { $0 + "\n" }.joined()
    }
  }

  /// A row for each policy and ceiling; what a row lacks is an empty field.
  private func csv(_ comparison: PolicyComparison) throws -> String {
    let rows = try comparison.rows.map { row in
      var nonFinite: [String] = []
      let value = try ReportValue(encoding: row).roundedToResolution(nonFinite: &nonFinite)
      return value.flattened().filter { !$0.key.hasPrefix("runs.") }
    }
    var header = CSVHeader()
    for row in rows { header.merge(row.map(\.key)) }
    // A whole part that is absent is no column of its own where others have it.
    let keys = header.keys.filter { key in !header.keys.contains { $0.hasPrefix(key + ".") } }
    return CSVText.line(keys)
      + rows.map { row in
        CSVText.line(
          keys.map { key in row.first { $0.key == key }.map { CSVText.field($0.value) } ?? "" })
      }.joined()
  }
}
