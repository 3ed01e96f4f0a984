// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Studies

@Suite("Settings of runtimes")
struct RunnableSettingsTests {
  private func settings(_ yaml: String, _ overrides: [(String, String)]) throws -> ServerSettings? {
    let plan = try TestPlan.read(yaml, set: overrides)
    return ServerSettings(
      try PreparedCandidate(plan.candidates[0], plan: plan, library: TestPlan.library))
  }

  private static let one = [
    ("models", "[qwen3-30b-a3b]"), ("candidates.hardware", "[h100-sxm-server]"),
    ("candidates.replicas", "[2]"), ("base.routing", "{}"), ("candidates.precision", "[native]"),
  ]

  @Test(
    "Servers that hold every expert",
    arguments: [
      (
        "vllm", "{tensor: 2, data: 2, expert: 4}",
        "vllm serve Qwen/Qwen3-30B-A3B --tensor-parallel-size 2 --data-parallel-size 2"
          + " --enable-expert-parallel --max-num-seqs 64 --max-num-batched-tokens 2048"
          + " --gpu-memory-utilization 0.9 --no-enable-prefix-caching"
      ),
      (
        "sglang", "{data: 4, expert: 4}",
        "python3 -m sglang.launch_server --model-path Qwen/Qwen3-30B-A3B --tp-size 4 --dp-size 4"
          + " --enable-dp-attention --ep-size 4 --max-running-requests 256"
          + " --chunked-prefill-size 2048"
      ),
      (
        "tensorrt-llm", "{tensor: 4}",
        "trtllm-serve Qwen/Qwen3-30B-A3B --tp_size 4 --max_batch_size 64 --max_num_tokens 2048"
      ),
    ])
  func resident(runtime: String, parallelism: String, command: String) throws {
    let server = try #require(
      try settings(
        TestPlan.fleet,
        Self.one + [
          ("base.runtime", runtime), ("candidates.parallelism", "[\(parallelism)]"),
        ]))
    #expect(server.words.joined(separator: " ").hasPrefix(command))
    #expect(server.servers == 2)
  }

  @Test("llama.cpp counts layers without experts, KTransformers experts")
  func offloaded() throws {
    let base = [
      ("models", "[deepseek-v2-lite]"), ("candidates.hardware", "[rtx-4090-desktop]"),
      ("base.routing", "{}"), ("candidates.precision", "[{experts: int4}]"),
      ("candidates.cache", "[auto]"),
    ]
    let llama = try #require(
      try settings(
        TestPlan.desktop,
        base + [
          ("base.runtime", "llama.cpp"),
          (
            "candidates.policy",
            "[{preset: llama-cpp-ncmoe, placement: {name: host-layers, layers: 10}}]"
          ),
        ]))
    // The first layer of DeepSeek-V2-Lite is dense.
    #expect(llama.words.contains("--n-cpu-moe 11"))
    #expect(llama.notes.contains { $0.contains("exps\\.=CPU") })
    let transformers = try #require(
      try settings(
        TestPlan.desktop,
        base.dropLast() + [
          ("candidates.cache", "[25%]"), ("candidates.policy", "[ktransformers]"),
        ]))
    #expect(transformers.words.contains("--kt-num-gpu-experts 16"))
  }

  @Test("What no runtime does has no settings")
  func none() throws {
    #expect(try settings(TestPlan.desktop, [("candidates.cache", "[25%]")]) == nil)
  }
}
