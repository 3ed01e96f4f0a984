// SPDX-License-Identifier: GPL-3.0-or-later

extension SimulationResult {
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
    /// The record of these values.
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
    /// The record of these values.
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

  /// The fate of the requests. `arrived = completed + rejected + lost + unfinished`.
  public struct RequestCounts: Codable, Sendable {
    /// Requests that arrived.
    public var arrived = 0
    /// Requests that got their last token.
    public var completed = 0
    /// Requests that can never be served (longer than the KV cache).
    public var rejected = 0
    /// Requests given up after failures of their replicas; `nil` where nothing may fail.
    public var lost: Int?
    /// Requests waiting or running when the run ended.
    public var unfinished = 0
    /// Preemptions by recompute.
    public var preemptions = 0
    /// Prompt tokens of completed requests.
    public var promptTokens: Int64 = 0
    /// Output tokens of completed requests.
    public var outputTokens: Int64 = 0
    /// A record in which everything is zero.
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
    /// The record of these values.
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
    /// The record of these values.
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
    /// Waiting while the link served transfers that nobody waited for, such as prefetches. Of several
    /// misses of one layer, each is charged the time of its own copy.
    public var linkContention = 0.0
    /// Waiting until an expert in use could be evicted.
    public var memoryFull = 0.0
    /// Waiting for KV blocks moved over the link.
    public var kvSwap = 0.0
    /// Waiting for a collective.
    public var collective = 0.0
    /// Ready operations waiting for a compute resource held by others.
    public var computeQueue = 0.0
    /// Waiting for experts that are computed where they are stored.
    public var hostCompute = 0.0
    /// A record in which everything is zero.
    public init() {}
  }

  /// A name and a value.
  public struct NamedValue: Codable, Sendable {
    /// The name.
    public var name: String
    /// The value, in the unit of the list that holds it.
    public var value: Double
    /// The record of these values.
    public init(name: String, value: Double) {
      self.name = name
      self.value = value
    }
  }
}
