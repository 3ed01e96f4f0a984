// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// How the machine's memories are divided.
public struct CacheConfiguration: Sendable {
  /// How many experts the fastest tier holds.
  public enum ExpertCapacity: Sendable, Equatable {
    /// Every expert.
    case all
    /// Whatever the KV cache leaves.
    case automatic
    /// A share of a layer's experts (or of all, in a global pool), rounded down to whole experts.
    case share(Double)
    /// So many experts of each layer (or in all, in a global pool).
    case count(Int)
    /// So many bytes in all.
    case bytes(Int64)
  }

  /// How large the KV cache is.
  public enum KeyValueCapacity: Sendable, Equatable {
    /// Whatever the experts leave.
    case automatic
    /// So many bytes.
    case bytes(Int64)
    /// The two share all that the other parts leave: KV blocks take room from the expert cache as
    /// sequences grow, down to the given number of bytes for experts, and give it back as they end.
    /// The expert cache is then one global pool, whatever ``CacheConfiguration/experts`` says.
    case elastic(minimumExpertBytes: Int64)
  }

  /// What host memory holds of the experts.
  public enum HostCapacity: Sendable, Equatable {
    /// All if they fit, else as many as do, above a drive.
    case automatic
    /// All of them.
    case all
    /// So many bytes; the rest stays on the drive.
    case bytes(Int64)
  }

  /// What the fastest tier holds when a run begins.
  public enum InitialContent: String, Sendable, CaseIterable {
    /// As many experts as fit, by their number, evenly over the layers: a server that has loaded
    /// its model.
    case filled
    /// Nothing.
    case empty
  }

  /// How many experts the fastest tier holds.
  public var experts: ExpertCapacity
  /// Whether each layer has a pool of its own.
  public var pool: PoolPlan.Scope
  /// How large the KV cache is.
  public var keyValue: KeyValueCapacity
  /// Tokens in a KV block; 16 is vLLM's default.
  public var keyValueBlockTokens: Int
  /// How large the KV cache is, in blocks as a runtime's log counts them; takes the place of
  /// ``keyValue``. `nil` where that says it.
  public var keyValueBlocks: Int?
  /// Host memory kept for keys and values of preempted sequences [bytes].
  public var swapBytes: Int64
  /// What host memory holds of the experts.
  public var host: HostCapacity
  /// The share of device memory that may be used at all; 0.9 is vLLM's default.
  public var memoryFraction: Double
  /// Device memory kept for activations, the context and fragmentation [bytes].
  public var workspaceBytes: Int64
  /// Staging buffers of one expert each in device memory, through which experts pass that get no
  /// room in the cache. At least 1.
  public var stagingBuffers: Int
  /// What the fastest tier holds when a run begins.
  public var initial: InitialContent
  /// Whether the eviction rule's memory ends with each request.
  public var resetsPerRequest: Bool

  /// How the memories are divided.
  public init(
    experts: ExpertCapacity = .automatic, pool: PoolPlan.Scope = .perLayer,
    keyValue: KeyValueCapacity = .automatic, keyValueBlockTokens: Int = 16,
    host: HostCapacity = .automatic, memoryFraction: Double = 0.9,
    workspaceBytes: Int64 = 1 << 30, stagingBuffers: Int = 2, initial: InitialContent = .filled,
    resetsPerRequest: Bool = false
  ) {
    self.experts = experts
    self.pool = pool
    self.keyValue = keyValue
    self.keyValueBlockTokens = keyValueBlockTokens
    keyValueBlocks = nil
    swapBytes = 0
    self.host = host
    self.memoryFraction = memoryFraction
    self.workspaceBytes = workspaceBytes
    self.stagingBuffers = stagingBuffers
    self.initial = initial
    self.resetsPerRequest = resetsPerRequest
  }
}
