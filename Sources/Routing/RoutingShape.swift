// SPDX-License-Identifier: GPL-3.0-or-later

/// The dimensions of a model's routing: how many MoE layers, experts in each, chosen per token.
@frozen
public struct RoutingShape: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// MoE layers; layers without routed experts are not counted.
  public var layers: Int
  /// Routed experts in each layer; shared experts are not counted.
  public var experts: Int
  /// Experts chosen for each token.
  public var topK: Int

  /// A shape; whether it makes sense is for `problem` to say.
  @inlinable
  public init(layers: Int, experts: Int, topK: Int) {
    self.layers = layers
    self.experts = experts
    self.topK = topK
  }

  /// The bounds within which every reader and generator works.
  public static let limits = (layers: 1...4096, experts: 1...65_536, topK: 1...256)

  /// What is wrong with the shape, in a sentence, or `nil`.
  public var problem: String? {
    if !Self.limits.layers.contains(layers) {
      return "\(layers) layers; \(Self.limits.layers.lowerBound) to"
        + " \(Self.limits.layers.upperBound) are possible"
    }
    if !Self.limits.experts.contains(experts) {
      return "\(experts) experts; \(Self.limits.experts.lowerBound) to"
        + " \(Self.limits.experts.upperBound) are possible"
    }
    if !Self.limits.topK.contains(topK) || topK > experts {
      return "top-\(topK) of \(experts) experts; 1 to"
        + " \(min(experts, Self.limits.topK.upperBound)) are possible"
    }
    return nil
  }

  /// For example "24 layers × 32 experts, top-4".
  public var description: String { "\(layers) layers × \(experts) experts, top-\(topK)" }
}

/// Which part of a request's life a forward pass belongs to.
@frozen
public enum RoutingPhase: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Tokens of the prompt.
  case prefill = 0
  /// One token of the output.
  case decode = 1
}

/// The order in which the members of an activated set are touched.
@frozen
public enum TouchOrder: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Ascending gate weight, ties by expert number, so that the heaviest is the most recent.
  case weight
  /// The order of the record: by last occurrence.
  case recorded
}

/// The number of a request, which names its streams of random numbers.
public typealias SequenceKey = UInt64
