// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation
import TestSupport
import Testing

@testable import Reports
@testable import Serving

@Suite("Records of passes")
struct PassLogWriterTests {
  /// Runs the quickstart on few requests, and reads the log.
  private static func log(
    set overrides: [String]
  ) throws -> (lines: [[String: Any]], result: SimulationResult) {
    let scenario = try Scenario.load(
      Checkout.root.appending(path: "scenarios/quickstart.yaml").path,
      overrides: ["workload.requests=4", "run.warmup=0", "run.improvements=false"] + overrides)
    let path = FileManager.default.temporaryDirectory.appending(
      path: "passes-\(UUID().uuidString).jsonl"
    ).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try ScenarioExecution.execute(
      scenario, passes: { try PassLogWriter(path: path, configuration: $0) })
    try (outcome.passes as? PassLogWriter)?.finish()
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let lines = try text.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    return (lines, outcome.results[0])
  }

  @Test("have MoE-CAP's keys, and sum to the report")
  func keys() throws {
    let (lines, result) = try Self.log(set: [])
    #expect(UInt64(lines.count) == result.steps)
    var bytes = 0.0
    var seconds = 0.0
    for (index, line) in lines.enumerated() {
      #expect(line["index"] as? Int == index)
      #expect(line["gpu_num"] as? Int == 1)
      #expect(line["gpu_raw_type"] as? String == "NVIDIA GeForce RTX 4090")
      let mode = try #require(line["forward_mode"] as? String)
      #expect((line["ttft"] != nil) == (mode == "prefill"))
      #expect((line["tpot"] != nil) == (mode != "prefill"))
      let batch = try #require(line["batch_size"] as? Int)
      #expect((line["req_ids"] as? [String])?.count == batch)
      let experts = try #require(line["expert_activation"] as? Double)
      #expect(experts >= 2 && experts <= 8)
      #expect(abs((line["expert_utilization"] as? Double ?? 0) - experts / 8) < 1e-6)
      #expect((line["per_req_info"] != nil) == (mode != "decode"))
      if mode == "decode" { #expect(line["scheduled_tokens"] as? Int == batch) }
      bytes += (line["weight_bytes"] as? Double ?? 0) + (line["kv_bytes"] as? Double ?? 0)
      seconds += line["latency"] as? Double ?? 0
    }
    let report = try #require(result.moeCap)
    let expected = bytes / seconds / (report.peakGbPerSecond * 1e9)
    #expect(abs((report.sMbu ?? 0) - expected) <= expected * 1e-6)
  }

  @Test("are refused for a fleet")
  func fleet() {
    #expect(throws: (any Error).self) {
      _ = try Self.log(set: ["serving.replicas=2", "cache.experts=all"])
    }
  }
}
