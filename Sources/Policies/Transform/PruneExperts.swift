// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// Keeps some experts of each layer for good, and perhaps fewer choices of each token.
///
/// *Not All Experts are Equal* (arXiv 2402.14800) keeps r of a layer's experts, those whose output
/// is nearest to that of all on sample text; *SEER-MoE* (arXiv 2404.05089) keeps the ones that are
/// chosen most often, its heavy hitters. Outputs are not simulated, so that the first's subset is any
/// (`number`).
public struct PruneExperts: ModelTransform {
  /// Which experts stay.
  public typealias Selection = RoutingReduction.Selection

  /// Experts of each layer that stay.
  public let keep: Int
  /// Which ones.
  public let selection: Selection
  /// Choices of each token afterwards; `nil` for as many as before.
  public let topK: Int?

  /// Keeps `keep` experts of each layer.
  public init(keep: Int, selection: Selection, topK: Int? = nil) {
    self.keep = keep
    self.selection = selection
    self.topK = topK
  }

  /// The model with fewer experts and a smaller router.
  public func transformed(_ model: ModelDescriptor) throws(RoleProblem) -> ModelDescriptor {
    try model.changingMixtures("experts") { (mixture, _) throws(RoleProblem) in
      let choices = topK ?? mixture.topK
      guard choices <= mixture.topK else {
        throw RoleProblem(
          parameter: "choices",
          message: "is \(choices); a token of \(model.name) has \(mixture.topK) choices")
      }
      guard keep >= choices, keep <= mixture.experts else {
        throw RoleProblem(
          parameter: "experts",
          message: "is \(keep); a layer of \(model.name) has \(mixture.experts) experts, of which"
            + " a token uses \(choices): \(choices) to \(mixture.experts) are expected")
      }
      mixture.experts = keep
      mixture.topK = choices
    }
  }

  /// Choices go to the experts that stay.
  public func reduction(of model: ModelDescriptor) -> RoutingReduction.Plan? {
    .init(keep: keep, selection: selection, topK: topK ?? model.topK)
  }
}
