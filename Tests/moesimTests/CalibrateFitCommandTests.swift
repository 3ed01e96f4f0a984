// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite("moesim calibrate fit and check")
struct CalibrateFitCommandTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// 96 products on an A100, in a third more than the data sheet's time.
  private func table(_ name: String = "t.jsonl") throws -> String {
    var text = ""
    for n in [1_024, 4_096, 11_008, 14_336] {
      for k in [1_024, 4_096, 8_192] {
        for m in [2, 4, 16, 64, 256, 1_024, 4_096, 8_192] {
          let seconds = max(
            2.0 * Double(m * n * k) / 230e12, 2 * Double(m * n + n * k + m * k) / 1.5e12)
          text +=
            #"{"device":"NVIDIA A100 80 GB SXM","kernel":"gemm","m":\#(m),"n":\#(n),"k":\#(k),"#
            + #""precision":"bf16","median_s":\#(seconds * 1.1 + 4e-6),"source":"made up","#
            + "\"date\":\"2025-01-02\"}\n"
        }
      }
    }
    return try scratch.write(text, to: name)
  }

  private func run(_ arguments: [String]) throws -> Program.Outcome {
    try Program.run(["calibrate"] + arguments)
  }

  private var files: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: scratch.path("")).sorted() }
  }

  @Test("A fitted machine is judged better than the standard one, and simulates")
  func roundTrip() throws {
    let (table, out) = (try table(), scratch.path("mine.yaml"))
    let fit = try run([
      "fit", table, "--profile", "a100-sxm-server", "--out", out, "--report",
      scratch.path("report"), "--format", "json",
    ])
    #expect(fit.code == 0, "\(fit.errors)")
    let records = try #require(
      try JSONSerialization.jsonObject(with: Data(fit.output.utf8)) as? [[String: Any]])
    #expect(records.count == 1 && records[0]["points"] as? Int == 96)
    #expect(records[0]["median"] as? Double ?? 1 < 0.05)
    let report = try String(contentsOfFile: scratch.path("report/report.md"), encoding: .utf8)
    #expect(report.contains("## gemm fp16: bf16"))
    let plot = try Data(contentsOf: URL(filePath: scratch.path("report/errors.vl.json")))
    #expect(try JSONSerialization.jsonObject(with: plot) is [String: Any])
    func median(_ profile: String, _ more: [String] = []) throws -> Double {
      let check = try run(["check", table, "--profile", profile, "--format", "json"] + more)
      #expect(check.code == 0, "\(check.errors)")
      let records = try JSONSerialization.jsonObject(with: Data(check.output.utf8))
      return (records as? [[String: Any]])?.first?["median"] as? Double ?? .infinity
    }
    let (own, standard) = (try median(out), try median("a100-sxm-server"))
    #expect(own < 0.05 && standard > own, "\(own) \(standard)")
    // Carried from itself, all but the grid stays.
    #expect(try median("a100-sxm-server", ["--transfer-from", out]) < standard)
    let laws = try run([
      "fit", table, "--profile", "a100-sxm-server", "--out", scratch.path("l.yaml"), "--laws-only",
    ])
    #expect(laws.code == 0)
    let text = try String(contentsOfFile: scratch.path("l.yaml"), encoding: .utf8)
    #expect(text.contains("\nsource: \"fitted to 96 timings of made up, 2025-01-02\"\n"), "\(text)")
    try scratch.write(
      "base: a100-sxm-server\nname: x\ngpu: {timing: \(scratch.path("l.yaml"))}\n", to: "x.yaml")
    #expect(abs(try median(scratch.path("x.yaml")) - own) < 1e-9)
  }

  @Test("The same table and seed give the same profile")
  func determinism() throws {
    let table = try table()
    let texts = try ["a", "b"].map { folder in
      try FileManager.default.createDirectory(
        atPath: scratch.path(folder), withIntermediateDirectories: true)
      let out = scratch.path("\(folder)/m.yaml")
      _ = try run(["fit", table, "--profile", "a100-sxm-server", "--out", out])
      return try String(contentsOfFile: out, encoding: .utf8)
    }
    #expect(texts[0] == texts[1])
  }

  @Test("What fails says so once, by its exit code, and leaves the output as it was")
  func failures() throws {
    let table = try table()
    let bad = try scratch.write("{\"device\":\"D\",\"kernel\":\"gemm\",\"m\":1}\n", to: "bad.jsonl")
    let copies = try scratch.write(
      #"{"device":"D","kernel":"copy","bytes":9,"direction":"h2d","median_s":1,"source":"s"}"#
        + "\n",
      to: "copies.jsonl")
    let (out, report) = (try scratch.write("before", to: "out.yaml"), scratch.path("report"))
    let before = try files
    let profile = ["--profile", "a100-sxm-server"]
    let fit = ["--out", out, "--report", report]
    let cases: [(arguments: [String], code: Int32, message: String)] = [
      (["fit", "/nowhere.jsonl"] + profile + fit, 66, "/nowhere.jsonl"),
      (["fit", bad] + profile + fit, 65, "bad.jsonl:1"),
      (["fit", copies] + profile + fit, 65, "no rows that can be fitted"),
      (["fit", table, "--profile", "a100-sxm-servr"] + fit, 66, "did you mean 'a100-sxm-server'?"),
      (["fit", table, "--profile", bad] + fit, 65, "bad.jsonl"),
      (["fit", table] + fit, 64, "--profile"),
      (["fit"] + profile + fit, 64, "tables"),
      (["fit", table] + profile + fit + ["--format", "xml"], 64, "xml"),
      (["fit", table] + profile + fit + ["--folds", "1"], 64, "--folds is from 2 to 100"),
      (["fit", table] + profile + fit + ["--folds", "x"], 64, "--folds"),
      (["fit", table] + profile + ["--laws-only"], 64, "--laws-only needs --out"),
      (["check", "/nowhere.jsonl"] + profile + ["-o", out], 66, "/nowhere.jsonl"),
      (["check", bad] + profile + ["-o", out], 65, "bad.jsonl:1"),
      (["check", copies] + profile + ["-o", out], 65, "no rows that can be judged"),
      (["check", table, "--profile", "nothing"], 66, "nothing"),
      (["check", table, "--transfer-from", "nothing"] + profile, 66, "nothing"),
      (["check", table, "--worst", "-1"] + profile, 64, "--worst"),
      (["check", table, "--format", "xml"] + profile + ["-o", out], 64, "xml"),
    ]
    for (arguments, code, message) in cases {
      let outcome = try run(arguments)
      #expect(outcome.code == code, "\(arguments): \(outcome.errors)")
      #expect(outcome.errors.contains(message), "\(arguments): \(outcome.errors)")
      #expect(outcome.output.isEmpty, "\(arguments): \(outcome.output)")
      // A table in place of a profile lacks many keys.
      if code != 64, !arguments.contains(["--profile", bad]) {
        let told = outcome.errors.split(separator: "\n").filter {
          !$0.contains("the timings are of") && !$0.contains("are not")
        }
        #expect(told.count == 1, "\(outcome.errors)")
      }
    }
    #expect(try files == before)
    #expect(try String(contentsOfFile: out, encoding: .utf8) == "before")
  }

  @Test("Output that cannot be written is told")
  func unwritable() throws {
    let base = ["fit", try table(), "--profile", "a100-sxm-server"]
    for option in ["--out", "--report"] {
      let outcome = try run(base + [option, "/dev/null/x.yaml"])
      #expect(outcome.code == 74, "\(option): \(outcome.errors)")
      #expect(outcome.errors.contains("/dev/null/x.yaml"))
    }
    let check = try run([
      "check", scratch.path("t.jsonl"), "--profile", "a100-sxm-server", "-o", "/dev/null/x",
    ])
    #expect(check.code == 74)
  }

  @Test("The worst points are listed, timings of another device told")
  func worst() throws {
    let table = try table()
    let check = try run(["check", table, "--profile", "h100-sxm-server", "--worst", "2"])
    #expect(check.code == 0)
    #expect(check.errors.contains("the timings are of NVIDIA A100 80 GB SXM"))
    #expect(check.output.contains("Predicted (us)"))
  }
}
