// SPDX-License-Identifier: GPL-3.0-or-later

/// The limits of continuous batching.
public struct BatchLimits: Sendable {
  /// Sequences that may run at once.
  public var maximumSequences: Int
  /// Tokens that a step may compute, prompt and output together.
  public var tokenBudget: Int
  /// Whether a prompt longer than what is left of the budget is cut into chunks; without, a prompt
  /// is computed in one step of its own size and waits until the step has room for it (a prompt
  /// larger than the whole budget runs alone).
  public var chunkedPrefill: Bool
  /// Beams of each sequence: tokens that it computes in a step that decodes.
  public var beams: Int
  /// Whether a sequence of a closed batch that has ended keeps computing, and choosing experts, until
  /// all of its batch have; without, it leaves, as in the batch pruning of arXiv 2211.10017.
  public var finishedStay: Bool
  /// Steps after which new requests are looked for, while those that run only decode; 1 looks in each.
  public var admissionInterval = 1
  /// Steps for which data-parallel ranks let prompts wait until each of them has one, while all decode; 0
  /// computes a prompt as soon as its rank has room.
  public var promptBalance = 0

  /// Limits of at most `maximumSequences` sequences and `tokenBudget` tokens a step.
  public init(
    maximumSequences: Int = 4, tokenBudget: Int = 512, chunkedPrefill: Bool = true, beams: Int = 1,
    finishedStay: Bool = false
  ) {
    precondition(beams >= 1 && beams <= tokenBudget, "A step computes all beams of a sequence.")
    self.beams = beams
    self.finishedStay = finishedStay
    self.maximumSequences = maximumSequences
    self.tokenBudget = tokenBudget
    self.chunkedPrefill = chunkedPrefill
  }
}
