// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Serving
import TestSupport

@testable import Experiments

/// A few figures of a report, under the names that a report gives them.
struct FewFigures: ResultFigures {
  static let names = ["tpot_ms.mean", "ttft_ms.mean", "expert_cache.hit_rate"]

  func mayContain(_ key: String) -> Bool { Self.names.contains(key) }
  func closest(to key: String) -> String? { closestMatch(to: key, among: Self.names) }
  func numbers(of result: SimulationResult) -> [String: Double] {
    var numbers = ["expert_cache.hit_rate": result.expertCache.hitRate]
    numbers["tpot_ms.mean"] = result.tpotMs?.mean
    numbers["ttft_ms.mean"] = result.ttftMs?.mean
    return numbers
  }
}

/// A file of reference cases over a scenario of a few layers that runs in an instant.
enum ReferenceFile {
  static let library = DataLibrary(roots: [Checkout.root.path])

  static let head = """
    system: tiny
    summary: A test.
    source: nobody
    scenario:
      hardware: rtx-4090-desktop
      model:
        {architectures: [MixtralForCausalLM], model_type: mixtral, hidden_size: 1024,
         intermediate_size: 3584, num_hidden_layers: 3, num_attention_heads: 16,
         num_key_value_heads: 4, vocab_size: 32000, num_local_experts: 8, num_experts_per_tok: 2,
         max_position_embeddings: 32768, tie_word_embeddings: false, torch_dtype: bfloat16}
      cache: {experts: 50%, kv: 1 GiB}
      routing: typical
      workload:
        arrivals: {process: closed-loop, users: 1}
        lengths: {prompt: {distribution: constant, value: 8},
                  output: {distribution: constant, value: 16}}
        requests: 2
      run: {warmup: 0}

    """

  static let runs = """
    runs:
      lru: {set: {policy: lru}}
      fifo: {set: {policy: fifo}}
      roomy: {from: lru, set: {cache.experts: 7}}
      alike: {set: {policy: lru}}

    """

  static func read(_ text: String) throws -> ReferenceSystem {
    let node = try ConfigurationNode.parse(text, file: "tiny.yaml")
    return try ReferenceSystem.read(
      node, file: "tiny.yaml", figures: FewFigures(), library: library)
  }

  /// A case in one line of YAML.
  static func entry(
    _ id: String, value: String = "{run: lru, metric: tpot_ms.mean}", published: String = "1",
    status: String = "counted", more: String = ""
  ) -> String {
    let reason = status == "counted" ? "" : ", reason: because"
    return
      "  - {id: \(id), what: a figure, value: \(value), published: \(published), grade: paper, "
      + "source: table 1, status: \(status)\(reason)\(more)}\n"
  }

  /// The file with these cases and what stands before and behind them.
  static func text(
    _ cases: [String], before: String = "", behind: String = "", runs: String = runs
  ) -> String {
    head + before + runs + "cases:\n" + cases.joined() + behind
  }

  /// What is wrong with a file, a line each.
  static func problems(_ text: String) throws -> [String] {
    do {
      _ = try read(text)
      return []
    } catch let error as Diagnostics {
      return error.all.map(\.description)
    }
  }
}
