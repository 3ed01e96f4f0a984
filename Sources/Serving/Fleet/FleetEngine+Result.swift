// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel
import Units

extension FleetEngine {
  /// The record of a run that ended at `end` [ns].
  func result(endedAt end: UInt64, events: UInt64) -> SimulationResult {
    let seconds = max(1e-9, Double(end - min(end, progress.measuredFrom)) * 1e-9)
    let tokens = Double(counters.outputTokens)
    let verdict = progress.verdict(isClosedLoop: requests.isClosedLoop)
    let stable = verdict.stable
    let utilization = utilizations(seconds: seconds, end: end)
    let ledger = costLedger(seconds: seconds, end: end)
    let production = CostLedger.Production(
      seconds: seconds, outputTokens: tokens + Double(counters.cachedTokens),
      promptTokens: Double(counters.promptTokens))
    let cost = ledger.costReport(
      configuration.cost, production, boughtWords: "purchase of every host",
      rentWords: "hosts rented by the hour while they are up, energy included")
    let energy = ledger.energyReport(production)
    var result = SimulationResult(
      scenario: configuration.name, seed: configuration.run.seed,
      replication: configuration.run.replication, simulatedSeconds: Double(end) * 1e-9,
      measuredSeconds: seconds, steadyState: verdict, setting: configuration.setting,
      requests: requestCounts(), throughput: throughput(seconds: seconds),
      ttftMs: stable ? latencies.timeToFirstToken.summary() : nil,
      tpotMs: latencies.timePerOutputToken.summary(), itlMs: latencies.interToken.summary(),
      e2elMs: stable ? latencies.endToEnd.summary() : nil,
      queueMs: stable ? latencies.queueing.summary() : nil,
      expertCache: .init(fastest: Self.residentTier, tiers: ["hbm": Self.residentTier]),
      prefetch: nil, resolve: nil, stallMsPerToken: .init(),
      timeMsPerToken: timeBreakdown(), utilization: utilization.byName,
      resources: utilization.resources, traffic: trafficReport(), memory: memoryReport(),
      keyValueCache: keyValueReport(), speculation: speculationReport(),
      cost: cost, energy: energy, eventsProcessed: events, layerEvents: counters.steps,
      steps: counters.steps, whatWouldHelp: nil, notices: notices(verdict), runInfo: nil,
      fleet: fleetReport(seconds: seconds, end: end))
    let first = configuration.groups[0]
    result.accuracy = .init(
      scores: configuration.scores, formats: ["\(first.precision.experts)"], mass: nil)
    let peaks = first.peaks(groups[0].passCosts)
    result.moeCap = .init(
      book: counters.passes, gpus: peaks.gpus, bandwidth: peaks.bandwidth,
      peak: (peaks.name, peaks.rate), limitMs: configuration.serviceLevel.tpotMs,
      radar: .init(
        tpotSeconds: result.tpotMs.map { $0.mean * 1e-3 },
        outputTokensPerSecond: result.throughput.outputTokensPerSecond,
        purchaseUsd: cost.purchaseUsd, meanWatts: energy.meanWatts,
        accuracy: result.accuracy?.score))
    return result
  }

  private static var residentTier: SimulationResult.ExpertCacheReport.Tier {
    .init(hits: 0, misses: 0, late: 0, bytesLoaded: 0, evictions: 0, layers: [])
  }

  private func notices(_ verdict: SimulationResult.SteadyStateVerdict) -> [String] {
    var notices = configuration.notices + requests.notices
    if !verdict.stable { notices.insert(verdict.reason, at: 0) }
    if !progress.isWarm {
      notices.append("the run ended before its warm-up did: figures are those of the whole run")
    }
    if progress.rejected > 0 {
      notices.append(
        "\(progress.rejected) of \(progress.arrivals) requests were rejected: their tokens alone need"
          + " more than a rank's KV cache; see cache.kv")
    }
    if lost > 0 {
      notices.append(
        "\(lost) of \(progress.arrivals) requests were lost: their replicas failed more often than"
          + " fleet.retries allows")
    }
    if progress.completions == 0 {
      notices.append(
        progress.arrivals == 0
          ? "no request arrived within the run: there is nothing to report"
          : "no request was completed: latencies are not known")
    }
    let preemptions = self.preemptions
    if preemptions > 0 {
      notices.append(
        "\(preemptions) preemptions: the KV cache is short of what the batch needs (cache.kv,"
          + " serving.max_batch)")
    }
    return notices
  }

