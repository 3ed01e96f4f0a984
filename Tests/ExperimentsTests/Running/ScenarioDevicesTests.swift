// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Experiments
@testable import Policies
@testable import Serving

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

  /// The tokens of a device from which on splitting DeepSeek-V2's experts into groups pays.
  private static func threshold(groups: Int) throws -> Int {
    let configuration = try Self.configuration([
      "model=deepseek-v2", "serving.parallelism.expert=8",
    ])
    let group = DeviceGroup(devices: 8, attention: .data)
    let costs = StepGraphCosts(
      configuration, rates: GraphRates(configuration.figures, timing: configuration.timing),
      group: group)
    let pipeline = ExpertPipeline()
    let pays = { (tokens: Int) in
      let load = ExpertLoad(
        tokens: 8 * tokens, choices: 6, experts: 160, used: 160, rowElements: 5120,
        elementBytes: 2)
      return pipeline.pays(
        pipeline.work(layer: 1, load: load, group: group), groups: groups, costs)
    }
    let first = try #require((1...200).first { pays(100 * $0) }) * 100
    for tokens in stride(from: first, to: 20_000, by: 500) { #expect(pays(tokens)) }
    return first
  }

  @Test("splitting DeepSeek-V2's experts pays from some tokens on")
  func condition() throws {
    // 1700 are published, without unit and number of groups. By this timing five groups pay from 1700
    // tokens of a device on, two from the fewest tried: each group launches three kernels more, and
    // reads its weights with another ramp. The bounds leave room for other launch overheads.
    let two = try Self.threshold(groups: 2)
    let five = try Self.threshold(groups: 5)
    #expect(two <= five)
    #expect((100...1700).contains(two))
    #expect((1200...2400).contains(five))
  }
}
