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

  @Test(arguments: aiconfigurator + others + inferSim)
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

  static let others: [Recorded] = [
    Recorded(
      format: "vidur", file: "vidur_network/a100_dgx_all_reduce.csv", rows: 6958,
      first: (.allReduce, 0.043e-3)),
    Recorded(
      format: "vidur", file: "vidur_network/a100_dgx_send_recv.csv", rows: 1988,
      first: (.sendReceive, 0.024e-3)),
    Recorded(
      format: "llmservingsim", file: "llmservingsim/perf_rtxpro6000_qwen3_30b_a3b/tp1_moe.csv",
      rows: 50, first: (.fusedExperts, 50.2297e-6), model: "qwen3-30b-a3b"),
    Recorded(
      format: "llmservingsim",
      file: "llmservingsim/perf_rtxpro6000_qwen3_30b_a3b/tp1_attention.csv", rows: 404,
      skipped: 18960, first: (.attentionDecode, 7.69067e-6), model: "qwen3-30b-a3b"),
    Recorded(
      format: "llmservingsim",
      file: "llmservingsim/perf_rtxpro6000_qwen3_30b_a3b/tp2_attention.csv", rows: 404,
      skipped: 18960, first: (.attentionDecode, 7.58467e-6), model: "qwen3-30b-a3b"),
    Recorded(
      format: "llmservingsim", file: "llmservingsim/perf_rtxpro6000_qwen3_30b_a3b/tp1_dense.csv",
      rows: 1064, first: (.embedding, 3.10433e-6), model: "qwen3-30b-a3b"),
    Recorded(
      format: "llmservingsim", file: "llmservingsim/perf_rtxpro6000_qwen3_30b_a3b/tp2_dense.csv",
      rows: 1064, first: (.embedding, 2.76267e-6), model: "qwen3-30b-a3b"),
    Recorded(
      format: "llmservingsim",
      file: "llmservingsim/perf_rtxpro6000_qwen3_30b_a3b/tp1_per_sequence.csv", rows: 40,
      skipped: 40, first: (.gemm, 420.224e-6), model: "qwen3-30b-a3b"),
    Recorded(
      format: "llmservingsim",
      file: "llmservingsim/perf_rtxpro6000_qwen3_30b_a3b/tp2_per_sequence.csv", rows: 40,
      skipped: 40, first: (.gemm, 216.053e-6), model: "qwen3-30b-a3b"),
    Recorded(
      format: "llmservingsim", file: "llmservingsim/perf_h100_mixtral/tp1_layers.csv",
      rows: 30720, first: (.embedding, 2867e-9), model: "mixtral-8x7b"),
    Recorded(
      format: "llmservingsim", file: "llmservingsim/perf_h100_mixtral/tp2_layers.csv",
      rows: 30720, first: (.embedding, 2901e-9), model: "mixtral-8x7b"),
    Recorded(
      format: "llmservingsim", file: "llmservingsim/perf_h100_mixtral/tp4_layers.csv",
      rows: 30720, first: (.embedding, 2920e-9), model: "mixtral-8x7b"),
    Recorded(
      format: "frontier", file: "frontier/a800_qwen3_30b_a3b_moe.csv", rows: 8665 + 2 * 2480,
      first: (.fusedExperts, 0.214208e-3)),
    Recorded(
      format: "frontier", file: "frontier/h800_qwen3_30b_a3b_tiny_moe.csv", rows: 3 * 224,
      first: (.fusedExperts, 0.128832e-3)),
    Recorded(
      format: "frontier", file: "frontier/rtx_pro_6000_qwen3_30b_a3b_tiny_moe.csv", rows: 3 * 12,
      first: (.fusedExperts, 0.155424e-3)),
  ]

  static let inferSim: [Recorded] = [
    ("gdn_decode_h20_4-16-128-32-128", 8, .linearAttention, 82),
    ("gdn_decode_h20_4-16-128-64-128", 8, .linearAttention, 82),
    ("gdn_prefill_h20_4-16-128-32-128", 1, .linearAttention, 592),
    ("gdn_prefill_h20_4-16-128-64-128", 1, .linearAttention, 592),
    ("gemm_h20_data", 402, .gemm, 10.63),
    ("grouped_gemm_decode_h20_data", 532, .groupedGEMM, 166.63),
    ("grouped_gemm_prefill_h20_data", 320, .groupedGEMM, 637.06),
    ("mha_decode_h20_128-2-128", 41, .attentionDecode, 29.16),
    ("mha_decode_h20_16-1-256", 41, .attentionDecode, 32.185),
    ("mha_decode_h20_16-2-128", 41, .attentionDecode, 28.335),
    ("mha_decode_h20_16-2-256", 41, .attentionDecode, 33.717),
    ("mha_decode_h20_256-2-128", 41, .attentionDecode, 31.296),
    ("mha_decode_h20_32-2-128", 41, .attentionDecode, 29.311),
    ("mha_decode_h20_32-4-128", 41, .attentionDecode, 35.466),
    ("mha_decode_h20_32-8-128", 88, .attentionDecode, 9.95),
    // The one without a header.
    ("mha_decode_h20_64-2-128", 41, .attentionDecode, 25.4893),
    ("mha_prefill_h20_16-1-256", 5, .attentionPrefill, 90.111),
    ("mha_prefill_h20_16-2-256", 5, .attentionPrefill, 98.705),
    ("mha_prefill_h20_32-4-128", 5, .attentionPrefill, 110.493),
    ("mha_prefill_h20_32-8-128", 5, .attentionPrefill, 111.51),
    ("mha_prefill_h20_64-8-128", 5, .attentionPrefill, 187.295),
    ("mla_decode_h20_128-512-64", 41, .latentAttentionDecode, 25.096),
  ].map { (name: String, rows: Int, kernel: MeasuredKernel, microseconds: Double) in
    Recorded(
      format: "infersim", file: "infersim/\(name).csv", rows: rows,
      first: (kernel, microseconds / 1e6))
  }
}
