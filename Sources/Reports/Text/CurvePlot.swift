// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Records

/// Curves as a picture of characters: a mark for each series, both axes linear or logarithmic.
public struct CurvePlot: Sendable {
  /// Points that belong together.
  public struct Series: Sendable, Equatable {
    /// What they are called in the legend.
    public var name: String
    /// Where they are.
    public var points: [(x: Double, y: Double)]

    /// Points of that name; those that are not finite are left out.
    public init(name: String, points: [(x: Double, y: Double)]) {
      self.name = name
      self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
    }

    /// Whether two series have the same name and points.
    public static func == (left: Series, right: Series) -> Bool {
      left.name == right.name && left.points.elementsEqual(right.points, by: ==)
    }
  }

  /// The marks of series, in their order; they repeat after the last.
  static let marks: [Character] = ["o", "x", "+", "#", "@", "%", "=", "~", "v", "s"]

  private let series: [Series]
  private let horizontal: PlotScale
  private let vertical: PlotScale
  private let title: (x: String, y: String)
  private let names: [Double: String]
  private let height: Int

  /// A picture of series.
  ///
  /// - Parameters:
  ///   - series: The curves.
  ///   - x: The title of the horizontal axis.
  ///   - y: The title of the vertical axis.
  ///   - names: What stands below places of the horizontal axis that stand for texts.
  ///   - height: The rows of the plot.
  public init(
    _ series: [Series], x: String, y: String, names: [Double: String] = [:], height: Int = 15
  ) {
    self.series = series.filter { !$0.points.isEmpty }
    self.names = names
    self.height = max(3, height)
    title = (x, y)
    let points = self.series.flatMap(\.points)
    horizontal = PlotScale(points.map(\.x), mayBeLogarithmic: names.isEmpty)
    vertical = PlotScale(points.map(\.y))
  }

  /// The lines of the picture, each at most as wide as the style.
  public func lines(style: ReportStyle) -> [String] {
    guard !series.isEmpty else { return ["no values to plot"] }
    let labels = (0..<height).map { row -> String in
      guard row % 4 == 0 || row == height - 1 else { return "" }
      let share = 1 - Double(row) / Double(height - 1)
      return PlotScale.label(vertical.value(at: share))
    }
    let margin = (labels.map(\.count).max() ?? 0) + 2
    let columns = max(16, style.width - margin - 1)
    var lines = [title.y + (vertical.isLogarithmic ? " (logarithmic)" : "")]
    for (row, characters) in grid(columns).enumerated() {
      var line = labels[row].paddedLeading(to: margin - 2) + " |" + String(characters)
      while line.last == " " { line.removeLast() }
      lines.append(line)
    }
    lines.append(
      String(repeating: " ", count: margin - 2) + " +" + String(repeating: "-", count: columns))
    lines.append(axis(columns: columns, margin: margin))
    lines.append(title.x + (horizontal.isLogarithmic ? " (logarithmic)" : ""))
    if series.count > 1 || !series[0].name.isEmpty {
      let entries = series.enumerated().map { "\(Self.mark($0.offset)) \($0.element.name)" }
      lines += Self.flowed(entries + (hasOverlap(columns) ? ["* several"] : []), style.width)
    }
    return lines.map { $0.truncated(to: style.width) }
  }

  private static func mark(_ place: Int) -> Character { marks[place % marks.count] }

  private func place(_ point: (x: Double, y: Double), _ columns: Int) -> (row: Int, column: Int) {
    (
      height - 1 - Int((vertical.share(of: point.y) * Double(height - 1)).rounded()),
      Int((horizontal.share(of: point.x) * Double(columns - 1)).rounded())
    )
  }

  private func hasOverlap(_ columns: Int) -> Bool {
    grid(columns).contains { $0.contains("*") }
  }

  /// The plot: points as marks, and dots along the lines between neighbours of a series, but not
  /// between texts, between which there is nothing.
  private func grid(_ columns: Int) -> [[Character]] {
    var grid = [[Character]](
      repeating: [Character](repeating: " ", count: columns), count: height)
    for one in series where names.isEmpty {
      let places = one.points.sorted { $0.x < $1.x }.map { place($0, columns) }
      for (left, right) in zip(places, places.dropFirst()) where right.column > left.column + 1 {
        for column in (left.column + 1)..<right.column {
          let part = Double(column - left.column) / Double(right.column - left.column)
          let row = Double(left.row) + part * Double(right.row - left.row)
          grid[Int(row.rounded())][column] = "."
        }
      }
    }
    for (index, one) in series.enumerated() {
      for point in one.points {
        let (row, column) = place(point, columns)
        let here = grid[row][column]
        let own = Self.mark(index)
        grid[row][column] = here == " " || here == "." || here == own ? own : "*"
      }
    }
    return grid
  }

  /// The labels below: names at their places, else both ends and what fits between.
  private func axis(columns: Int, margin: Int) -> String {
    var labelled: [(share: Double, text: String)] = []
    if names.isEmpty {
      for step in 0...4 {
        let share = Double(step) / 4
        labelled.append((share, PlotScale.label(horizontal.value(at: share))))
      }
    } else {
      for (place, name) in names.sorted(by: { $0.key < $1.key }) {
        labelled.append((horizontal.share(of: place), name))
      }
    }
    var line = String(repeating: " ", count: margin)
    for (share, text) in labelled {
      let column = Int((share * Double(columns - 1)).rounded())
      let text = text.truncated(to: max(4, columns / max(1, names.count) - 1))
      let start = min(margin + max(0, column - text.count / 2), margin + columns - text.count)
      if start > line.count || line.allSatisfy({ $0 == " " }) {
        line = line.padded(to: start) + text
      }
    }
    return line
  }

  /// Entries in lines, as many in each as fit.
  private static func flowed(_ entries: [String], _ width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for entry in entries {
      if !line.isEmpty, line.count + 3 + entry.count > width {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : "   ") + entry
    }
    return lines + [line]
  }
}

/// The extent of an axis; logarithmic where values are positive and span more than a factor of 20.
struct PlotScale {
  let low: Double
  let high: Double
  let isLogarithmic: Bool

  init(_ values: [Double], mayBeLogarithmic: Bool = true) {
    let least = values.min() ?? 0
    let most = values.max() ?? 1
    isLogarithmic = mayBeLogarithmic && least > 0 && most / least > 20
    // A single value stands in the middle.
    let room = most > least ? 0 : max(abs(least) / 10, 1e-9)
    low = least - room
    high = most + room
  }

  /// Where a value lies: 0 at the low end, 1 at the high one.
  func share(of value: Double) -> Double {
    let share =
      isLogarithmic ? log10(value / low) / log10(high / low) : (value - low) / (high - low)
    return min(max(share, 0), 1)
  }

  func value(at share: Double) -> Double {
    isLogarithmic ? low * pow(high / low, share) : low + (high - low) * share
  }

  static func label(_ value: Double) -> String {
    let size = abs(value)
    if size >= 1e6 || (size > 0 && size < 1e-3) { return String(format: "%.3g", value) }
    return FigureText.fixed(value, decimals: size >= 100 ? 0 : size >= 1 ? 1 : 3)
  }
}
