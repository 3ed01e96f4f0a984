// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors
import TestSupport
import Testing

@testable import Calibration

/// The tables of Vidur, LLMServingSim, InferSim and Frontier, in few rows made up here.
@Suite struct TableImportersTests {
  private func model(_ name: String) throws -> ModelDescriptor {
    try ModelLibrary(folders: [Checkout.root.appending(path: "models").path]).model(named: name)
  }

  @Test func vidursTimesAreMillisecondsAndItsSizesBytes() throws {
    let header = { (name: String) in
      ",time_stats.\(name).min,time_stats.\(name).max,time_stats.\(name).mean,time_stats.\(name).median,time_stats.\(name).std,rank,num_workers,size,collective,devices_per_node,max_devices_per_node\n"
    }
    let row = try imported(
      VidurImporter(), "a100_dgx_all_reduce.csv",
      header("all_reduce") + "0,0.25,0.75,0.5,0.375,0.01,0,16,2048,all_reduce,8,8\n"
    ).rows[0]
    #expect(row.kernel == .allReduce)
    #expect((row.minimum, row.maximum) == (0.00025, 0.00075))
    #expect(row.median == 0.000375)
    #expect((row.bytes, row.devices, row.devicesPerNode) == (2048, 16, 8))
    #expect(row.device == "NVIDIA A100 80 GB SXM")
    try expectDiagnostics(
      VidurImporter(), "a100_dgx_all_reduce.csv",
      header("all_reduce") + "0,0.5,0.75,0.5,0.375,0.01,0,16,2048,all_reduce,8,8\n",
      [":2:1: min_s: expected at most median_s"])
    try expectDiagnostics(
      VidurImporter(), "a100_dgx_x.csv",
      header("gossip") + "0,0.5,0.75,0.5,0.375,0.01,0,16,2048,gossip,8,8\n",
      ["collective: expected all_reduce, send_recv and the like; found 'gossip'"])
  }

  @Test func frontiersLoadIsAsItWas() throws {
    let rows = try imported(
      FrontierImporter(), "a800_moe.csv",
      """
      time_stats.moe_gating_linear.median,time_stats.moe_gating_routing_topk.median,time_stats.moe_shuffling.median,time_stats.moe_grouped_gemm.median,num_tokens,num_experts,num_experts_per_device,expert_parallel_size,router_topk,hidden_dim,expert_hidden_dim,num_tensor_parallel_workers,total_routed_tokens,expert_utilization,max_load_ratio,profiling_precision
      ,,,0.25,4,128,16,8,8,2048,768,4,30,0.4375,2.5,BF16
      0.125,0.0625,0.5,1,4,128,128,1,8,2048,768,1,32,0.25,4,BF16
      """
    ).rows
    #expect(rows.map(\.kernel) == [.fusedExperts, .fusedExperts, .gate, .elementwise])
    #expect((rows[0].experts, rows[0].totalExperts, rows[0].activated) == (16, 128, 7))
    #expect((rows[0].width, rows[0].routed, rows[0].loadRatio) == (192, 30, 2.5))
    #expect(rows[0].median == 0.00025)
    #expect(rows[2].median == (0.125 + 0.0625) / 1e3)
    #expect((rows[3].tokens, rows[3].median) == (32, 0.0005))
  }

  @Test func inferSimsShapesAreInTheNamesOfFiles() throws {
    let decode = try imported(
      InferSimImporter(), "mha_decode_h20_32-8-128.csv",
      "bf16,fp8,16,4096,28.5,0.06\nbf16,bf16,1,1024,8.5,0.06\n"
    ).rows
    #expect(decode.count == 2, "a file without a header loses no row")
    #expect(decode[0].kernel == .attentionDecode)
    #expect((decode[0].heads, decode[0].kvHeads, decode[0].headSize) == (32, 8, 128))
    #expect((decode[0].batch, decode[0].past, decode[0].kvPrecision) == (16, 4096, "fp8"))
    #expect(decode[0].median == 28.5 / 1e6)
    let latent = try imported(
      InferSimImporter(), "bench_data/mla/decode/h20/128-512-64.csv",
      "dtype,kv_dtype,batch_size,kv_len,latency_us,mfu\nbf16,bf16,16,4096,28.5,0.06\n"
    ).rows[0]
    #expect((latent.kernel, latent.heads, latent.headSize) == (.latentAttentionDecode, 128, 576))
    let scan = try imported(
      InferSimImporter(), "gdn_decode_h20_4-16-128-32-256.csv",
      "batchsize,conv,gdn_update\n16,9,71\n"
    ).rows[0]
    #expect((scan.heads, scan.kvHeads, scan.headSize, scan.median) == (32, 16, 256, 80 / 1e6))
    try expectDiagnostics(
      InferSimImporter(), "numbers_h20.csv", "a,b\n1,2\n", ["expected gemm, grouped_gemm"])
  }

