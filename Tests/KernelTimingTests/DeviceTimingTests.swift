// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import SimulationKernel
import Testing
import Units

@testable import KernelTiming

/// The law of one device: its limits, and the directions in which it may move.
@Suite struct DeviceTimingTests {
  typealias Rate = DeviceCapability.Rate

  /// A device of round numbers: 100 TFLOPS and 1 TB/s, of which four fifths are achievable.
  static let device = DeviceCapability(
    name: "round",
    peaks: [
      .fp32: Rate(nominal: 50e12, achievable: 40e12),
      .fp16: Rate(nominal: 100e12, achievable: 80e12),
      .fp8: Rate(nominal: 200e12, achievable: 160e12),
    ], bandwidth: Rate(nominal: 1e12, achievable: 0.8e12))

  static func work(
    _ family: KernelFamily = .gemm, flop: Double, bytes: Double, rows: Double = 4_096,
    computeClass: ComputeClass = .fp16, isWeightOnly: Bool = false, kernels: Int = 1
  ) -> KernelWork {
    KernelWork(
      family: family, flop: flop, bytes: bytes, rows: rows, computeClass: computeClass,
      isWeightOnly: isWeightOnly, kernels: kernels)
  }

  static func isClose(_ a: Double, _ b: Double, within tolerance: Double) -> Bool {
    abs(a - b) <= tolerance * abs(b)
  }

  @Test(arguments: KernelFamily.allCases)
  func `Without efficiencies the law is the roofline`(family: KernelFamily) {
    let timing = DeviceTiming(capability: Self.device, laws: .roofline)
    // 100 FLOP per byte is the device's balance.
    let compute = Self.work(family, flop: 80e9, bytes: 1e6)
    #expect(Self.isClose(timing.seconds(compute), 1e-3, within: 1e-12))
    #expect(!timing.parts(compute).isMemoryBound)
    let memory = Self.work(family, flop: 1e6, bytes: 0.8e9)
    #expect(Self.isClose(timing.seconds(memory), 1e-3, within: 1e-12))
    #expect(timing.parts(memory).isMemoryBound)
    #expect(Self.device.balance(for: .fp16) == 100)
  }

  @Test(arguments: KernelFamily.allCases)
  func `No law is faster than the roofline`(family: KernelFamily) {
    let roofline = DeviceTiming(capability: Self.device, laws: .roofline)
    for laws in [TimingLaws.datasheet, .processor] {
      let timing = DeviceTiming(capability: Self.device, laws: laws)
      for rows in [1.0, 3, 16, 17, 500, 8_192] {
        for bytes in [1.0, 1e4, 1e7, 1e10] {
          let work = Self.work(family, flop: rows * 1e8, bytes: bytes, rows: rows)
          #expect(timing.seconds(work) >= roofline.seconds(work))
        }
      }
    }
  }

  @Test(arguments: KernelFamily.allCases)
  func `More work never takes less time`(family: KernelFamily) {
    let timing = DeviceTiming(
      capability: Self.device, software: SoftwareCosts(perKernel: 2e-6), laws: .datasheet)
    var last = 0.0
    for rows in 1...600 {
      // A product of 4096 × 4096 in 16 bits.
      let work = Self.work(
        family, flop: 2 * 4_096 * 4_096 * Double(rows),
        bytes: 2 * (4_096 * 4_096 + 8_192 * Double(rows)), rows: Double(rows))
      let seconds = timing.seconds(work)
      #expect(seconds >= last * (1 - 1e-12))
      last = seconds
    }
    for bytes in stride(from: 0.0, to: 1e8, by: 1e6) {
      let less = timing.seconds(Self.work(family, flop: 1e9, bytes: bytes))
      #expect(timing.seconds(Self.work(family, flop: 1e9, bytes: bytes + 1e6)) >= less)
      #expect(timing.seconds(Self.work(family, flop: 2e9, bytes: bytes)) >= less)
    }
  }

