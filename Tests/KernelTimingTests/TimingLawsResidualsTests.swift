// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Testing
import Units

@testable import KernelTiming

/// Laws whose kernels are slowed by a factor.
@Suite struct TimingLawsResidualsTests {
  static let text = """
    source: made up
    gemm:
      fp16:
        {rows_half: 24, tile_rows: 16, ramp: 1 us, launch: 3 us, overlap_loss: 0.3,
         depth_latency: 0.04 us, row_latency: 0.001 us,
         residuals: {median: 4%, p90: 10%, points: 100},
         grid: {axes: [{along: rows, from: 1, step: 4, count: 3}], factors: [0.9, 1.1, 1.2]}}
      fp16_packed: {residuals: {median: 6%, p90: 10%, points: 100}}
    attention:
      - {kernel: flash-attention-3, phase: decode, launch: 9 us,
         residuals: {median: 3%, p90: 9%, points: 100}}
      - {kernel: flash-attention-3, phase: prefill}
    """

  static func timing(slowedBy factor: Double = 1) throws -> DeviceTiming {
    let (laws, complaints) = try TimingLawsReadingTests.read(text)
    #expect(complaints == [])
    return DeviceTiming(
      capability: DeviceTimingTests.device, laws: laws.slowed { _ in factor })
  }

  static func attention(_ family: KernelFamily) -> KernelWork {
    var work = KernelWork(
      family: family, flop: 4e9, bytes: 3e7, rows: 8, columns: 32, depth: 128, groups: 8)
    work.sequences = family == .attentionDecode ? 8 : 1
    work.context = 2_048
    return work
  }

  @Test func `Only laws with residuals are fitted, each with its own name and place`() throws {
    let fitted = try Self.timing().laws.fitted
    #expect(fitted.map(\.name) == ["gemm fp16", "gemm fp16_packed", "attention decode"])
    #expect(fitted.map { $0.residuals?.median } == [0.04, 0.06, 0.03])
    #expect(Set(fitted.map(\.index)).count == 3)
  }

  @Test func `A factor of two on every law doubles what fitted kernels take`() throws {
    let (plain, slow) = (try Self.timing(), try Self.timing(slowedBy: 2))
    var works = [Self.attention(.attentionDecode)]
    for rows in [2.0, 40, 3_000] {
      works.append(
        KernelWork(
          family: .gemm, flop: rows * 1e8, bytes: 1e8, rows: rows, columns: 4_096, depth: 4_096))
    }
    for work in works {
      #expect(DeviceTimingTests.isClose(slow.seconds(work), 2 * plain.seconds(work), within: 1e-12))
    }
    // A law without residuals keeps its times.
    let prompt = Self.attention(.attentionPrefill)
    #expect(slow.seconds(prompt) == plain.seconds(prompt))
    let vector = DeviceTimingTests.work(.gemv, flop: 1e6, bytes: 1e6, rows: 1)
    #expect(slow.seconds(vector) == plain.seconds(vector))
  }

  @Test func `A factor of one changes no bit`() throws {
    let (laws, _) = try TimingLawsReadingTests.read(Self.text)
    let plain = DeviceTiming(capability: DeviceTimingTests.device, laws: laws)
    #expect(plain.rows == (try Self.timing()).rows)
    let work = Self.attention(.attentionDecode)
    #expect(plain.seconds(work) == (try Self.timing()).seconds(work))
  }

  @Test func `The law of a kernel is found as the prediction finds it`() throws {
    let timing = try Self.timing()
    #expect(timing.place(of: Self.attention(.attentionDecode))?.name == "attention decode")
    #expect(timing.place(of: .none) == nil)
    // The device has no int4, and multiplies it in 16 bits.
    let packed = DeviceTimingTests.work(flop: 1e9, bytes: 1e6, isWeightOnly: true)
    #expect(timing.place(of: packed)?.name == "gemm fp16_packed")
  }
}
