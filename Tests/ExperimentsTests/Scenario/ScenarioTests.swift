// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import Policies
import TestSupport
import Testing
import Workload

@testable import Experiments

@Suite("Scenarios")
struct ScenarioTests {
  let files: TemporaryLibrary

  init() throws { files = try TemporaryLibrary() }

  private func origin(_ scenario: Scenario, _ path: String) -> String {
    scenario.tree.value(at: path)?.location.description ?? "absent"
  }

  @Test("A short file is completed by defaults, the preset's roles between the two")
  func layers() throws {
    let scenario = try files.scenario(TemporaryLibrary.base)
    #expect(scenario.name == "test")
    #expect(scenario.hardware.path == "\(files.root)/hardware-profiles/small-box.yaml")
    #expect(scenario.model.text == "tiny" && scenario.runtime.text == "cuda-graphs")
    #expect(scenario.policy.preset == "greedy" && scenario.policy.eviction.name == "fifo")
    #expect(scenario.policy.prefetch.name == "all" && scenario.policy.chunks == 4)
    #expect(scenario.policy.schedule.name == "compute-as-ready" && scenario.policy.pinned)
    #expect(scenario.cache.experts == .automatic && scenario.cache.isPerLayer)
    #expect(scenario.cache.host == .automatic && scenario.cache.keyValue == .automatic)
    #expect(scenario.cache.workspaceBytes == 1 << 30 && scenario.cache.stagingBuffers == 2)
    #expect(scenario.cache.memoryFraction == 0.9 && scenario.cache.initial == .filled)
    #expect(scenario.workload == WorkloadDescription(trace: "\(files.root)/traces/requests.csv"))
    #expect(scenario.serving.maximumBatch == 4 && scenario.serving.tokenBudget == 512)
    #expect(scenario.run.seed == 1 && scenario.run.warmUp == .automatic)
    #expect(abs(scenario.cost.energyPrice - 0.15 / 3.6e6) < 1e-15)
    #expect(scenario.cost.lifetimeSeconds == 1095 * 86_400)
    #expect(
      scenario.objectives == [
        ScenarioObjective(metric: "ttft", statistic: "mean", limitSeconds: 2),
        ScenarioObjective(metric: "tpot", statistic: "p99", limitSeconds: 0.1),
      ])
    guard case .generator(let generator) = scenario.routing.source else {
      Issue.record("no generator")
      return
    }
    #expect(generator.path == "\(files.root)/traces/routing/tiny.yaml")
  }

  @Test("Every leaf knows where it comes from")
  func origins() throws {
    let scenario = try files.scenario(TemporaryLibrary.base, set: ["policy.eviction=lfu"])
    let file = "\(files.root)/scenarios/test.yaml"
    #expect(origin(scenario, "hardware") == "\(file):1:11")
    #expect(origin(scenario, "policy.preset") == "\(file):3:9")
    #expect(origin(scenario, "policy.eviction") == "--set policy.eviction=lfu")
    #expect(origin(scenario, "policy.prefetch") == "\(files.root)/policies/greedy.yaml:4:11")
    #expect(origin(scenario, "policy.schedule") == "default")
    #expect(origin(scenario, "serving.max_batch") == "default")
    #expect(origin(scenario, "slo.tpot_p99") == "\(file):5:17")
    #expect(scenario.policy.eviction.name == "lfu" && scenario.policy.prefetch.name == "all")
  }

  @Test("A role's parameters are laid over those of the preset, as long as it is the same role")
  func roleParameters() throws {
    try files.write(
      """
      name: guess
      eviction: lru
      prediction: {name: recall, recall: [96%, 0.9]}
      prefetch: {name: predicted, depth: 2}
      """, to: "policies/guess.yaml")
    func policy(_ overrides: String...) throws -> ScenarioPolicy {
      try files.scenario(TemporaryLibrary.base, set: ["policy=guess"] + overrides).policy
    }
    let plain = try policy()
    #expect(plain.prediction.name == "recall" && plain.prefetch.name == "predicted")
    #expect(plain.prediction.parameters["recall"] == [0.96, 0.9])
    #expect(plain.prefetch.parameters["depth"] == [2])
    let deeper = try policy(
      "policy.prefetch.count=1", "policy.prediction.recall=0.5", "policy.prediction.distance=3")
    #expect(deeper.prefetch.parameters.count("depth") == 2)
    #expect(deeper.prefetch.parameters.count("count") == 1)
    #expect(deeper.prediction.parameters["recall"] == [0.5])
    // Another implementation has none of the preset's parameters.
    let oracle = try policy("policy.prediction={name: oracle}")
    #expect(oracle.prediction.name == "oracle" && oracle.prediction.parameters == RoleSettings())
    let none = try policy("policy.prediction=none", "policy.prefetch={name: all}")
    #expect(none.prediction.name == "none" && none.prefetch.name == "all")
    // A plain name is completed by parameters that are set alone.
    try files.write(
      "name: deep\neviction: lru\nprediction: oracle\nprefetch: predicted\n",
      to: "policies/deep.yaml")
    let deep = try files.scenario(
      TemporaryLibrary.base, set: ["policy=deep", "policy.prefetch.depth=4"]
    ).policy
    #expect(deep.prefetch.name == "predicted" && deep.prefetch.parameters.count("depth") == 4)
    #expect(deep.label == "deep")
  }

  @Test("Overrides reach every kind of key")
  func overrides() throws {
    let scenario = try files.scenario(
      TemporaryLibrary.base,
      set: [
        "hardware=big-box", "cache.experts=12.5%", "cache.pool=global", "cache.kv=2 GiB",
        "cache={dram: 32 GiB}", "workload.rate_scale=0.25", "run.seed=99", "run.warmup=5 min",
        "policy=lru", "precision={experts: int4, kv: fp8}", "serving.max_batch=8",
        "slo.e2el_p95=50 s", "run.duration=2 h", "routing.when_exhausted=stop", "serving.beams=4",
        "policy.serial_transfers=true",
      ])
    #expect(scenario.hardware.text == "big-box")
    // A later setting of the whole replaces earlier ones of its parts.
    #expect(scenario.cache.experts == .automatic && scenario.cache.host == .bytes(32 << 30))
    #expect(scenario.workload.rateScale == 0.25 && scenario.run.seed == 99)
    #expect(scenario.run.warmUp == .seconds(300) && scenario.run.durationSeconds == 7200)
    #expect(scenario.policy.preset == "lru" && scenario.policy.prefetch.name == "none")
    #expect(scenario.precision["experts"] == .int4 && scenario.precision["kv"] == .fp8)
    #expect(scenario.precision["attention"] == nil)
    #expect(scenario.serving.beams == 4 && scenario.policy.serialTransfers)
    #expect(scenario.serving.maximumBatch == 8 && scenario.objectives.count == 3)
    #expect(scenario.routing.stopsWhenExhausted)
  }

  @Test(
    "Room for experts",
    arguments: [
      ("35%", ScenarioCache.Room.sized(.share(0.35))), ("4", .sized(.count(4))),
      ("4000 MiB", .sized(.bytes(4000 << 20))), ("all", .all), ("auto", .automatic),
    ])
  func rooms(text: String, expected: ScenarioCache.Room) throws {
    let scenario = try files.scenario(TemporaryLibrary.base, set: ["cache.experts=\(text)"])
    #expect(scenario.cache.experts == expected)
  }

  @Test("Room for keys and values")
  func keyValueRooms() throws {
    let fixed = try files.scenario(TemporaryLibrary.base, set: ["cache.kv=2 GiB"])
    #expect(fixed.cache.keyValue == .bytes(2 << 30))
    let elastic = try files.scenario(
      TemporaryLibrary.base, set: ["cache={kv: elastic, pool: global, experts_min: 3 GiB}"])
    #expect(elastic.cache.keyValue == .elastic && elastic.cache.minimumExpertBytes == 3 << 30)
    #expect(throws: Diagnostics.self) {
      _ = try files.scenario(TemporaryLibrary.base, set: ["cache.kv=elastic"])
    }
  }

  @Test("An objective is a limit on a report's figure")
  func requirement() throws {
    let scenario = try files.scenario(TemporaryLibrary.base)
    #expect(
      scenario.objectives.map(\.requirement) == ["ttft_ms.mean<=2000.0", "tpot_ms.p99<=100.0"])
  }

  @Test("An override reaches into a profile that is named")
  func insideProfile() throws {
    let scenario = try files.scenario(
      TemporaryLibrary.base, set: ["hardware.link.bandwidth=100 GB/s", "runtime.launch=1 us"])
    #expect(scenario.hardware.text == "small-box")
    let node = try #require(scenario.hardware.inline)
    #expect(node.value(at: "link.bandwidth")?.scalar == "100 GB/s")
    #expect(node["base"]?.scalar == "small-box")
    #expect(origin(scenario, "hardware.base") == "\(files.root)/scenarios/test.yaml:1:11")
    #expect(
      origin(scenario, "hardware.link.bandwidth") == "--set hardware.link.bandwidth=100 GB/s")
    #expect(scenario.runtime.inline?["launch"]?.scalar == "1 us")
    #expect(scenario.runtime.inline?["base"]?.scalar == "cuda-graphs")
    let model = try files.scenario(TemporaryLibrary.base, set: ["model.hidden_size=8"]).model
    #expect(model.text == "tiny" && model.path == "\(files.root)/models/tiny.json")
    #expect(model.inline?["hidden_size"]?.scalar == "8")
    #expect(model.inline?["model_type"]?.scalar == "mixtral")
  }

  @Test("Profiles may stand in the scenario itself")
  func inline() throws {
    let scenario = try files.scenario(
      """
      hardware: {name: mine, link: {bandwidth: 1 GB/s}}
      model: {model_type: mixtral}
      policy: {eviction: belady, schedule: load-then-compute}
      routing: {trace: experts.bin, format: topk-bytes, layers: 24, experts: 32, top_k: 4}
      workload:
        arrivals: {process: poisson, rate: 1/s}
        lengths: {prompt: 10, output: 5}
        requests: 10
      """)
    #expect(scenario.hardware.text == nil && scenario.hardware.label == "mine")
    #expect(scenario.hardware.inline?.value(at: "link.bandwidth")?.scalar == "1 GB/s")
    #expect(scenario.policy.preset == nil && scenario.policy.eviction.name == "belady")
    #expect(scenario.policy.label == "belady + load-then-compute")
    guard case .trace(let trace) = scenario.routing.source else {
      Issue.record("no trace")
      return
    }
    #expect(trace.path == "\(files.root)/traces/experts.bin" && trace.format == "topk-bytes")
    #expect(trace.layers == 24 && trace.experts == 32 && trace.topK == 4)
  }

  @Test("A rule's name stands for a policy where no preset bears it")
  func ruleAsPolicy() throws {
    let scenario = try files.scenario(TemporaryLibrary.base, set: ["policy=belady"])
    #expect(scenario.policy.preset == nil && scenario.policy.eviction.name == "belady")
    #expect(origin(scenario, "policy.eviction") == "--set policy=belady")
  }

  @Test("Relative paths count from the scenario's folder")
  func relativePaths() throws {
    let path = try files.write("arrival_s,prompt_tokens,output_tokens\n", to: "scenarios/own/a.csv")
    let scenario = try files.scenario(TemporaryLibrary.base, set: ["workload.trace=own/a.csv"])
    #expect(
      scenario.workload.trace.map { URL(filePath: $0).standardizedFileURL.path }
        == URL(filePath: path).standardizedFileURL.path)
  }

  @Test("What is resolved can be read again, and gives the same")
  func resolvedAgain() throws {
    let first = try files.scenario(
      TemporaryLibrary.base, set: ["policy.eviction=lfu", "hardware.link.bandwidth=9 GB/s"])
    try files.write(first.tree.json, to: "scenarios/again.json")
    let second = try Scenario.load("again", library: files.library)
    #expect(second.tree.json == first.tree.json)
    #expect(second.policy.eviction.name == "lfu" && second.workload == first.workload)
  }
}
