// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel
import Units

extension ServingEngine {
  /// The record of a run that ended at `end` [ns].
  func result(endedAt end: UInt64, events: UInt64) -> SimulationResult {
    let seconds = max(1e-9, Double(end - min(end, progress.measuredFrom)) * 1e-9)
    let tokens = Double(counters.outputTokens)
    let utilization = utilizations(seconds: seconds, end: end)
    let verdict = progress.verdict(isClosedLoop: requests.isClosedLoop)
    let stable = verdict.stable
    let ledger = costLedger(utilization: utilization)
    let production = CostLedger.Production(
      seconds: seconds, outputTokens: tokens, promptTokens: Double(counters.promptTokens))
    var notices = configuration.notices + requests.notices + routing.notices
    if !stable { notices.insert(verdict.reason, at: 0) }
    if !progress.isWarm {
      notices.append("the run ended before its warm-up did: figures are those of the whole run")
    }
    notices += requestNotices()
    if let swap = batch.swap, batch.preemptions > 0 {
      notices.append(
        "\(batch.preemptions) preemptions, by recompute where \(swap.fallbacks) found no room in host"
          + " memory: the KV cache is short of what the batch needs (cache.kv, cache.swap,"
          + " serving.max_batch)")
    } else if batch.preemptions > 0 {
      notices.append(
        "\(batch.preemptions) preemptions by recompute: the KV cache is short of what the batch needs"
          + " (cache.kv, serving.max_batch)")
    }
    notices += configuration.figures.assumptions
    let cost = ledger.costReport(
      configuration.cost, production, rentWords: "rented by the hour, energy included")
    let energy = ledger.energyReport(production)
    var result = SimulationResult(
      scenario: configuration.name, seed: configuration.run.seed,
      replication: configuration.run.replication, simulatedSeconds: Double(end) * 1e-9,
      measuredSeconds: seconds, steadyState: verdict, setting: configuration.setting,
      requests: requestCounts(), throughput: throughput(seconds: seconds),
      ttftMs: stable ? latencies.timeToFirstToken.summary() : nil,
      tpotMs: latencies.timePerOutputToken.summary(), itlMs: latencies.interToken.summary(),
      e2elMs: stable ? latencies.endToEnd.summary() : nil,
      queueMs: stable ? latencies.queueing.summary() : nil, expertCache: cacheReport(),
      prefetch: prefetchReport(),
      resolve: looksAtTokens || !resolveIsPlain ? counters.resolve : nil,
      stallMsPerToken: stallBreakdown(tokens: tokens),
      timeMsPerToken: timeBreakdown(tokens: tokens),
      utilization: utilization.byName, resources: utilization.resources,
      traffic: trafficReport(), memory: memoryReport(), keyValueCache: keyValueReport(),
      speculation: speculationReport(), devices: deviceReports(seconds: seconds, end: end),
      cost: cost, energy: energy,
      eventsProcessed: events, layerEvents: counters.cacheDecisions + counters.operations,
      steps: counters.steps, whatWouldHelp: nil, notices: notices, runInfo: nil)
    result.accuracy = accuracyReport()
    result.moeCap = moeCapReport(
      tpotMs: result.tpotMs?.mean,
      outputTokensPerSecond: result.throughput.outputTokensPerSecond, cost: cost,
      meanWatts: energy.meanWatts, accuracy: result.accuracy?.score)
    return result
  }

  /// What is known of accuracy; the gates' weight only where the policy may change what they get.
  private func accuracyReport() -> SimulationResult.AccuracyReport? {
    let resolve = configuration.policy.resolve
    let changes =
      memory.layers > 0
      && (!resolve.versions.isEmpty || resolve.skipsChoices || counters.gateMass.skipped > 0)
    let first = configuration.precision.experts
    return .init(
      scores: configuration.scores,
      formats: ["\(first)"] + resolve.versions.map { "\($0.format(beside: first))" },
      mass: changes ? counters.gateMass : nil)
  }

