// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import KernelTiming
import ModelDescriptors
import Units
import Testing

@testable import Calibration

/// Grids fitted to what a law leaves over.
@Suite struct GridFitTests {
  /// A smooth distortion between 0.7 and 1.3.
  static func distortion(_ work: KernelWork) -> Double {
    1 + 0.3 * sin(log2(work.rows) / 2.5) * cos(log2(work.columns) / 3)
  }

  @Test func `A smooth distortion is recovered, outliers aside`() throws {
    let rows = SyntheticTimings.timed(
      SyntheticTimings.products(), noise: 0.01, outliers: 0.03
    ) { SyntheticTimings.law($0) * Self.distortion($0) }
    let points = SyntheticTimings.points(rows)
    let axes = GridFit.axes(for: .gemm, over: points)
    #expect(axes.map(\.feature) == [.rows, .columns, .depth])
    let grid = try #require(
      try GridFit.fit(
        axes: axes, points: points, predicted: points.map { SyntheticTimings.law($0.work) }))
    let unseen = SyntheticTimings.points(
      SyntheticTimings.products(
        columns: [1_536, 5_120, 20_480], depths: [1_024, 6_144], rows: [3, 24, 100, 700, 2_000]))
    let errors = unseen.map { abs(grid.factor($0.work) / Self.distortion($0.work) - 1) }.sorted()
    #expect(errors[errors.count / 2] < 0.025, "\(errors)")
    #expect(errors[errors.count - 1] < 0.12, "\(errors)")
  }

  @Test func `Nothing to correct leaves factors of 1`() throws {
    let points = SyntheticTimings.points(
      SyntheticTimings.timed(SyntheticTimings.products(), by: SyntheticTimings.law))
    let grid = try #require(
      try GridFit.fit(
        axes: GridFit.axes(for: .gemm, over: points), points: points,
        predicted: points.map(\.seconds)))
    #expect(grid.factors.allSatisfy { abs($0 - 1) < 1e-9 })
  }

  @Test func `Few points or shapes have no grid`() throws {
    let points = SyntheticTimings.points(
      SyntheticTimings.timed(SyntheticTimings.products(), by: SyntheticTimings.law))
    let axes = GridFit.axes(for: .gemm, over: points)
    let few = Array(points.prefix(29))
    #expect(try GridFit.fit(axes: axes, points: few, predicted: few.map(\.seconds)) == nil)
    #expect(try GridFit.fit(axes: [], points: points, predicted: points.map(\.seconds)) == nil)
    #expect(GridFit.axes(for: .gemm, over: [points[0], points[0]]).isEmpty)
    #expect(GridFit.axes(for: .elementwise, over: points).isEmpty)
    for axis in axes {
      for point in points {
        let value = KernelGrid.binaryLogarithm(
          KernelGrid.value(of: axis.feature, in: point.work))
        #expect(value >= axis.start && value <= axis.start + axis.step * Double(axis.count))
      }
    }
  }
}
