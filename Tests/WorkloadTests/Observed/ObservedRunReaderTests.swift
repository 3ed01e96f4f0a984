// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import Workload

@Suite("Results of benchmarks")
struct ObservedRunReaderTests {
  static let serving = """
    {"request_id": "a", "input_toks": 10, "output_toks": 3, "arrival_time": 1000.5, "queued_ts": 7.0, "scheduled_ts": 7.25, "first_token_ts": 8.0, "last_token_ts": 9.0}

    {"request_id": "b", "input_toks": 20, "output_toks": 1, "arrival_time": 1000.0, "queued_ts": 6.5, "scheduled_ts": 6.5, "first_token_ts": 6.75, "last_token_ts": 6.75}

    """
  static let vllm = """
    {"date": "20260101-000000", "request_rate": 4.0, "burstiness": 1.0, "max_concurrency": null,
     "duration": 5.5, "completed": 2, "failed": 1,
     "input_lens": [10, 20, 30], "output_lens": [3, 0, 2], "ttfts": [0.5, 0.0, 0.25],
     "itls": [[0.125, 0.25], [], [0.5]],
     "start_times": [100.5, 100.25, 100.0],
     "generated_texts": ["\\ud83d\\ude00", "", ""], "errors": ["", "timeout", ""],
     "mean_ttft_ms": NaN}
    """
  static let aiperf = """
    {"metadata":{"session_num":0,"x_request_id":"w","request_start_ns":1759813207000000000,"benchmark_phase":"warmup","was_cancelled":false},"metrics":{},"error":null}
    {"metadata":{"session_num":1,"x_request_id":"a","request_start_ns":1759813208000000000,"request_end_ns":1759813209000000000,"benchmark_phase":"profiling","was_cancelled":false},"metrics":{"input_sequence_length":{"value":550,"unit":"tokens"},"time_to_first_token":{"value":255.5,"unit":"ms"},"request_latency":{"value":1.0,"unit":"s"},"inter_chunk_latency":{"value":[4.5,5.5],"unit":"ms"},"output_sequence_length":{"value":3,"unit":"tokens"},"odd":{"value":"text","unit":""}},"error":null}
    {"metadata":{"session_num":2,"x_request_id":"b","request_start_ns":1759813208500000000,"benchmark_phase":"profiling","was_cancelled":true},"metrics":{"error_isl":{"value":550,"unit":"tokens"}},"error":{"code":499,"type":"RequestCancellationError","message":"cancelled"}}

    """
  static let summary = """
    {"schema_version": "1.1",
     "request_latency": {"unit": "ms", "avg": 900.0, "p50": 880, "p90": 990, "p95": 995, "p99": 999, "count": 20},
     "time_to_first_token": {"unit": "us", "avg": 50000, "p50": 48000, "p99": 70000, "count": 20},
     "inter_token_latency": {"unit": "ms", "avg": 10.0, "p50": 9.5, "count": 20},
     "input_sequence_length": {"unit": "tokens", "avg": 150, "min": 100, "p50": 150, "max": 200},
     "output_sequence_length": {"unit": "tokens", "avg": 86.4},
     "request_throughput": {"unit": "requests/sec", "avg": 1.5}, "request_count": {"unit": "requests", "avg": 20.0},
     "input_config": {"loadgen": {"concurrency": 4, "request_count": 20}}}
    """

  private static func read(
    _ text: String, as format: ObservedFormat? = nil
  ) throws -> ObservedRun {
    try ObservedRunReader.read(bytes: [UInt8](text.utf8), file: "f.json", format: format)
  }

  @Test(
    "are recognised by their content",
    arguments: [
      (serving, ObservedFormat.llmservingsim), (vllm, .vllm), (aiperf, .aiperf),
      (summary, .aiperfSummary),
    ])
  func recognized(text: String, format: ObservedFormat) throws {
    #expect(try Self.read(text).format == format)
    #expect(try Self.read(text, as: format).format == format)
  }

