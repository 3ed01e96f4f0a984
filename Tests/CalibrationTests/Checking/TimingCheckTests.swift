// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Units
import Testing

@testable import Calibration

/// Profiles judged by tables.
@Suite struct TimingCheckTests {
  static let rows = SyntheticTimings.timed(
    SyntheticTimings.products(), by: SyntheticTimings.law)

  @Test func `The law that made the times has no errors, twice the times half`() throws {
    var laws = TimingLaws(source: "truth") { _ in SyntheticTimings.law }
    let check = TimingCheck(
      Self.rows, laws: laws, device: SyntheticTimings.device, isRepeated: true)
    let family = try #require(check.families.first)
    #expect(check.families.count == 1 && check.unused.isEmpty)
    #expect(family.name == "gemm fp16" && !family.isFitted)
    #expect(family.errors.count == Self.rows.count && family.errors.worst < 1e-12)
    laws[.gemm, .fp16, .plain].residuals = TimingLaws.Residuals(median: 0, p90: 0, points: 1)
    var slow = Self.rows
    for index in slow.indices { slow[index].median *= 2 }
    slow[7].median *= 10
    slow[9].median /= 80
    let judged = TimingCheck(
      slow, laws: laws, device: SyntheticTimings.device, isRepeated: true, worst: 2)
    #expect(judged.families[0].isFitted)
    #expect(abs(judged.families[0].errors.bias + 0.5) < 1e-12)
    // Forty times too slow is further off than twenty times too fast.
    #expect(judged.families[0].worst.map(\.measured) == [slow[9].median, slow[7].median])
  }

  @Test func `Rows of other kernels are counted, laws and kernels told apart`() throws {
    var rows = Self.rows
    var copy = KernelMeasurement(device: "round", kernel: .copy, median: 1, source: "s")
    copy.bytes = 5
    rows += [copy, copy]
    rows[0].implementation = "other"
    rows[1].precision = "int4-g128"
    let check = TimingCheck(
      rows, laws: .datasheet, device: SyntheticTimings.device, isRepeated: false)
    #expect(check.unused.map(\.name) == ["copy"] && check.unused.map(\.count) == [2])
    #expect(
      check.families.map { "\($0.name): \($0.variant)" } == [
        "gemm fp16: bf16", "gemm fp16: bf16 other", "gemm fp16 packed: int4-g128",
      ])
    #expect(check.families.map(\.errors.count) == [rows.count - 4, 1, 1])
  }

  @Test func `A check predicts what a simulation does, grids included`() throws {
    let rows = SyntheticTimings.timed(SyntheticTimings.products(), noise: 0.1) {
      SyntheticTimings.law($0) * GridFitTests.distortion($0)
    }
    let laws = try SyntheticTimings.calibrator().fit(rows, source: "x").laws
    #expect(laws[.gemm, .fp16, .plain].grid != nil)
    let timing = DeviceTiming(capability: SyntheticTimings.device, laws: laws)
    for point in SyntheticTimings.points(rows) {
      let judged = laws.seconds(
        point.work, key: point.key, on: SyntheticTimings.device, cached: false)
      #expect(abs(timing.seconds(point.work) / judged - 1) < 1e-12)
    }
  }
}
