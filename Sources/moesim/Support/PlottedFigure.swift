// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Reports
import Studies

/// KEY:FIGURE, a figure of a study along one of its varied keys.
struct PlottedFigure: ExpressibleByArgument {
  /// The varied key.
  var axis: String
  /// The figure's key.
  var figure: String

  init?(argument: String) {
    // A figure's key has no colon, while an axis's might.
    guard let colon = argument.lastIndex(of: ":") else { return nil }
    axis = String(argument[..<colon])
    figure = String(argument[argument.index(after: colon)...])
    guard !axis.isEmpty, !figure.isEmpty else { return nil }
  }

  /// Writes the picture; it fits the terminal, and in a pipe has the width of COLUMNS, or 80.
  ///
  /// - Throws: A `StudyCurves.Problem` where the study has no such key or figure; what writing throws.
  func draw(_ summary: StudySummary, to output: String?) throws {
    let curves = try StudyCurves(summary, axis: axis)
    try Self.write(curves.lines(style: Self.style(output)), to: output)
  }

  /// Writes the lines of a picture.
  static func write(_ lines: [String], to output: String?) throws {
    try OutputWriter.write(lines.map { $0 + "\n" }.joined(), to: output)
  }

  /// The style of a picture.
  static func style(_ output: String?) -> ReportStyle {
    output == nil ? ReportStyle.detected() : ReportStyle()
  }
}
