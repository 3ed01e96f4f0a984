// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import Units
import Testing

@testable import KernelTiming

/// The law of a family as it is written, and as predictions compute it.
@Suite struct FamilyLawTests {
  static let device = DeviceTimingTests.device

  /// The comment's formulas, one by one.
  static func naive(_ law: FamilyLaw, _ work: KernelWork, cacheBytes: Double = 0) -> Double {
    let (peak, bandwidth) = (80e12, 0.8e12)
    var seconds = Double(work.kernels) * law.launch + law.depthLatency * sqrt(work.depth)
    seconds += law.rowLatency * work.rows * work.groups
    let tiled =
      law.tileRows > 1 ? ceil(work.rows / law.tileRows) * law.tileRows : work.rows
    let arithmetic =
      work.flop / (peak * law.computeEfficiency * work.rows / (tiled + law.rowsHalf))
    var memory = 0.0
    if work.bytes > 0 {
      memory =
        work.bytes
        / (bandwidth * law.memoryEfficiency * work.bytes / (work.bytes + bandwidth * law.ramp))
    }
    if cacheBytes > 0 {
      let filled = work.bytes / (law.cacheShare * cacheBytes)
      let hit = filled <= 1 ? 1 : filled >= 2 ? 0 : 2 - filled
      memory = memory * (1 - hit) + memory / law.cacheSpeed * hit
    }
    let (long, short) = arithmetic > memory ? (arithmetic, memory) : (memory, arithmetic)
    return seconds + long + (long > 0 ? law.overlapLoss * short * short / long : 0)
  }

  @Test(arguments: 1...40)
  func `The law is its comment's formulas`(seed: UInt64) {
    var random = RandomWorks(seed: seed)
    let law = random.law()
    var device = Self.device
    device.cacheBytes = 40e6
    for _ in 0..<50 {
      let work = random.work([.gemm, .groupedGEMM, .gate].randomElement(using: &random) ?? .gemm)
      guard work.kernels > 0 else {
        #expect(law.seconds(work, on: device) == 0)
        continue
      }
      for cached in [false, true] {
        let wanted = Self.naive(law, work, cacheBytes: cached ? device.cacheBytes : 0)
        #expect(abs(law.seconds(work, on: device, cached: cached) / wanted - 1) < 1e-12)
      }
    }
  }

  @Test(arguments: 1...40)
  func `Predictions agree with the law, with grids and without`(seed: UInt64) {
    var random = RandomWorks(seed: seed)
    var entries: [KernelFamily: TimingLaws.Entry] = [:]
    for family in KernelFamily.allCases {
      entries[family] = TimingLaws.Entry(
        law: random.law(), grid: Bool.random(using: &random) ? random.grid() : nil)
    }
    var laws = TimingLaws(source: "random") { entries[$0]?.law ?? .roofline }
    for family in KernelFamily.allCases {
      for computeClass in ComputeClass.allCases {
        laws[family, computeClass, .plain].grid = entries[family]?.grid
      }
    }
    let timing = DeviceTiming(capability: Self.device, laws: laws)
    for family in KernelFamily.allCases {
      for computeClass in [ComputeClass.fp32, .fp16, .fp8] {
        let work = random.work(family, computeClass)
        let entry = laws[family, computeClass, .plain]
        let wanted =
          entry.law.seconds(work, on: Self.device) * (entry.grid?.factor(work) ?? 1)
        let parts = timing.parts(work)
        #expect(abs(timing.seconds(work) - wanted) <= 1e-12 * wanted, "\(work)")
        #expect(min(parts.overhead, parts.compute, parts.memory) >= 0)
      }
    }
  }

  @Test func `Equal arithmetic and traffic take 1 + overlapLoss times as long`() {
    let law = FamilyLaw(overlapLoss: 0.4)
    let work = DeviceTimingTests.work(flop: 80e9, bytes: 0.8e9)
    #expect(abs(law.seconds(work, on: Self.device) - 1.4e-3) < 1e-12)
    let alone = DeviceTimingTests.work(flop: 80e9, bytes: 0)
    #expect(abs(law.seconds(alone, on: Self.device) - 1e-3) < 1e-12)
  }

  @Test func `The cache serves what fits, half of what is half too large, nothing beyond`() {
    var device = Self.device
    device.cacheBytes = 100e6
    let law = FamilyLaw(cacheSpeed: 4, cacheShare: 0.5)
    for (bytes, factor) in [(50e6, 0.25), (75e6, 0.625), (100e6, 1), (1e9, 1)] {
      let work = DeviceTimingTests.work(flop: 0, bytes: bytes)
      let warm = law.seconds(work, on: device, cached: true)
      #expect(abs(warm / (bytes / 0.8e12) - factor) < 1e-12, "\(bytes)")
      #expect(law.seconds(work, on: device) == bytes / 0.8e12)
    }
  }

  @Test func `Cost factors of software and launches scale latencies of all laws`() {
    var laws = TimingLaws(source: "x") { _ in
      FamilyLaw(launch: 3e-6, depthLatency: 1e-7, rowLatency: 1e-8)
    }
    laws.attention = [AttentionLaw(kernel: .flash2, isDecode: true)]
    let timing = DeviceTiming(capability: Self.device, laws: laws).scaled(overhead: 2)
    #expect(timing.laws[.gemm, .fp16].launch == 6e-6)
    #expect(timing.laws[.gemm, .fp16].depthLatency == 2e-7)
    #expect(timing.laws[.gemm, .fp16].rowLatency == 2e-8)
    #expect(timing.laws.attention[0].launch == 16e-6)
  }

  @Test func `A fitted law of a format that the device unpacks is the one that predicts`() {
    // No int4, no fp4: their products run in 16 bits, by kernels that were timed as they are.
    let law = FamilyLaw(computeEfficiency: 0.5, memoryEfficiency: 0.4, launch: 7e-6)
    for computeClass in [ComputeClass.fp4, .fp8] {
      var laws = TimingLaws.datasheet
      laws[.gemm, computeClass, .plain] = TimingLaws.Entry(
        law: law, residuals: TimingLaws.Residuals(median: 0.1, p90: 0.2, points: 9))
      let capability = DeviceCapability(
        name: "old",
        peaks: [.fp32: .init(nominal: 1e13), .fp16: .init(nominal: 1e14)],
        bandwidth: .init(nominal: 1e12))
      let timing = DeviceTiming(
        capability: capability, software: SoftwareCosts(dequantizationEfficiency: 0.7), laws: laws)
      let work = DeviceTimingTests.work(flop: 1e9, bytes: 1e8, computeClass: computeClass)
      let wanted = law.seconds(work, on: capability)
      #expect(abs(timing.seconds(work) / wanted - 1) < 1e-12, "\(computeClass)")
    }
  }
}
