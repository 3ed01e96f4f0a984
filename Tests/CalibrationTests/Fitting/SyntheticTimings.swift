// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import KernelTiming
import ModelDescriptors
import Units

@testable import Calibration

/// Timings made by known laws.
enum SyntheticTimings {
  static let device = DeviceCapability(
    name: "round",
    peaks: [
      .fp32: .init(nominal: 2e13), .fp16: .init(nominal: 4e14, achievable: 3e14),
    ], bandwidth: .init(nominal: 2e12, achievable: 1.8e12), units: 100, clock: 1.5e9)

  static let law = FamilyLaw(
    computeEfficiency: 0.7, rowsHalf: 20, memoryEfficiency: 0.8, launch: 4e-6, overlapLoss: 0.3,
    depthLatency: 3e-8, rowLatency: 5e-10)

  static func products(
    columns: [Int] = [1_024, 2_048, 4_096, 7_168, 11_008, 14_336, 28_672],
    depths: [Int] = [512, 2_048, 4_096, 8_192],
    rows: [Int] = [2, 3, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096]
  ) -> [KernelMeasurement] {
    columns.flatMap { n in
      depths.flatMap { k in
        rows.map { m in
          var row = KernelMeasurement(device: "round", kernel: .gemm, median: 1, source: "made up")
          (row.m, row.n, row.k) = (m, n, k)
          return row
        }
      }
    }
  }

  /// Rows whose times are those of `law`, with relative noise and outliers.
  static func timed(
    _ rows: [KernelMeasurement], noise: Double = 0, outliers: Double = 0, seed: UInt64 = 1,
    by law: (KernelWork) -> Double
  ) -> [KernelMeasurement] {
    var random = SplitMix(state: seed)
    return rows.map { row in
      var row = row
      guard let timed = row.timedWork() else { return row }
      row.median = law(timed.work) * (1 + noise * Double.random(in: -1...1, using: &random))
      if Double.random(in: 0..<1, using: &random) < outliers {
        row.median *= Double.random(in: 3...10, using: &random)
      }
      return row
    }
  }

  static func law(_ work: KernelWork) -> Double { law.seconds(work, on: device) }

  static func points(_ rows: [KernelMeasurement]) -> [TimedWork] {
    rows.compactMap { $0.timedWork() }
  }

  /// A law without tiles to begin with, as the synthetic one has none.
  static let base = TimingLaws(source: "start") { _ in FamilyLaw(rowsHalf: 10) }

  static func calibrator() -> Calibrator { Calibrator(device: device, base: base) }
}
