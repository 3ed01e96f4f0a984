// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

#if !DEBUG
  @Suite("moesim plan")
  struct PlanCommandTests {
    let scratch: Scratch
    let plan: String

    init() throws {
      scratch = try Scratch()
      plan = try scratch.write(
        """
        name: small
        models:
          {name: tiny, architectures: [MixtralForCausalLM], model_type: mixtral, hidden_size: 1024,
           intermediate_size: 3584, num_hidden_layers: 2, num_attention_heads: 16,
           num_key_value_heads: 4, vocab_size: 32000, num_local_experts: 8, num_experts_per_tok: 2,
           max_position_embeddings: 32768, tie_word_embeddings: false, torch_dtype: bfloat16}
        traffic: {users: 2, prompt: 16, output: {distribution: uniform, min: 4, max: 16}}
        slo: {tpot_p99: 1 s}
        base: {routing: {generator: typical}, cache: {kv: 256 MiB}}
        candidates:
          hardware: [rtx-3060-desktop, rtx-4090-desktop]
          policy: [lru, fiddler]
          cache: [25%, 50%]
        accuracy: [{model: tiny, value: 70%, source: nobody}]
        search: {requests: 24, screening: 8, finalists: 2, replications: 2, details: 1}
        """, to: "small.yaml")
    }

    private func run(_ arguments: [String] = []) throws -> Program.Outcome {
      try Program.run(["plan", plan, "--no-progress"] + arguments)
    }

    @Test("A table says what to buy, what breaks, and how it was found")
    func table() throws {
      let outcome = try run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.isEmpty)
      for text in [
        "Candidates", "8, of which 8 simulated", "Finalists", "best", "Sum, one machine",
        "1.5 x", "What breaks first", "host–GPU link", "The search",
      ] {
        #expect(outcome.output.contains(text), "\(text) in\n\(outcome.output)")
      }
      #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    @Test("JSON is one object in the same bytes each time, and has what the table says")
    func json() throws {
      let outcome = try run(["--format", "json"])
      #expect(outcome.output == (try run(["--format", "json"])).output)
      let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
      let record = try #require(object as? [String: Any])
      let finalists = try #require(record["finalists"] as? [[String: Any]])
      let best = try #require(record["best"] as? Int)
      #expect(finalists.first?["number"] as? Int == best)
      #expect(record["candidates"] as? Int == 8)
      let bill = try #require(finalists.first?["bill"] as? [String: Any])
      #expect((bill["purchase_usd"] as? Double ?? 0) > 500)
      let cost = try #require(finalists.first?["usd_per_million_tokens"] as? [String: Any])
      #expect((cost["low"] as? Double ?? 0) <= (cost["high"] as? Double ?? 0))
    }

    @Test("Markdown goes into a file")
    func markdown() throws {
      let file = scratch.path("plan.md")
      let outcome = try run(["--format", "markdown", "-o", file])
      #expect(outcome.code == 0 && outcome.output.isEmpty)
      let text = try String(contentsOfFile: file, encoding: .utf8)
      #expect(text.hasPrefix("# Plan: small\n"))
      #expect(text.contains("| Plan | USD/M tok |"))
    }

    @Test("Nothing fits: the report says what binds, and the code is 3")
    func nothingFits() throws {
      let outcome = try run(["--set", "limits.budget=10 USD"])
      #expect(outcome.code == 3)
      #expect(outcome.output.contains("Nothing fits"))
      #expect(outcome.output.contains("limits.budget"))
      #expect(outcome.output.contains("Nearest plan that meets the objectives"))
    }

    @Test("Bad plans are told with their place")
    func mistakes() throws {
      let wrong = try run(["--set", "search.finalists=none"])
      #expect(wrong.code == 65)
      #expect(wrong.errors.contains("search.finalists: expected a whole number"))
      #expect(try run(["--set", "candidates.hardware=[rtx-3061-desktop]"]).code == 66)
      #expect(try Program.run(["plan", scratch.path("none.yaml")]).code == 66)
      #expect(try run(["--format", "csv"]).code == 64)
    }

    @Test("A plan is known to moesim check")
    func check() throws {
      let good = try Program.run(["check", plan])
      #expect(good.code == 0)
      #expect((good.output + good.errors).contains("plan small"))
      let text = try String(contentsOfFile: plan, encoding: .utf8)
      let bad = try scratch.write(text.replacing("tpot_p99", with: "tpot_p98"), to: "bad.yaml")
      let outcome = try Program.run(["check", bad])
      #expect(outcome.code == 65)
      #expect(outcome.errors.contains("bad.yaml:8"))
    }
  }
#endif
