// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Testing

@testable import Reports

/// Curves drawn with characters.
@Suite struct CurvePlotTests {
  private static let style = ReportStyle(width: 60)

  @Test func `Points stand where they belong, with dots between neighbours`() {
    let plot = CurvePlot(
      [.init(name: "", points: [(0, 0), (1, 5), (2, 10)])], x: "size", y: "time (ms)", height: 5)
    let lines = plot.lines(style: Self.style)
    #expect(lines.first == "time (ms)" && lines.last == "size")
    let rows = lines[1...5].map { $0.drop { $0 != "|" }.dropFirst() }
    #expect(rows[0].last == "o" && rows[4].first == "o")
    let middle = rows[2].firstIndex(of: "o").map {
      rows[2].distance(from: rows[2].startIndex, to: $0)
    }
    let width = rows[0].count
    #expect(middle.map { abs($0 - width / 2) <= 1 } == true)
    #expect(rows.joined().count { $0 == "o" } == 3)
    #expect(rows.joined().contains("."))
    #expect(lines[1].hasPrefix(" 10.0 |") && lines[5].contains("0.000"))
  }

  @Test func `No line is wider than the style, whatever the names`() {
    let series = (0..<14).map { index in
      CurvePlot.Series(
        name: "a long name of a series \(index)",
        points: (1...9).map { (pow2($0), Double($0 * (index + 1)) * 1e7) })
    }
    for width in [40, 61, 100, 200] {
      let lines = CurvePlot(series, x: "x", y: "y").lines(style: ReportStyle(width: width))
      #expect(lines.allSatisfy { $0.count <= width }, "\(width)")
      #expect(lines.allSatisfy { $0.unicodeScalars.allSatisfy { $0.value < 128 } })
      #expect(lines.contains { $0.hasPrefix("o a long name") })
      #expect(lines.contains("x (logarithmic)"))
    }
  }

  private func pow2(_ exponent: Int) -> Double { Double(1 << exponent) }

  @Test func `Texts stand below their places, and nothing between them`() {
    let plot = CurvePlot(
      [.init(name: "", points: [(0, 3), (1, 1)])], x: "policy", y: "y", names: [0: "lru", 1: "lfu"])
    let lines = plot.lines(style: Self.style)
    #expect(lines.contains { $0.contains("lru") && $0.hasSuffix("lfu") })
    #expect(!lines.dropFirst().contains { $0.contains("|") && $0.contains(" . ") })
  }

  @Test func `Points at one place are marked as several`() {
    let plot = CurvePlot(
      [.init(name: "a", points: [(0, 1), (1, 2)]), .init(name: "b", points: [(0, 1), (1, 1)])],
      x: "x", y: "y")
    let lines = plot.lines(style: Self.style)
    #expect(lines.contains { $0.contains("|*") } && lines.last == "o a   x b   * several")
  }

  @Test func `One value, none, and values that are no numbers are drawn too`() {
    let one = CurvePlot([.init(name: "", points: [(3, 7)])], x: "x", y: "y").lines(
      style: Self.style)
    #expect(one.contains { $0.contains("o") && $0.contains("|") })
    let none = CurvePlot([.init(name: "", points: [(.nan, 1), (1, .infinity)])], x: "x", y: "y")
    #expect(none.lines(style: Self.style) == ["no values to plot"])
  }
}
