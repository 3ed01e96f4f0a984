// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import Calibration

@Suite struct AIConfiguratorImporterTests {
  @Test func aProductsTimeIsMilliseconds() throws {
    let rows = try imported(
      AIConfiguratorImporter(), "gemm_h100_sxm_vllm9.csv",
      """
      kernel_source,gemm_dtype,m,n,k,latency_ms
      torch.nn.functional.linear,bfloat16,4096,16384,16384,3.05249
      """
    ).rows
    var expected = KernelMeasurement(
      device: "NVIDIA H100 80 GB SXM", kernel: .gemm, median: 0.00305249,
      source: "aiconfigurator gemm_h100_sxm_vllm9")
    expected.implementation = "torch.nn.functional.linear"
    (expected.m, expected.n, expected.k) = (4096, 16384, 16384)
    expected.precision = "bf16"
    #expect(rows == [expected])
  }

  @Test func parallelismDividesWidthOrExperts() throws {
    let rows = try imported(
      AIConfiguratorImporter(), "moe_l40s_vllm9.csv",
      """
      kernel_source,moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,distribution,latency_ms
      k,fp8_block,32,4096,2048,6,256,4,1,balanced,0.5
      k,bfloat16,32,4096,2048,6,256,1,64,power_law_1.2,0.25
      """
    ).rows
    #expect(rows.map(\.width) == [512, 2048])
    #expect(rows.map(\.experts) == [256, 4])
    #expect(rows.map(\.totalExperts) == [256, 256])
    #expect(rows.map(\.tokens) == [32, 32])
    #expect(rows.map(\.precision) == ["fp8-128x128", "bf16"])
    #expect(rows.map(\.distribution) == ["balanced", "power_law_1.2"])
    #expect(rows.map(\.median) == [0.0005, 0.00025])
    #expect(rows.map(\.device) == ["NVIDIA L40S", "NVIDIA L40S"])
  }

  @Test func stepIsThePastOfAGeneratedToken() throws {
    let header =
      "kernel_source,batch_size,isl,num_heads,num_key_value_heads,head_dim,attn_dtype,kv_cache_dtype,step,latency_ms\n"
    let decode = try imported(
      AIConfiguratorImporter(), "generation_attention_a100_sxm_vllm9.csv",
      header + "f,32,1,64,8,128,bfloat16,fp8,4095,0.5\n"
    ).rows[0]
    #expect(decode.kernel == .attentionDecode)
    #expect((decode.batch, decode.query, decode.past) == (32, 1, 4095))
    #expect((decode.heads, decode.kvHeads, decode.headSize) == (64, 8, 128))
    #expect((decode.precision, decode.kvPrecision) == ("bf16", "fp8"))
    let prefill = try imported(
      AIConfiguratorImporter(), "context_attention_a100_sxm_vllm9.csv",
      header + "f,4,16384,64,1,128,bfloat16,bfloat16,0,96.4749\n"
    ).rows[0]
    #expect(prefill.kernel == .attentionPrefill)
    #expect((prefill.batch, prefill.query, prefill.past) == (4, 16384, 0))
  }

  @Test func sizesOfMessagesAreNumbersOfValues() throws {
    let rows = try imported(
      AIConfiguratorImporter(), "comm_h100_sxm_nccl9_nccl_perf.csv",
      """
      version,op_name,kernel_source,nccl_dtype,num_gpus,message_size,latency
      2.27.3,all_gather,NCCL,half,2,256,0.00898
      2.27.3,alltoall,NCCL,int8,8,512,0.01
      """
    ).rows
    #expect(rows.map(\.kernel) == [.allGather, .allToAll])
    #expect(rows.map(\.bytes) == [512, 512])
    #expect(rows.map(\.devices) == [2, 8])
    #expect(rows.map(\.median) == [0.00898 / 1e3, 0.01 / 1e3])
    #expect(rows.map(\.implementation) == ["nccl 2.27.3", "nccl 2.27.3"])
  }

  @Test func exchangesAreMicroseconds() throws {
    let rows = try imported(
      AIConfiguratorImporter(), "comm_h100_sxm_x_deepep_ll_perf.csv",
      """
      version,op_name,kernel_source,node_num,hidden_size,num_token,num_topk,num_experts,combine_avg_t_us,combine_bandwidth_gbps,dispatch_avg_t_us,dispatch_bandwidth_gbps
      1,ll,deepep,1,2048,1,8,128,10,3.2768,8,2.128
      """
    ).rows
    #expect(rows.map(\.median) == [8e-6, 10e-6])
    // Combining returns 8 vectors of 2048 values of 2 bytes.
    #expect(rows.map(\.bytes) == [17024, 8 * 2048 * 2])
    #expect(rows.map(\.devices) == [8, 8])
    let newer = try imported(
      AIConfiguratorImporter(), "comm_h100_sxm_x_moe_a2a_perf.csv",
      """
      comm_backend,phase,ep_size,node_num,hidden_size,topk,num_experts,num_tokens,sms,latency
      deepep_ll,combine,16,2,3072,8,256,16,0,76.5
      """
    ).rows[0]
    #expect(newer.median == 76.5 / 1e6)
    #expect((newer.devices, newer.devicesPerNode) == (16, 8))
    #expect(newer.bytes == nil)
  }

  @Test func whatIsWrongIsNamed() throws {
    let header = "kernel_source,gemm_dtype,m,n,k,latency_ms\n"
    try expectDiagnostics(
      AIConfiguratorImporter(), "gemm_l40s.csv", header + "k,bf17,1,1,1,1\nk,fp8,1,0,1,1\n",
      ["gemm_l40s.csv:2:3: gemm_dtype: expected a number format", ":3:9: n: expected a whole"])
    try expectDiagnostics(
      AIConfiguratorImporter(), "gemm_l40s.csv", header + "k,fp8,1,1,1\n",
      [":2:1: expected 6 fields, as in the header; found 5"])
    try expectDiagnostics(
      AIConfiguratorImporter(), "gemm_x.csv", header, ["name it with --device"])
    try expectDiagnostics(
      AIConfiguratorImporter(), "gemm_l40s.csv", "a,b\n", ["no table of aiconfigurator"])
    try expectDiagnostics(
      AIConfiguratorImporter(), "gemm_l40s.csv", "kernel_source,gemm_dtype,m,n,latency_ms\n",
      [": k: expected a column of this name"])
  }
}
