// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite("moesim calibrate import")
struct CalibrateImportCommandTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func file(_ name: String, _ text: String) throws -> String {
    try scratch.write(text, to: name)
  }

  private static let table = """
    kernel_source,gemm_dtype,m,n,k,latency_ms
    a,bfloat16,4096,16384,16384,3.05249
    b,fp8,1,8,8,0.5

    """

  @Test("Rows go to standard output, the summary to standard error")
  func streams() throws {
    let path = try file("gemm_l40s_x.csv", Self.table)
    let outcome = try Program.run(["calibrate", "import", "--from", "aiconfigurator", path])
    #expect(outcome.code == 0)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines[0].contains(#""median_s":0.00305249,"#), "\(lines[0])")
    #expect(outcome.errors.contains("2 rows from aiconfigurator"))
    #expect(
      outcome.errors.contains("1 × gemm bf16 on NVIDIA L40S: m 4096, n 16384, k 16384, 3.05 ms"))
  }

  @Test("The name of the output says its format, --format goes before it")
  func formats() throws {
    let path = try file("gemm_l40s_x.csv", Self.table)
    let out = scratch.path("out.csv")
    let base = ["calibrate", "import", "--from", "aiconfigurator", path, "--out", out]
    #expect(try Program.run(base).code == 0)
    #expect(
      try String(contentsOfFile: out, encoding: .utf8).hasPrefix(
        "device,kernel,implementation,m,n,k,precision,median_s,source\nNVIDIA L40S,gemm,a,4096,"))
    #expect(try Program.run(base + ["--format", "jsonl", "--device", "D"]).code == 0)
    #expect(try String(contentsOfFile: out, encoding: .utf8).hasPrefix(#"{"device":"D","#))
  }

  @Test("What fails says so by its exit code and leaves the output as it was")
  func failures() throws {
    let good = try file("gemm_l40s_x.csv", Self.table)
    let bad = try file("gemm_l40s_y.csv", Self.table + "c,fp8,1,8,8,-1\n")
    let out = try file("out.jsonl", "before")
    func run(_ files: [String], _ more: [String] = []) throws -> Program.Outcome {
      try Program.run(
        ["calibrate", "import", "--from", "aiconfigurator"] + files + ["--out", out] + more)
    }
    let outcome = try run([good, bad])
    #expect(outcome.code == 65)
    #expect(
      outcome.errors.contains("gemm_l40s_y.csv:4:13: latency_ms: expected a number above 0"),
      "\(outcome.errors)")
    #expect(try run(["/nowhere.csv"]).code == 66)
    #expect(try run([good], ["--model", "mixtral-8x7b"]).code == 64)
    #expect(try run([good], ["--buffer", "1 MiB"]).code == 64)
    #expect(try String(contentsOfFile: out, encoding: .utf8) == "before")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.path("")).sorted() == [
        "gemm_l40s_x.csv", "gemm_l40s_y.csv", "out.jsonl",
      ])
    let unknown = try Program.run(["calibrate", "import", "--from", "nvbandwith", good])
    #expect(unknown.code == 64)
    #expect(unknown.errors.contains("did you mean 'nvbandwidth'?"))
  }

  @Test("The model gives shapes, the buffer bytes")
  func options() throws {
    let layers = try file(
      "tp2_layers.csv", "layer_name,input,kv_cache,tp_size,latency(ns)\nexpert.w1,7,0,2,16000\n")
    let outcome = try Program.run([
      "calibrate", "import", "--from", "llmservingsim", layers, "--model", "mixtral-8x7b",
      "--device", "D",
    ])
    #expect(outcome.output.contains(#""m":7,"n":7168,"k":4096"#), "\(outcome.errors)")
    let copies = try file(
      "nv.txt", "Running host_to_device_memcpy_ce.\n      0\n 0   50.00\n")
    let copied = try Program.run([
      "calibrate", "import", "--from", "nvbandwidth", copies, "--device", "D", "--buffer", "1 MiB",
    ])
    #expect(copied.output.contains(#""bytes":1048576"#), "\(copied.errors)")
    let wrong = try Program.run([
      "calibrate", "import", "--from", "nvbandwidth", copies, "--device", "D", "--buffer", "1 ms",
    ])
    #expect(wrong.code == 64)
  }
}
