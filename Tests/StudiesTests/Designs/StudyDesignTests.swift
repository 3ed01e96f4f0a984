// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Studies

@Suite("Designs")
struct StudyDesignTests {
  private let axes = [
    StudyAxis(key: "a", values: .list(["x", "y"])),
    StudyAxis(key: "b", values: .list(["1", "2", "3"])),
  ]

  @Test("of a grid have every value with every other, the last key fastest")
  func grid() throws {
    let settings = try StudyDesign.grid.settings(of: axes, points: 0, seed: 1)
    #expect(
      settings == [["x", "1"], ["x", "2"], ["x", "3"], ["y", "1"], ["y", "2"], ["y", "3"]])
  }

  @Test("of a Latin hypercube have one point in each part of each axis", arguments: [1, 2, 7, 40])
  func cube(points: Int) {
    for seed in [1, 2, 99] as [UInt64] {
      let places = StudyDesign.cube(points: points, dimensions: 3, seed: seed)
      for dimension in 0..<3 {
        let parts = places.map { Int($0[dimension] * Double(points)) }
        #expect(parts.sorted() == Array(0..<points))
      }
    }
  }

  @Test("of Sobol's sequence begin with its known points")
  func sobol() throws {
    let range = try #require(try AxisRange(parsing: "0..1", origin: "test"))
    let axes = ["a", "b"].map { StudyAxis(key: $0, values: .range(range)) }
    let settings = try StudyDesign.sobol.settings(of: axes, points: 3, seed: 1)
    // Bratley and Fox, ACM Algorithm 659: 1/2 1/2, then 3/4 1/4, 1/4 3/4.
    #expect(settings == [["0.5", "0.5"], ["0.75", "0.25"], ["0.25", "0.75"]])
  }

  @Test("refuse a range without a step in a grid")
  func rangeInGrid() throws {
    let range = try #require(try AxisRange(parsing: "0..1", origin: "test"))
    #expect(throws: Diagnostic.self) {
      try StudyDesign.grid.settings(
        of: [StudyAxis(key: "a", values: .range(range))], points: 0, seed: 1)
    }
  }

  @Test("split lists at the commas outside of brackets and quotes")
  func lists() throws {
    let axis = try StudyAxis(parsing: "precision={experts: int4, kv: fp8},{experts: int8}, 'a,b'")
    guard case .list(let values) = axis.values else {
      Issue.record("no list")
      return
    }
    #expect(values == ["{experts: int4, kv: fp8}", "{experts: int8}", "'a,b'"])
    #expect(throws: Diagnostic.self) { try StudyAxis(parsing: "a=1,,2") }
    #expect(throws: Diagnostic.self) { try StudyAxis(parsing: "=1") }
  }
}
