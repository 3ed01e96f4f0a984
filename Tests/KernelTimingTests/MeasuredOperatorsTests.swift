// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import TestSupport
import Testing
import Units

@testable import KernelTiming

/// The unfitted law against operators that others timed (vLLM 0.24 on an H100, through
/// ai-dynamo/aiconfigurator): in the middle it must be near, or its constants are wrong.
@Suite(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
struct MeasuredOperatorsTests {
  /// The rows of a file as dictionaries of its columns.
  static func rows(_ name: String) throws -> [[String: String]] {
    let path = try #require(SharedData.path("aiconfigurator/csv/\(name)_h100_sxm_vllm0.24.0.csv"))
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    let header = lines[0].split(separator: ",").map(String.init)
    #if DEBUG
      let step = 11
    #else
      let step = 1
    #endif
    return stride(from: 1, to: lines.count, by: step).map { index in
      let fields = lines[index].split(separator: ",", omittingEmptySubsequences: false)
      return Dictionary(zip(header, fields.map(String.init))) { first, _ in first }
    }
  }

  static func number(_ row: [String: String], _ key: String) -> Double {
    Double(row[key] ?? "") ?? .nan
  }

  /// The median of predicted over measured time.
  static func medianRatio(
    _ name: String, _ work: ([String: String]) -> KernelWork?
  ) throws -> Double {
    let timing = try ShippedProfilesTests.gpu("h100-sxm-server", runtime: "cuda-graphs")
    var ratios: [Double] = []
    for row in try rows(name) {
      guard let work = work(row) else { continue }
      ratios.append(timing.seconds(work) / (number(row, "latency_ms") / 1e3))
    }
    try #require(ratios.count > 10)
    return ratios.sorted()[ratios.count / 2]
  }

  @Test(arguments: [1.0...1, 2...128, 129...8_192])
  func `Products of 16 bits take about the measured time`(rows: ClosedRange<Double>) throws {
    let ratio = try Self.medianRatio("gemm") { row in
      let (m, n, k) = (Self.number(row, "m"), Self.number(row, "n"), Self.number(row, "k"))
      guard row["gemm_dtype"] == "bfloat16", rows.contains(m), n * k > 4e6 else { return nil }
      return KernelWork(
        family: m > 1 ? .gemm : .gemv, flop: 2 * m * n * k, bytes: 2 * (n * k + m * n + m * k),
        rows: m, columns: n, depth: k)
    }
    #expect((0.8...1.25).contains(ratio), "\(ratio)")
  }

  @Test func `Attention while decoding takes about the measured time`() throws {
    let ratio = try Self.medianRatio("generation_attention") { row in
      let length = Self.number(row, "isl") + Self.number(row, "step")
      let batch = Self.number(row, "batch_size")
      let heads = Self.number(row, "num_heads")
      let width = Self.number(row, "head_dim")
      let bytes = batch * length * Self.number(row, "num_key_value_heads") * width * 4
      guard row["kv_cache_dtype"] == "bfloat16", bytes > 1e7 else { return nil }
      return KernelWork(
        family: .attentionDecode, flop: 4 * batch * length * heads * width,
        bytes: bytes + 4 * batch * heads * width, rows: batch)
    }
    #expect((0.8...1.25).contains(ratio), "\(ratio)")
  }

  @Test func `Attention of prompts takes about the measured time`() throws {
    let ratio = try Self.medianRatio("context_attention") { row in
      let length = Self.number(row, "isl")
      let batch = Self.number(row, "batch_size")
      let heads = Self.number(row, "num_heads")
      let width = Self.number(row, "head_dim")
      let keyHeads = Self.number(row, "num_key_value_heads")
      let flop = 2 * batch * length * length * heads * width
      guard row["kv_cache_dtype"] == "bfloat16", Self.number(row, "step") == 0, flop > 1e11
      else { return nil }
      return KernelWork(
        family: .attentionPrefill, flop: flop,
        bytes: 4 * batch * length * (heads + keyHeads) * width, rows: batch * length)
    }
    #expect((0.8...1.25).contains(ratio), "\(ratio)")
  }
}
