// SPDX-License-Identifier: GPL-3.0-or-later

import Records
public import Studies

/// A figure of a study's points along one varied key, a curve for each value of the other keys.
public struct StudyCurves: Sendable {
  /// What is wrong with a question.
  public struct Problem: Error, CustomStringConvertible, Sendable {
    /// What was found and what would be right.
    public var message: String
    /// The message.
    public var description: String { message }
  }

  /// The curves.
  public private(set) var series: [CurvePlot.Series] = []
  /// The values of the key where they are texts, by their places; empty where they are numbers.
  public private(set) var names: [Double: String] = [:]
  /// How many points have no mean, and are on no curve.
  public private(set) var missing = 0
  private let axis: String
  private let figure: String

  /// The curves of a figure along an axis.
  ///
  /// - Parameters:
  ///   - summary: The points; the figure is its first.
  ///   - axis: A varied key.
  /// - Throws: A ``Problem`` where the study does not vary the key, or no point has the figure.
  public init(_ summary: StudySummary, axis: String) throws {
    self.axis = axis
    figure = summary.figures.first ?? ""
    let place = try Self.place(of: axis, among: summary.axes)
    let labels = summary.points.map { $0.labels[place] }
    let isNumeric = labels.allSatisfy { Self.number($0) != nil }
    var places: [String: Double] = [:]
    for label in labels where places[label] == nil {
      places[label] = isNumeric ? Self.number(label) ?? 0 : Double(places.count)
    }
    if !isNumeric { for (label, place) in places { names[place] = label } }
    for point in summary.points {
      guard let mean = point.estimates.first??.mean else {
        missing += 1
        continue
      }
      let name = zip(summary.axes, point.labels).filter { $0.0 != axis }
        .map { "\($0.0)=\($0.1)" }.joined(separator: " ")
      let x = places[point.labels[place]] ?? 0
      if let index = series.firstIndex(where: { $0.name == name }) {
        series[index].points.append((x, mean))
      } else {
        series.append(CurvePlot.Series(name: name, points: [(x, mean)]))
      }
    }
    guard !series.isEmpty else {
      throw Problem(message: "--plot: no point has a mean of '\(figure)'")
    }
  }

  /// The place of a varied key.
  ///
  /// - Throws: A ``Problem`` where the study does not vary it.
  @discardableResult
  public static func place(of axis: String, among axes: [String]) throws -> Int {
    if let place = axes.firstIndex(of: axis) { return place }
    let expected =
      axes.isEmpty
      ? "the study varies none" : "expected one of \(axes.joined(separator: ", "))"
    throw Problem(message: "--plot: '\(axis)' is not varied; \(expected)")
  }

  /// A label as a number; a percentage as it is written.
  private static func number(_ label: String) -> Double? {
    let text = label.hasSuffix("%") ? String(label.dropLast()) : label
    return Double(text).flatMap { $0.isFinite ? $0 : nil }
  }

  /// The picture, each line at most as wide as the style.
  public func lines(style: ReportStyle) -> [String] {
    let title = SweepFigure.named(figure).axisTitle
    var lines = CurvePlot(series, x: axis, y: title, names: names).lines(style: style)
    if missing > 0 {
      lines.append("\(missing) point\(missing == 1 ? "" : "s") without a mean left out")
    }
    return lines
  }
}