  /// What became of requests that were not answered.
  private func requestNotices() -> [String] {
    var notices: [String] = []
    if progress.rejected > 0 {
      let room = QuantityFormat().string(Double(batch.keyValue.capacity), .bytes)
      notices.append(
        "\(progress.rejected) of \(progress.arrivals) requests were rejected: their tokens alone need "
          + "more than the KV cache (\(room)); see cache.kv")
    }
    if progress.completions == 0 {
      notices.append(
        progress.arrivals == 0
          ? "no request arrived within the run: there is nothing to report"
          : "no request was completed: latencies are not known")
    }
    return notices
  }

  private func requestCounts() -> SimulationResult.RequestCounts {
    var counts = SimulationResult.RequestCounts()
    counts.arrived = progress.arrivals
    counts.completed = progress.completions
    counts.rejected = progress.rejected
    counts.unfinished = progress.arrivals - progress.completions - progress.rejected
    counts.preemptions = batch.preemptions
    counts.promptTokens = progress.completedPromptTokens
    counts.outputTokens = progress.completedOutputTokens
    return counts
  }

  private func throughput(seconds: Double) -> SimulationResult.Throughput {
    let completed = progress.completions - progress.completionsBeforeMeasuring
    return .init(
      outputTokensPerSecond: Double(counters.outputTokens) / seconds,
      promptTokensPerSecond: Double(counters.promptTokens) / seconds,
      totalTokensPerSecond: Double(counters.outputTokens + counters.promptTokens) / seconds,
      requestsPerSecond: Double(completed) / seconds,
      goodputRequestsPerSecond: configuration.serviceLevel.isEmpty
        ? nil : Double(latencies.good) / seconds)
  }

  private func prefetchReport() -> SimulationResult.PrefetchReport? {
    guard prefetchIsActive else { return nil }
    var report = counters.prefetch
    report.stale = ahead.queues.reduce(0) { $0 + $1.stale }
    return report
  }

  private func cacheReport() -> SimulationResult.ExpertCacheReport {
    let fast = counters.fast.report()
    var tiers = ["hbm": fast]
    if host != nil { tiers["dram"] = counters.host.report() }
    return .init(fastest: fast, tiers: tiers)
  }

  private func stallBreakdown(tokens: Double) -> SimulationResult.StallBreakdown {
    var breakdown = SimulationResult.StallBreakdown()
    guard tokens > 0 else { return breakdown }
    let stalls = counters.stalls
    let perToken = { (cause: StallCause) in Double(stalls[cause]) * 1e-6 / tokens }
    breakdown.demandLoad = perToken(.demandLoad)
    breakdown.latePrefetch = perToken(.latePrefetch)
    breakdown.staging = perToken(.staging)
    breakdown.drive = perToken(.drive)
    breakdown.linkContention = perToken(.linkContention)
    breakdown.memoryFull = perToken(.memoryFull)
    breakdown.kvSwap = perToken(.keyValueSwap)
    breakdown.collective = perToken(.collective)
    breakdown.computeQueue = perToken(.computeQueue)
    breakdown.hostCompute = perToken(.hostCompute)
    return breakdown
  }

  private func timeBreakdown(tokens: Double) -> [SimulationResult.NamedValue] {
    guard tokens > 0 else { return [] }
    return EngineCounters.Activity.allCases.compactMap { activity in
      let nanoseconds = counters.activity[activity.rawValue]
      if activity.isElsewhere && nanoseconds == 0 { return nil }
      return .init(name: activity.name, value: Double(nanoseconds) * 1e-6 / tokens)
    }
  }

