// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving
import TestSupport
import Testing

@testable import Experiments

@Suite("Features of batching in scenarios")
struct BatchFeatureScenarioTests {
  private func scenario(_ overrides: [String]) throws -> Scenario {
    try TemporaryLibrary().scenario(TemporaryLibrary.base, set: overrides)
  }

  @Test("are off where a scenario says nothing of them")
  func defaults() throws {
    let serving = try scenario([]).serving
    #expect(serving.keyValueBlocks == nil && !serving.sharesPrefixes)
    #expect(serving.preemption == .recompute && serving.scheduling == .firstComeFirstServed)
  }

  @Test("are read as they are written")
  func written() throws {
    let scenario = try scenario([
      "serving.kv_blocks=12345", "serving.prefix_cache=true", "serving.preemption=swap",
      "cache.swap=4 GiB", "serving.scheduling=priority",
    ])
    #expect(scenario.serving.keyValueBlocks == 12345 && scenario.serving.sharesPrefixes)
    #expect(scenario.serving.preemption == .swap && scenario.cache.swapBytes == 4 << 30)
    #expect(scenario.serving.scheduling == .priority)
  }

  @Test(
    "are refused where they have no meaning, at the key that is to be changed",
    arguments: [
      (["serving.preemption=swap"], "serving.preemption"), (["cache.swap=1 GiB"], "cache.swap"),
      (["serving.kv_blocks=100", "cache.kv=1 GiB"], "serving.kv_blocks"),
      (["workload.priorities=[{priority: 1, share: 10%}]"], "serving.scheduling"),
      (["serving.scheduling=priority", "policy.admission=expert-queues"], "serving.scheduling"),
      (["serving.kv_blocks=0"], "serving.kv_blocks"),
    ])
  func refusals(overrides: [String], path: String) throws {
    do {
      _ = try scenario(overrides)
      Issue.record("\(overrides) was accepted")
    } catch let error as Diagnostics {
      #expect(error.all.count == 1)
      #expect(error.all.first?.path == path)
    }
  }

  @Test(
    "a runtime's own defaults stand where the scenario says nothing",
    arguments: [("vllm", 0.9, 16), ("tensorrt-llm", 0.9, 32), ("sglang", 0.87, 1)])
  func runtimes(name: String, share: Double, block: Int) throws {
    let shipped = DataLibrary(roots: [Checkout.root.path])
    let scenario = { (overrides: [String]) in
      try Scenario.load("quickstart", overrides: overrides, library: shipped)
    }
    let plain = try scenario(["runtime=\(name)"])
    #expect(plain.cache.memoryFraction == share)
    #expect(plain.serving.keyValueBlockTokens == block)
    let own = try scenario([
      "runtime=\(name)", "cache.memory_fraction=0.5", "serving.kv_block=8",
    ])
    #expect(own.cache.memoryFraction == 0.5 && own.serving.keyValueBlockTokens == 8)
    let changed = try scenario([
      "runtime={base: \(name), memory_fraction: {value: 0.7, source: measured}}"
    ])
    #expect(changed.cache.memoryFraction == 0.7)
    #expect(changed.serving.keyValueBlockTokens == block)
  }
}
