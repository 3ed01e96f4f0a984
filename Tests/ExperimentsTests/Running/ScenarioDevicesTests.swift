// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Serving
import Testing

@testable import Experiments

/// Scenarios whose experts are spread over several devices.
@Suite("Scenarios of several devices")
struct ScenarioDevicesTests {
  private static let spread = [
    "hardware=h800-server", "cache={}", "policy=eps-moe", "serving.parallelism.expert=4",
  ]

  private static func configuration(_ overrides: [String]) throws -> ServingConfiguration {
    let tiny = try TinyScenario()
    return try Scenario.load(tiny.path, overrides: spread + overrides, library: tiny.library)
      .configuration(library: tiny.library)
  }

  @Test("the presets run, and say what they stand for")
  func runs() throws {
    for policy in ["eps-moe", "expert-parallel"] {
      let configuration = try Self.configuration(["policy=\(policy)"])
      #expect(configuration.devices == 4)
      let result = try ServingSimulation.run(configuration).result
      #expect(result.requests.completed == 6)
      #expect(result.notices.contains { $0.contains("stands for all") })
      #expect(result.utilization["gpu0.peer.out"] ?? 0 > 0)
    }
  }

  @Test("the GPUs that compute draw power, the others are idle")
  func power() throws {
    let configuration = try Self.configuration([])
    let resources = configuration.figures.parts.compactMap(\.resource)
    #expect(resources.filter { $0 == "gpu0.compute" }.count == 4 + 1)  // four GPUs and the chassis
    #expect(resources.contains("gpu4.compute"))
  }

  @Test(
    "what cannot be spread is refused",
    arguments: [
      (["serving.parallelism.expert=16"], "has 8"),
      (["serving.parallelism.expert=3"], "expected one of 1, 2, 4, 8"),
      (["hardware=rtx-4090x4-server"], "no link"),
      (["policy=lru"], "policy.schedule among: eps-moe"),
      (["serving.parallelism.expert=0"], "out of range"),
      (
        [
          "model={architectures: [LlamaForCausalLM], model_type: llama, hidden_size: 64,"
            + " intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 4, vocab_size: 64}"
        ], "no routed experts"
      ),
    ])
  func refused(overrides: [String], says: String) throws {
    let error = #expect(throws: (any Error).self) { _ = try Self.configuration(overrides) }
    let words = error.map { "\($0)" } ?? ""
    #expect(words.contains(says) && words.contains("serving.parallelism.expert"), "\(words)")
  }
}
