// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import TestSupport

@testable import ModelDescriptors

/// The project's own descriptors against what is known of the models.
@Suite struct PublishedFiguresTests {
  static let library = ModelLibrary(folders: [Checkout.root.appending(path: "models").path])

  @Test(arguments: modelFacts)
  func `Computed counts equal those computed by hand`(facts: ModelFacts) throws {
    let model = try Self.library.model(named: facts.name)
    #expect(model.allLayers.count == facts.layers)
    #expect(model.mixtureLayers.count + model.encoderMixtureLayers.count == facts.moeLayers)
    #expect(model.expertCount == facts.experts)
    #expect(model.topK == facts.topK)
    expectClose(Double(model.parameterCount) / 1e9, facts.total, within: 0.005, "total")
    let without = Double(model.activeParameterCount(includingInputEmbedding: false)) / 1e9
    let with = Double(model.activeParameterCount(includingInputEmbedding: true)) / 1e9
    expectClose(without, facts.activeWithout, within: 0.005, "active without embedding")
    expectClose(with, facts.activeWith, within: 0.005, "active with embedding")
    if let expected = facts.expertMillions {
      let mixture = try #require(model.allLayers.lazy.compactMap(\.mixture).first)
      expectClose(
        Double(mixture.expertMatrixParameters) / 1e6, expected, within: 0.005, "per expert")
    }
    if let expected = facts.expertMegabytes {
      let bytes = model.bytes(under: .native(of: model))
      expectClose(Double(bytes.perExpert) / 1e6, expected, within: 0.005, "expert bytes")
    }
    expectClose(
      model.keyValueBytesPerToken(under: .bf16), facts.keyValueBytes, within: 0.005, "KV bytes")
  }

  /// Models whose published total is further off than 3 %, with the reason and how far.
  static let totalExceptions: [String: (reason: Comment, limit: Double)] = [
    "switch-base-8": ("published as 0.7, rounded to 0.1 billion", 0.12)
  ]

  /// Models whose published active count leaves out the output head as well as the embedding.
  static let headNotCounted: Set<String> = ["glm-4.5-air", "minimax-m2", "minimax-m3"]

  /// Models whose published active count is further off than 3 %, with the reason and how far.
  static let activeExceptions: [String: (reason: Comment, limit: Double)] = [
    "qwen3-next-80b-a3b": ("the name says A3B, rounded to a whole billion", 0.19),
    "gemma-4-26b-a4b": ("the name says A4B, rounded to a whole billion", 0.045),
    "granite-4.0-h-tiny": ("the card says 1, rounded to a whole billion", 0.47),
  ]

  @Test(arguments: modelFacts)
  func `Computed counts meet published counts`(facts: ModelFacts) throws {
    let model = try Self.library.model(named: facts.name)
    #expect(model.notes.publishedTotalBillions == facts.published)
    #expect(model.notes.publishedActiveBillions == facts.publishedActive)
    if facts.published != nil || facts.publishedActive != nil {
      #expect(model.notes.publishedSource?.isEmpty == false)
    }
    if let published = facts.published {
      Self.expectPublished(
        [Double(model.parameterCount) / 1e9], published, Self.totalExceptions[facts.name])
    }
    if let published = facts.publishedActive {
      let without = Double(model.activeParameterCount(includingInputEmbedding: false)) / 1e9
      let with = Double(model.activeParameterCount(includingInputEmbedding: true)) / 1e9
      let head = Double(model.embeddingParameters) / 1e9
      Self.expectPublished(
        Self.headNotCounted.contains(facts.name) ? [without - head] : [without, with], published,
        Self.activeExceptions[facts.name])
    }
  }

  /// Fails unless the nearest of the ways of counting meets what is published within 3 %, or an
  /// exception explains a wider gap, which must then be there.
  static func expectPublished(
    _ counts: [Double], _ published: Double, _ exception: (reason: Comment, limit: Double)?
  ) {
    let gap = counts.map { abs($0 - published) / published }.min() ?? .infinity
    if let exception {
      #expect(gap <= exception.limit, exception.reason)
      #expect(gap > 0.03, "the exception is not needed")
    } else {
      #expect(gap <= 0.03, "\(counts) against \(published)")
    }
  }

