// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import ModelDescriptors
import Testing

@testable import Policies

/// Figures of MoE-Lightning (arXiv 2411.11217) and its artifact (caoshiyi/artifacts, branch asplos25).
@Suite("MoE-Lightning's optimiser")
struct HierarchicalRooflineTests {
  private func mixtral() throws -> HierarchicalRoofline.Shape {
    let config = try ConfigurationNode.parse(
      """
      {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "hidden_size": 4096,
       "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
       "num_key_value_heads": 8, "vocab_size": 32000, "num_local_experts": 8,
       "num_experts_per_tok": 2, "max_position_embeddings": 32768,
       "tie_word_embeddings": false, "torch_dtype": "bfloat16"}
      """, file: "mixtral.json")
    return try #require(HierarchicalRoofline.Shape(try ModelDescriptor.read(config, name: "m")))
  }

  private func roofline(
    _ machine: HierarchicalRoofline.Machine = .publishedL4, prompt: Double = 77, output: Double
  ) throws -> HierarchicalRoofline {
    HierarchicalRoofline(
      machine: machine, shape: try mixtral(), prompt: prompt, output: output)
  }

  @Test("the README's policy for 32 tokens on the L4, to its last digit")
  func published() throws {
    let found = try #require(try roofline(output: 32).search())
    #expect(found.microBatchSize == 324 && found.microBatches == 14)
    #expect(abs(found.residentShare - 0.055884688) < 1e-9)
    #expect(abs(found.throughput - 944.66) < 0.005)
  }

  @Test("its terms by hand: the link's as printed; the others are bounds of what is printed")
  func terms() throws {
    let time = try #require(
      try roofline(output: 32).layerTime(
        size: 324, microBatches: 14, residentShare: 0.055884688))
    // 6 · 4096 · 14336 · 8 · (1 − 0.0559) / 2³⁴
    #expect(abs(time.link - 0.1549) < 0.00005)
    // 14 · (2 · 324 · (4096 + 14336) + 2,818,572,288) / (285 · 2³⁰)
    #expect(abs(time.device - 0.12950) < 0.00005)
    // 14 · (4 · 324 · 4096 + 4 · 324 · 109 · 1024) / (76 · 2³⁰)
    #expect(abs(time.host - 0.025728) < 0.00001)
    #expect(time.longest == time.link)
  }

  @Test(
    "the README's policies for 64 and 128 tokens, where the search has no near ties",
    arguments: [(64.0, 228, 16), (128, 164, 16)])
  func others(output: Double, size: Int, count: Int) throws {
    let found = try #require(try roofline(output: output).search())
    #expect(found.microBatchSize == size && found.microBatches == count)
  }

  @Test("less host memory, fewer sequences; none at all, no policy")
  func memory() throws {
    var small = HierarchicalRoofline.Machine.publishedL4
    small.hostBytes *= 0.8
    let less = try #require(try roofline(small, output: 32).search())
    let more = try #require(try roofline(output: 32).search())
    #expect(less.microBatchSize * less.microBatches < more.microBatchSize * more.microBatches)
    small.hostBytes = 50e9
    #expect(try roofline(small, output: 32).search() == nil)
    let other = HierarchicalRoofline(machine: small, shape: nil, prompt: 77, output: 32)
    #expect(other.search() == nil && other.misfit.contains("micro_batch"))
  }

  @Test("a fixed size or number is kept")
  func fixed() throws {
    let sized = try #require(try roofline(output: 32).search(microBatchSize: 100))
    #expect(sized.microBatchSize == 100)
    let counted = try #require(try roofline(output: 32).search(microBatches: 3))
    #expect(counted.microBatches == 3)
    let bounded = try #require(try roofline(output: 32).search(mostSequences: 500))
    #expect(bounded.microBatchSize * bounded.microBatches <= 500)
  }
}
