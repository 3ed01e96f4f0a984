// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// In which format each kind of tensor of a model is kept.
///
/// A plan is per role, not per tensor: where a checkpoint quantises only some tensors of a role,
/// the role takes the format of its majority.
public struct PrecisionPlan: Hashable, Sendable, BitwiseCopyable {
  /// The matrices of routed experts.
  public var experts: NumberFormat
  /// Shared experts, and a dense part that runs beside the experts.
  public var sharedExperts: NumberFormat
  /// Projections of attention and of recurrent mixers.
  public var attention: NumberFormat
  /// Feed-forward parts of dense layers.
  public var dense: NumberFormat
  /// Routers.
  public var router: NumberFormat
  /// Input embeddings.
  public var embeddings: NumberFormat
  /// The output head.
  public var head: NumberFormat
  /// Norms, biases, convolutions.
  public var vectors: NumberFormat
  /// Cached keys and values, and an indexer's keys.
  public var keyValue: NumberFormat
  /// Recurrent state.
  public var state: NumberFormat
  /// Activations between operations.
  public var activations: NumberFormat

  /// Creates a plan in which everything is in one format, except recurrent state, in fp32.
  public init(uniform format: NumberFormat) {
    experts = format
    sharedExperts = format
    attention = format
    dense = format
    router = format
    embeddings = format
    head = format
    vectors = format
    keyValue = format
    state = .fp32
    activations = format
  }

  /// Everything in bfloat16, recurrent state in fp32.
  public static let bf16 = PrecisionPlan(uniform: .bf16)

  /// The plan in which a model's checkpoint is published.
  public static func native(of model: ModelDescriptor) -> PrecisionPlan { model.nativePrecision }

  /// The roles by the names that files give them, in the order of documentation.
  public static let roles:
    [(key: String, path: any WritableKeyPath<PrecisionPlan, NumberFormat> & Sendable)] = [
      ("experts", \.experts), ("shared_experts", \.sharedExperts), ("attention", \.attention),
      ("dense", \.dense), ("router", \.router), ("embeddings", \.embeddings), ("head", \.head),
      ("vectors", \.vectors), ("kv", \.keyValue), ("state", \.state),
      ("activations", \.activations),
    ]
}

extension NumberFormat {
  /// Bytes of one element, its share of scales included.
  @inlinable
  public var bytesPerElement: Double { bitsPerWeight / 8 }
}
