// SPDX-License-Identifier: GPL-3.0-or-later

@testable import Serving

extension SimulationResult.Distribution {
  /// A distribution around a mean.
  static func around(_ mean: Double, count: Int = 200) -> Self {
    .init(
      count: count, mean: mean, p50: mean * 0.9, p90: mean * 1.4, p95: mean * 1.6, p99: mean * 2,
      min: mean * 0.5, max: mean * 2.5)
  }
}

extension SimulationResult {
  /// A result such as a run of Mixtral on one desktop gives.
  static func sample(
    stable: Bool = true, policy: String = "lru", seed: UInt64 = 1
  ) -> SimulationResult {
    var requests = RequestCounts()
    requests.arrived = 203
    requests.completed = 200
    requests.rejected = 1
    requests.unfinished = 2
    requests.preemptions = 4
    requests.promptTokens = 123_456
    requests.outputTokens = 45_678
    var stalls = StallBreakdown()
    stalls.demandLoad = 14.25
    stalls.linkContention = 1.5
    let hbm = ExpertCacheReport.Tier(
      hits: 600, misses: 350, late: 50, bytesLoaded: 88_080_384 * 400, evictions: 311,
      layers: [
        .init(layer: 0, accesses: 500, hits: 310), .init(layer: 1, accesses: 500, hits: 290),
      ])
    let dram = ExpertCacheReport.Tier(
      hits: 400, misses: 0, late: 0, bytesLoaded: 0, evictions: 0, layers: [])
    var prefetch = PrefetchReport()
    prefetch.issued = 90
    prefetch.used = 70
    prefetch.late = 50
    prefetch.wasted = 15
    prefetch.predicted = 400
    prefetch.predictedRight = 340
    return SimulationResult(
      scenario: "quickstart", seed: seed, replication: 0, simulatedSeconds: 130.123456789,
      measuredSeconds: 120.5,
      steadyState: .init(
        stable: stable, offeredRequestsPerSecond: stable ? 1.7 : 6,
        completedRequestsPerSecond: 1.65975103734,
        reason: stable ? "" : "the queue grew from 3 to 412 requests over the measured time"),
      setting: .init(
        hardware: "rtx-4090-desktop", model: "mixtral-8x7b",
        precision: "experts int4, attention bf16, kv bf16", policy: policy, runtime: "cuda-graphs",
        cache: "35 % of each layer's experts in HBM, the rest in DRAM",
        routing: "generator mixtral-8x7b", workload: "conversation-sample.csv at 0.05 of its rate"),
      requests: requests,
      throughput: .init(
        outputTokensPerSecond: 379.0705394190871, promptTokensPerSecond: 1024.531,
        totalTokensPerSecond: 1403.6015394190871, requestsPerSecond: 1.6597510373443984,
        goodputRequestsPerSecond: 1.5),
      ttftMs: .around(812.3456789), tpotMs: .around(38.4), itlMs: .around(38.1, count: 45_478),
      e2elMs: .around(9_600.25), queueMs: .around(120),
      expertCache: .init(fastest: hbm, tiers: ["hbm": hbm, "dram": dram]),
      prefetch: prefetch, resolve: .init(),
      stallMsPerToken: stalls,
      timeMsPerToken: [
        .init(name: "attention", value: 3.5), .init(name: "gate", value: 0.25),
        .init(name: "experts", value: 18.0), .init(name: "head", value: 0.0019749999999999998),
      ],
      utilization: ["gpu0.compute": 0.57, "gpu0.h2d": 0.8125],
      resources: [
        .init(
          name: "gpu0.compute", kind: "server", utilization: 0.57, busySeconds: 68.685,
          meanQueueLength: 0.12, meanWaitMs: 0.031, maxWaitMs: 2.5, operations: 1_234_567,
          workDone: 68.685),
        .init(
          name: "gpu0.h2d", kind: "bandwidth", utilization: 0.8125, busySeconds: 97.90625,
          meanQueueLength: 1.5, meanWaitMs: 1.25, maxWaitMs: 31.5, operations: 400,
          workDone: 35_232_153_600),
      ],
      traffic: [
        .init(link: "gpu0.h2d", purpose: "demand", bytes: 35_232_153_600, transfers: 400),
        .init(link: "gpu0.h2d", purpose: "kv-swap", bytes: 0, transfers: 0),
      ],
      memory: [
        .init(
          name: "gpu0.hbm", capacityBytes: 25_769_803_776,
          parts: [.init(name: "experts", value: 8_589_934_592), .init(name: "kv", value: 2e9)],
          highWaterBytes: 20_000_000_000)
      ],
      cost: .init(
        usdPerMillionOutputTokens: 0.0731234567, purchaseUsd: 2899, usdPerHour: 0.0998,
        basis: "5 years of life, 0.15 USD/kWh"),
      energy: .init(
        joulesPerOutputToken: 1.05, joules: 47_961.9, meanWatts: 398.023,
        parts: [.init(name: "gpu0", value: 310), .init(name: "host", value: 88.023)]),
      eventsProcessed: 9_876_543, layerEvents: 4_321_000, steps: 61_234,
      whatWouldHelp: [
        .init(
          resource: "PCIe host→device", factor: 2, outputTokensPerSecond: 560.25, meanTpotMs: 26.1,
          tpotReduction: 0.3203125)
      ],
      notices: ["the trace ran out after 494 sequences and was wrapped"],
      runInfo: .init(
        version: "0.1.0", build: "debug", host: "box", wallSeconds: 1.25, cpuSeconds: 1.2,
        eventsPerCpuSecond: 8_230_452.5, peakMemoryBytes: 47_185_920))
  }
}
