// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// `moesim simulate --uncertainty`.
@Suite("Uncertainty command")
struct UncertaintyCommandTests {
  private static let machine =
    "hardware={base: rtx-4090-desktop, gpu: {timing: {source: made up,"
    + " gemm: {fp16: {residuals: {median: 5%, p90: 20%, points: 50}}}}}}"

  private static func run(_ arguments: [String]) throws -> Program.Outcome {
    try Program.run(
      ["simulate", "quickstart", "--set", "workload.requests=6", "--set", "run.improvements=false"]
        + arguments)
  }

  @Test("prints intervals below the report, and requires them")
  func intervals() throws {
    let run = try Self.run([
      "--set", Self.machine, "--uncertainty", "3", "--require",
      "uncertainty.figures.tpot_ms.p50.high<=0.001",
    ])
    #expect(run.code == 2, "\(run.errors)")
    #expect(run.output.contains("How sure: kernel timings"))
    #expect(run.output.contains("3 runs on the same"))
    let words = run.output.split { $0.isWhitespace }.joined(separator: " ")
    #expect(words.contains("gemm fp16 (5.0 %)"))
    #expect(run.output.contains("throughput.output_tokens_per_second"))
  }

  @Test("takes twenty runs without a number, and prints the same bytes again")
  func deterministic() throws {
    let arguments = ["--set", Self.machine, "--format", "json", "--uncertainty"]
    let (first, second) = (try Self.run(arguments), try Self.run(arguments))
    #expect(first.code == 0, "\(first.errors)")
    #expect(first.output.contains("\"schema_version\": \"1.6\""))
    #expect(first.output.contains("\"replications\": 20"))
    let part = { (text: String) in
      text.components(separatedBy: "\"uncertainty\"").last?.components(separatedBy: "]").first
    }
    #expect(part(first.output) == part(second.output))
    let plain = try Self.run(["--set", Self.machine, "--format", "json"])
    #expect(!plain.output.contains("uncertainty"))
  }

  @Test("is 65 where nothing was fitted, 64 for too few runs")
  func refused() throws {
    let unknown = try Self.run(["--uncertainty"])
    #expect(unknown.code == 65 && unknown.output.isEmpty)
    #expect(unknown.errors.contains("none of the laws"))
    #expect(try Self.run(["--set", Self.machine, "--uncertainty", "1"]).code == 64)
  }
}
