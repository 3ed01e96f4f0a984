// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Experiments
@testable import Serving

/// Scenarios of several GPUs with experts off them.
@Suite("Scenarios of several GPUs with experts off them")
struct ScenarioDivisionTests {
  private static func configuration(_ overrides: [String]) throws -> ServingConfiguration {
    let tiny = try TinyScenario()
    let base = ["hardware=rtx-4090x4-server", "policy=lru"]
    return try Scenario.load(tiny.path, overrides: base + overrides, library: tiny.library)
      .configuration(library: tiny.library)
  }

  @Test("experts are dealt out as the scenario says, and each GPU has its report and its power")
  func expertGroups() throws {
    let configuration = try Self.configuration([
      "serving={parallelism: {expert: 4}, expert_placement: round-robin}", "cache.experts=1",
    ])
    #expect(
      configuration.division
        == GPUDivision(tensor: 1, expertGroups: 4, placement: .roundRobin))
    #expect(configuration.devices == 1)
    let powered = configuration.figures.parts.compactMap(\.resource)
    for gpu in 0..<4 { #expect(powered.contains("gpu\(gpu).compute")) }
    let result = try ServingSimulation.run(configuration).result
    #expect(result.requests.completed == 6)
    #expect(result.devices?.map(\.name) == ["gpu0", "gpu1", "gpu2", "gpu3"])
    #expect(result.schemaVersion == "1.6")
    #expect(result.memory.map(\.name).filter { $0.hasSuffix("hbm") }.count == 4)
  }

  @Test("GPUs that cut the model stand for each other, and the report says so")
  func tensor() throws {
    let configuration = try Self.configuration(["serving.parallelism.tensor=2"])
    #expect(configuration.division == GPUDivision(tensor: 2))
    let result = try ServingSimulation.run(configuration).result
    #expect(result.devices == nil && result.schemaVersion == "1.6")
    #expect(result.notices.contains { $0.contains("stands for all") })
    #expect(result.timeMsPerToken.contains { $0.name == "collectives" && $0.value > 0 })
  }

  @Test(
    "a division that is not possible is refused, with those that are",
    arguments: [
      (
        "serving.parallelism.tensor=8", "parallelism.tensor",
        "8 GPUs, and rtx-4090x4-server has 4: a replica with experts off its GPUs is on one host"
      ),
      (
        "serving.parallelism.tensor=3", "parallelism.tensor",
        "32 attention heads of Qwen3-30B-A3B are not divided evenly by 3; expected one of"
          + " 1, 2, 4, 8, 16, 32"
      ),
      (
        "serving.parallelism.expert=3", "parallelism.expert",
        "128 experts are not divided evenly among 3 GPUs; expected one of 1, 2, 4"
      ),
      (
        "serving.parallelism={tensor: 2, data: 2, expert: 4}", "parallelism.data",
        "2 ranks with a part of the experts off the GPUs; expected 1, or cache.experts: all"
      ),
      (
        "serving.parallelism={tensor: 2, pipeline: 2}", "parallelism.pipeline",
        "2 stages with a part of the experts off the GPUs; expected 1, or cache.experts: all"
      ),
      (
        "serving={parallelism: {expert: 4}, expert_placement: balanced}", "expert_placement",
        "balanced, with a part of the experts off the GPUs; expected contiguous or round-robin, or"
          + " cache.experts: all"
      ),
    ])
  func refused(override: String, key: String, says: String) throws {
    let error = #expect(throws: Diagnostic.self) {
      _ = try Self.configuration(["model=qwen3-30b-a3b", override])
    }
    #expect(error?.path == "serving.\(key)")
    #expect(error?.message == says, "\(error?.message ?? "")")
  }

  @Test("with every expert on the GPUs it is a fleet of one replica")
  func fleet() throws {
    let tiny = try TinyScenario()
    let base = ["hardware=rtx-4090x4-server", "serving.parallelism.tensor=2"]
    for (experts, isFleet) in [("all", true), ("auto", true), ("50%", false), ("none", false)] {
      let scenario = try Scenario.load(
        tiny.path, overrides: base + ["cache.experts=\(experts)"], library: tiny.library)
      #expect(scenario.isFleet == isFleet, "\(experts)")
    }
  }
}
