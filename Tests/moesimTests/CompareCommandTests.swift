// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite("moesim compare")
struct CompareCommandTests {
  let scratch: Scratch
  let scenario: String

  init() throws {
    scratch = try Scratch()
    scenario = try scratch.write(
      """
      hardware: rtx-4090-desktop
      model:
        {architectures: [MixtralForCausalLM], model_type: mixtral, hidden_size: 1024,
         intermediate_size: 3584, num_hidden_layers: 2, num_attention_heads: 16,
         num_key_value_heads: 4, vocab_size: 32000, num_local_experts: 8, num_experts_per_tok: 2,
         max_position_embeddings: 32768, tie_word_embeddings: false, torch_dtype: bfloat16}
      cache: {experts: 50%, kv: 1 GiB}
      policy: fifo
      routing: {generator: typical}
      workload:
        arrivals: {process: closed-loop, users: 1}
        lengths: {prompt: {distribution: constant, value: 8},
                  output: {distribution: uniform, min: 4, max: 16}}
        requests: 3
      run: {replications: 2}
      """, to: "small.yaml")
  }

  private func compare(_ arguments: [String]) throws -> Program.Outcome {
    try Program.run(["compare", scenario] + arguments)
  }

  private func json(_ arguments: [String]) throws -> [String: Any] {
    let outcome = try compare(arguments + ["--format", "json"])
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  private func names(_ record: [String: Any]) -> [String] {
    (record["rows"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
  }

  @Test("Every option changes the report")
  func options() throws {
    let plain = try json(["--policy", "lru,lfu"])
    #expect(names(plain) == ["lru", "lfu", "belady ceiling", "link-bound ceiling"])
    #expect(plain["replications"] as? Int == 2 && plain["baseline"] as? String == "lru")
    #expect(
      try json(["--policy", "lru", "--policy", "lfu", "--replications", "1"])["replications"]
        as? Int == 1)
    #expect(try json(["--policy", "lru,lfu", "--baseline", "lfu"])["baseline"] as? String == "lfu")
    #expect(try names(json(["--policy", "lru,lfu", "--no-ceilings"])) == ["lru", "lfu"])
    #expect(try json(["--policy", "lru,lfu", "--set", "run.seed=5"])["seed"] as? Int == 5)
    let table = try compare(["--policy", "lru,lfu", "--no-progress"])
    #expect(table.code == 0 && table.output.contains("Against lru, paired by replication"))
    let path = scratch.path("out.csv")
    let written = try compare(["--policy", "lru,lfu", "--format", "csv", "--output", path])
    #expect(written.code == 0 && written.output.isEmpty)
    #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("name,kind,"))
  }

  @Test("The same comparison is the same bytes")
  func deterministic() throws {
    let arguments = ["--policy", "lru,lfu,belady", "--format", "csv"]
    let first = try compare(arguments)
    #expect(first.code == 0 && first.output.count > 500)
    #expect(try compare(arguments).output == first.output)
  }

  @Test("Figures are those of simulate")
  func sameAsSimulate() throws {
    let rows = try #require(try json(["--policy", "lru,lfu"])["rows"] as? [[String: Any]])
    let runs = try #require(rows[1]["runs"] as? [[String: Any]])
    let alone = try Program.run([
      "simulate", scenario, "--set", "policy=lfu", "--set", "run.improvements=false", "--format",
      "json",
    ])
    let results = try #require(
      try JSONSerialization.jsonObject(with: Data(alone.output.utf8)) as? [[String: Any]])
    #expect(runs.count == 2 && results.count == 2)
    for (run, result) in zip(runs, results) {
      let own = (run["figures"] as? [String: Any])?["output_tokens_per_second"] as? Double
      let other = (result["throughput"] as? [String: Any])?["output_tokens_per_second"] as? Double
      #expect(own != nil && own == other)
    }
  }

  @Test("Limits hold for every policy, or for one")
  func limits() throws {
    let base = ["--policy", "lru,belady", "--no-ceilings", "--require"]
    #expect(try compare(base + ["requests.completed>=3"]).code == 0)
    let missed = try compare(base + ["requests.completed>3"])
    #expect(missed.code == 2 && missed.errors.contains("moesim: lru, replication 0"))
    #expect(missed.errors.contains("belady, replication 1") && !missed.output.isEmpty)
    let one = try compare(base + ["belady:requests.completed>3"])
    #expect(one.code == 2 && !one.errors.contains("lru, replication"), "\(one.errors)")
    #expect(try compare(base + ["beladi:requests.completed>3"]).code == 64)
    #expect(try compare(base + ["requests.complete>3"]).code == 64)
  }

  @Test(
    "What is wrong has its code and says what is right",
    arguments: [
      (["--policy", "lru,lfuu"], 66, "did you mean 'lfu'?"),
      (["--policy", "nothing-like-it"], 66, "presets are belady, "),
      (["--policy", "lru,"], 64, "empty name"), ([], 64, "--policy"),
      (["--policy", "lru", "--replications", "0"], 64, "at least 1"),
      (["--policy", "lru,lfu", "--baseline", "fifo"], 64, "lru, lfu"),
      (["--policy", "lru", "--set", "policy=lfu"], 64, "--policy says"),
      (["--policy", "lru", "--set", "policy.evictoin=lfu"], 65, "did you mean 'eviction'"),
      (["--policy", "lru", "--set", "cache.experts=all", "--set", "cache.kv=500 GiB"], 3, "fit"),
      (["--policy", "lru", "--output", "/nowhere/a.txt"], 74, "/nowhere"),
    ] as [([String], Int32, String)])
  func refusals(arguments: [String], code: Int32, says: String) throws {
    let outcome = try compare(arguments)
    #expect(outcome.code == code, "\(arguments): \(outcome.errors)")
    #expect(outcome.errors.contains(says) && outcome.output.isEmpty, "\(outcome.errors)")
  }
}
