// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import TestSupport

@testable import Studies

/// Plans over a model of a few layers and the machines that ship, small enough for brute force.
enum TestPlan {
  static let library = DataLibrary(roots: [Checkout.root.path])

  static let model = """
    {name: tiny, architectures: [MixtralForCausalLM], model_type: mixtral, hidden_size: 2048,
       intermediate_size: 7168, num_hidden_layers: 6, num_attention_heads: 16,
       num_key_value_heads: 8, vocab_size: 32000, num_local_experts: 8, num_experts_per_tok: 2,
       max_position_embeddings: 32768, tie_word_embeddings: false, torch_dtype: bfloat16}
    """

  /// One desktop with experts off its GPU: machines × policies × precisions × caches.
  static let desktop = """
    name: desktop
    models: [\(model)]
    traffic: {rate: 4/s, prompt: 60, output: {distribution: uniform, min: 8, max: 40}}
    slo: {ttft_p99: 2 s, tpot_p99: 40 ms}
    base:
      routing: {generator: typical}
      cache: {kv: 256 MiB, workspace: 256 MiB}
      serving: {max_batch: 8}
    candidates:
      hardware: [rtx-3060-desktop, rtx-3090-desktop, rtx-4090-desktop]
      policy: [lru, lfu, fiddler]
      precision: [native, {experts: int8}, {experts: int4}]
      cache: [none, 25%, 50%, 75%]
    search: {requests: 160, screening: 16, finalists: 3, replications: 3, details: 1}
    """

  /// A fleet: machines × replicas × parallelism × batches of precision.
  static let fleet = """
    name: fleet
    models: [\(model)]
    traffic: {rate: 400/s, prompt: 400, output: {distribution: uniform, min: 20, max: 100}}
    slo: {ttft_p99: 500 ms, tpot_p99: 6 ms}
    base:
      runtime: vllm
      routing: {generator: typical}
      serving: {max_batch: 64, token_budget: 2048}
    candidates:
      hardware: [rtx-4090x4-server, a100-sxm-server, h100-sxm-server]
      replicas: [1, 2, 3]
      parallelism: [{tensor: 2}, {tensor: 4}, {data: 4, expert: 4}, {tensor: 4, expert: 4}]
      precision: [native, {experts: fp8}]
    search: {requests: 1600, screening: 200, finalists: 3, replications: 3, details: 1}
    """

  static func read(_ yaml: String, set overrides: [(String, String)] = []) throws -> PlanFile {
    let file = Checkout.root.appending(path: "scenarios/test-plan.yaml").path
    var node = try ConfigurationNode.parse(yaml, file: file)
    for (path, text) in overrides {
      node = try node.setting(
        path, to: ConfigurationNode.value(parsing: text, origin: "test"), origin: "test")
    }
    return try PlanFile.read(node, file: file, library: library)
  }

  static func run(
    _ yaml: String, set overrides: [(String, String)] = [], exhaustive: Bool = false, jobs: Int = 1
  ) throws -> PlanOutcome {
    try PlanSearch(
      read(yaml, set: overrides), isExhaustive: exhaustive, jobs: jobs, library: library
    ).run()
  }
}
