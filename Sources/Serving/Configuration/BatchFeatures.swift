// SPDX-License-Identifier: GPL-3.0-or-later

/// What continuous batching does beyond its limits.
public struct BatchFeatures: Sendable {
  /// Whether keys and values of prompts' prefixes are kept for others with the same prefix.
  public var sharesPrefixes = false

  /// Whose turn it is.
  public var scheduling = Scheduling.firstComeFirstServed

  /// Whose turn it is to be admitted, and to give up KV blocks.
  public enum Scheduling: String, Sendable, CaseIterable {
    /// By arrival; the one admitted last gives up its blocks first.
    case firstComeFirstServed = "fcfs"
    /// By `Request.priority`, the higher first, then by arrival; the least urgent that came last gives
    /// up its blocks first. That is vLLM's `priority`, but for the sign.
    case priority
  }

  /// What becomes of the keys and values of a preempted sequence.
  public var preemption = Preemption.recompute

  /// What becomes of the keys and values of a preempted sequence.
  public enum Preemption: String, Sendable, CaseIterable {
    /// They are lost, and computed anew.
    case recompute
    /// They move to host memory, ``CacheConfiguration/swapBytes`` at most, and back.
    case swap
  }

  /// How tokens are drafted and verified; `nil` where each step decodes one.
  public var speculation: SpeculativeDecoding?

  /// Plain continuous batching.
  public init() {}
}
