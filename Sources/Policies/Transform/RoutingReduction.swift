// SPDX-License-Identifier: GPL-3.0-or-later

import Routing

/// What a model transform makes of routing: the experts that stay, under new numbers, and how likely
/// each of them stands in for one that was removed.
public struct RoutingReduction: Sendable {
  /// Which experts of a layer stay.
  public enum Selection: String, Sendable, CaseIterable {
    /// The first ones by number: any, where nothing tells them apart.
    case number
    /// Those that most tokens choose.
    case frequency
    /// Those that receive the most gate weight.
    case weight
  }

  /// How much stays.
  public struct Plan: Sendable, Equatable {
    /// Experts of each layer.
    public var keep: Int
    /// Which ones.
    public var selection: Selection
    /// Choices of each token.
    public var topK: Int

    /// A plan.
    public init(keep: Int, selection: Selection, topK: Int) {
      self.keep = keep
      self.selection = selection
      self.topK = topK
    }
  }

  /// Layers, experts and choices afterwards.
  public let shape: RoutingShape
  /// The shape before.
  let original: RoutingShape
  /// [layer][expert]: the number that an expert has afterwards, −1 for none.
  let numbers: [Int32]
  /// [layer][kept expert]: how often it is chosen, in any unit; positive.
  let popularity: [Float]

  /// The reduction of a routing of which a sample tells the popularity of its experts.
  ///
  /// - Parameters:
  ///   - plan: How much stays; at least `plan.topK` experts.
  ///   - sample: What was drawn of the original routing.
  public init(_ plan: Plan, sample: RoutingSample) {
    let shape = sample.shape
    precondition(
      plan.topK >= 1 && plan.topK <= shape.topK && plan.keep >= plan.topK
        && plan.keep <= shape.experts, "A reduction keeps what its tokens choose.")
    original = shape
    self.shape = RoutingShape(layers: shape.layers, experts: plan.keep, topK: plan.topK)
    var numbers = [Int32](repeating: -1, count: shape.layers * shape.experts)
    var popularity: [Float] = []
    popularity.reserveCapacity(shape.layers * plan.keep)
    for layer in 0..<shape.layers {
      let first = layer * shape.experts
      let score =
        plan.selection == .weight
        ? sample.weights[first..<first + shape.experts]
        : sample.uses[first..<first + shape.experts]
      var order = Array(0..<shape.experts)
      if plan.selection != .number {
        // Ties go to the lower number.
        order.sort {
          let (left, right) = (score[first + $0], score[first + $1])
          return left == right ? $0 < $1 : left > right
        }
      }
      for (number, expert) in order.prefix(plan.keep).sorted().enumerated() {
        numbers[first + expert] = Int32(number)
        // An expert that no sampled token chose is rare, not impossible.
        popularity.append(Float(max(sample.uses[first + expert], 0.5)))
      }
    }
    self.numbers = numbers
    self.popularity = popularity
  }

  /// The experts of a layer that stay, by their old numbers.
  public func kept(layer: Int) -> [Int] {
    (0..<original.experts).filter { numbers[layer * original.experts + $0] >= 0 }
  }
}
