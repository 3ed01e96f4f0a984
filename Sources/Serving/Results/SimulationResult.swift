// SPDX-License-Identifier: GPL-3.0-or-later

/// All that one simulated run says, in the one record from which every output format is made.
///
/// Encoded with snake-case keys and sorted; the schema is documented in docs/report-schema.md. All
/// that is not deterministic stands under ``runInfo`` alone.
public struct SimulationResult: Codable, Sendable {
  /// The version of this record's schema, "major.minor".
  public var schemaVersion = "1.0"
  /// The name of the scenario.
  public var scenario: String
  /// The seed of the run.
  public var seed: UInt64
  /// The replication number within the seed.
  public var replication: UInt32
  /// The simulated time at the end of the run [s].
  public var simulatedSeconds: Double
  /// The simulated time over which steady-state figures were taken, after the warm-up [s].
  public var measuredSeconds: Double
  /// Whether the figures are those of a steady state, and why not if they aren't.
  public var steadyState: SteadyStateVerdict
  /// What was simulated, in words: machine, model, policy, precision.
  public var setting: SettingSummary
  /// The fate of the requests.
  public var requests: RequestCounts
  /// Rates of work done.
  public var throughput: Throughput
  /// Time to first token [ms]; `nil` when no request produced a token.
  public var ttftMs: Distribution?
  /// Time per output token after the first, one value a request [ms].
  public var tpotMs: Distribution?
  /// Inter-token latency, one value a token [ms].
  public var itlMs: Distribution?
  /// End-to-end latency [ms].
  public var e2elMs: Distribution?
  /// Waiting before the first scheduling of a request [ms].
  public var queueMs: Distribution?
  /// Hits and misses of the expert caches.
  public var expertCache: ExpertCacheReport
  /// Time in which the compute stream stood still, by cause [ms per output token].
  public var stallMsPerToken: StallBreakdown
  /// Where the time of a step goes [ms per output token], in the order of a step.
  public var timeMsPerToken: [NamedValue]
  /// The busy share of every resource over the measured time, by name.
  public var utilization: [String: Double]
  /// Every resource with its queueing statistics.
  public var resources: [ResourceReport]
  /// Bytes moved over each link, by purpose.
  public var traffic: [TrafficReport]
  /// How memory was used.
  public var memory: [MemoryReport]
  /// What the run cost.
  public var cost: CostReport
  /// What energy the run took.
  public var energy: EnergyReport
  /// Simulated events processed by the kernel.
  public var eventsProcessed: UInt64
  /// Layer events: simulated operations that occupied a resource, and cache decisions for an expert.
  public var layerEvents: UInt64
  /// Forward passes (steps) of the engine.
  public var steps: UInt64
  /// Re-runs with one resource twice as fast, best first; `nil` when not asked for.
  public var whatWouldHelp: [Improvement]?
  /// What a reader must know: wrapped traces, assumptions in prices, unstable load.
  public var notices: [String]
  /// All that is not deterministic.
  public var runInfo: RunInfo?

  /// Whether a run reached a steady state.
  public struct SteadyStateVerdict: Codable, Sendable {
    /// Whether load stayed below capacity.
    public var stable: Bool
    /// The offered load in requests per second over the arrivals' span, when the loop is open.
    public var offeredRequestsPerSecond: Double?
    /// The completed requests per second.
    public var completedRequestsPerSecond: Double
    /// Why the run is no steady state; empty when it is.
    public var reason: String
    public init(
      stable: Bool, offeredRequestsPerSecond: Double?, completedRequestsPerSecond: Double,
      reason: String
    ) {
      self.stable = stable
      self.offeredRequestsPerSecond = offeredRequestsPerSecond
      self.completedRequestsPerSecond = completedRequestsPerSecond
      self.reason = reason
    }
  }