  @Test("of LLMServingSim count from when requests were queued, and are sorted by arrival")
  func servingSim() throws {
    let run = try Self.read(Self.serving)
    #expect(run.origin == .queued && run.leftOut == 0 && run.arrivals == .recorded)
    #expect(
      run.requests == [
        ObservedRequest(
          id: "b", arrivalSeconds: 0, promptTokens: 20, outputTokens: 1, timeToFirstTokenMs: 250,
          endToEndMs: 250, queueMs: 0),
        ObservedRequest(
          id: "a", arrivalSeconds: 0.5, promptTokens: 10, outputTokens: 3,
          timeToFirstTokenMs: 1000, endToEndMs: 2000, queueMs: 250),
      ])
    #expect(run.requests.map(\.timePerOutputTokenMs) == [nil, 500])
    #expect(run.durationSeconds == 2.5)
  }

  @Test("of vLLM leave failed requests out, and read what Python writes for no number")
  func vLLM() throws {
    let run = try Self.read(Self.vllm)
    #expect(run.leftOut == 1 && run.origin == .arrival && run.arrivals == .recorded)
    #expect(run.requests.map(\.id) == ["2", "0"])
    #expect(run.requests.map(\.arrivalSeconds) == [0, 0.5])
    #expect(run.requests.map(\.timeToFirstTokenMs) == [250, 500])
    #expect(run.requests.map(\.endToEndMs) == [750, 875])
    #expect(run.interTokenMs.sorted() == [125, 250, 500])
    #expect(run.durationSeconds == 5.5)
    #expect(run.notices.count == 1)
  }

  @Test("of vLLM without times of sending follow the benchmark's setting")
  func vLLMArrivals() throws {
    let old = Self.vllm.replacing("\"start_times\": [100.5, 100.25, 100.0],", with: "")
    #expect(try Self.read(old).arrivals == .random(rate: 4, burstiness: 1))
    let drawn = try Self.read(old).workload()
    #expect(drawn.arrivals == .gamma(rate: 4, burstiness: 1))
    let closed = old.replacing("\"max_concurrency\": null", with: "\"max_concurrency\": 8")
    let run = try Self.read(closed)
    #expect(run.arrivals == .closedLoop(users: 8))
    #expect(run.notices.contains { $0.contains("8 users (max_concurrency)") })
    #expect(run.workload().replay?.users == 8)
    let atOnce = old.replacing("\"request_rate\": 4.0", with: "\"request_rate\": \"inf\"")
    #expect(try Self.read(atOnce).arrivals == .allAtOnce)
    let nothing = old.replacing("\"request_rate\": 4.0, ", with: "")
    #expect(try Self.read(nothing).arrivals == .unknown)
  }

  @Test("of AIPerf leave warm-up and cancelled requests out, and heed units")
  func aiPerf() throws {
    let run = try Self.read(Self.aiperf)
    #expect(run.leftOut == 2)
    #expect(
      run.requests == [
        ObservedRequest(
          id: "a", arrivalSeconds: 0, promptTokens: 550, outputTokens: 3,
          timeToFirstTokenMs: 255.5, endToEndMs: 1000)
      ])
    #expect(run.interTokenMs == [4.5, 5.5])
    #expect(run.durationSeconds == 1)
  }

  @Test("of AIPerf in sum give statistics, lengths by quantiles, and users")
  func aiPerfSummary() throws {
    let run = try Self.read(Self.summary)
    let summary = try #require(run.summary)
    #expect(summary.requestCount == 20 && run.requestCount == 20)
    #expect(summary.timeToFirstTokenMs?.mean == 50 && summary.timeToFirstTokenMs?.p99 == 70)
    #expect(summary.endToEndMs?.p95 == 995 && summary.timePerOutputTokenMs?.p90 == nil)
    #expect(summary.outputLengths == LengthDistribution(.constant(86)))
    #expect(run.arrivals == .closedLoop(users: 4))
    let workload = run.workload()
    #expect(workload.requests == 20 && workload.isClosedLoop)
    var source = try workload.open(seed: 1)
    let first = try #require(try source.next(user: 0, afterNanoseconds: 0))
    #expect((100...200).contains(first.promptTokens) && first.outputTokens == 86)
    let rate = Self.summary.replacing("\"concurrency\": 4", with: "\"request_rate\": 2.5")
    #expect(try Self.read(rate).arrivals == .random(rate: 2.5, burstiness: 1))
    let nested = #"{"records": \#(Self.summary)}"#
    #expect(try Self.read(nested).summary?.requestCount == 20)
    #expect(try Self.read(nested).arrivals == .unknown)
  }

  @Test(
    "that are damaged are told by file, line and key",
    arguments: [
      (
        serving.replacing("\"output_toks\": 1", with: "\"output_toks\": 1.5"), ":3:1: output_toks: "
      ),
      (serving.replacing("\"queued_ts\": 6.5, ", with: ""), ":3:1: queued_ts: is missing"),
      (serving.replacing("\"queued_ts\": 6.5", with: "\"queued_ts\": 6.6"), ":3:1: scheduled_ts: "),
      (serving.replacing("\"arrival_time\": 1000.0, ", with: ""), ":3:1: arrival_time: "),
      (String(serving.dropLast(40)), ":3:1: is not a JSON object (the file may have been cut"),
      (vllm.replacing("[0.5, 0.0, 0.25]", with: "[0.5, 0.0]"), ":3:1: ttfts: has 2 elements"),
      (vllm.replacing("[0.5]],", with: "[-0.5]],"), ":4:1: itls[2][0]: is -0.5"),
      (
        vllm.replacing("[0.125, 0.25]", with: "[0.125, \"x\"]"),
        ":4:1: itls[0][1]: is not the number"
      ),
      (
        vllm.replacing("\"itls\"", with: "\"other\""),
        ":1:1: itls: is missing; run the benchmark with"
      ),
      (vllm.replacing("[10, 20, 30]", with: "[10, 20, 0]"), ":3:1: input_lens[2]: is 0.0"),
      (
        vllm.replacing("4.0", with: "\"fast\"").replacing("\"start_times\"", with: "\"s\""),
        ":1:1: request_rate: "
      ),
      (
        aiperf.replacing("\"unit\":\"s\"", with: "\"unit\":\"h\""),
        ":2:1: metrics.request_latency.unit: is 'h'"
      ),
      (
        aiperf.replacing("\"output_sequence_length\"", with: "\"other\""),
        ":2:1: metrics.output_sequence_length: is missing"
      ),
      (
        aiperf.replacing("1759813208000000000", with: "\"now\""),
        ":2:1: metadata.request_start_ns: "
      ),
      (summary.replacing("\"avg\": 900.0", with: "\"avg\": null"), ":2:1: request_latency.avg: "),
      (
        summary.replacing("\"output_sequence_length\"", with: "\"other\""),
        "output_sequence_length: is missing"
      ),
      ("{\"a\": 1}", ":1:1: has no key by which results"),
      ("[1, 2]", ":1:1: is neither a JSON object nor JSON Lines"), ("", ":1:1: is neither"),
    ])
  func damaged(text: String, expected: String) {
    let error = #expect(throws: Diagnostic.self) { try Self.read(text) }
    let words = error.map { "\($0)" } ?? ""
    #expect(words.hasPrefix("f.json") && words.contains(expected), "\(words)")
    #expect(!words.contains("\n"))
  }

  @Test("without an answered request are refused")
  func nothingAnswered() {
    let failed = Self.vllm.replacing("[3, 0, 2]", with: "[0, 0, 0]")
    let error = #expect(throws: Diagnostic.self) { try Self.read(failed) }
    #expect("\(error!)".contains("holds no request that was answered"))
    #expect(throws: MissingFile.self) { try ObservedRunReader.read(path: "/nowhere/x.json") }
  }

  @Test("survive any cut without a crash")
  func cut() {
    for text in [Self.serving, Self.vllm, Self.aiperf, Self.summary] {
      let bytes = [UInt8](text.utf8)
      for length in stride(from: 0, to: bytes.count, by: 7) {
        do {
          _ = try ObservedRunReader.read(bytes: Array(bytes.prefix(length)), file: "f")
        } catch {
          #expect(error is Diagnostic, "\(error)")
        }
      }
    }
  }

  @Test(
    "recorded by others give the published means",
    .enabled(if: SharedData.isPresent, .init(rawValue: SharedData.absence)))
  func recorded() throws {
    let folder = "llmservingsim/bench_rtxpro6000_qwen3_30b_a3b/"
    let path = try #require(SharedData.path(folder + "requests.jsonl"))
    let run = try ObservedRunReader.read(path: path)
    #expect(run.requests.count == 300)
    // summary.txt beside the file prints these with one decimal.
    let mean = { (values: [Double]) in values.reduce(0, +) / Double(values.count) }
    #expect(abs(mean(run.requests.compactMap(\.timeToFirstTokenMs)) - 1086.0) < 0.05)
    #expect(abs(mean(run.requests.compactMap(\.timePerOutputTokenMs)) - 47.3) < 0.05)
    #expect(abs(mean(run.requests.map(\.endToEndMs)) - 32_344.6) < 0.05)
  }
}
