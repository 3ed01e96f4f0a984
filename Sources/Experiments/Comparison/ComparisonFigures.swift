// SPDX-License-Identifier: GPL-3.0-or-later

public import Serving

/// The figures of one run that a comparison is about, or their means over several runs.
///
/// Each is the figure of `SimulationResult` of the same name, or made of it as docs/metrics.md says.
public struct ComparisonFigures: Codable, Sendable {
  /// Output tokens per second.
  public var outputTokensPerSecond: Double
  /// Completed requests per second.
  public var requestsPerSecond: Double
  /// Requests per second within the scenario's `slo`; `nil` without one.
  public var goodputRequestsPerSecond: Double?
  /// The mean time to first token [ms].
  public var ttftMs: Double?
  /// The 99th percentile of time to first token [ms].
  public var p99TtftMs: Double?
  /// The mean time per output token [ms].
  public var tpotMs: Double?
  /// The 99th percentile of time per output token [ms].
  public var p99TpotMs: Double?
  /// Hits of the fastest tier divided by accesses.
  public var hitRate: Double
  /// Experts found resident, per output token.
  public var hitsPerToken: Double
  /// Experts found in flight, prefetched too late to be there, per output token.
  public var latePerToken: Double
  /// Experts found neither resident nor in flight, per output token.
  public var missesPerToken: Double
  /// Experts fetched ahead of their use, per output token.
  public var prefetchesPerToken: Double
  /// Bytes fetched ahead of their use, per output token.
  public var prefetchedBytesPerToken: Double
  /// Experts fetched ahead that were there when they were needed, per output token.
  public var onTimePerToken: Double
  /// Bytes fetched ahead that nobody used, per output token.
  public var wastedBytesPerToken: Double
  /// Demand loads that found a prefetch on the link, per output token.
  public var demandsDelayedPerToken: Double
  /// The share of predictions that the gate confirmed; `nil` where nothing is predicted.
  public var predictionAccuracy: Double?
  /// The share of predicted experts that were there when their gate decided; `nil` where nothing is
  /// predicted.
  public var fetchRate: Double?
  /// Experts computed where they are stored, per output token.
  public var computedOnHostPerToken: Double
  /// Experts computed in a less precise version, per output token.
  public var lowPrecisionPerToken: Double
  /// Choices of experts that were left out, per output token.
  public var skippedPerToken: Double
  /// Bytes over each link, per output token.
  public var bytesPerToken: [String: Double]
  /// Time in which the compute stream stood still, by cause [ms per output token].
  public var stallMsPerToken: SimulationResult.StallBreakdown
  /// The share of a step's time in which the compute stream stood still.
  public var stalledShare: Double
  /// The time of steps, computed and stalled [ms per output token].
  public var stepMsPerToken: Double
  /// The busy share of each resource.
  public var utilization: [String: Double]

  /// The figures of one run.
  public init(_ result: SimulationResult) {
    let tokens = result.throughput.outputTokensPerSecond * result.measuredSeconds
    let perToken = { (value: Double) in tokens >= 0.5 ? value / tokens : 0 }
    outputTokensPerSecond = result.throughput.outputTokensPerSecond
    requestsPerSecond = result.throughput.requestsPerSecond
    goodputRequestsPerSecond = result.throughput.goodputRequestsPerSecond
    ttftMs = result.ttftMs?.mean
    p99TtftMs = result.ttftMs?.p99
    tpotMs = result.tpotMs?.mean
    p99TpotMs = result.tpotMs?.p99
    hitRate = result.expertCache.hitRate
    hitsPerToken = perToken(Double(result.expertCache.hits))
    latePerToken = perToken(Double(result.expertCache.late))
    missesPerToken = perToken(Double(result.expertCache.misses))
    let ahead = result.traffic.filter { $0.purpose == "prefetch" }
    prefetchesPerToken = perToken(ahead.reduce(0) { $0 + Double($1.transfers) })
    prefetchedBytesPerToken = perToken(ahead.reduce(0) { $0 + Double($1.bytes) })
    let prefetch = result.prefetch ?? .init()
    onTimePerToken = perToken(Double(prefetch.used) - Double(prefetch.late))
    wastedBytesPerToken = perToken(Double(prefetch.wastedBytes))
    demandsDelayedPerToken = perToken(Double(prefetch.demandsDelayed))
    predictionAccuracy = prefetch.accuracy
    fetchRate = prefetch.fetchRate
    let resolve = result.resolve ?? .init()
    computedOnHostPerToken = perToken(Double(resolve.computedOnHost))
    lowPrecisionPerToken = perToken(Double(resolve.lowPrecision))
    skippedPerToken = perToken(Double(resolve.skipped + resolve.skippedChoices))
    bytesPerToken = [:]
    for entry in result.traffic {
      bytesPerToken[entry.link, default: 0] += perToken(Double(entry.bytes))
    }
    stallMsPerToken = result.stallMsPerToken
    let stalled = result.stallMsPerToken.total
    let computed = result.timeMsPerToken.reduce(0) { $0 + $1.value }
    stalledShare = stalled + computed > 0 ? stalled / (stalled + computed) : 0
    stepMsPerToken = stalled + computed
    utilization = result.utilization
  }

