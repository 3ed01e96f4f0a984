// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// What `CacheReplayStudy` is to replay.
public struct CacheReplayOptions: Hashable, Sendable {
  /// When a cache is emptied and its rule's memory ends.
  public enum Reset: String, Hashable, Sendable, CaseIterable, Codable {
    /// At the start of each recorded sequence.
    case request
    /// Never.
    case never
  }

  /// Which accesses are counted; all of them are replayed.
  public enum Phase: String, Hashable, Sendable, CaseIterable, Codable {
    /// Those of output tokens.
    case decode
    /// Those of prompts.
    case prefill
    /// All of them.
    case all
  }

  /// The eviction rules, by name.
  public var evictions: [String]
  /// The sizes of a pool.
  public var capacities: [CacheCapacity]
  /// Whether a layer has a pool of its own.
  public var pool: PoolPlan.Scope = .perLayer
  /// When caches are emptied.
  public var reset: Reset = .never
  /// The order in which the members of a set are touched.
  public var touchOrder: TouchOrder = .weight
  /// Which accesses are counted.
  public var phase: Phase = .all
  /// The size of an expert in bytes, where the trace does not say it.
  public var expertBytes: Int64?

  /// Creates options: pools per layer, never reset, touched by weight, all phases counted.
  public init(evictions: [String], capacities: [CacheCapacity]) {
    self.evictions = evictions
    self.capacities = capacities
  }
}
