// SPDX-License-Identifier: GPL-3.0-or-later

/// What a request router may know of a replica when it decides.
public struct ReplicaLoad: BitwiseCopyable, Hashable, Sendable {
  /// Whether it may be chosen at all: it runs, does not drain, and has the stage that is asked for.
  public var isAccepting: Bool
  /// The model that it serves, by the number of its group; 0 where all serve the same.
  public var model: Int32
  /// Sequences in its batch.
  public var runningSequences: Int32
  /// Requests in its queue.
  public var waitingRequests: Int32
  /// Prompt tokens that it has yet to compute, of requests in the queue and in the batch.
  public var waitingPromptTokens: Int64
  /// Prompt and output tokens that it has yet to compute, of requests in the queue and in the batch.
  public var outstandingTokens: Int64
  /// Tokens whose keys and values its running sequences hold.
  public var contextTokens: Int64
  /// The share of its KV cache that is free, from 0 to 1.
  public var keyValueFreeShare: Double
  /// Tokens at the front of this request's prompt whose keys and values it holds; -1 where that is
  /// not known.
  public var prefixHitTokens: Int32
  /// Requests that it has answered.
  public var completedRequests: UInt64

  /// The load of a replica; an idle one by default.
  public init(
    isAccepting: Bool = true, model: Int32 = 0, runningSequences: Int32 = 0,
    waitingRequests: Int32 = 0, waitingPromptTokens: Int64 = 0, outstandingTokens: Int64 = 0,
    contextTokens: Int64 = 0, keyValueFreeShare: Double = 1, prefixHitTokens: Int32 = -1,
    completedRequests: UInt64 = 0
  ) {
    self.isAccepting = isAccepting
    self.model = model
    self.runningSequences = runningSequences
    self.waitingRequests = waitingRequests
    self.waitingPromptTokens = waitingPromptTokens
    self.outstandingTokens = outstandingTokens
    self.contextTokens = contextTokens
    self.keyValueFreeShare = keyValueFreeShare
    self.prefixHitTokens = prefixHitTokens
    self.completedRequests = completedRequests
  }

  /// Requests in the queue and in the batch.
  public var outstandingRequests: Int64 { Int64(runningSequences) + Int64(waitingRequests) }
}
