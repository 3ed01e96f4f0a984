// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Units
import Testing

@testable import Calibration

/// Rows of a table as work.
@Suite struct TimedWorkTests {
  static func row(_ kernel: MeasuredKernel) -> KernelMeasurement {
    KernelMeasurement(device: "D", kernel: kernel, median: 1e-3, source: "s")
  }

  @Test func `A product reads weights once and counts two operations a cell`() throws {
    var row = Self.row(.gemm)
    (row.m, row.n, row.k) = (16, 1_024, 512)
    let timed = try #require(row.timedWork())
    #expect(timed.key == TimedWork.Key(.gemm, .fp16, .plain))
    let products = 16 * 1_024 * 512
    #expect(timed.work.flop == Double(2 * products))
    let elements = 1_024 * 512 + 16 * 512 + 16 * 1_024
    #expect(timed.work.bytes == Double(2 * elements))
    #expect(timed.group == "n1024 k512" && timed.size == 16 && timed.seconds == 1e-3)
    row.precision = "int4-g128"
    #expect(row.timedWork()?.key == TimedWork.Key(.gemm, .fp16, .packed))
    #expect(row.timedWork()?.key.name == "gemm fp16 packed")
    row.precision = "fp8"
    row.activationPrecision = "fp8"
    #expect(row.timedWork()?.key.computeClass == .fp8)
    row.precision = "gibberish"
    #expect(row.timedWork() == nil)
  }

  static func experts(_ change: (inout KernelMeasurement) -> Void) -> TimedWork? {
    var row = row(.fusedExperts)
    (row.tokens, row.experts, row.topK, row.hidden, row.width) = (64, 16, 4, 256, 128)
    change(&row)
    return row.timedWork()
  }

  @Test func `Experts have the loads that were counted, else those that are expected`() throws {
    let counted = try #require(
      Self.experts {
        $0.activated = 7
        $0.routed = 70
      })
    #expect(counted.work.groups == 7 && counted.work.rows == 10)
    let expected = try #require(
      Self.experts {
        $0.activated = 8
        $0.totalExperts = 64
      })
    #expect(expected.work.groups == 8 && expected.work.rows == 8)
    let balanced = try #require(Self.experts { _ in })
    #expect(balanced.work.groups == 16 && balanced.work.rows == 16)
    let products = 3 * 256 * 128 * 256
    #expect(balanced.work.flop == Double(2 * products))
    #expect(balanced.group == Self.experts { $0.tokens = 1 }?.group)
    #expect(balanced.group != Self.experts { $0.width = 64 }?.group)
    #expect(Self.experts { $0.distribution = "power_law_1.2" }?.work.rows ?? 0 >= 16)
    #expect(Self.experts { $0.distribution = "nobody's" } == nil)
    #expect(Self.experts { $0.distribution = "power_law_-1" } == nil)
  }

  @Test func `Attention has sequences, context, and the phase of its new rows`() throws {
    var row = Self.row(.attentionDecode)
    (row.batch, row.heads, row.kvHeads, row.headSize, row.past) = (4, 32, 8, 128, 99)
    let decode = try #require(row.timedWork())
    #expect(decode.key.family == .attentionDecode && decode.size == 100)
    #expect(decode.work.sequences == 4 && decode.work.context == 100 && decode.work.rows == 4)
    row.kernel = .attentionPrefill
    (row.query, row.past) = (50, nil)
    let prefill = try #require(row.timedWork())
    #expect(prefill.key.family == .attentionPrefill && prefill.size == 50)
    #expect(prefill.work.rows == 200 && prefill.work.context == 50)
    row.query = 1
    #expect(row.timedWork()?.key.family == .attentionDecode)
  }

  @Test(arguments: [
    MeasuredKernel.copy, .stream, .read, .launch, .allReduce, .allToAll, .modelDecode, .embedding,
  ])
  func `Other kernels fall under no law of families`(kernel: MeasuredKernel) {
    var row = Self.row(kernel)
    (row.bytes, row.tokens, row.hidden) = (100, 1, 1)
    #expect(row.timedWork() == nil)
  }
}
