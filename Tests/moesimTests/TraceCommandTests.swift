// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite("moesim trace and moesim cache")
struct TraceCommandTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func json(_ outcome: Program.Outcome) throws -> Any {
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
  }

  private func inspect(_ path: String) throws -> [String: Any] {
    let value = try json(Program.run(["trace", "inspect", path, "--format", "json"]))
    return try #require(value as? [String: Any])
  }

  private func number(_ tree: [String: Any], _ path: String) throws -> Double {
    var value: Any? = tree
    for key in path.split(separator: ".") { value = (value as? [String: Any])?[String(key)] }
    return try #require((value as? NSNumber)?.doubleValue, "\(path)")
  }

  @Test("The sample that ships has the statistics of the conversation service")
  func sample() throws {
    let found = try inspect("conversation-sample.csv")
    // Standard errors of 1000 requests: 3.5 % of the rate, 3 % of the prompts' mean, 2.5 % of the
    // outputs' mean.
    #expect(try number(found, "requests") == 1000)
    #expect(abs(try number(found, "requests_per_second") / 5.53 - 1) < 0.035)
    #expect(abs(try number(found, "interarrival_cv") - 1.09) < 0.05)
    #expect(abs(try number(found, "prompt_tokens.mean") / 1155 - 1) < 0.03)
    #expect(abs(try number(found, "prompt_tokens.p50") / 1020 - 1) < 0.03)
    #expect(abs(try number(found, "output_tokens.mean") / 211 - 1) < 0.025)
    #expect(abs(try number(found, "output_tokens.p50") / 129 - 1) < 0.05)
  }

  @Test("The sample that ships is what its documented command prints")
  func sampleIsGenerated() throws {
    let outcome = try Program.run(
      ["trace", "generate", "traces/conversation.yaml", "--requests", "1000", "--seed", "1"])
    let shipped = try String(
      contentsOf: Checkout.root.appending(path: "traces/conversation-sample.csv"),
      encoding: .utf8)
    #expect(outcome.output == shipped)
  }

  @Test("Requests can come through a pipe")
  func pipe() throws {
    let piped = try Program.shell(
      "cat traces/conversation-sample.csv | $moesim trace inspect /dev/stdin --format json")
    let direct = try Program.run([
      "trace", "inspect", "conversation-sample.csv", "--format", "json",
    ])
    #expect(piped.code == 0 && piped.output == direct.output, "\(piped.errors)")
  }

  @Test("Importing keeps requests and prefix blocks")
  func importing() throws {
    let mooncake = try scratch.write(
      """
      {"timestamp": 0, "input_length": 1024, "output_length": 5, "hash_ids": [7, 8]}
      {"timestamp": 1500, "input_length": 600, "output_length": 6, "hash_ids": [7, 9]}
      {"timestamp": 2000, "input_length": 1, "output_length": 7, "hash_ids": []}
      """, to: "m.jsonl")
    let outcome = try Program.run(["trace", "import", mooncake, "--rate-scale", "0.5"])
    let lines = outcome.output.split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(
      lines == [
        "arrival_s,prompt_tokens,output_tokens,prefix_blocks", "0,1024,5,7 8", "3,600,6,7 9",
        "4,1,7,",
      ])
    let imported = try scratch.write(outcome.output, to: "own.csv")
    let (first, second) = (try inspect(mooncake), try inspect(imported))
    #expect(
      try number(first, "prefix_blocks.repeat_share")
        == number(second, "prefix_blocks.repeat_share"))
  }

  @Test("A fit can be generated from, and is close")
  func fitting() throws {
    let fit = scratch.path("fit.yaml")
    let fitted = try Program.run(["trace", "fit", "conversation-sample.csv", "-o", fit])
    #expect(fitted.code == 0 && fitted.errors.contains("interarrival CV"), "\(fitted.errors)")
    let copy = scratch.path("copy.csv")
    #expect(
      try Program.run(["trace", "generate", fit, "--requests", "5000", "-o", copy]).code == 0)
    let (first, second) = (try inspect("conversation-sample.csv"), try inspect(copy))
    for path in ["requests_per_second", "prompt_tokens.mean", "output_tokens.mean"] {
      #expect(abs(try number(second, path) / number(first, path) - 1) < 0.06, "\(path)")
    }
  }

  private func routing(sequences: Int = 6, tokens: Int = 40) throws -> String {
    let path = scratch.path("routing.bin")
    let outcome = try Program.run([
      "trace", "generate", "traces/routing/mixtral-8x7b.yaml", "--sequences", "\(sequences)",
      "--tokens", "\(tokens)", "-o", path,
    ])
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    return path
  }

  @Test("Generated routing has its shape, and the same bytes each time")
  func generatedRouting() throws {
    let path = try routing()
    let first = try Data(contentsOf: URL(filePath: path))
    let found = try inspect(path)
    #expect(try number(found, "shape.layers") == 32 && number(found, "shape.experts") == 8)
    #expect(try number(found, "sequences") == 6 && number(found, "decode.tokens") == 240)
    #expect(try number(found, "layer_events") == 240 * 32)
    #expect(try Data(contentsOf: URL(filePath: routing())) == first)
    let copy = scratch.path("copy.bin")
    #expect(try Program.run(["trace", "import", path, "-o", copy]).code == 0)
    #expect(try number(try inspect(copy), "layer_events") == 240 * 32)
  }

  @Test("Hit curves rise with capacity, and Belady's bound is above all")
  func curves() throws {
    let path = try routing()
    let outcome = try Program.run([
      "cache", path, "--eviction", "lru,lfu,fifo,belady", "--capacity", "25%,50%,75%,100%",
      "--reset", "request", "--format", "json",
    ])
    let rows = try #require(try json(outcome) as? [[String: Any]])
    #expect(rows.count == 16)
    func rate(_ eviction: String, _ experts: Int) throws -> Double {
      let row = try #require(
        rows.first {
          $0["eviction"] as? String == eviction && $0["capacity_experts"] as? Int == experts
        })
      let layers = try #require(row["layers"] as? [[String: Any]])
      #expect(layers.count == 32 && row["pool"] as? String == "per-layer")
      let hits = layers.reduce(0) { $0 + ($1["hits"] as? Int ?? 0) }
      #expect(hits == row["hits"] as? Int && row["accesses"] as? Int == 240 * 32 * 2)
      return try #require(row["hit_rate"] as? Double)
    }
    for eviction in ["lru", "lfu", "fifo", "belady"] {
      for (small, large) in [(2, 4), (4, 6), (6, 8)] {
        #expect(try rate(eviction, small) <= rate(eviction, large))
      }
    }
    for experts in [2, 4, 6, 8] {
      for eviction in ["lru", "lfu", "fifo"] {
        #expect(try rate(eviction, experts) <= rate("belady", experts))
      }
    }
  }

  @Test("Hit curves are drawn within a pipe's width")
  func plot() throws {
    let cache = [
      "cache", try routing(), "--eviction", "lru,belady", "--capacity", "25%,50%,75%", "--plot",
    ]
    let lines = try Program.run(cache).output.split(separator: "\n")
    #expect(lines.first == "hit rate [%]" && lines.allSatisfy { $0.count <= 80 })
    #expect(lines.contains { $0.contains("cache capacity [experts] (per-layer)") })
    #expect(lines.last.map { $0.contains("lru") && $0.contains("belady") } == true, "\(lines)")
    #expect(try Program.run(cache + ["--format", "json"]).code == 64)
  }

  @Test(
    "The published toy gives 12 hits and 18 misses",
    .enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
  func toy() throws {
    let path = try #require(SharedData.path("moe_cache_eval/toy_events.csv"))
    let outcome = try Program.run([
      "cache", path, "--eviction", "lru", "--capacity", "2", "--format", "json",
    ])
    let row = try #require((try json(outcome) as? [[String: Any]])?.first)
    #expect(row["hits"] as? Int == 12 && row["accesses"] as? Int == 30)
  }

  @Test("What show scenario prints as JSON is the same scenario")
  func resolvedScenario() throws {
    let arguments = ["show", "scenario", "quickstart", "--format", "json"]
    let first = try Program.run(arguments + ["--set", "policy.eviction=lfu"])
    #expect(first.code == 0, "\(first.errors)")
    let path = try scratch.write(first.output, to: "resolved.json")
    let second = try Program.run(["show", "scenario", path, "--format", "json"])
    #expect(second.output == first.output && second.errors.isEmpty, "\(second.errors)")
  }

  @Test("The same scenario gives the same report, apart from run_info")
  func determinism() throws {
    let arguments = [
      "simulate", "quickstart", "--set", "workload.requests=2", "--set",
      "run.improvements=false", "--format", "json",
    ]
    func report() throws -> NSDictionary {
      var tree = try #require(try json(Program.run(arguments)) as? [String: Any])
      tree["run_info"] = nil
      return tree as NSDictionary
    }
    #expect(try report() == report())
  }
}
