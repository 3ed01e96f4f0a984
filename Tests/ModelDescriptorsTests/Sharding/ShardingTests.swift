// SPDX-License-Identifier: GPL-3.0-or-later

import TestSupport
import Testing

@testable import ModelDescriptors

@Suite("Models cut among devices")
struct ShardingTests {
  @Test(
    "the parts of a model hold its parameters, what every device keeps counted once each",
    arguments: ["mixtral-8x7b", "llama-3.1-8b", "qwen3-30b-a3b"], [2, 4])
  func parameters(name: String, parts: Int) throws {
    let model = try ModelLibrary(folders: [Checkout.root.appending(path: "models").path]).model(
      named: name)
    let shard = try model.shard(.init(attention: parts, dense: parts, experts: parts))
    for (whole, part) in zip(model.layers, shard.layers) {
      let matrices = { (layer: LayerDescriptor) in
        (layer.attention.mixer?.inputMatrices(hidden: layer.hiddenSize) ?? []).reduce(0) {
          $0 + $1.elements
        }
      }
      #expect(matrices(part) * parts == matrices(whole))
      if let experts = whole.mixture {
        #expect(
          (part.mixture?.expertMatrixParameters ?? 0) * parts == experts.expertMatrixParameters)
        #expect(part.mixture?.experts == experts.experts)
      }
    }
    let bytes = (
      model.cacheBytes(length: 4096, under: .bf16), shard.cacheBytes(length: 4096, under: .bf16)
    )
    #expect(bytes.1 * Double(parts) == bytes.0)
  }

  @Test("latent rows are kept whole by every device, heads are divided")
  func latent() throws {
    let model = try ModelLibrary(folders: [Checkout.root.appending(path: "models").path]).model(
      named: "deepseek-v3")
    let shard = try model.shard(.init(attention: 8, dense: 8))
    #expect(
      shard.cacheBytes(length: 1000, under: .bf16) == model.cacheBytes(length: 1000, under: .bf16))
    guard case .latent(let whole) = model.layers[0].attention,
      case .latent(let part) = shard.layers[0].attention
    else {
      Issue.record("DeepSeek-V3 has latent attention.")
      return
    }
    #expect(part.heads * 8 == whole.heads && part.keyValueLatent == whole.keyValueLatent)
  }

  @Test("fewer key-value heads than devices are held more than once")
  func replicatedKeys() throws {
    let model = try ModelLibrary(folders: [Checkout.root.appending(path: "models").path]).model(
      named: "qwen3-30b-a3b")
    let shard = try model.shard(.init(attention: 8, dense: 1))
    guard case .grouped(let part) = shard.layers[0].attention else {
      Issue.record("Qwen3 has grouped attention.")
      return
    }
    #expect(part.keyValueHeads == 1 && part.heads == 4)
  }

  @Test("what does not divide is named, with what would")
  func indivisible() throws {
    let model = try ModelLibrary(folders: [Checkout.root.appending(path: "models").path]).model(
      named: "mixtral-8x7b")
    let problem = #expect(throws: IndivisibleModel.self) {
      try model.shard(.init(attention: 3))
    }
    #expect(problem?.description.contains("32 attention heads") == true)
    #expect(problem?.divisors.prefix(4) == [1, 2, 4, 8])
  }
}
