// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// Lets each token use the heaviest of its experts alone: a lower top-K at inference.
///
/// The second half of *SEER-MoE* (arXiv 2404.05089), which fine-tunes for it, and the way in which
/// *DS-MoE* (arXiv 2404.05567, section 4.4) runs a model that was trained with all experts active.
public struct FewerChoices: ModelTransform {
  /// Choices of each token.
  public let topK: Int

  /// Lets each token use `topK` experts.
  public init(topK: Int) { self.topK = topK }

  /// The model with fewer choices per token.
  public func transformed(_ model: ModelDescriptor) throws(RoleProblem) -> ModelDescriptor {
    try model.changingMixtures("top_k") { (mixture, _) throws(RoleProblem) in
      guard topK <= mixture.topK else {
        throw RoleProblem(
          parameter: "top_k",
          message: "is \(topK); a token of \(model.name) has \(mixture.topK) choices")
      }
      mixture.topK = topK
    }
  }

  /// The heaviest choices remain.
  public func reduction(of model: ModelDescriptor) -> RoutingReduction.Plan? {
    .init(keep: model.expertCount, selection: .number, topK: topK)
  }
}
