// SPDX-License-Identifier: GPL-3.0-or-later

/// What continuous batching does beyond its limits.
public struct BatchFeatures: Sendable {
  /// Whether keys and values of prompts' prefixes are kept for others with the same prefix.
  public var sharesPrefixes = false

  /// What becomes of the keys and values of a preempted sequence.
  public var preemption = Preemption.recompute

  /// What becomes of the keys and values of a preempted sequence.
  public enum Preemption: String, Sendable, CaseIterable {
    /// They are lost, and computed anew.
    case recompute
    /// They move to host memory, ``CacheConfiguration/swapBytes`` at most, and back.
    case swap
  }

  /// Plain continuous batching.
  public init() {}
}
