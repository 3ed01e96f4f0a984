// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// Replaces a layer's experts by what they have in common and what each differs by.
///
/// *ResMoE* (arXiv 2503.06881): the Wasserstein barycentre of a layer's experts is kept whole, and of
/// each expert's difference from it a share of the parameters, as factors of a truncated singular
/// value decomposition. Table 10 of the paper follows: with a quarter kept, a Mixtral layer shrinks
/// from 8 experts to 1 + 8 × 0.25 = 3 experts' worth (5,376 to 2,016 MB), one of DeepSeekMoE from 64 to
/// 1 + 64 × 0.25 = 17 (2,112 to 561 MB).
///
/// The barycentre multiplies each token once, whatever the token's experts are: its first matrices see
/// the same input for all, and its last one the weighted sum of what they have made of it. It is thus
/// a shared expert, and the residuals are the routed ones.
public struct CompressExperts: ModelTransform {
  /// The share of an expert's parameters that its residual keeps.
  public let keep: Double

  /// Keeps a share of each residual.
  public init(keep: Double) { self.keep = keep }

  /// The model with residuals for experts, and a barycentre beside the shared experts.
  public func transformed(_ model: ModelDescriptor) throws(RoleProblem) -> ModelDescriptor {
    try model.changingMixtures("keep") { (mixture, layer) throws(RoleProblem) in
      let expert = mixture.expert
      guard mixture.expertInput == layer.hiddenSize, !expert.isSparse, expert.density == 1 else {
        throw RoleProblem(
          parameter: "keep",
          message: "the experts of \(model.name) do not see the hidden state as it is, or are"
            + " compressed already; their barycentre is not described")
      }
      if let shared = mixture.shared, shared.matrices != expert.matrices {
        throw RoleProblem(
          parameter: "keep",
          message: "shared and routed experts of \(model.name) are built differently")
      }
      var shared = mixture.shared ?? DenseFeedForward(width: 0, matrices: expert.matrices)
      shared.width += expert.width
      shared.hasBias = shared.hasBias || expert.hasBias
      mixture.shared = shared
      mixture.expert.density = keep
    }
  }
}
