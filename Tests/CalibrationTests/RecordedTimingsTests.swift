// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors
import TestSupport
import Testing

@testable import Calibration

/// Every file of the recorded data in a format that is read here, where the data are at hand.
@Suite(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
struct RecordedTimingsTests {
  struct Recorded: Sendable, CustomTestStringConvertible {
    var format: String
    var file: String
    var rows: Int
    var skipped = 0
    /// The kernel and time of the first row.
    var first: (MeasuredKernel, Double)
    var model: String?
    var device: String?
    var testDescription: String { file }
  }

  @Test(arguments: aiconfigurator)
  func isReadWhole(_ recorded: Recorded) throws {
    let path = try #require(SharedData.path(recorded.file))
    let importer = try #require(TimingImporters.named(recorded.format))
    var options = ImportOptions(device: recorded.device)
    options.model = try recorded.model.map {
      try ModelLibrary(folders: [Checkout.root.appending(path: "models").path]).model(named: $0)
    }
    let result = try TimingImporters.read([path], with: importer, options: options)
    #expect(result.rows.count == recorded.rows)
    #expect(result.skipped.reduce(0) { $0 + $1.count } == recorded.skipped)
    let first = try #require(result.rows.first)
    #expect(first.kernel == recorded.first.0)
    #expect(abs(first.median / recorded.first.1 - 1) < 1e-12, "\(first.median)")
    let text = TimingTable.text(result.rows, as: .csv)
    #expect(try TimingTable.parse(text, file: "t") == result.rows)
  }

  static let aiconfigurator: [Recorded] = [
    ("comm_a100_sxm_nccl2.27.3_nccl_perf", 504, .allGather, 0.00898e-3),
    ("comm_a100_sxm_vllm0.14.0_custom_allreduce_perf", 138, .allReduce, 0.00486688e-3),
    ("comm_h100_sxm_nccl2.23_nccl_perf", 342, .allGather, 0.00598e-3),
    ("comm_h100_sxm_nccl2.27.3_nccl_perf", 1008, .allGather, 0.0055e-3),
    ("comm_h100_sxm_nccl2.29.2_nccl_perf", 504, .allGather, 0.00531e-3),
    ("comm_h100_sxm_sglang0.5.12_wideep_deepep_ll_perf", 352, .allToAll, 10.313e-6),
    ("comm_h100_sxm_sglang0.5.12_wideep_deepep_normal_perf", 4968, .allToAll, 25.2865e-6),
    ("comm_h100_sxm_vllm0.24.0_custom_allreduce_perf", 138, .allReduce, 0.00429152e-3),
    ("comm_h100_sxm_vllm0.24.0_moe_a2a_perf", 648, .allToAll, 76.672e-6),
    ("comm_l40s_nccl2.27.3_nccl_perf", 504, .allGather, 0.0053e-3),
    ("context_attention_a100_sxm_vllm0.14.0", 4743, .attentionPrefill, 96.4749e-3),
    ("context_attention_h100_sxm_vllm0.24.0", 18530, .attentionPrefill, 4.32968e-3),
    ("context_attention_l40s_vllm0.24.0", 9264, .attentionPrefill, 12.5676e-3),
    ("gemm_a100_sxm_vllm0.14.0", 7200, .gemm, 3.30512e-3),
    ("gemm_h100_sxm_vllm0.24.0", 22800, .gemm, 3.05249e-3),
    ("gemm_l40s_vllm0.24.0", 22800, .gemm, 11.8412e-3),
    ("generation_attention_a100_sxm_vllm0.14.0", 5431, .attentionDecode, 0.013712e-3),
    ("generation_attention_h100_sxm_vllm0.24.0", 25610, .attentionDecode, 0.0112693e-3),
    ("generation_attention_l40s_vllm0.24.0", 12805, .attentionDecode, 0.009728e-3),
    ("mla_generation_h100_sxm_vllm0.24.0", 5840, .latentAttentionDecode, 0.2098e-3),
    ("mla_generation_l40s_vllm0.24.0", 2656, .latentAttentionDecode, 0.5375e-3),
    ("moe_a100_sxm_vllm0.14.0", 3720, .fusedExperts, 0.454054e-3),
    ("moe_h100_sxm_vllm0.24.0", 28802, .fusedExperts, 0.08248e-3),
    ("moe_l40s_vllm0.24.0", 27500, .fusedExperts, 0.239184e-3),
  ].map { (name: String, rows: Int, kernel: MeasuredKernel, seconds: Double) in
    Recorded(
      format: "aiconfigurator", file: "aiconfigurator/csv/\(name).csv", rows: rows,
      first: (kernel, seconds))
  }
}
