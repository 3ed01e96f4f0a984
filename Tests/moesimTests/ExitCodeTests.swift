// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@Suite("Exit codes")
struct ExitCodeTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  @Test(
    "Results leave standard error empty", .timeLimit(.minutes(2)),
    arguments: [
      ["--help"], ["help", "cache"], ["list", "hardware"], ["list", "runtimes"],
      ["list", "models"],
      ["list", "policies"], ["list", "traces"], ["list", "scenarios"],
      ["show", "hardware", "rtx-4090-desktop"], ["show", "runtime", "cuda-graphs"],
      ["show", "model", "mixtral-8x7b"], ["show", "scenario", "quickstart"],
      ["check", "scenarios/quickstart.yaml"], ["trace", "inspect", "conversation-sample.csv"],
      ["trace", "inspect", "mixtral-sample"],
    ])
  func success(arguments: [String]) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty && outcome.output.count > 20)
  }

  @Test(
    "Wrong usage is 64",
    arguments: [
      ["nonsense"], ["list", "cars"], ["list"], ["cache"], ["trace", "fit"],
      ["cache", "x.csv", "--capacity", "50%", "--pool", "some"],
      ["trace", "generate", "traces/conversation.yaml"],
      ["trace", "generate", "traces/routing/uniform.yaml"],
      ["trace", "import", "conversation-sample.csv", "--rate-scale", "0"],
      ["show", "hardware"],
    ])
  func usage(arguments: [String]) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.code == 64, "\(arguments): \(outcome.errors)")
    #expect(outcome.output.isEmpty && !outcome.errors.isEmpty)
  }

  @Test(
    "Missing input is 66, with what was probably meant",
    arguments: [
      (["simulate", "quickstrat"], "did you mean 'quickstart'"),
      (["show", "hardware", "rtx-4900-desktop"], "did you mean 'rtx-4090-desktop'"),
      (["show", "model", "mixtral-8x7"], "did you mean 'mixtral-8x7b'"),
      (["show", "scenario", "quickstart", "--set", "workload.trace=nothing.csv"], "nothing.csv"),
      (["trace", "inspect", "/nowhere/a.csv"], "/nowhere/a.csv"),
      (["cache", "/nowhere/a.bin", "--capacity", "50%"], "/nowhere/a.bin"),
      (["check", "/nowhere/a.yaml"], "/nowhere/a.yaml"),
    ])
  func missing(arguments: [String], says: String) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.code == 66, "\(arguments): \(outcome.errors)")
    #expect(outcome.errors.contains(says) && outcome.output.isEmpty, "\(outcome.errors)")
  }

  @Test("Bad data is 65, with every place")
  func badData() throws {
    let scenario = try scratch.write(
      "hardware: rtx-4090-desktop\nmodel: mixtral-8x7b\ncolour: red\nworkload: {rate_scale: -1}\n",
      to: "bad.yaml")
    for arguments in [
      ["simulate", scenario], ["show", "scenario", scenario], ["check", scenario],
    ] {
      let outcome = try Program.run(arguments)
      #expect(outcome.code == 65, "\(arguments): \(outcome.errors)")
      #expect(outcome.errors.contains("bad.yaml:3:1: colour"), "\(outcome.errors)")
      #expect(outcome.errors.contains("bad.yaml:4:"), "\(outcome.errors)")
    }
    let trace = try scratch.write(
      "arrival_s,prompt_tokens,output_tokens\n0,1,1\n1,-2,1\n0.5,1,1\n2,1,x\n", to: "bad.csv")
    let checked = try Program.run(["check", trace])
    #expect(checked.code == 65)
    for place in ["bad.csv:3:3", "bad.csv:5:5"] { #expect(checked.errors.contains(place)) }
    #expect(try Program.run(["trace", "inspect", trace]).code == 65)
    let model = try scratch.write("{\"model_type\": \"mixtral\"}", to: "bad.json")
    #expect(try Program.run(["check", model]).code == 65)
    let mismatch = try scratch.write(
      "hardware: rtx-4090-desktop\nmodel: olmoe-1b-7b\nworkload: conversation-sample.csv\n"
        + "routing: {trace: traces/routing/mixtral-sample.moesim}\n", to: "mismatch.yaml")
    let mixed = try Program.run(["check", mismatch])
    #expect(mixed.code == 65 && mixed.errors.contains("top-2"), "\(mixed.errors)")
    let routing = try scratch.write("not a routing trace", to: "bad.bin")
    #expect(try Program.run(["cache", routing, "--capacity", "50%"]).code == 65)
  }

  @Test("check lists what is right beside what is wrong")
  func checkMany() throws {
    let bad = try scratch.write("eviction: lur\nname: a\nsummary: b\nsource: c\n", to: "bad.yaml")
    let outcome = try Program.run(["check", "policies/lru.yaml", bad, "/nowhere.yaml"])
    #expect(outcome.code == 65)
    #expect(outcome.output == "policies/lru.yaml: policy preset lru, right\n")
    #expect(outcome.errors.contains("did you mean 'lru'") && outcome.errors.contains("/nowhere"))
  }

  @Test("check judges a timeline by what a viewer would draw")
  func checkTimeline() throws {
    let timeline = scratch.path("run.json")
    let run = try Program.run([
      "simulate", "quickstart", "--set", "workload.requests=1", "--set", "run.improvements=false",
      "--set", "workload.lengths={prompt: 8, output: 3}", "--timeline", timeline,
    ])
    #expect(run.code == 0, "\(run.errors)")
    let right = try Program.run(["check", timeline])
    #expect(right.code == 0 && right.output.contains("timeline of"), "\(right.errors)")
    let whole = try String(contentsOfFile: timeline, encoding: .utf8)
    let cut = try scratch.write(String(whole.prefix(whole.count / 2)), to: "cut.json")
    #expect(try Program.run(["check", cut]).code == 65)
  }

  @Test("A pipe gets every row of a listing whole")
  func wholeRows() throws {
    let outcome = try Program.shell("env -u COLUMNS $moesim list hardware")
    let lines = outcome.output.split(separator: "\n")
    #expect(outcome.output.contains("DRAM") && !outcome.output.contains("~"))
    #expect(lines.contains { $0.hasPrefix("h100-sxm-server") && $0.hasSuffix("two sockets") })
  }

  @Test(
    "A model without routing of its own says so; one without experts needs none",
    arguments: [
      ("qwen3-30b-a3b", "typical"), ("mixtral-8x7b", "generator mixtral-8x7b"),
      ("llama-3.1-8b", "no experts"),
    ])
  func routingByDefault(model: String, source: String) throws {
    let outcome = try Program.run([
      "simulate", "quickstart", "--set", "model=\(model)", "--set", "workload.requests=1", "--set",
      "run.improvements=false", "--set", "workload.lengths={prompt: 8, output: 3}",
    ])
    #expect(outcome.code == 0 && outcome.output.contains(source), "\(outcome.errors)")
    #expect(outcome.output.contains("an assumption; name a trace") == (source == "typical"))
  }

  @Test("Everything that ships is right")
  func checkAll() throws {
    let outcome = try Program.shell(
      "$moesim check scenarios/*.yaml policies/*.yaml hardware-profiles/*.yaml "
        + "hardware-profiles/runtimes/*.yaml hardware-profiles/parts/*/*.yaml models/* "
        + "traces/*.csv traces/*.yaml traces/routing/*.yaml")
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(outcome.output.split(separator: "\n").count > 60)
  }

  @Test(
    "A full disk is 74", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")),
    arguments: [
      "--help", "list models", "show hardware rtx-4090-desktop", "show scenario quickstart",
      "trace inspect conversation-sample.csv", "check policies/lru.yaml",
      "trace generate traces/conversation.yaml --requests 5",
      "trace import conversation-sample.csv",
      "trace fit conversation-sample.csv",
    ])
  func fullDisk(arguments: String) throws {
    let outcome = try Program.shell("$moesim \(arguments) > /dev/full")
    #expect(outcome.code == 74, "\(outcome.errors)")
    #expect(outcome.errors.contains("No space left on device"), "\(outcome.errors)")
  }

  @Test("A file that cannot be written is 74")
  func unwritable() throws {
    for arguments in [
      ["list", "models", "-o", "/nowhere/a.txt"],
      ["trace", "generate", "traces/conversation.yaml", "--requests", "5", "-o", "/nowhere/a.csv"],
      [
        "trace", "generate", "traces/routing/mixtral-8x7b.yaml", "--sequences", "1", "--tokens",
        "1", "-o", "/nowhere/a.bin",
      ],
    ] {
      let outcome = try Program.run(arguments)
      #expect(outcome.code == 74, "\(arguments): \(outcome.errors)")
    }
  }

  @Test("A reader that goes away is no error")
  func brokenPipe() throws {
    let outcome = try Program.shell(
      "$moesim trace generate traces/conversation.yaml --requests 200000 | head -n 1")
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(outcome.output.split(separator: "\n").count == 1)
  }

  @Test("What does not fit is 3, with what would")
  func doesNotFit() throws {
    let outcome = try Program.run(["simulate", "quickstart", "--set", "cache.experts=all"])
    #expect(outcome.code == 3, "\(outcome.errors)")
    #expect(outcome.output.isEmpty && outcome.errors.contains("would fit"), "\(outcome.errors)")
  }

  @Test("A limit that is missed is 2, one that is met 0, one of nothing 64")
  func limits() throws {
    let base = [
      "simulate", "quickstart", "--set", "workload.requests=2", "--set", "run.improvements=false",
      "--format", "json", "--require",
    ]
    #expect(try Program.run(base + ["requests.completed>=2"]).code == 0)
    let missed = try Program.run(base + ["requests.completed>2"])
    #expect(missed.code == 2 && missed.errors.contains("requests.completed"), "\(missed.errors)")
    #expect(!missed.output.isEmpty)
    #expect(try Program.run(base + ["requests.complete>2"]).code == 64)
  }
}