  @Test func `Every shipped file is a model, and every model is in the table`() throws {
    #expect(Set(Self.library.names) == Set(modelFacts.map(\.name)))
    #expect(Self.library.names.count == modelFacts.count)
  }

  /// Elements of recurrent state per sequence as the models' papers give them, without the
  /// convolutions' last inputs, which are added here.
  @Test(
    arguments: [
      ("qwen3-next-80b-a3b", 36 * (32 * 128 * 128 + 3 * (2 * 16 * 128 + 32 * 128))),
      ("qwen3.5-397b-a17b", 45 * (64 * 128 * 128 + 3 * (2 * 16 * 128 + 64 * 128))),
      ("nemotron-3-nano-30b-a3b", 23 * (64 * 64 * 128 + 3 * (64 * 64 + 2 * 8 * 128))),
      ("granite-4.0-h-small", 36 * (128 * 64 * 128 + 3 * (128 * 64 + 2 * 128))),
      ("kimi-k3", 69 * (96 * 128 * 128 + 3 * 3 * 96 * 128)),
      ("mixtral-8x7b", 0),
    ])
  func `Recurrent state has the published size`(name: String, elements: Int) throws {
    let model = try Self.library.model(named: name)
    #expect(model.stateBytesPerSequence(under: .bf16) == Double(elements) * 4)
  }

  /// Bytes of indexer keys per token in bfloat16.
  @Test(
    arguments: [
      ("deepseek-v3.2", 15_616.0), ("glm-5", 19_968), ("glm-5.2", 5_376),
      ("deepseek-v4-flash", 1_344), ("deepseek-v4-pro", 1_920), ("deepseek-v3", 0),
    ])
  func `Indexers keep the published number of keys`(name: String, bytes: Double) throws {
    let model = try Self.library.model(named: name)
    #expect(model.indexerBytesPerToken(under: .bf16) == bytes)
  }

  @Test func `Windows bound the cache`() throws {
    let model = try Self.library.model(named: "gpt-oss-20b")
    let row = 2.0 * 8 * 64 * 2
    #expect(model.cacheBytes(length: 100, under: .bf16) == 24 * 100 * row)
    #expect(model.cacheBytes(length: 10_000, under: .bf16) == 12 * (10_000 + 128) * row)
    let compressed = try Self.library.model(named: "deepseek-v4-flash")
    let history = 21 * (10_000 / 4) + 20 * (10_000 / 128)
    let rows = 43 * 128 + history
    let expected = Double(rows * 512 * 2 + 1_344 * 10_000)
    expectClose(compressed.cacheBytes(length: 10_000, under: .bf16), expected, within: 1e-9)
    let switchModel = try Self.library.model(named: "switch-base-128")
    let found = switchModel.cacheBytes(length: 10, encoderLength: 100, under: .bf16)
    let perToken = 12 * 2 * 12 * 64 * 2
    #expect(found == Double(perToken * 110))
  }

  /// Checkpoint sizes in GB as published beside the weights.
  @Test(
    arguments: [
      ("kimi-k2.5", 595.1), ("kimi-k3", 1560.86), ("hy3", 299.89), ("gemma-4-26b-a4b", 51.61),
      ("gpt-oss-20b", 13.76), ("gpt-oss-120b", 65.25),
    ])
  func `Bytes meet the size of the published checkpoint`(name: String, gigabytes: Double) throws {
    let model = try Self.library.model(named: name)
    let bytes = model.bytes(under: .native(of: model))
    expectClose(Double(bytes.total) / 1e9, gigabytes, within: 0.03)
    #expect(bytes.total == bytes.experts + bytes.nonExpert)
  }
}

/// Fails unless `found` is within a relative `tolerance` of `expected`.
func expectClose(
  _ found: Double, _ expected: Double, within tolerance: Double, _ what: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    abs(found - expected) <= tolerance * abs(expected),
    "\(what?.rawValue ?? ""): \(found), expected \(expected) ± \(tolerance * 100) %",
    sourceLocation: sourceLocation)
}
