// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
@testable import Records
import Testing

@testable import Reports
@testable import Serving

@Suite("JSON")
struct JSONRendererTests {
  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test(
    "has every key that is promised",
    arguments: [
      "schema_version", "scenario", "seed", "simulated_seconds", "requests.completed",
      "throughput.output_tokens_per_second", "throughput.total_tokens_per_second",
      "expert_cache.hit_rate", "expert_cache.hits", "expert_cache.misses", "expert_cache.late",
      "expert_cache.bytes_loaded", "stall_ms_per_token.demand_load",
      "stall_ms_per_token.late_prefetch", "stall_ms_per_token.staging", "stall_ms_per_token.drive",
      "stall_ms_per_token.link_contention", "stall_ms_per_token.memory_full",
      "stall_ms_per_token.kv_swap", "stall_ms_per_token.collective",
      "stall_ms_per_token.compute_queue", "cost.usd_per_million_output_tokens",
      "energy.joules_per_output_token", "events_processed", "run_info.wall_seconds",
    ])
  func promisedKeys(key: String) throws {
    var value: Any = try object(JSONRenderer().render(SimulationResult.sample()))
    for part in key.split(separator: ".") {
      value = try #require((value as? [String: Any])?[String(part)], "\(key)")
    }
    #expect(!(value is NSNull))
  }

  @Test("has every percentile", arguments: ["ttft_ms", "tpot_ms", "itl_ms", "e2el_ms"])
  func percentiles(name: String) throws {
    let object = try object(JSONRenderer().render(SimulationResult.sample()))
    let distribution = try #require(object[name] as? [String: Any])
    #expect(Set(distribution.keys).isSuperset(of: ["mean", "p50", "p90", "p95", "p99", "max"]))
  }

  @Test("keeps names of resources and tiers as they are")
  func dictionaryKeys() throws {
    var result = SimulationResult.sample()
    result.utilization = ["gpu0.ComputeEngine": 0.5]
    let object = try object(JSONRenderer().render(result))
    #expect((object["utilization"] as? [String: Double]) == ["gpu0.ComputeEngine": 0.5])
    let tiers = (object["expert_cache"] as? [String: Any])?["tiers"] as? [String: Any]
    #expect(Set(try #require(tiers).keys) == ["hbm", "dram"])
  }

  @Test("decodes back into the same result", arguments: [true, false])
  func roundTrip(stable: Bool) throws {
    let text = JSONRenderer().render(SimulationResult.sample(stable: stable))
    let decoded = try SimulationResult(json: Data(text.utf8))
    #expect(JSONRenderer().render(decoded) == text)
    #expect(decoded.steadyState.stable == stable)
    #expect(decoded.expertCache.tiers["hbm"]?.layers.map(\.hits) == [310, 290])
    #expect(decoded.throughput.outputTokensPerSecond == 379.070539)
    #expect(decoded.utilization["gpu0.h2d"] == 0.8125)
    #expect((decoded.ttftMs == nil) == !stable)
    #expect(decoded.whatWouldHelp?.first?.tpotReduction == 0.320313)
    #expect(decoded.runInfo?.peakMemoryBytes == 47_185_920)
  }

  @Test("keeps integers beyond 2^53 exact")
  func largeIntegers() throws {
    var result = SimulationResult.sample(seed: .max)
    result.eventsProcessed = 9_007_199_254_740_993
    let text = JSONRenderer().render(result)
    #expect(text.contains("\"seed\": 18446744073709551615,"))
    let decoded = try SimulationResult(json: Data(text.utf8))
    #expect(decoded.seed == .max)
    #expect(decoded.eventsProcessed == 9_007_199_254_740_993)
  }

