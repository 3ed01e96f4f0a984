// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite("moesim observe")
struct ObserveCommandTests {
  let scratch: Scratch
  let scenario: String

  init() throws {
    scratch = try Scratch()
    scenario = try scratch.write(
      """
      name: tiny
      hardware: rtx-4090-desktop
      model:
        {architectures: [MixtralForCausalLM], model_type: mixtral, hidden_size: 1024,
         intermediate_size: 3584, num_hidden_layers: 2, num_attention_heads: 16,
         num_key_value_heads: 4, vocab_size: 32000, num_local_experts: 8, num_experts_per_tok: 2,
         max_position_embeddings: 32768, tie_word_embeddings: false, torch_dtype: bfloat16}
      cache: {experts: all, kv: 1 GiB}
      routing: {generator: typical}
      workload:
        arrivals: {process: poisson, rate: 200/s}
        lengths: {prompt: {distribution: uniform, min: 8, max: 60},
                  output: {distribution: uniform, min: 3, max: 20}}
        requests: 25
      serving: {max_batch: 3}
      run: {warmup: 0, improvements: false}
      """, to: "tiny.yaml")
  }

  /// The requests of a simulation as LLMServingSim's recorder would have written them.
  private func recording(slowedBy factor: Double = 1) throws -> String {
    let log = scratch.path("log.jsonl")
    let run = try Program.run(["simulate", scenario, "--requests", log, "--format", "json"])
    try #require(run.code == 0, "\(run.errors)")
    let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 25)
    let text = try lines.map { line -> String in
      let row = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let time = { (key: String) in row[key] as! Double }
      let queued = time("queued_s")
      let later = { (key: String) in queued + (time(key) - queued) * factor }
      return #"{"request_id":"r\#(row["request"]!)","input_toks":\#(row["prompt_tokens"]!),"#
        + #""output_toks":\#(row["output_tokens"]!),"arrival_time":\#(time("arrival_s")),"#
        + #""queued_ts":\#(queued),"scheduled_ts":\#(later("scheduled_s")),"#
        + #""first_token_ts":\#(later("first_token_s")),"#
        + #""last_token_ts":\#(later("last_token_s"))}"#
    }
    return try scratch.write(text.joined(separator: "\n") + "\n", to: "requests-\(factor).jsonl")
  }

  @Test("finds a simulation to be itself, and writes pairs")
  func itself() throws {
    let pairs = scratch.path("pairs.csv")
    let run = try Program.run([
      "observe", try recording(), "--scenario", scenario, "--strict", "--plot", "--requests", pairs,
    ])
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.output.contains("within the default limits") && run.errors.isEmpty)
    #expect(run.output.contains("TTFT: share of requests up to x ms"))
    let rows = try String(contentsOfFile: pairs, encoding: .utf8).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    #expect(rows.count == 26)
    let measured = try #require(rows[0].firstIndex(of: "measured_ttft_ms"))
    for row in rows.dropFirst() {
      let (first, second) = (Double(row[measured])!, Double(row[measured + 1])!)
      #expect(abs(first - second) < 0.001)
    }
    let again = try Program.run(["observe", try recording(), "--scenario", scenario, "--plot"])
    #expect(again.output == run.output)
  }

  @Test("says that a machine which is faster is another")
  func faster() throws {
    let file = try recording(slowedBy: 1.5)
    let plain = try Program.run(["observe", file, "--scenario", scenario])
    #expect(plain.code == 0 && plain.output.contains("beyond the default limits"))
    let strict = try Program.run(["observe", file, "--scenario", scenario, "--strict"])
    #expect(strict.code == 2 && strict.errors.contains("e2el_ms.mean.error<=5% was missed"))
    let wide = try Program.run([
      "observe", file, "--scenario", scenario, "--require", "e2el_ms.mean.error<=40%", "--format",
      "json",
    ])
    #expect(wide.code == 0, "\(wide.errors)")
    let tree = try #require(
      try JSONSerialization.jsonObject(with: Data(wide.output.utf8)) as? [String: Any])
    let mean = (tree["e2el_ms"] as? [String: Any])?["mean"] as? [String: Any]
    #expect(abs((mean?["bias"] as? Double ?? 0) + 1.0 / 3) < 0.001)
    let narrow = try Program.run([
      "observe", file, "--scenario", scenario, "--require", "e2el_ms.mean.error<=30%",
    ])
    #expect(narrow.code == 2)
    let other = try Program.run([
      "observe", file, "--scenario", scenario, "--set", "hardware=h100-sxm-server", "--format",
      "csv",
    ])
    #expect(other.code == 0 && other.output.hasPrefix("figure,statistic,"))
  }

  @Test("refuses what it cannot do, with the code of each kind")
  func refuses() throws {
    let bad = try scratch.write("{\"input_toks\": 3}\n", to: "bad.jsonl")
    let damaged = try Program.run(["observe", bad, "--scenario", scenario])
    #expect(damaged.code == 65 && damaged.errors.contains("bad.jsonl:1:1: output_toks: is missing"))
    #expect(try Program.run(["observe", "no.json", "--scenario", scenario]).code == 66)
    let file = try recording()
    #expect(try Program.run(["observe", file, "--scenario", "none"]).code == 66)
    #expect(try Program.run(["observe", file]).code == 64)
    #expect(
      try Program.run(["observe", file, "--scenario", scenario, "--plot", "--format", "json"]).code
        == 64)
    let key = try Program.run([
      "observe", file, "--scenario", scenario, "--require", "ttft_ms.men.error<=10%",
    ])
    #expect(key.code == 64 && key.errors.contains("did you mean ttft_ms.mean.error?"))
    let format = try Program.run(["observe", file, "--scenario", scenario, "--from", "vllm"])
    #expect(format.code == 65)
  }
}