  /// What was simulated, in words.
  public struct SettingSummary: Codable, Sendable {
    /// The machine profile's name.
    public var hardware: String
    /// The model's name.
    public var model: String
    /// The formats of the weights, "experts int4, attention bf16, kv bf16".
    public var precision: String
    /// The policy, by preset name or by its roles.
    public var policy: String
    /// The runtime profile's name.
    public var runtime: String
    /// The expert cache, in words.
    public var cache: String
    /// The source of the routing, in words.
    public var routing: String
    /// The source of the requests, in words.
    public var workload: String
    public init(
      hardware: String, model: String, precision: String, policy: String, runtime: String,
      cache: String, routing: String, workload: String
    ) {
      self.hardware = hardware
      self.model = model
      self.precision = precision
      self.policy = policy
      self.runtime = runtime
      self.cache = cache
      self.routing = routing
      self.workload = workload
    }
  }

  /// The fate of the requests. `arrived = completed + rejected + unfinished`.
  public struct RequestCounts: Codable, Sendable {
    /// Requests that arrived.
    public var arrived = 0
    /// Requests that got their last token.
    public var completed = 0
    /// Requests that can never be served (longer than the KV cache).
    public var rejected = 0
    /// Requests waiting or running when the run ended.
    public var unfinished = 0
    /// Preemptions by recompute.
    public var preemptions = 0
    /// Prompt tokens of completed requests.
    public var promptTokens: Int64 = 0
    /// Output tokens of completed requests.
    public var outputTokens: Int64 = 0
    public init() {}
  }

  /// Rates of work done over the measured time.
  public struct Throughput: Codable, Sendable {
    /// Output tokens per second.
    public var outputTokensPerSecond: Double
    /// Prompt tokens per second.
    public var promptTokensPerSecond: Double
    /// Prompt and output tokens per second.
    public var totalTokensPerSecond: Double
    /// Completed requests per second.
    public var requestsPerSecond: Double
    /// Requests per second that met every limit of the scenario's `slo`; `nil` without one.
    public var goodputRequestsPerSecond: Double?
    public init(
      outputTokensPerSecond: Double, promptTokensPerSecond: Double, totalTokensPerSecond: Double,
      requestsPerSecond: Double, goodputRequestsPerSecond: Double?
    ) {
      self.outputTokensPerSecond = outputTokensPerSecond
      self.promptTokensPerSecond = promptTokensPerSecond
      self.totalTokensPerSecond = totalTokensPerSecond
      self.requestsPerSecond = requestsPerSecond
      self.goodputRequestsPerSecond = goodputRequestsPerSecond
    }
  }

