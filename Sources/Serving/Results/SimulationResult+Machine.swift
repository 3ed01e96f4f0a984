// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
  /// Hits and misses: those of the fastest tier, then every tier by name ("hbm", "dram").
  public struct ExpertCacheReport: Codable, Sendable {
    /// Hits divided by all accesses, of the fastest tier; 1 without any access.
    public var hitRate: Double
    /// Accesses whose expert was resident.
    public var hits: UInt64
    /// Accesses whose expert was neither resident nor on its way.
    public var misses: UInt64
    /// Accesses whose expert was still in flight.
    public var late: UInt64
    /// Bytes of experts loaded into the fastest tier.
    public var bytesLoaded: Int64
    /// Every tier by name.
    public var tiers: [String: Tier]

    /// One tier's counters.
    public struct Tier: Codable, Sendable {
      /// Hits divided by all accesses; 1 without any access.
      public var hitRate: Double
      /// Accesses whose expert was resident.
      public var hits: UInt64
      /// Accesses whose expert was neither resident nor on its way.
      public var misses: UInt64
      /// Accesses whose expert was still in flight.
      public var late: UInt64
      /// Bytes of experts loaded into the tier.
      public var bytesLoaded: Int64
      /// Experts evicted from the tier.
      public var evictions: UInt64
      /// Hits and accesses by MoE layer.
      public var layers: [Layer]
      /// The record of these values.
      public init(
        hits: UInt64, misses: UInt64, late: UInt64, bytesLoaded: Int64, evictions: UInt64,
        layers: [Layer]
      ) {
        let accesses = hits + misses + late
        self.hitRate = accesses == 0 ? 1 : Double(hits) / Double(accesses)
        self.hits = hits
        self.misses = misses
        self.late = late
        self.bytesLoaded = bytesLoaded
        self.evictions = evictions
        self.layers = layers
      }
    }
    /// One MoE layer's counters.
    public struct Layer: Codable, Sendable {
      /// The index among the MoE layers.
      public var layer: Int
      /// Accesses.
      public var accesses: UInt64
      /// Hits.
      public var hits: UInt64
      /// The record of these values.
      public init(layer: Int, accesses: UInt64, hits: UInt64) {
        self.layer = layer
        self.accesses = accesses
        self.hits = hits
      }
    }
    /// The record of these values.
    public init(fastest: Tier, tiers: [String: Tier]) {
      self.hitRate = fastest.hitRate
      self.hits = fastest.hits
      self.misses = fastest.misses
      self.late = fastest.late
      self.bytesLoaded = fastest.bytesLoaded
      self.tiers = tiers
    }
  }

  /// One resource over the measured time.
  public struct ResourceReport: Codable, Sendable {
    /// The resource's name, "gpu0.compute", "gpu0.h2d", "host.dram", "ssd0".
    public var name: String
    /// "server", "bandwidth" or "pool".
    public var kind: String
    /// The busy share of its capacity.
    public var utilization: Double
    /// The time in which it was busy [s].
    public var busySeconds: Double
    /// Operations waiting, averaged over time.
    public var meanQueueLength: Double
    /// The mean wait before service [ms].
    public var meanWaitMs: Double
    /// The longest wait [ms].
    public var maxWaitMs: Double
    /// Operations served.
    public var operations: UInt64
    /// Work done, in the resource's unit (bytes for links and memories).
    public var workDone: Double
    /// The record of these values.
    public init(
      name: String, kind: String, utilization: Double, busySeconds: Double, meanQueueLength: Double,
      meanWaitMs: Double, maxWaitMs: Double, operations: UInt64, workDone: Double
    ) {
      self.name = name
      self.kind = kind
      self.utilization = utilization
      self.busySeconds = busySeconds
      self.meanQueueLength = meanQueueLength
      self.meanWaitMs = meanWaitMs
      self.maxWaitMs = maxWaitMs
      self.operations = operations
      self.workDone = workDone
    }
  }

  /// Bytes over one link for one purpose.
  public struct TrafficReport: Codable, Sendable {
    /// The link, "gpu0.h2d".
    public var link: String
    /// "demand", "prefetch", "write-back", "staging", "kv-swap".
    public var purpose: String
    /// Bytes moved.
    public var bytes: Int64
    /// Transfers ended.
    public var transfers: UInt64
    /// The record of these values.
    public init(link: String, purpose: String, bytes: Int64, transfers: UInt64) {
      self.link = link
      self.purpose = purpose
      self.bytes = bytes
      self.transfers = transfers
    }
  }

  /// One memory's plan and use.
  public struct MemoryReport: Codable, Sendable {
    /// The memory, "gpu0.hbm", "host.dram", "ssd0".
    public var name: String
    /// Its capacity [bytes].
    public var capacityBytes: Int64
    /// What it was divided into, in bytes: non-expert weights, experts, KV cache, workspace, free.
    public var parts: [NamedValue]
    /// The most that was in use at once [bytes].
    public var highWaterBytes: Int64
    /// The record of these values.
    public init(
      name: String, capacityBytes: Int64, parts: [NamedValue], highWaterBytes: Int64
    ) {
      self.name = name
      self.capacityBytes = capacityBytes
      self.parts = parts
      self.highWaterBytes = highWaterBytes
    }
  }
}