  @Test func inferSimsGroupedProductsAreTwo() throws {
    let rows = try imported(
      InferSimImporter(), "grouped_gemm_decode_h20_data.csv",
      """
      num_experts,num_gpus,num_local_experts,topk,hidden_size,intermediate_size,batch_size_per_gpu,tokens_per_expert,up_proj_us,up_mfu,down_proj_us,down_mfu
      96,4,24,8,2048,1560,32,11,97.5,0.1,50.5,0.1
      """
    ).rows
    #expect(rows.map(\.n) == [3120, 2048])
    #expect(rows.map(\.k) == [2048, 1560])
    #expect(rows.map(\.median) == [97.5 / 1e6, 50.5 / 1e6])
    // 11 rows for each of 96 experts are the choices of 132 tokens.
    #expect(rows.map(\.tokens) == [132, 132])
    #expect(rows.map(\.routed) == [264, 264])
  }

  @Test func llmServingSimsShapesAreTheModels() throws {
    let qwen = try model("qwen3-30b-a3b")
    let meta =
      "gpu: NVIDIA RTX PRO 6000\nvariant: bf16\nvllm_version: 9.1\nprofiled_at: '2026-04-24T1'\n"
    func rows(_ name: String, _ text: String) throws -> ImportedTimings {
      try imported(
        LLMServingSimImporter(), name, text, beside: ["meta.yaml": meta],
        options: ImportOptions(model: qwen))
    }
    let block = try rows("tp1_moe.csv", "tokens,activated_experts,time_us\n32,64,50.5\n").rows[0]
    #expect(block.kernel == .fusedExperts)
    #expect((block.tokens, block.activated, block.experts, block.topK) == (32, 64, 128, 8))
    #expect((block.hidden, block.width, block.median) == (2048, 768, 50.5 / 1e6))
    #expect((block.device, block.date) == ("NVIDIA RTX PRO 6000", "2026-04-24"))

    let attention = try rows(
      "tp2/attention.csv",
      "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,4,512,7.5\n16,64,0,0,9.5\n16,64,4,512,11\n"
    )
    #expect(attention.rows.map(\.kernel) == [.attentionDecode, .attentionPrefill])
    #expect(attention.rows.map(\.heads) == [16, 16])
    #expect(attention.rows.map(\.kvHeads) == [2, 2])
    #expect(attention.rows.map(\.batch) == [4, 1])
    #expect(attention.rows.map(\.past) == [512, 64])
    #expect(attention.rows.map(\.query) == [1, 16])
    #expect(attention.skipped.map(\.count) == [1])

    let dense = try rows(
      "tp2_dense.csv",
      "layer,tokens,time_us\nqkv_proj,3,1\no_proj,3,1\nqk_norm,3,1\nembedding,3,1\nwarp,3,1\n")
    #expect(dense.rows.map(\.kernel) == [.gemm, .gemm, .elementwise, .embedding])
    // 32 query heads and 4 of keys and of values, 128 wide, over two devices.
    #expect(dense.rows.map(\.n) == [2560, 2048, nil, nil])
    #expect(dense.rows.map(\.k) == [2048, 2048, nil, nil])
    #expect(dense.rows[2].hidden == 18 * 128)
    #expect(dense.skipped == [ImportedTimings.Skipped(reason: "layer 'warp'", count: 1)])
    try expectDiagnostics(
      LLMServingSimImporter(), "dense.csv", "layer,tokens,time_us\nqkv_proj,3,1\n",
      ["expected the degree of tensor parallelism in the path"],
      options: ImportOptions(device: "D", model: qwen))
  }

  @Test func llmServingSimsOlderTimesAreNanoseconds() throws {
    let mixtral = try model("mixtral-8x7b")
    let rows = try imported(
      LLMServingSimImporter(), "tp2_layers.csv",
      """
      layer_name,input,kv_cache,tp_size,latency(ns)
      k_proj,7,0,2,16000
      expert.w1,7,0,2,16000
      expert.w2,7,0,2,16000
      gate,7,0,2,16000
      lm_head,7,0,2,16000
      """, options: ImportOptions(device: "D", model: mixtral)
    ).rows
    #expect(rows.map(\.median) == Array(repeating: 16e-6, count: 5))
    #expect(rows.map(\.n) == [512, 7168, 4096, nil, 16000])
    #expect(rows.map(\.k) == [4096, 4096, 7168, nil, 4096])
    #expect((rows[3].kernel, rows[3].experts, rows[3].topK) == (.gate, 8, 2))
    try expectDiagnostics(
      LLMServingSimImporter(), "tp2_layers.csv", "layer_name,input,kv_cache,tp_size,latency(ns)\n",
      ["name it with --model"], options: ImportOptions(device: "D"))
  }
}
