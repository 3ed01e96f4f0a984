// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import ModelDescriptors
import Testing
import Units

@testable import KernelTiming

/// Laws of one device for another.
@Suite struct TimingLawsTransferTests {
  static func device(_ name: String, clock: Double) -> DeviceCapability {
    DeviceCapability(
      name: name, peaks: [.fp32: .init(nominal: 1e13)], bandwidth: .init(nominal: 1e12),
      clock: clock)
  }

  static let laws: TimingLaws = {
    var laws = TimingLaws.datasheet
    laws.source = "fitted"
    laws.residuals = TimingLaws.Residuals(median: 0.04, p90: 0.1, points: 100)
    laws[.gemm, .fp16, .plain] = TimingLaws.Entry(
      law: FamilyLaw(
        computeEfficiency: 0.7, launch: 3e-6, depthLatency: 2e-8, rowLatency: 1e-9),
      grid: KernelGridTests.line,
      residuals: TimingLaws.Residuals(median: 0.05, p90: 0.1, points: 50))
    var attention = AttentionLaw(kernel: .flash3, isDecode: true)
    attention.grid = KernelGridTests.line
    laws.attention = [attention]
    return laws
  }()

  @Test func `Latencies follow the clocks, shares and standard laws stay, grids stay behind`() {
    let carried = Self.laws.transferred(
      from: Self.device("A", clock: 1e9), to: Self.device("B", clock: 2e9))
    let entry = carried[.gemm, .fp16, .plain]
    #expect(entry.grid == nil && carried.residuals == nil)
    #expect(entry.law.launch == 1.5e-6 && entry.law.depthLatency == 1e-8)
    #expect(entry.law.rowLatency == 0.5e-9 && entry.law.computeEfficiency == 0.7)
    #expect(carried[.attentionPrefill, .fp16].launch == 10e-6)
    let attention = carried.attention[0]
    #expect(attention.grid == nil && attention.launch == 4e-6 && attention.tileTime == 0.75e-6)
    #expect(attention.joinTime == 1.5e-6 && attention.tokenTime == 1.5e-8)
    #expect(attention.computeEfficiency == Self.laws.attention[0].computeEfficiency)
    #expect(carried.source == "fitted, carried over from A")
  }

  @Test(arguments: [(0, 2e9), (1e9, 0), (0, 0)])
  func `Without both clocks latencies stay`(from: Double, to: Double) {
    let carried = Self.laws.transferred(
      from: Self.device("A", clock: from), to: Self.device("B", clock: to))
    #expect(carried[.gemm, .fp16].launch == 3e-6)
    #expect(carried.attention[0].launch == 8e-6)
  }

  @Test(arguments: ["b200-transferred", "b300-transferred", "gb200-transferred"])
  func `Shipped machines have the laws of the H100 at their own rates`(name: String) throws {
    let profiles = ProfileLibrary.standard()
    let origin = try #require(try profiles.machine("h100-sxm-calibrated").gpus.first)
    let gpu = try #require(try profiles.machine(name).gpus.first)
    let laws = try TimingLaws(gpu: gpu)
    let own = try TimingLaws(gpu: origin)
    #expect(laws.isTransferred && !own.isTransferred && laws.residuals == nil)
    #expect(laws.source == own.source + ", carried over from NVIDIA H100 80 GB SXM")
    let (carried, fitted) = (laws[.gemm, .fp8, .plain], own[.gemm, .fp8, .plain])
    #expect(carried.law.computeEfficiency == fitted.law.computeEfficiency && carried.grid == nil)
    #expect(abs(carried.law.launch / fitted.law.launch - 1_980.0 / 1_965) < 1e-9)
    // FP4 is the data sheet's: nobody timed it.
    #expect(own[.groupedGEMM, .fp4, .plain].residuals != nil)
    for family in [KernelFamily.gemm, .groupedGEMM] {
      #expect(laws[family, .fp4, .plain] == TimingLaws.datasheet[family, .fp4, .plain])
    }
    #expect(laws.collectives.count == own.collectives.count)
  }
}
