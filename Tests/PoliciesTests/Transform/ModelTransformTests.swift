// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import TestSupport
import Testing
import Units

@testable import Policies

@Suite("Transforms of models")
struct ModelTransformTests {
  static let library = ModelLibrary(folders: [Checkout.root.appending(path: "models").path])

  private func mixtral() throws -> ModelDescriptor {
    try Self.library.model(named: "mixtral-8x7b")
  }

  private func make(
    _ name: String, _ values: [(String, Double)], words: [(String, String)] = []
  ) throws -> any ModelTransform {
    var settings = RoleSettings()
    for (key, value) in values { settings.set(key, to: [value]) }
    for (key, word) in words { settings.set(key, to: word) }
    return try RoleRegistry.find(name, role: "model transform", in: RoleRegistry.transform)
      .make(settings)
  }

  @Test("without a transform the model is the same")
  func none() throws {
    let model = try mixtral()
    let transform = try make("none", [])
    #expect(try transform.transformed(model) == model)
    #expect(transform.reduction(of: model) == nil)
  }

  @Test("a pruned model lacks whole experts and their rows of the router")
  func prune() throws {
    let model = try mixtral()
    let transform = try make("prune-experts", [("experts", 6)], words: [("by", "frequency")])
    let pruned = try transform.transformed(model)
    // Two of eight experts of 3 × 4096 × 14336 and their router rows, in 32 layers.
    let lost = 32 * 2 * (3 * 4096 * 14_336 + 4096)
    #expect(model.parameterCount - pruned.parameterCount == Int64(lost))
    #expect(pruned.expertCount == 6 && pruned.topK == 2)
    #expect(
      transform.reduction(of: model) == .init(keep: 6, selection: .frequency, topK: 2))
    // SEER-MoE (arXiv 2404.05089): about 25 % of the parameters.
    let cut = 1 - Double(pruned.parameterCount) / Double(model.parameterCount)
    #expect(abs(cut - 0.25) < 0.015)
  }

  @Test("fewer choices cut the work of a token, not the model")
  func fewerChoices() throws {
    let model = try mixtral()
    let transform = try make("fewer-choices", [("top_k", 1)])
    let changed = try transform.transformed(model)
    #expect(changed.parameterCount == model.parameterCount)
    let lost =
      model.activeParameterCount(includingInputEmbedding: false)
      - changed.activeParameterCount(includingInputEmbedding: false)
    #expect(lost == Int64(32 * 3 * 4096 * 14_336))
    #expect(transform.reduction(of: model) == .init(keep: 8, selection: .number, topK: 1))
  }

  /// ResMoE (arXiv 2503.06881) table 10: memory of one layer's experts in 32 bits, MiB.
  @Test(
    "compressed experts take what ResMoE prints",
    arguments: [("mixtral-8x7b", 5376.0, 2016.0, 0), ("deepseek-moe-16b", 2112, 561, 2)])
  func compress(name: String, whole: Double, compressed: Double, shared: Int) throws {
    let model = try Self.library.model(named: name)
    let changed = try make("compress-experts", []).transformed(model)
    func megabytes(_ model: ModelDescriptor) throws -> Double {
      let layer = try #require(model.layers.first { $0.mixture != nil })
      let bytes = layer.bytes(under: PrecisionPlan(uniform: .fp32))
      // DeepSeek's own shared experts are not among the figures.
      let own =
        Int64(shared)
        * (model.layers.compactMap(\.mixture).first?.expert.width ?? 0 > 0
          ? Int64(3 * 2048 * 1408 * 4) : 0)
      return Double(bytes.experts + bytes.shared - own) / 1_048_576
    }
    #expect(abs(try megabytes(model) - whole) < 0.5)
    #expect(abs(try megabytes(changed) - compressed) < 0.5)
    #expect(try make("compress-experts", []).reduction(of: model) == nil)
  }

  @Test("sparse experts store a quarter of the elements and two bits for each")
  func sparsify() throws {
    let model = try mixtral()
    let changed = try make("sparsify-experts", [("keep", 0.25)]).transformed(model)
    let layer = changed.layers[0]
    let elements = 3.0 * 4096 * 14_336 / 4
    #expect(layer.bytes(under: .bf16).expert == Int64(elements * 2 + elements / 4))
    let work = layer.costs(under: .bf16).groupedExpertWork(assignments: 64, distinct: 8)
    #expect(work.isSparse && work.groups == 8)
    #expect(work.flop == 2 * elements * 64)
    #expect(!model.layers[0].costs(under: .bf16).expertWork(tokens: 2).isSparse)
  }

  @Test("what cannot be applied is refused with the parameter at fault")
  func refusals() throws {
    let dense = try Self.library.model(named: "llama-3.1-8b")
    let model = try mixtral()
    let cases: [(String, [(String, Double)], ModelDescriptor, String)] = [
      ("prune-experts", [("experts", 6)], dense, "experts"),
      ("prune-experts", [("experts", 1)], model, "experts"),
      ("prune-experts", [("experts", 9)], model, "experts"),
      ("prune-experts", [("experts", 6), ("choices", 3)], model, "choices"),
      ("fewer-choices", [("top_k", 3)], model, "top_k"),
      ("compress-experts", [], dense, "keep"),
      ("sparsify-experts", [], dense, "keep"),
    ]
    for (name, values, model, parameter) in cases {
      do {
        _ = try make(name, values).transformed(model)
        Issue.record("\(name) \(values) was applied to \(model.name)")
      } catch let problem as RoleProblem {
        #expect(problem.parameter == parameter)
      }
    }
  }
}
