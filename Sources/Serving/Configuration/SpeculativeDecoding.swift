// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// Speculative decoding: a cheaper model drafts tokens, and the model verifies all of them in one step.
///
/// The model of acceptance is that of arXiv 2211.17192: each drafted token is accepted with the same
/// probability, and a sequence gets the leading accepted ones and one more of each verification.
public struct SpeculativeDecoding: Sendable {
  /// What drafts, and thus what drafting takes.
  public enum Draft: Sendable {
    /// A share: one token's drafting takes so much of the time that the device computes in the step.
    case share(Double)
    /// A dense decoder, which passes once for each drafted token of all sequences together, and once for
    /// what the step computes of prompts; with the formats of its tensors. Its weights and its keys and
    /// values stand in device memory.
    case model(ModelDescriptor, PrecisionPlan)
  }

  /// Tokens drafted for each verification.
  public var draftTokens: Int
  /// The probability that a drafted token is accepted.
  public var acceptance: Double
  /// What drafts.
  public var draft: Draft

  /// Speculative decoding.
  public init(draftTokens: Int, acceptance: Double, draft: Draft) {
    precondition(draftTokens >= 1, "A verification has at least one drafted token.")
    precondition((0...1).contains(acceptance), "A probability is from 0 to 1.")
    self.draftTokens = draftTokens
    self.acceptance = acceptance
    self.draft = draft
  }

  /// The model that drafts, where it is one.
  var model: (descriptor: ModelDescriptor, precision: PrecisionPlan)? {
    if case .model(let descriptor, let precision) = draft { (descriptor, precision) } else { nil }
  }
}
