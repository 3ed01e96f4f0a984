// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport

@testable import Experiments

/// A scenario of a few layers that runs in an instant, over the data files that ship.
final class TinyScenario {
  let folder = FileManager.default.temporaryDirectory.appending(path: "compare-\(UUID())").path
  let library = DataLibrary(roots: [Checkout.root.path])
  var path: String { folder + "/tiny.yaml" }

  /// Users of a closed loop, so that throughput is the machine's.
  static let closed = "{process: closed-loop, users: 2}"

  init(arrivals: String = closed, requests: Int = 6) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try """
    name: tiny
    hardware: rtx-4090-desktop
    model:
      {architectures: [MixtralForCausalLM], model_type: mixtral, hidden_size: 1024,
       intermediate_size: 3584, num_hidden_layers: 3, num_attention_heads: 16,
       num_key_value_heads: 4, vocab_size: 32000, num_local_experts: 8, num_experts_per_tok: 2,
       max_position_embeddings: 32768, tie_word_embeddings: false, torch_dtype: bfloat16}
    cache: {experts: 50%, kv: 1 GiB}
    policy: lru
    routing: {generator: typical}
    workload:
      arrivals: \(arrivals)
      lengths: {prompt: {distribution: uniform, min: 4, max: 24},
                output: {distribution: uniform, min: 8, max: 32}}
      requests: \(requests)
    serving: {max_batch: 2}
    run: {seed: 7, warmup: 0}
    """.write(toFile: path, atomically: true, encoding: .utf8)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func study(
    _ policies: [String], replications: Int? = nil, baseline: String? = nil,
    ceilings: Bool = false, set overrides: [String] = []
  ) throws -> ComparisonStudy {
    try ComparisonStudy(
      scenario: path, overrides: overrides,
      options: ComparisonOptions(
        policies: policies, baseline: baseline, replications: replications,
        includesCeilings: ceilings), library: library)
  }

  func compare(
    _ policies: [String], replications: Int? = nil, baseline: String? = nil,
    ceilings: Bool = false, set overrides: [String] = []
  ) throws -> ComparisonStudy.Outcome {
    try study(
      policies, replications: replications, baseline: baseline, ceilings: ceilings, set: overrides
    ).run()
  }
}
