// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies
import Routing

/// A routing whose shape is not the model's.
public struct RoutingMismatch: Error, CustomStringConvertible, Sendable {
  /// What was found and what would be right.
  public var description: String

  /// Refuses roles that decide by gate weights on a trace that has none.
  static func checkWeights(
    of routing: any RoutingSource, for policy: PolicyComposition
  ) throws {
    guard !routing.hasGateWeights, policy.resolve.needsScores || policy.resolve.skipsChoices else {
      return
    }
    throw RoutingMismatch(
      description: "policy.resolve decides by the gate weights of tokens, and the routing trace has"
        + " none; a trace with weights (bigmoeonedge, moesim) or a generator is needed")
  }

  static func check(_ shape: RoutingShape, model: ModelDescriptor, layers: Int) throws {
    let wanted = RoutingShape(layers: layers, experts: model.expertCount, topK: model.topK)
    guard shape.layers == wanted.layers, shape.experts == wanted.experts else {
      throw RoutingMismatch(
        description: "the routing has \(shape), but \(model.name) has \(wanted)")
    }
  }
}

/// The routing of a model without experts: nothing is ever drawn of it.
struct NoRouting: RoutingSource {
  var shape: RoutingShape { RoutingShape(layers: 0, experts: 0, topK: 0) }
  var hasGateWeights: Bool { false }
  mutating func beginSequence(
    _ key: SequenceKey, promptTokens: Int, outputTokens: Int
  ) throws -> Int { 0 }
  mutating func endSequence(slot: Int) {}
  mutating func addDecode(
    slot: Int, position: Int, layer: Int, to activation: inout LayerActivation
  ) {}
  mutating func addPrefill(
    slot: Int, position: Int, count: Int, layer: Int, to activation: inout LayerActivation
  ) {}
  var notices: [String] { [] }
}
