// SPDX-License-Identifier: GPL-3.0-or-later

/// Counters of a run, reset where the warm-up ends.
struct EngineCounters {
  /// Hits, misses and hits in flight of one tier, by MoE layer.
  struct Tier {
    var hits: [UInt64]
    var accesses: [UInt64]
    var misses: UInt64 = 0
    var late: UInt64 = 0
    var bytesLoaded: Int64 = 0
    var evictions: UInt64 = 0

    init(layers: Int) {
      hits = [UInt64](repeating: 0, count: layers)
      accesses = [UInt64](repeating: 0, count: layers)
    }

    /// The report's form.
    func report() -> SimulationResult.ExpertCacheReport.Tier {
      .init(
        hits: hits.reduce(0, +), misses: misses, late: late, bytesLoaded: bytesLoaded,
        evictions: evictions,
        layers: hits.indices.map { .init(layer: $0, accesses: accesses[$0], hits: hits[$0]) })
    }
  }

  /// What a step spends its time on; the order of a step.
  enum Activity: Int, CaseIterable {
    case overhead, attention, dense, gate, sharedExpert, experts, head
    case hostAttention, hostExperts, collectives, draft

    var name: String {
      switch self {
      case .overhead: "runtime overhead"
      case .attention: "attention"
      case .dense: "dense feed-forward"
      case .gate: "gate"
      case .sharedExpert: "shared experts"
      case .experts: "experts"
      case .head: "head and sampling"
      case .hostAttention: "attention on the host"
      case .hostExperts: "experts on the host"
      case .collectives: "collectives"
      case .draft: "drafting"
      }
    }

    /// Whether it is reported only where it occurs: what does not run on the device's stream, and drafting.
    var isElsewhere: Bool { rawValue > Activity.head.rawValue }
  }

  var fast: Tier
  var host: Tier
  var stalls = StallAccounting()
  /// Time computed, by activity [ns].
  var activity = [UInt64](repeating: 0, count: Activity.allCases.count)
  /// Bytes that kernels read and wrote in device memory.
  var deviceBytes = 0.0
  /// Bytes by purpose over each direction of the link, and transfers ended.
  /// Those of each device in a row.
  var linkBytes: [Int64]
  var linkTransfers: [UInt64]
  /// Bytes read from the drive, and reads ended.
  var driveBytes: Int64 = 0
  var driveReads: UInt64 = 0
  /// Blocks fetched ahead, what became of them, and how right the predictions were.
  var prefetch = SimulationResult.PrefetchReport()
  /// What became of activated experts, where a policy decides that.
  var resolve = SimulationResult.ResolveReport()
  /// The gates' weight, where a policy decides what it is served in.
  var gateMass = GateMass()
  /// Forward passes by what they had to read and compute.
  var passes = PassBook()
  /// Output and prompt tokens computed.
  var outputTokens: Int64 = 0
  var promptTokens: Int64 = 0
  var steps: UInt64 = 0
  /// Cache decisions for one expert, and operations ended.
  var cacheDecisions: UInt64 = 0
  var operations: UInt64 = 0

  init(layers: Int, devices: Int = 1) {
    let purposes = TransferPurpose.allCases.count
    linkBytes = [Int64](repeating: 0, count: devices * purposes)
    linkTransfers = [UInt64](repeating: 0, count: devices * purposes)
    fast = Tier(layers: layers)
    host = Tier(layers: layers)
  }

  /// Counts bytes that a device's link has carried.
  @inline(__always)
  mutating func moved(_ bytes: Int64, for purpose: TransferPurpose, device: Int) {
    linkBytes[device * TransferPurpose.allCases.count + Int(purpose.rawValue)] += bytes
  }

  /// Counts a transfer that has ended.
  @inline(__always)
  mutating func transferred(_ purpose: TransferPurpose, device: Int) {
    linkTransfers[device * TransferPurpose.allCases.count + Int(purpose.rawValue)] += 1
  }

  @inline(__always)
  mutating func add(_ nanoseconds: UInt64, to kind: Activity) {
    activity[kind.rawValue] &+= nanoseconds
  }
}
