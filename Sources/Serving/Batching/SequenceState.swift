// SPDX-License-Identifier: GPL-3.0-or-later

import Workload

/// One request in the engine, from its arrival to its last token.
struct SequenceState {
  /// The request as it arrived.
  var request: Request
  /// The slot of its activations in the routing source, or -1 before it was first scheduled.
  var routingSlot = -1
  /// Tokens that must be computed before the next output token: the prompt, and after a preemption
  /// by recompute the output tokens so far as well.
  var prefillTarget: Int
  /// Tokens whose keys and values stand in the cache.
  var computed = 0
  /// Prompt tokens that throughput has counted.
  var countedPrompt = 0
  /// Output tokens produced.
  var produced = 0
  /// Tokens computed that stand in prefix blocks, which it does not hold alone.
  var shared = 0
  /// Whether it was ever admitted.
  var wasAdmitted = false
  /// Where its keys and values are, once it has been preempted by swap.
  var swap = SwapState.none
  /// Bytes of its keys and values in host memory, or on their way from or to it.
  var hostBytes: Int64 = 0
  /// Bytes of KV cache held.
  var keyValueBytes: Int64 = 0
  /// When the scheduler first looked at it [ns]: at its arrival, or at the end of the step then under way.
  var queued: UInt64 = 0
  /// When it was first scheduled [ns]; 0 before.
  var scheduled: UInt64 = 0
  /// When its first token came out [ns]; 0 before.
  var firstToken: UInt64 = 0
  /// When its last token so far came out [ns].
  var lastToken: UInt64 = 0
  /// The first step that it may join.
  var earliestStep: UInt32 = 0
  /// The micro-batch that it belongs to, in a closed batch.
  var microBatch: Int32 = 0
  /// Whether it has ended and keeps computing until its batch has.
  var isPadding = false
  /// Whether it was ever scheduled.
  var wasScheduled = false
  /// How often its replica failed under it.
  var failures: Int32 = 0
  /// The identity of its prompt, where answers are kept by it.
  var identity: UInt64?

  /// The expert that its first tokens use most in the first MoE layer; -1 where nobody asks.
  let expertKey: Int32

  init(request: Request, expertKey: Int32 = -1) {
    self.request = request
    self.expertKey = expertKey
    prefillTarget = Int(request.promptTokens)
  }

  /// Whether its next step computes one output token.
  var isDecoding: Bool { computed >= prefillTarget }
}

/// What one sequence contributes to a step.
struct StepEntry: BitwiseCopyable {
  /// The sequence's slot in the engine.
  var sequence: Int32
  /// Tokens computed in this step.
  var tokens: Int32
  /// The position of the first of them: tokens computed before.
  var position: Int32
  /// Whether they are prompt tokens (or recomputed ones).
  var isPrefill: Bool
  /// Tokens of the sequence's prompt.
  var prompt: Int32

  /// Prompt tokens computed in this step.
  @inline(__always)
  var promptTokens: Int { max(0, min(Int(tokens), Int(prompt - position))) }

  /// The range of output tokens, as inputs of the next ones, computed in this step by a decoder that
  /// has the prompt before them.
  @inline(__always)
  var outputs: Range<Int> {
    let first = max(0, Int(position - prompt))
    return first..<max(first, Int(position + tokens - prompt))
  }

  /// The range of the decoder's inputs computed in this step behind an encoder: input 0 is the start
  /// of the output, input n the n-th output token.
  @inline(__always)
  var decoderInputs: Range<Int> {
    let first = isPrefill ? 0 : Int(position - prompt) + 1
    return first..<Int(position + tokens - prompt) + 1
  }
}
