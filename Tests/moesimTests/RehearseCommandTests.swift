// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@Suite("Decisions and rehearsals on the command line")
struct RehearseCommandTests {
  static let scenario = """
    name: small
    hardware: cpu-desktop
    runtime: ideal
    model:
      {model_type: mixtral, hidden_size: 64, intermediate_size: 32, num_hidden_layers: 2,
       num_attention_heads: 4, num_key_value_heads: 2, vocab_size: 100, num_local_experts: 8,
       num_experts_per_tok: 2, tie_word_embeddings: false, torch_dtype: float32}
    precision: {experts: fp32, attention: fp32, dense: fp32, router: fp32, head: fp32,
      embeddings: fp32, shared_experts: fp32, kv: fp32, activations: fp32}
    cache: {experts: 3, kv: 64 MiB}
    policy: {prefetch: {name: predicted}, prediction: {name: recall, recall: 0.7}}
    routing: {generator: typical}
    workload: {arrivals: {process: all-at-once}, lengths: {prompt: 4, output: 6}, requests: 1}
    run: {seed: 7, warmup: 0, improvements: false}
    """

  @Test("A log of decisions is JSON Lines with a header, and is the same twice")
  func decisions() throws {
    let scratch = try Scratch()
    let file = try scratch.write(Self.scenario, to: "small.yaml")
    var texts: [String] = []
    for name in ["one.jsonl", "two.jsonl"] {
      let outcome = try Program.run([
        "simulate", file, "--no-progress", "--decisions", scratch.path(name),
      ])
      #expect(outcome.code == 0, "\(outcome.errors)")
      texts.append(try String(contentsOfFile: scratch.path(name), encoding: .utf8))
    }
    #expect(texts[0] == texts[1])
    var events: [String: Int] = [:]
    var last = 0
    for (number, line) in texts[0].split(separator: "\n").enumerated() {
      let value = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      let event = value?["event"] as? String ?? ""
      events[event, default: 0] += 1
      #expect((event == "header") == (number == 0))
      if number == 0 {
        #expect(value?["format"] as? String == "moesim-decisions")
        #expect(value?["version"] as? Int == 1)
        #expect((value?["expert_bytes"] as? [Int]) == [24576])
        #expect(((value?["cache"] as? [String: Any])?["slots"] as? [Int]) == [3, 3])
        let model = value?["model"] as? [String: Any]
        #expect(model?["experts"] as? Int == 8 && model?["width"] as? Int == 32)
        #expect(model?["heads"] as? Int == 4 && model?["head_size"] as? Int == 16)
      } else if event != "content" {
        let time = value?["t"] as? Int ?? -1
        #expect(time >= last)
        last = time
      }
    }
    #expect(events["step"] == 6 && events["step_end"] == 6)
    #expect(events["access"] == 12 && events["layer"] == 12 && events["computed"] == 12)
    #expect(events["content"] == 2)
    #expect((events["prefetch"] ?? 0) > 0 && (events["landed"] ?? 0) > 0)
  }

  @Test("Schedules of whole steps have no decisions to record")
  func wholeSteps() throws {
    let scratch = try Scratch()
    let outcome = try Program.run([
      "simulate", "scenarios/quickstart.yaml", "--no-progress", "--decisions",
      scratch.path("log.jsonl"), "--set", "policy.schedule=eps-moe", "--set", "cache.experts=all",
      "--set", "hardware=h200-server",
    ])
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("no decisions about single experts"))
    #expect(!FileManager.default.fileExists(atPath: scratch.path("log.jsonl")))
  }

  @Test("What exceeds the budget ends with exit code 3 and says what would fit")
  func budget() throws {
    let scratch = try Scratch()
    let file = try scratch.write(Self.scenario, to: "small.yaml")
    let outcome = try Program.run([
      "rehearse", file, "--no-progress", "--folder", scratch.url.path, "--budget", "disk=200KiB",
    ])
    #expect(outcome.code == 3)
    #expect(outcome.errors.contains("the budget of disk"))
    #expect(outcome.errors.contains("would fit: a model of 1 instead of 2 MoE layers"))
  }

  @Test(
    "Wrong options are usage errors",
    arguments: [
      ["--budget", "disks=1GiB"], ["--budget", "disk=1 s"], ["--paced", "fast"],
      ["--paced", "1 GB/s", "--paced-memory", "1 GB/s"], ["--threads", "0"],
      ["--decisions", "none"],
    ])
  func usage(options: [String]) throws {
    let scratch = try Scratch()
    let file = try scratch.write(Self.scenario, to: "small.yaml")
    #expect(try Program.run(["rehearse", file] + options).code == 64)
  }

  @Test("Timings that are not there are a missing file")
  func timings() throws {
    let scratch = try Scratch()
    let file = try scratch.write(Self.scenario, to: "small.yaml")
    let outcome = try Program.run(["rehearse", file, "--timings", scratch.path("none.jsonl")])
    #expect(outcome.code == 66)
  }
}