  /// The means of several runs' figures, each over the runs that have it; `nil` of no runs.
  public init?(meanOf runs: [ComparisonFigures]) {
    guard var mean = runs.first else { return nil }
    func average(_ key: WritableKeyPath<Self, Double>) {
      mean[keyPath: key] = runs.reduce(0) { $0 + $1[keyPath: key] } / Double(runs.count)
    }
    func average(_ key: WritableKeyPath<Self, Double?>) {
      let values = runs.compactMap { $0[keyPath: key] }
      mean[keyPath: key] = values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
    func average(_ key: WritableKeyPath<Self, [String: Double]>) {
      var names = Set<String>()
      for run in runs { names.formUnion(run[keyPath: key].keys) }
      for name in names.sorted() {
        let total = runs.reduce(0) { $0 + ($1[keyPath: key][name] ?? 0) }
        mean[keyPath: key][name] = total / Double(runs.count)
      }
    }
    for key in Self.numbers { average(key) }
    for key in Self.optionalNumbers { average(key) }
    average(\.bytesPerToken)
    average(\.utilization)
    self = mean
  }

  private static var numbers: [WritableKeyPath<Self, Double>] {
    let own: [WritableKeyPath<Self, Double>] = [
      \.outputTokensPerSecond, \.requestsPerSecond, \.hitRate, \.hitsPerToken, \.latePerToken,
      \.missesPerToken, \.prefetchesPerToken, \.prefetchedBytesPerToken, \.stalledShare,
      \.onTimePerToken, \.wastedBytesPerToken, \.demandsDelayedPerToken,
      \.computedOnHostPerToken, \.lowPrecisionPerToken, \.skippedPerToken, \.stepMsPerToken,
    ]
    let stalls: WritableKeyPath<Self, SimulationResult.StallBreakdown> = \.stallMsPerToken
    return own + SimulationResult.StallBreakdown.causes.map { stalls.appending(path: $0.key) }
  }

  private static var optionalNumbers: [WritableKeyPath<Self, Double?>] {
    [
      \.goodputRequestsPerSecond, \.ttftMs, \.p99TtftMs, \.tpotMs, \.p99TpotMs,
      \.predictionAccuracy, \.fetchRate,
    ]
  }
}

extension SimulationResult.StallBreakdown {
  /// Every cause with the words for it, in the order of the record.
  public static var causes: [(key: WritableKeyPath<Self, Double>, title: String)] {
    [
      (\.demandLoad, "demand load"), (\.latePrefetch, "late prefetch"), (\.staging, "staging"),
      (\.drive, "drive"), (\.linkContention, "link contention"), (\.memoryFull, "memory full"),
      (\.kvSwap, "KV swap"), (\.collective, "collective"), (\.computeQueue, "compute queue"),
      (\.hostCompute, "host compute"),
    ]
  }

  /// The time stalled for any cause [ms per output token].
  public var total: Double { Self.causes.reduce(0) { $0 + self[keyPath: $1.key] } }
}