  private var preemptions: Int {
    replicas.reduce(0) { sum, replica in
      replica.lanes.reduce(sum) { $0 + $1.ranks.reduce(0) { $0 + $1.preemptions } }
    }
  }

  private func requestCounts() -> SimulationResult.RequestCounts {
    var counts = SimulationResult.RequestCounts()
    counts.arrived = progress.arrivals
    counts.completed = progress.completions
    counts.rejected = progress.rejected
    counts.lost = lost
    counts.unfinished = progress.arrivals - progress.completions - progress.rejected - lost
    counts.preemptions = preemptions
    counts.promptTokens = progress.completedPromptTokens
    counts.outputTokens = progress.completedOutputTokens
    return counts
  }

  private func throughput(seconds: Double) -> SimulationResult.Throughput {
    let completed = progress.completions - progress.completionsBeforeMeasuring
    let output = counters.outputTokens + counters.cachedTokens
    return .init(
      outputTokensPerSecond: Double(output) / seconds,
      promptTokensPerSecond: Double(counters.promptTokens) / seconds,
      totalTokensPerSecond: Double(output + counters.promptTokens) / seconds,
      requestsPerSecond: Double(completed) / seconds,
      goodputRequestsPerSecond: configuration.serviceLevel.isEmpty
        ? nil : Double(latencies.good) / seconds)
  }

  /// Where the time of steps goes along their critical paths [ms per output token].
  private func timeBreakdown() -> [SimulationResult.NamedValue] {
    guard counters.outputTokens > 0 else { return [] }
    let times = counters.times
    let scale = 1e3 / Double(counters.outputTokens)
    let parts: [(String, Double)] = [
      ("runtime overhead", times.overhead), ("attention", times.attention),
      ("dense feed-forward", times.dense), ("gate", times.gate),
      ("shared experts", times.shared), ("experts", times.experts),
      ("head and sampling", times.ends), ("collectives", times.collectives),
      ("drafting", times.draft),
    ]
    return parts.filter { $0.1 > 0 }.map { .init(name: $0.0, value: $0.1 * scale) }
  }

  private func trafficReport() -> [SimulationResult.TrafficReport] {
    let all: [SimulationResult.TrafficReport] = [
      .init(
        link: "between replicas", purpose: "kv-move", bytes: counters.movedBytes,
        transfers: counters.moves),
      .init(
        link: "gpu.h2d and gpu.d2h", purpose: "kv-swap", bytes: counters.swappedBytes,
        transfers: counters.swaps),
    ]
    return all.filter { $0.bytes > 0 }
  }

  private func memoryReport() -> [SimulationResult.MemoryReport] {
    zip(configuration.groups, groups).map { group, state in
      let memory = state.memory
      let prefix = groups.count > 1 ? "\(group.name)." : ""
      var used = 0.0
      for index in state.members {
        for lane in replicas[index].lanes {
          for rank in lane.ranks { used = max(used, Double(rank.keyValue.highWater)) }
        }
      }
      let fixed = memory.nonExpertBytes + memory.expertBytes + memory.workspaceBytes
      return .init(
        name: "\(prefix)gpu.hbm", capacityBytes: group.figures.deviceMemoryBytes,
        parts: [
          .init(name: "non-expert weights", value: Double(memory.nonExpertBytes)),
          .init(name: "experts", value: Double(memory.expertBytes)),
          .init(name: "KV cache", value: Double(memory.keyValueBytes)),
          .init(name: "workspace", value: Double(memory.workspaceBytes)),
          .init(
            name: "free",
            value: Double(group.figures.deviceMemoryBytes - fixed - memory.keyValueBytes)),
        ], highWaterBytes: fixed + Int64(used) * Int64(group.plan.pipeline))
    }
  }
}
