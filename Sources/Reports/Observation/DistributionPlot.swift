// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation
import Records

/// The cumulative distributions of two samples as a picture of characters.
///
/// `o` is measured, `x` simulated, `*` both. The axis is logarithmic where values span more than a
/// factor of 20.
struct DistributionPlot {
  private let measured: Sample
  private let simulated: Sample
  private let height: Int

  /// A picture of this many rows between nothing and everything.
  init(measured: Sample, simulated: Sample, height: Int = 13) {
    self.measured = measured
    self.simulated = simulated
    self.height = max(3, height)
  }

  /// The lines of the picture, each at most `width` characters.
  func lines(width: Int) -> [String] {
    let both = [measured, simulated].filter { !$0.values.isEmpty }
    guard let low = both.compactMap({ $0.quantile(0.005) }).min(),
      let high = both.compactMap({ $0.quantile(0.995) }).max()
    else { return ["no values"] }
    let margin = 7
    let columns = max(20, width - margin)
    let isLogarithmic = low > 0 && high / low > 20
    let last = high > low ? high : low + 1
    let value = { (column: Int) -> Double in
      let part = Double(column) / Double(columns - 1)
      return isLogarithmic ? low * pow(last / low, part) : low + (last - low) * part
    }
    var rows = [[Character]](
      repeating: [Character](repeating: " ", count: columns), count: height)
    for column in 0..<columns {
      for (sample, mark) in [(measured, Character("o")), (simulated, Character("x"))]
      where !sample.values.isEmpty {
        let share = sample.share(upTo: value(column))
        let row = height - 1 - Int((share * Double(height - 1)).rounded())
        rows[row][column] = rows[row][column] == " " ? mark : "*"
      }
    }
    var lines = rows.enumerated().map { row, characters in
      let share = 1 - Double(row) / Double(height - 1)
      let labelled = row % ((height - 1) / 4 == 0 ? 1 : (height - 1) / 4) == 0
      let label = labelled ? "\(Int((share * 100).rounded())) %" : ""
      var line = label.paddedLeading(to: 5) + " |" + String(characters)
      while line.last == " " { line.removeLast() }
      return line
    }
    lines.append(String(repeating: " ", count: 5) + " +" + String(repeating: "-", count: columns))
    lines.append(axis(columns: columns, margin: margin, value: value))
    lines.append(
      String(repeating: " ", count: margin) + "o measured   x simulated   * both"
        + (isLogarithmic ? "   (logarithmic)" : ""))
    return lines
  }

  /// The labels below: both ends and three values between.
  private func axis(columns: Int, margin: Int, value: (Int) -> Double) -> String {
    var line = String(repeating: " ", count: margin)
    let steps = columns >= 50 ? 4 : 2
    for step in 0...steps {
      let column = step * (columns - 1) / steps
      let label = Self.label(value(column))
      // The last label ends with the axis; the others are centred below their place.
      let start =
        step == steps
        ? margin + columns - label.count
        : margin + max(0, column - label.count / 2)
      if start > line.count || step == 0 {
        line = line.padded(to: start) + label
      }
    }
    return line
  }

  private static func label(_ value: Double) -> String {
    FigureText.fixed(value, decimals: value >= 100 ? 0 : value >= 1 ? 1 : 3)
  }
}
