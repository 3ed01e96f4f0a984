// SPDX-License-Identifier: GPL-3.0-or-later

/// All that one simulated run says, in the one record from which every output format is made.
///
/// Encoded with snake-case keys and sorted; the schema is documented in docs/report-schema.md. All
/// that is not deterministic stands under ``runInfo`` alone.
public struct SimulationResult: Codable, Sendable {
  /// The version of this record's schema, "major.minor".
  public var schemaVersion = "1.6"
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
  /// What was fetched ahead, and how right the predictions were; `nil` when the policy fetches
  /// nothing ahead, or every expert is resident.
  public var prefetch: PrefetchReport?
  /// What became of activated experts, where a policy decides that; else `nil`.
  public var resolve: ResolveReport?
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
  /// The KV cache in blocks, where the scenario counts, shares or swaps its blocks; else `nil`.
  public var keyValueCache: KeyValueReport?
  /// What speculative decoding gave; `nil` without it.
  public var speculation: SpeculationReport?
  /// What each GPU computed and waited for, where experts are dealt out to several; else `nil`.
  public var devices: [DeviceReport]?
  /// What the run cost.
  public var cost: CostReport
  /// What energy the run took.
  public var energy: EnergyReport
  /// Utilisation by MoE-CAP's definitions; `nil` where they do not apply.
  public var moeCap: MoECAPReport?
  /// What is known of accuracy, and what the policy changes of what was scored; `nil` where nothing is.
  public var accuracy: AccuracyReport?
  /// Simulated events processed by the kernel.
  public var eventsProcessed: UInt64
  /// Layer events: simulated operations that occupied a resource, and cache decisions for an expert.
  public var layerEvents: UInt64
  /// Forward passes (steps) of the engine.
  public var steps: UInt64
  /// Re-runs with one resource twice as fast, best first; `nil` when not asked for.
  public var whatWouldHelp: [Improvement]?
  /// Intervals from the errors of fitted kernel timings; `nil` when not asked for.
  public var uncertainty: UncertaintyReport?
  /// What a reader must know: wrapped traces, assumptions in prices, unstable load.
  public var notices: [String]
  /// All that is not deterministic.
  public var runInfo: RunInfo?
  /// What replicas, GPUs and gateway of a fleet did; `nil` for one replica alone.
  public var fleet: FleetReport?
  /// The run over time; `nil` where nobody asked.
  public var history: RunHistory?
}
