// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Testing
import Units

@testable import KernelTiming

/// Grids, storages, residuals and attention in the laws that a profile carries.
@Suite struct TimingLawsReadingGridTests {
  static let grid = "grid: {axes: [{along: rows, from: 0, step: 2, count: 3}], factors: [1, 2, 3]}"

  @Test func `A class, a storage and a grid stand under their family`() throws {
    let (laws, complaints) = try TimingLawsReadingTests.read(
      """
      source: x
      gemm:
        rows_half: 9
        fp16:
          launch: 5 us
          residuals: {median: 3%, p90: 9%, points: 12}
          \(Self.grid)
        fp16_packed: {launch: 7 us, cache_speed: 3, cache_share: 0.4, row_latency: 1 ns}
      """)
    #expect(complaints == [])
    let plain = laws[.gemm, .fp16, .plain]
    #expect(plain.law.launch == 5e-6 && plain.law.rowsHalf == 9)
    #expect(plain.residuals == TimingLaws.Residuals(median: 0.03, p90: 0.09, points: 12))
    #expect(plain.grid?.axes == [KernelGrid.Axis(.rows, from: 0, step: 2, count: 3)])
    #expect(plain.grid?.factors == [1, 2, 3])
    let packed = laws[.gemm, .fp16, .packed]
    #expect(packed.law.rowsHalf == 9 && packed.grid == nil && packed.residuals == nil)
    #expect(packed.law.cacheSpeed == 3 && packed.law.cacheShare == 0.4)
    #expect(abs(packed.law.launch - 7e-6) < 1e-15 && abs(packed.law.rowLatency - 1e-9) < 1e-18)
    #expect(laws[.gemm, .fp16, .sparse].law.launch == 0)
  }

  @Test func `Attention is a list of laws by kernel and phase`() throws {
    let (laws, complaints) = try TimingLawsReadingTests.read(
      """
      source: x
      attention:
        - {kernel: flash-attention-3, phase: decode, narrow_cache: true, launch: 4 us}
        - {kernel: flash-attention-2, phase: prefill, compute_efficiency: 1.1, \(Self.grid)}
      """)
    #expect(complaints == [])
    var decode = AttentionLaw(kernel: .flash3, isDecode: true)
    decode.isNarrow = true
    decode.launch = 4e-6
    var prefill = AttentionLaw(kernel: .flash2, isDecode: false)
    prefill.computeEfficiency = 1.1
    prefill.grid = KernelGrid(
      axes: [KernelGrid.Axis(.rows, from: 0, step: 2, count: 3)], factors: [1, 2, 3])
    #expect(laws.attention == [decode, prefill])
  }

  @Test(
    arguments: [
      ("gemm: {fp16: {grid: {axes: [], factors: []}}}", "one to three axes"),
      ("gemm: {fp16: {grid: {factors: [1]}}}", "one to three axes"),
      (
        "gemm: {fp16: {\(grid.replacing("3]}", with: "3, 4]}"))}}",
        "expected 3, one for each node; found 4"
      ),
      ("gemm: {fp16: {\(grid.replacing("1, 2", with: "1, x"))}}", "factors"),
      ("gemm: {fp16: {\(grid.replacing("1, 2", with: "0, 2"))}}", "factors"),
      (
        "gemm: {fp16: {\(grid.replacing("along: rows", with: "along: row"))}}",
        "did you mean 'rows'?"
      ),
      ("gemm: {fp16: {\(grid.replacing("step: 2", with: "step: 0"))}}", "step"),
      ("gemm: {fp16: {\(grid.replacing("count: 3", with: "count: 1"))}}", "count"),
      ("gemm: {fp16: {\(grid.replacing("count: 3", with: "count: 3, bogus: 1"))}}", "bogus"),
      ("gemm: {fp16_packd: {launch: 1 us}}", "did you mean 'fp16_packed'?"),
      ("gemm: {fp8: {residuals: {median: 1%, p90: 2%, points: 0}}}", "points"),
      ("attention: [{kernel: flash-attention-4, phase: decode}]", "kernel"),
      ("attention: [{kernel: flash-attention-2}]", "phase"),
      ("attention: [{kernel: flash-attention-2, phase: decode, bogus: 1}]", "bogus"),
      ("attention: [{kernel: flash-attention-2, phase: decode, tile_time: 1 GB}]", "tile_time"),
      ("attention: {kernel: flash-attention-2, phase: decode}", "attention"),
    ])
  func `Wrong grids and laws of attention are located`(text: String, message: String) throws {
    let (_, complaints) = try TimingLawsReadingTests.read("source: x\n" + text)
    #expect(
      complaints.contains { $0.contains(message) && $0.hasPrefix("gpu.yaml:2:") },
      "\(complaints)")
  }
}