  @Test func `Efficiencies rise to their asymptotes`() {
    let law = FamilyLaw(
      computeEfficiency: 0.9, rowsHalf: 16, memoryEfficiency: 0.8, ramp: 1e-6)
    var laws = TimingLaws(source: "test") { _ in law }
    let timing = DeviceTiming(capability: Self.device, laws: laws)
    for (rows, share) in [(16.0, 0.45), (48, 0.675), (16e6, 0.9)] {
      #expect(Self.isClose(law.computeShare(rows: rows), share, within: 1e-5))
      let parts = timing.parts(Self.work(flop: 80e12, bytes: 0, rows: rows))
      #expect(Self.isClose(parts.compute, 1 / share, within: 1e-5))
    }
    // Half of the rate where the bytes are those of one ramp.
    for (bytes, share) in [(0.8e6, 0.4), (0.8e12, 0.8)] {
      #expect(Self.isClose(law.memoryShare(bytes: bytes, bandwidth: 0.8e12), share, within: 1e-5))
      let parts = timing.parts(Self.work(flop: 0, bytes: bytes))
      #expect(Self.isClose(parts.memory, bytes / (0.8e12 * share), within: 1e-5))
    }
    laws[.gemm, .fp16].tileRows = 64
    let tiled = DeviceTiming(capability: Self.device, laws: laws)
    let one = tiled.parts(Self.work(flop: 1e9, bytes: 0, rows: 1)).compute
    let full = tiled.parts(Self.work(flop: 64e9, bytes: 0, rows: 64)).compute
    #expect(Self.isClose(one, full, within: 1e-12))
    let next = tiled.parts(Self.work(flop: 65e9, bytes: 0, rows: 65)).compute
    #expect(Self.isClose(next, full * (128 + 16) / (64 + 16), within: 1e-12))
    #expect(Self.isClose(laws[.gemm, .fp16].computeShare(rows: 1), 0.9 / 80, within: 1e-12))
  }

  @Test func `Software costs are added per launch`() {
    let software = SoftwareCosts(
      perKernel: 5e-6, perLayer: 1e-5, perStep: 1e-3, perCopy: 2e-6, computeEfficiency: 0.5,
      memoryEfficiency: 0.25)
    let timing = DeviceTiming(capability: Self.device, software: software, laws: .roofline)
    let parts = timing.parts(Self.work(flop: 80e9, bytes: 0.8e9, kernels: 3))
    #expect(Self.isClose(parts.overhead, 15e-6, within: 1e-12))
    #expect(Self.isClose(parts.compute, 2e-3, within: 1e-12))
    #expect(Self.isClose(parts.memory, 4e-3, within: 1e-12))
    #expect(Self.isClose(parts.seconds, 4.015e-3, within: 1e-12))
    #expect(timing.perLayerOverheadSeconds == 1e-5)
    #expect(timing.perStepOverheadSeconds == 1e-3)
    #expect(timing.perCopyOverheadSeconds == 2e-6)
    #expect(timing.seconds(KernelWork.none) == 0)
    #expect(timing.duration(.none) == SimulatedDuration(nanoseconds: 0))
    #expect(
      timing.duration(Self.work(flop: 80e9, bytes: 0)) == SimulatedDuration(seconds: 2.005e-3))
  }

  @Test func `Packed weights run in 16 bits and unpack at a price`() {
    let software = SoftwareCosts(dequantizationEfficiency: 0.5)
    let timing = DeviceTiming(capability: Self.device, software: software, laws: .roofline)
    let plain = Self.work(flop: 1e9, bytes: 1e9)
    let packed = Self.work(flop: 1e9, bytes: 1e9, isWeightOnly: true)
    #expect(timing.parts(packed).compute == timing.parts(plain).compute)
    #expect(
      Self.isClose(timing.parts(packed).memory, 2 * timing.parts(plain).memory, within: 1e-12))
    // FP4 is not multiplied here: it runs as 16 bits and is unpacked. FP8 is.
    let four = Self.work(flop: 1e9, bytes: 1e9, computeClass: .fp4)
    #expect(timing.parts(four) == timing.parts(packed))
    let eight = Self.work(flop: 1e9, bytes: 1e9, computeClass: .fp8)
    #expect(
      Self.isClose(timing.parts(eight).compute, timing.parts(plain).compute / 2, within: 1e-12))
    #expect(timing.parts(eight).memory == timing.parts(plain).memory)
    // TF32 falls to FP32, which converts nothing.
    let tensor = Self.work(flop: 1e9, bytes: 1e9, computeClass: .tf32)
    #expect(timing.parts(tensor).memory == timing.parts(plain).memory)
    #expect(Self.device.peak(for: .tf32).computeClass == .fp32)
  }

  @Test func `Faster rates shorten what they bound`() {
    let software = SoftwareCosts(perKernel: 5e-6, perLayer: 1e-5, perStep: 1e-3)
    let timing = DeviceTiming(capability: Self.device, software: software, laws: .processor)
    let work = Self.work(flop: 80e9, bytes: 0.4e9)
    let parts = timing.parts(work)
    let compute = timing.scaled(compute: 2).parts(work)
    #expect(Self.isClose(compute.compute, parts.compute / 2, within: 1e-12))
    #expect(compute.memory == parts.memory)
    let memory = timing.scaled(memory: 2).parts(work)
    #expect(Self.isClose(memory.memory, parts.memory / 2, within: 1e-12))
    #expect(memory.compute == parts.compute)
    let software2 = timing.scaled(overhead: 0.5)
    #expect(Self.isClose(software2.parts(work).overhead, parts.overhead / 2, within: 1e-12))
    #expect(software2.perStepOverheadSeconds == 0.5e-3)
    #expect(timing.scaled().parts(work) == parts)
  }
}
