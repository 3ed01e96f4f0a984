// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import Testing
import Units

@testable import KernelTiming

/// The law of latent attention against its comment, and its use for decoding.
@Suite struct LatentAttentionLawTests {
  static let device = AttentionLawTests.device

  /// The comment's formulas in plain numbers, operands cold.
  static func naive(
    _ law: LatentAttentionLaw, _ shape: LatentAttentionLaw.Shape
  ) -> (module: Double, core: Double) {
    let (peak, bandwidth, units) = (3.2e14, 2e12, 100.0)
    let (b, h, c) = (shape.sequences, shape.heads, shape.context)
    let wide = law.hasNarrowWeights ? 1.0 : 2.0
    // Elements, bytes an element, values in and out of a row.
    let matrices = [
      (7168 * 2112.0, wide, 7168 + 2112.0), (1536 * 192 * h, wide, 1536 + 192 * h),
      (65536 * h, 2.0, 640 * h), (65536 * h, 2.0, 640 * h), (917504 * h, wide, 128 * h + 7168),
    ]
    var projections = 0.0
    for (elements, bytes, values) in matrices {
      // The device multiplies 8 bits at the rate of 16.
      let memory = (elements * bytes + 2 * b * values) / (bandwidth * law.weightEfficiency)
      let compute = 2 * b * elements / (peak * law.productEfficiency)
      projections += hypot(memory, compute)
    }
    let (tileHeads, tileRows) = law.kernel == .flash ? (64.0, 64.0) : (h > 1 ? 16.0 : 1.0, 32.0)
    let tiles = b * ceil(h / tileHeads)
    let blocks = ceil(c / tileRows)
    var parts = 1.0
    if law.kernel == .triton {
      parts = min(128, ceil(c / 512), max(1, floor(2 * units / tiles)))
    } else if tiles < 0.8 * units {
      parts = min(128, ceil(blocks / ceil(1.1 * tiles * blocks / units)))
    }
    let block = 2 * tileHeads * tileRows * 1088 / (peak / units)
    let alone = law.tileTime + ceil(blocks / parts) * block / law.aloneEfficiency
    let all =
      tiles * parts * (law.tileTime + blocks / parts * block / law.computeEfficiency) / units
    let rows = b * c * 576 * (law.hasNarrowCache ? 1 : 2)
    let memory = rows / (bandwidth * law.memoryEfficiency) + law.ramp
    var core = pow(pow(alone, 3) + pow(all, 3) + pow(memory, 3), 1 / 3.0)
    if parts > 1 { core += law.joinTime + 8 * b * h * parts * 512 / (bandwidth * law.cacheSpeed) }
    let module =
      law.launch + projections + core + b * law.rowTime + (1 - 1 / b) * law.batchTime
    return (module, core)
  }

  static func decode(sequences: Double, heads: Double, context: Double, bytes: Double) -> KernelWork
  {
    var work = KernelWork(
      family: .attentionDecode, flop: 2 * sequences * heads * context * 1088,
      bytes: sequences * context * 576 * bytes, rows: sequences, columns: heads, depth: 512)
    work.isLatent = true
    (work.sequences, work.context) = (sequences, context)
    return work
  }

  @Test(arguments: LatentAttentionLaw.Kernel.allCases, [1.0, 8, 128])
  func `The law is its comment's formulas`(kernel: LatentAttentionLaw.Kernel, heads: Double) {
    for (isNarrow, sequences) in [(false, 1.0), (true, 7), (false, 300)] {
      let law = LatentAttentionLaw(
        kernel: kernel, hasNarrowWeights: isNarrow, hasNarrowCache: isNarrow)
      for context in [1.0, 63, 4_096, 100_000] {
        let shape = LatentAttentionLaw.Shape(
          sequences: sequences, heads: heads, context: context)
        let wanted = Self.naive(law, shape)
        let found = law.seconds(shape, on: Self.device, cached: false)
        #expect(abs(found / wanted.module - 1) < 1e-9, "\(shape)")
      }
    }
  }

  @Test func `Decoding takes the attention of the module whose rows are stored alike`() {
    var laws = TimingLaws.datasheet
    var (wide, narrow) = (
      LatentAttentionLaw(kernel: .flash, hasNarrowWeights: false, hasNarrowCache: false),
      LatentAttentionLaw(kernel: .flash, hasNarrowWeights: false, hasNarrowCache: true)
    )
    (wide.memoryEfficiency, narrow.memoryEfficiency) = (0.9, 0.5)
    laws.latentAttention = [narrow, wide]
    laws.attention = [
      AttentionLaw(kernel: .flash3, isDecode: true), AttentionLaw(kernel: .flash3, isDecode: false),
    ]
    let timing = DeviceTiming(capability: Self.device, laws: laws)
    for (law, bytes) in [(wide, 2.0), (narrow, 1)] {
      let work = Self.decode(sequences: 32, heads: 128, context: 4_096, bytes: bytes)
      let core = Self.naive(law, .init(sequences: 32, heads: 128, context: 4_096)).core
      #expect(abs(timing.seconds(work) / (core + law.launch / 13) - 1) < 1e-9)
    }
  }

  @Test func `Without its own law latent attention takes its family's, never that of heads`() {
    var laws = TimingLaws.datasheet
    laws.attention = [
      AttentionLaw(kernel: .flash3, isDecode: true), AttentionLaw(kernel: .flash3, isDecode: false),
    ]
    let timing = DeviceTiming(capability: Self.device, laws: laws)
    let plain = DeviceTiming(capability: Self.device, laws: .datasheet)
    var work = Self.decode(sequences: 32, heads: 128, context: 4_096, bytes: 2)
    #expect(timing.seconds(work) == plain.seconds(work))
    #expect(timing.place(of: work)?.residuals == nil)
    work.family = .attentionPrefill
    #expect(timing.seconds(work) == plain.seconds(work))
    work.isLatent = false
    #expect(timing.seconds(work) != plain.seconds(work))
  }

  @Test func `A model with latent rows says so in its work`() throws {
    let latent = LatentAttention(
      heads: 16, queryLatent: 0, keyValueLatent: 512, plainWidth: 128, rotaryWidth: 64,
      valueWidth: 128)
    var load = AttentionLoad()
    load.addDecode(visible: 10, span: .full)
    load.addPrefill(position: 0, count: 5, span: .full)
    let core = latent.core(under: .bf16)
    #expect(core.decodeWork(load).isLatent && core.prefillWork(load).isLatent)
    #expect(core.decodeWork(load).depth == LatentAttentionLaw.Core.width)
  }
}
