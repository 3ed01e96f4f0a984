// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// Writes results as JSON: an object for one, an array for several (docs/report-schema.md).
public struct JSONRenderer: ReportRenderer {
  /// A renderer.
  public init() {}

  /// The JSON, with sorted keys.
  public func render(_ documents: [ResultDocument]) -> String {
    let value: ReportValue =
      documents.count == 1 ? documents[0].value : .list(documents.map(\.value))
    return JSONText.text(of: value) + "\n"
  }
}

/// Writes results as JSON lines: one object a line, whatever their number.
public struct JSONLinesRenderer: ReportRenderer {
  /// A renderer.
  public init() {}

  /// The lines, with sorted keys.
  public func render(_ documents: [ResultDocument]) -> String {
    documents.map { JSONText.text(of: $0.value, layout: .compact) + "\n" }.joined()
  }
}
