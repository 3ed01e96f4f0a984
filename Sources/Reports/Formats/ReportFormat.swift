// SPDX-License-Identifier: GPL-3.0-or-later

import Records
public import Serving

/// A format in which results are written.
public enum ReportFormat: String, CaseIterable, Sendable {
  /// Tables for a terminal.
  case table
  /// One JSON object, or an array of them where there are several results.
  case json
  /// One JSON object a line.
  case jsonl
  /// One row a result under flat dotted keys.
  case csv
  /// Markdown.
  case markdown

  /// The renderer of the format; only the table looks at the style.
  public func renderer(style: ReportStyle = ReportStyle()) -> any ReportRenderer {
    switch self {
    case .table: TableRenderer(style: style)
    case .json: JSONRenderer()
    case .jsonl: JSONLinesRenderer()
    case .csv: CSVRenderer()
    case .markdown: MarkdownRenderer()
    }
  }

  /// The usual ending of a file in this format, without the dot.
  public var fileExtension: String {
    switch self {
    case .table: "txt"
    case .markdown: "md"
    case .json, .jsonl, .csv: rawValue
    }
  }
}

/// Writes results as text.
public protocol ReportRenderer: Sendable {
  /// The text of these results, which ends in a newline.
  func render(_ documents: [ResultDocument]) -> String
}

extension ReportRenderer {
  /// The text of these results, which ends in a newline.
  public func render(_ results: [SimulationResult]) -> String {
    render(results.map(ResultDocument.init))
  }

  /// The text of one result, which ends in a newline.
  public func render(_ result: SimulationResult) -> String {
    render([ResultDocument(result)])
  }
}
