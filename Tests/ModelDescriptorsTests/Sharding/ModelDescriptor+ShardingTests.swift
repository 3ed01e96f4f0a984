// SPDX-License-Identifier: GPL-3.0-or-later

import TestSupport
import Testing
import Units

@testable import ModelDescriptors

@Suite("Cutting models among GPUs")
struct ModelShardingTests {
  private static func model(_ name: String) throws -> ModelDescriptor {
    try ModelDescriptor.load(
      configPath: Checkout.root.appending(path: "models/\(name).json").path(percentEncoded: false))
  }

  @Test(
    "the parts of routed experts and of divided heads add up to the whole",
    arguments: [
      ("mixtral-8x7b", 8), ("qwen3-30b-a3b", 4), ("deepseek-v3", 8), ("gpt-oss-120b", 8),
      ("qwen3-next-80b-a3b", 2),
    ])
  func sums(name: String, parts: Int) throws {
    let whole = try Self.model(name)
    let shard = try whole.shard(ModelDivision(tensor: parts, expertShards: parts))
    let plan = PrecisionPlan.bf16
    let (all, part) = (whole.bytes(under: plan), shard.bytes(under: plan))
    let biases = whole.layers.compactMap(\.mixture).first!.expert.hasBias
    #expect(biases || part.experts * Int64(parts) == all.experts)
    // Norms, routers and latents are on each.
    #expect(part.nonExpert * Int64(parts) >= all.nonExpert)
    #expect(part.nonExpert < all.nonExpert)
    var load = AttentionLoad()
    load.addDecode(visible: 1000, span: .full)
    for (left, right) in zip(whole.layers, shard.layers)
    where left.attention.kind == "GQA" || left.attention.kind == "MHA" {
      let (one, other) = (left.costs(under: plan), right.costs(under: plan))
      let ratio = one.attentionWork(load).decode.flop / other.attentionWork(load).decode.flop
      #expect(abs(ratio - Double(parts)) < 1e-9)
    }
  }

  @Test("experts are cut apart from the rest")
  func expertsAlone() throws {
    let whole = try Self.model("mixtral-8x7b")
    let shard = try whole.shard(ModelDivision(tensor: 4, expertShards: 1))
    #expect(shard.bytes(under: .bf16).perExpert == whole.bytes(under: .bf16).perExpert)
    #expect(
      shard.keyValueBytesPerToken(under: .bf16) * 4 == whole.keyValueBytesPerToken(under: .bf16))
    #expect(try whole.shard(.whole) == whole)
  }

  @Test("heads of keys and values are copied where there are fewer than GPUs")
  func sharedHeads() throws {
    // Two heads of keys and values on four GPUs: one on each.
    let whole = try Self.model("qwen3-next-80b-a3b")
    let shard = try whole.shard(ModelDivision(tensor: 4, expertShards: 4))
    #expect(
      shard.keyValueBytesPerToken(under: .bf16) * 2 == whole.keyValueBytesPerToken(under: .bf16))
    #expect(
      shard.stateBytesPerSequence(under: .bf16) * 4 == whole.stateBytesPerSequence(under: .bf16))
  }

  @Test("a latent row is on every GPU")
  func latent() throws {
    let whole = try Self.model("deepseek-v3")
    let shard = try whole.shard(ModelDivision(tensor: 8, expertShards: 8))
    #expect(shard.keyValueBytesPerToken(under: .bf16) == whole.keyValueBytesPerToken(under: .bf16))
  }

  @Test(
    "a number that leaves unequal parts is refused with those that do not",
    arguments: [
      ("mixtral-8x7b", 3, 1, "32 attention heads", "1, 2, 4, 8, 16, 32"),
      (
        "qwen3-30b-a3b", 1, 7, "768 columns of an expert",
        "1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64"
      ),
      ("qwen3-next-80b-a3b", 6, 1, "16 attention heads", "1, 2, 4, 8, 16"),
    ])
  func uneven(name: String, tensor: Int, shards: Int, part: String, possible: String) throws {
    let whole = try Self.model(name)
    do {
      _ = try whole.shard(ModelDivision(tensor: tensor, expertShards: shards))
      Issue.record("Parts are unequal.")
    } catch let problem as UnevenDivision {
      #expect("\(problem)".hasPrefix(part))
      #expect("\(problem)".hasSuffix("expected one of \(possible)"), "\(problem)")
    }
  }
}