  /// A distribution's summary.
  public struct Distribution: Codable, Sendable {
    /// The number of values.
    public var count: Int
    /// The arithmetic mean.
    public var mean: Double
    /// The median.
    public var p50: Double
    /// The 90th percentile.
    public var p90: Double
    /// The 95th percentile.
    public var p95: Double
    /// The 99th percentile.
    public var p99: Double
    /// The smallest value.
    public var min: Double
    /// The largest value.
    public var max: Double
    public init(
      count: Int, mean: Double, p50: Double, p90: Double, p95: Double, p99: Double, min: Double,
      max: Double
    ) {
      self.count = count
      self.mean = mean
      self.p50 = p50
      self.p90 = p90
      self.p95 = p95
      self.p99 = p99
      self.min = min
      self.max = max
    }
  }

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
      public init(layer: Int, accesses: UInt64, hits: UInt64) {
        self.layer = layer
        self.accesses = accesses
        self.hits = hits
      }
    }
    public init(fastest: Tier, tiers: [String: Tier]) {
      self.hitRate = fastest.hitRate
      self.hits = fastest.hits
      self.misses = fastest.misses
      self.late = fastest.late
      self.bytesLoaded = fastest.bytesLoaded
      self.tiers = tiers
    }
  }

  /// Time in which the compute stream stood still, by cause [ms per output token].
  public struct StallBreakdown: Codable, Sendable {
    /// Waiting for an expert that was asked for when the gate named it.
    public var demandLoad = 0.0
    /// Waiting for an expert whose prefetch was still in flight.
    public var latePrefetch = 0.0
    /// Waiting for the copy between pageable and pinned memory.
    public var staging = 0.0
    /// Waiting for a drive.
    public var drive = 0.0
    /// The part of a transfer's wait in which other transfers held or shared its link.
    public var linkContention = 0.0
    /// Waiting until an expert in use could be evicted.
    public var memoryFull = 0.0
    /// Waiting for KV blocks moved over the link.
    public var kvSwap = 0.0
    /// Waiting for a collective.
    public var collective = 0.0
    /// Ready operations waiting for a compute resource held by others.
    public var computeQueue = 0.0
    public init() {}
  }

  /// A name and a value.
  public struct NamedValue: Codable, Sendable {
    /// The name.
    public var name: String
    /// The value, in the unit of the list that holds it.
    public var value: Double
    public init(name: String, value: Double) {
      self.name = name
      self.value = value
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
    public init(
      name: String, capacityBytes: Int64, parts: [NamedValue], highWaterBytes: Int64
    ) {
      self.name = name
      self.capacityBytes = capacityBytes
      self.parts = parts
      self.highWaterBytes = highWaterBytes
    }
  }

  /// What the run cost.
  public struct CostReport: Codable, Sendable {
    /// Amortised purchase price and energy per million output tokens [USD].
    public var usdPerMillionOutputTokens: Double?
    /// The machine's purchase price [USD].
    public var purchaseUsd: Double?
    /// Amortised price and energy of an hour [USD].
    public var usdPerHour: Double?
    /// What was assumed: life, price of energy.
    public var basis: String
    public init(
      usdPerMillionOutputTokens: Double?, purchaseUsd: Double?, usdPerHour: Double?, basis: String
    ) {
      self.usdPerMillionOutputTokens = usdPerMillionOutputTokens
      self.purchaseUsd = purchaseUsd
      self.usdPerHour = usdPerHour
      self.basis = basis
    }
  }

  /// What energy the run took.
  public struct EnergyReport: Codable, Sendable {
    /// Energy per output token [J].
    public var joulesPerOutputToken: Double?
    /// Energy over the measured time [J].
    public var joules: Double
    /// Mean power over the measured time [W].
    public var meanWatts: Double
    /// Mean power of each part [W].
    public var parts: [NamedValue]
    public init(
      joulesPerOutputToken: Double?, joules: Double, meanWatts: Double, parts: [NamedValue]
    ) {
      self.joulesPerOutputToken = joulesPerOutputToken
      self.joules = joules
      self.meanWatts = meanWatts
      self.parts = parts
    }
  }

  /// A re-run with one resource twice as fast.
  public struct Improvement: Codable, Sendable {
    /// What was made faster, "PCIe host→device".
    public var resource: String
    /// By what factor.
    public var factor: Double
    /// Output tokens per second of the re-run.
    public var outputTokensPerSecond: Double
    /// Mean time per output token of the re-run [ms].
    public var meanTpotMs: Double?
    /// The share by which mean time per output token falls (positive is better).
    public var tpotReduction: Double?
    public init(
      resource: String, factor: Double, outputTokensPerSecond: Double, meanTpotMs: Double?,
      tpotReduction: Double?
    ) {
      self.resource = resource
      self.factor = factor
      self.outputTokensPerSecond = outputTokensPerSecond
      self.meanTpotMs = meanTpotMs
      self.tpotReduction = tpotReduction
    }
  }

  /// All that is not deterministic.
  public struct RunInfo: Codable, Sendable {
    /// moesim's version.
    public var version: String
    /// "debug" or "release".
    public var build: String
    /// The host's name.
    public var host: String
    /// Wall-clock time of the run [s].
    public var wallSeconds: Double
    /// Processor time of the run [s].
    public var cpuSeconds: Double
    /// Kernel events per second of processor time.
    public var eventsPerCpuSecond: Double
    /// The most memory that the process held [bytes].
    public var peakMemoryBytes: Int64
    public init(
      version: String, build: String, host: String, wallSeconds: Double, cpuSeconds: Double,
      eventsPerCpuSecond: Double, peakMemoryBytes: Int64
    ) {
      self.version = version
      self.build = build
      self.host = host
      self.wallSeconds = wallSeconds
      self.cpuSeconds = cpuSeconds
      self.eventsPerCpuSecond = eventsPerCpuSecond
      self.peakMemoryBytes = peakMemoryBytes
    }
  }
}