  @Test("sorts its keys and is the same on every rendering")
  func sortedKeys() throws {
    let text = JSONRenderer().render(SimulationResult.sample())
    let top = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }
      .compactMap { $0.split(separator: "\"").dropFirst().first.map(String.init) }
    #expect(top == top.sorted())
    #expect(top.contains("time_ms_per_token"))
    #expect(text == JSONRenderer().render(SimulationResult.sample()))
  }

  @Test("rounds to the resolution of the clock")
  func resolution() throws {
    let text = JSONRenderer().render(SimulationResult.sample())
    #expect(!text.contains("0.0019749999999999998"))
    #expect(text.contains("\"value\": 0.001975"))
    #expect(text.contains("\"simulated_seconds\": 130.123456789"))
  }

  @Test("never holds a number that JSON has no word for", arguments: [Double.nan, .infinity])
  func nonFinite(value: Double) throws {
    var result = SimulationResult.sample()
    result.energy.meanWatts = value
    result.resources[1].meanWaitMs = value
    let text = JSONRenderer().render(result)
    let object = try object(text)
    #expect((object["energy"] as? [String: Any])?["mean_watts"] is NSNull)
    let notices = try #require(object["notices"] as? [String])
    #expect(notices.contains { $0.hasPrefix("energy.mean_watts came out") })
    #expect(notices.contains { $0.hasPrefix("resources.1.mean_wait_ms came out") })
    for format in ReportFormat.allCases {
      let words = format.renderer().render(result).lowercased()
        .split { !$0.isLetter }.map(String.init)
      #expect(!words.contains("nan") && !words.contains("inf"), "\(format)")
    }
  }

  @Test("gives an array for several results and a line for each in JSON lines")
  func several() throws {
    let results = [SimulationResult.sample(), .sample(policy: "lfu")]
    let text = JSONRenderer().render(results)
    let array = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]]
    #expect(array?.count == 2)
    let lines = JSONLinesRenderer().render(results).split(separator: "\n")
    #expect(lines.count == 2)
    let policies = try lines.map {
      (try object(String($0))["setting"] as? [String: Any])?["policy"] as? String
    }
    #expect(policies == ["lru", "lfu"])
  }

  @Test("gives reasons for what a run without a steady state can't say")
  func unstable() throws {
    let object = try object(JSONRenderer().render(SimulationResult.sample(stable: false)))
    for key in ["ttft_ms", "e2el_ms", "queue_ms"] {
      #expect(object[key] is NSNull)
      let reason = try #require((object["omitted"] as? [String: String])?[key])
      #expect(reason.contains("no steady state"))
      #expect(reason.contains("from 3 to 412"))
    }
    let throughput = try #require(object["throughput"] as? [String: Any])
    #expect(throughput["saturated"] as? Bool == true)
    #expect(throughput["output_tokens_per_second"] as? Double == 379.070539)
    let notices = try #require(object["notices"] as? [String])
    #expect(notices.first?.hasPrefix("UNSTABLE") == true)
    #expect(notices.count == 2)
  }

  @Test("names the key at fault when it can't be read")
  func readingErrors() throws {
    let text = JSONRenderer().render(SimulationResult.sample())
    let wrong = text.replacing("\"completed\": 200", with: "\"completed\": \"many\"")
    let error = #expect(throws: ResultFormatError.self) {
      try SimulationResult(json: Data(wrong.utf8))
    }
    #expect(error?.message.contains("requests.completed") == true)
    let newer = text.replacing("\"schema_version\": \"1.6\"", with: "\"schema_version\": \"2.0\"")
    let version = #expect(throws: ResultFormatError.self) {
      try SimulationResult(json: Data(newer.utf8))
    }
    #expect(version?.message.contains("2.0") == true)
    #expect(throws: ResultFormatError.self) { try SimulationResult(json: Data("{".utf8)) }
  }

  @Test(
    "writes numbers in plain decimals",
    arguments: [
      (0.0019749999999999998, 6, "0.001975"), (1e-6, 6, "0.000001"), (1.5e-7, 6, "0.0"),
      (-0.0, 6, "0.0"), (-2.5e-5, 6, "-0.000025"), (1e15, 6, "1000000000000000.0"),
      (35_232_153_600.000_004, 6, "35232153600.0"), (1.25e22, 6, "12500000000000000000000.0"),
      (123_456_789.123_456_7, 6, "123456789.123457"), (0.1 + 0.2, 6, "0.3"),
    ])
  func numbers(value: Double, decimals: Int, text: String) {
    #expect(plainDecimal(Resolution.round(value, decimals: decimals)) == text)
  }

  @Test("escapes text")
  func escapes() throws {
    let text = "a\"b\\c\n\u{01}\t→ \u{1F600}"
    let literal = JSONText.text(of: .text(text))
    let decoded = try JSONDecoder().decode(String.self, from: Data(literal.utf8))
    #expect(decoded == text)
  }
}
