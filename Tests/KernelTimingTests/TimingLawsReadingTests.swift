// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors
import Testing
import Units

@testable import KernelTiming

/// Laws that a profile carries.
@Suite struct TimingLawsReadingTests {
  static func read(_ text: String) throws -> (TimingLaws, [String]) {
    let collector = DiagnosticCollector()
    let node = try ConfigurationNode.parse(text, file: "gpu.yaml")
    let laws = TimingLaws.read(node, over: .datasheet, into: collector)
    return (laws, collector.all.map(\.description))
  }

  @Test func `Parameters lie over the standard ones`() throws {
    let (laws, complaints) = try Self.read(
      """
      source: fitted to 1800 products
      residuals: {median: 4.1%, p90: 0.11, points: 600}
      gemm:
        compute_efficiency: 93%
        rows_half: 24
        ramp: 0.8 us
        fp8: {compute_efficiency: 0.81, tile_rows: 64}
      attention_decode: {memory_efficiency: 0.77, launch: 2 us}
      """)
    #expect(complaints == [])
    #expect(laws.source == "fitted to 1800 products")
    #expect(laws.residuals == TimingLaws.Residuals(median: 0.041, p90: 0.11, points: 600))
    #expect(laws[.gemm, .fp16].computeEfficiency == 0.93)
    #expect(laws[.gemm, .fp16].rowsHalf == 24)
    #expect(abs(laws[.gemm, .fp16].ramp - 0.8e-6) < 1e-15)
    #expect(laws[.gemm, .fp16].tileRows == TimingLaws.datasheet[.gemm, .fp16].tileRows)
    #expect(laws[.gemm, .fp8].computeEfficiency == 0.81)
    #expect(laws[.gemm, .fp8].tileRows == 64)
    #expect(laws[.gemm, .fp8].rowsHalf == 24)
    #expect(laws[.attentionDecode, .fp16].memoryEfficiency == 0.77)
    #expect(laws[.groupedGEMM, .fp16] == TimingLaws.datasheet[.groupedGEMM, .fp16])
  }

  @Test(
    arguments: [
      ("gemm: {rows_half: 3}", "source"),
      ("source: x\ngem: {rows_half: 3}", "gemm"),
      ("source: x\ngemm: {rows_haf: 3}", "rows_half"),
      ("source: x\ngemm: {compute_efficiency: 2.2}", "compute_efficiency"),
      ("source: x\ngemm: {compute_efficiency: 0}", "compute_efficiency"),
      ("source: x\ngemm: {ramp: 5 GiB}", "ramp"),
      ("source: x\ngemm: {fp8: {launch: -1 us}}", "launch"),
      ("source: x\nresiduals: {median: 1%}", "p90"),
      ("source: x\ngemm: 4", "gemm"),
    ])
  func `Wrong parameters are located`(text: String, names: String) throws {
    let (_, complaints) = try Self.read(text)
    #expect(complaints.contains { $0.contains(names) && $0.hasPrefix("gpu.yaml:") })
  }
}