  private func trafficReport() -> [SimulationResult.TrafficReport] {
    var reports: [SimulationResult.TrafficReport] = []
    for (number, device) in machine.devices.enumerated() {
      for purpose in TransferPurpose.allCases {
        let place = number * TransferPurpose.allCases.count + Int(purpose.rawValue)
        let bytes = counters.linkBytes[place]
        guard bytes > 0 else { continue }
        reports.append(
          .init(
            link: linkName(purpose, gpu: device.gpu), purpose: purpose.name, bytes: bytes,
            transfers: counters.linkTransfers[place]))
      }
    }
    if counters.driveBytes > 0 {
      reports.append(
        .init(
          link: "ssd0", purpose: "read", bytes: counters.driveBytes,
          transfers: counters.driveReads))
    }
    return reports
  }

  private func linkName(_ purpose: TransferPurpose, gpu: Int) -> String {
    switch purpose {
    case .demand, .prefetch, .keyValueSwap, .activationsDown, .weights, .keyValueLoad:
      "gpu\(gpu).h2d"
    case .writeBack, .activationsUp, .keyValueStore, .keyValueSwapOut: "gpu\(gpu).d2h"
    case .collective:
      configuration.figures.peerRate > 0 ? "gpu\(gpu).peer.out" : "gpu\(gpu).link.up"
    case .staging: "host.staging"
    }
  }

  private func memoryReport() -> [SimulationResult.MemoryReport] {
    if let streaming = memory.streaming { return streamingReport(streaming) }
    var reports: [SimulationResult.MemoryReport] = []
    for device in 0..<deviceCount { reports.append(deviceMemory(device)) }
    if memory.hostExpertBytes > 0 || memory.swapBytes > 0 {
      let swap: [SimulationResult.NamedValue] =
        memory.swapBytes > 0 ? [.init(name: "KV swap", value: Double(memory.swapBytes))] : []
      let swapped = (batch.swap?.highWater ?? 0) * Int64(memory.gpus.gpus)
      reports.append(
        .init(
          name: configuration.figures.expertMemoryName,
          capacityBytes: configuration.figures.hostMemoryBytes,
          parts: [.init(name: "experts", value: Double(memory.hostExpertBytes))] + swap + [
            .init(
              name: "free",
              value: Double(
                configuration.figures.hostMemoryBytes - memory.hostExpertBytes - memory.swapBytes))
          ], highWaterBytes: memory.hostExpertBytes + swapped))
    }
    return reports
  }

  /// The memory of a device.
  private func deviceMemory(_ device: Int) -> SimulationResult.MemoryReport {
    let pools = tier.view.poolCount / deviceCount
    let expertsHeld = (device * pools..<(device + 1) * pools).reduce(Int64(0)) {
      $0 + tier.view.highWater(ofPool: $1)
        * (tier.view.plan.unit == .slots ? memory.bytes(ofPool: $1) : 1)
    }
    let fixed = memory.nonExpertBytes + memory.workspaceBytes + memory.stagingBytes
    let shared =
      memory.isElastic ? memory.sharedBytes : memory.expertCacheBytes + memory.keyValueBytes
    let caches: [SimulationResult.NamedValue] =
      memory.isElastic
      ? [.init(name: "experts and KV cache", value: Double(shared))]
      : [
        .init(name: "expert cache", value: Double(memory.expertCacheBytes)),
        .init(name: "KV cache", value: Double(memory.keyValueBytes)),
      ]
    // Of a group, the share of one device.
    let used =
      (batch.keyValue.highWater + (memory.layers > 0 ? expertsHeld : 0)) / Int64(memory.devices)
    let weights = [
      SimulationResult.NamedValue(name: "non-expert weights", value: Double(memory.nonExpertBytes))
    ]
    let rest: [SimulationResult.NamedValue] = [
      .init(name: "staging buffers", value: Double(memory.stagingBytes)),
      .init(name: "workspace", value: Double(memory.workspaceBytes)),
      .init(
        name: "free", value: Double(configuration.figures.deviceMemoryBytes - fixed - shared)),
    ]
    return .init(
      name: "gpu\(machine.devices[device].gpu).hbm",
      capacityBytes: configuration.figures.deviceMemoryBytes, parts: weights + caches + rest,
      highWaterBytes: fixed + min(shared, used))
  }
}
