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
