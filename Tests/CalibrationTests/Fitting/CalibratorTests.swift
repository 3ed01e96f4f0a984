// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import KernelTiming
import ModelDescriptors
import Units
import Testing

@testable import Calibration

/// Fits to timings made by known laws.
@Suite struct CalibratorTests {
  @Test(arguments: [(0.0, 0.0, 0.005), (0.03, 0.0, 0.01), (0.03, 0.08, 0.015)])
  func `A known law is found on shapes that were not fitted`(
    noise: Double, outliers: Double, tolerance: Double
  ) throws {
    let rows = SyntheticTimings.timed(
      SyntheticTimings.products(), noise: noise, outliers: outliers, by: SyntheticTimings.law)
    let outcome = try SyntheticTimings.calibrator().fit(rows, source: "made up")
    let fit = try #require(outcome.families.first)
    #expect(outcome.families.count == 1 && outcome.unused.isEmpty && fit.isChosen)
    #expect(fit.groups == 28 && fit.folds == 5 && fit.heldOut.count == rows.count)
    #expect(fit.heldOut.median <= noise * 0.75 + tolerance, "\(fit.heldOut)")
    let unseen = SyntheticTimings.points(
      SyntheticTimings.products(
        columns: [1_536, 5_120, 20_480], depths: [1_024, 6_144], rows: [3, 24, 100, 700, 2_000]))
    let entry = outcome.laws[.gemm, .fp16, .plain]
    let errors = unseen.map { point in
      let predicted =
        entry.law.seconds(point.work, on: SyntheticTimings.device)
        * (entry.grid?.factor(point.work) ?? 1)
      return abs(predicted / SyntheticTimings.law(point.work) - 1)
    }.sorted()
    #expect(errors[errors.count / 2] < tolerance, "\(errors)")
    #expect(errors[errors.count - 1] < 8 * tolerance, "\(errors)")
    #expect(outcome.laws.source == "made up" && outcome.laws.residuals?.points == rows.count)
    #expect(entry.residuals?.median == fit.heldOut.median)
    #expect(outcome.laws[.gemv, .fp16, .plain].residuals == nil)
  }

  @Test func `Parameters themselves are found where points tell them apart`() throws {
    let points = SyntheticTimings.points(
      SyntheticTimings.timed(SyntheticTimings.products(), by: SyntheticTimings.law))
    let law = try LawFit.fit(
      FamilyLaw(), parameters: FamilyLaw.parameters(for: .gemm), to: points,
      on: SyntheticTimings.device, cached: false)
    let truth = SyntheticTimings.law
    for path in [
      \FamilyLaw.computeEfficiency, \.memoryEfficiency, \.launch, \.rowsHalf, \.depthLatency,
    ] {
      #expect(abs(law[keyPath: path] / truth[keyPath: path] - 1) < 0.05, "\(law)")
    }
  }

  @Test func `A table may have fewer points than the law parameters`() throws {
    let all = SyntheticTimings.timed(SyntheticTimings.products(), by: SyntheticTimings.law)
    for count in 0..<12 {
      let rows = (0..<count).map { all[($0 * 29) % all.count] }
      let outcome = try SyntheticTimings.calibrator().fit(rows, source: "few")
      #expect(outcome.families.count == (count >= 3 ? 1 : 0))
      #expect(outcome.unused.reduce(0) { $0 + $1.count } == (count >= 3 ? 0 : count))
      for fit in outcome.families {
        #expect(fit.heldOut.median.isFinite && fit.heldOut.worst.isFinite)
        #expect(fit.grid == nil)
      }
    }
    // The same point again and again says nothing of most parameters, and stops nothing.
    let same = [KernelMeasurement](repeating: all[5], count: 40)
    let outcome = try SyntheticTimings.calibrator().fit(same, source: "same")
    #expect(outcome.families[0].folds == 1)
    #expect(outcome.families[0].fitted.median < 0.02)
  }

  @Test func `The cache's share of repeated timings is told from the memory's`() throws {
    var device = SyntheticTimings.device
    device.cacheBytes = 40e6
    var truth = SyntheticTimings.law
    (truth.cacheSpeed, truth.cacheShare) = (3, 0.6)
    let rows = SyntheticTimings.timed(SyntheticTimings.products()) {
      truth.seconds($0, on: device, cached: true)
    }
    let fit = try Calibrator(device: device, base: SyntheticTimings.base).fit(rows, source: "x")
    let law = fit.laws[.gemm, .fp16].memoryEfficiency
    #expect(abs(law / 0.8 - 1) < 0.05, "the memory's own rate, not the cache's: \(law)")
    #expect(fit.families[0].cachedPoints > 0)
    #expect(fit.families[0].heldOut.median < 0.02)
  }

  @Test func `Of several kernels the preferred one is taken, else that with most points`() throws {
    var rows = SyntheticTimings.timed(SyntheticTimings.products(), by: SyntheticTimings.law)
    for index in rows.indices { rows[index].implementation = index % 3 == 0 ? "rare" : "common" }
    var calibrator = SyntheticTimings.calibrator()
    func chosen() throws -> [String] {
      try calibrator.fit(rows, source: "x").families.filter(\.isChosen).map(\.variant)
    }
    #expect(try chosen() == ["bf16 common"])
    calibrator.preferred = "rare"
    #expect(try chosen() == ["bf16 rare"])
    calibrator.preferred = "absent"
    #expect(try chosen() == ["bf16 common"])
  }

  @Test(arguments: AttentionLaw.Kernel.allCases, [true, false])
  func `Laws of attention are found`(kernel: AttentionLaw.Kernel, isDecode: Bool) throws {
    var truth = AttentionLaw(kernel: kernel, isDecode: isDecode)
    truth.launch = 6e-6
    truth.computeEfficiency = 0.7
    truth.memoryEfficiency = isDecode ? 0.75 : 0.8
    truth.tileTime = 1e-6
    var rows: [KernelMeasurement] = []
    for (heads, kvHeads) in [(32, 8), (32, 32), (64, 8), (16, 2), (8, 1)] {
      for batch in [1, 4, 16, 64] {
        for length in [64, 256, 1_024, 4_096, 16_384] {
          var row = KernelMeasurement(
            device: "round", kernel: isDecode ? .attentionDecode : .attentionPrefill, median: 1,
            source: "made up")
          row.implementation = kernel == .flash3 ? "flash-attention-3" : "other"
          (row.batch, row.heads, row.kvHeads, row.headSize) = (batch, heads, kvHeads, 128)
          if isDecode { row.past = length - 1 } else { row.query = length }
          rows.append(row)
        }
      }
    }
    rows = SyntheticTimings.timed(rows, noise: 0.02) {
      truth.seconds($0, on: SyntheticTimings.device)
    }
    let outcome = try SyntheticTimings.calibrator().fit(rows, source: "made up")
    let law = try #require(outcome.laws.attention.first)
    #expect(law.kernel == kernel && law.isDecode == isDecode && outcome.laws.attention.count == 1)
    #expect(outcome.families[0].heldOut.median < 0.03, "\(outcome.families[0].heldOut)")
  }
}
