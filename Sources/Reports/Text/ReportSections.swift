// SPDX-License-Identifier: GPL-3.0-or-later

import Records
import Serving

/// Builds the report of one run for people, in the order of their questions.
struct ReportSections {
  let document: ResultDocument
  private var result: SimulationResult { document.result }

  init(_ document: ResultDocument) {
    self.document = document
  }

  /// How fast, where did the time go, hits and traffic, memory, cost and energy, MoE-CAP, accuracy, what
  /// would help, how sure, notices.
  var all: [ReportSection] {
    [
      head, speed, time, fleet, hitsAndTraffic, memory, costAndEnergy, moeCap, accuracy, help,
      sureness, notices, run,
    ]
    .compactMap { $0 }.filter { !$0.blocks.isEmpty }
  }

  private var head: ReportSection? {
    let setting = result.setting
    var facts: [(label: String, value: String)] = [
      ("Scenario", "\(result.scenario), seed \(result.seed), replication \(result.replication)"),
      ("Machine", setting.hardware), ("Runtime", setting.runtime), ("Model", setting.model),
      ("Precision", setting.precision), ("Policy", setting.policy), ("Cache", setting.cache),
      ("Routing", setting.routing), ("Workload", setting.workload),
    ]
    facts.removeAll { $0.value.isEmpty }
    let measured = FigureText.number(result.measuredSeconds)
    let simulated = FigureText.number(result.simulatedSeconds)
    facts.append(("Simulated", "\(simulated) s, of which \(measured) s were measured"))
    var blocks: [ReportSection.Block] = [.facts(facts)]
    if !result.steadyState.stable {
      blocks.append(.warning(ResultDocument.instabilityWarning(for: result.steadyState)))
    }
    return ReportSection(title: "", blocks: blocks)
  }

  private var speed: ReportSection? {
    let requests = result.requests
    let throughput = result.throughput
    func rate(_ value: Double) -> String {
      FigureText.number(value) + (result.steadyState.stable ? "" : " (saturated)")
    }
    // Counts of the measured time, so that they are the rates times its length.
    func measured(_ rate: Double) -> String {
      FigureText.integer(Int64((rate * result.measuredSeconds).rounded()))
    }
    let successful = measured(throughput.requestsPerSecond)
    let all = FigureText.integer(requests.completed)
    var facts: [(label: String, value: String)] = [
      (
        "Successful requests",
        successful == all ? all : "\(successful) after the warm-up, \(all) in all"
      ),
      ("Benchmark duration (s)", FigureText.number(result.measuredSeconds)),
      ("Total input tokens", measured(throughput.promptTokensPerSecond)),
      ("Total generated tokens", measured(throughput.outputTokensPerSecond)),
      ("Request throughput (req/s)", rate(throughput.requestsPerSecond)),
      ("Output token throughput (tok/s)", rate(throughput.outputTokensPerSecond)),
      ("Total token throughput (tok/s)", rate(throughput.totalTokensPerSecond)),
    ]
    if let goodput = throughput.goodputRequestsPerSecond {
      facts.insert(("Request goodput (req/s)", rate(goodput)), at: 5)
    }
    let others = [
      (requests.rejected, "rejected"), (requests.lost ?? 0, "lost"),
      (requests.unfinished, "unfinished"),
      (requests.preemptions, "preemptions"),
    ].filter { $0.0 > 0 }.map { "\(FigureText.integer($0.0)) \($0.1)" }
    if !others.isEmpty {
      let arrived = FigureText.integer(requests.arrived)
      facts.insert(("Of \(arrived) that arrived", others.joined(separator: ", ")), at: 1)
    }
    facts += batching
    return ReportSection(title: "How fast", blocks: [.facts(facts), .table(latencies)])
  }

  /// What batching shared, moved and guessed, where it does.
  private var batching: [(label: String, value: String)] {
    var facts: [(label: String, value: String)] = []
    if let cache = result.keyValueCache {
      facts.append(
        (
          "KV blocks of \(FigureText.integer(cache.blockTokens)) tokens",
          "\(FigureText.integer(cache.blocks)), of which \(FigureText.integer(cache.highWaterBlocks))"
            + " in use at most"
        ))
      if let rate = cache.prefixHitRate {
        facts.append(("Prompt tokens found in the prefix cache", FigureText.percent(rate)))
      }
      if cache.swapOuts > 0 {
        facts.append(("Preemptions by swap", FigureText.integer(cache.swapOuts)))
      }
    }
    if let length = result.speculation?.meanAcceptedLength {
      facts.append(("Tokens of a verification", FigureText.number(length)))
    }
    return facts
  }

  private var latencies: TextTable {
    var table = TextTable(columns: [
      .init("Latency (ms)"), .init("Mean", isNumeric: true), .init("Median", isNumeric: true),
      .init("P90", isNumeric: true, dropOrder: 4), .init("P95", isNumeric: true, dropOrder: 5),
      .init("P99", isNumeric: true), .init("Max", isNumeric: true, dropOrder: 3),
    ])
    let rows: [(String, SimulationResult.Distribution?)] = [
      ("Time to First Token (TTFT)", result.ttftMs),
      ("Time per Output Token (TPOT)", result.tpotMs), ("Inter-token Latency (ITL)", result.itlMs),
      ("End-to-end Latency (E2EL)", result.e2elMs), ("Queueing", result.queueMs),
    ]
    for (name, distribution) in rows {
      let values = distribution.map { [$0.mean, $0.p50, $0.p90, $0.p95, $0.p99, $0.max] }
      let texts =
        values.map { $0.map { FigureText.number($0) } }
        ?? Array(repeating: FigureText.absent, count: 6)
      table.append([name] + texts)
    }
    return table
  }

  private var time: ReportSection? {
    let stalls = Self.stalls(of: result.stallMsPerToken)
    let total =
      result.timeMsPerToken.reduce(0) { $0 + $1.value } + stalls.reduce(0) { $0 + $1.value }
    guard total > 0 else { return nil }
    func bar(_ name: String, _ value: Double, isStall: Bool) -> ReportSection.Bar {
      .init(label: name, value: value, share: value / total, isStall: isStall)
    }
    var bars = result.timeMsPerToken.filter { $0.value != 0 }.map {
      bar($0.name, $0.value, isStall: false)
    }
    bars += stalls.filter { $0.value != 0 }.map {
      bar("stall: \($0.name)", $0.value, isStall: true)
    }
    let lost = stalls.reduce(0) { $0 + $1.value } / total
    let summary =
      "\(FigureText.number(total)) ms per output token, of which \(FigureText.percent(lost)) stalled."
    var blocks: [ReportSection.Block] = [
      .paragraph(summary), .bars(unit: "ms per output token", bars),
    ]
    if !result.resources.isEmpty { blocks.append(.table(resources)) }
    return ReportSection(title: "Where did the time go", blocks: blocks)
  }

  /// The stalls by cause, in words, in the order of the record.
  static func stalls(
    of stalls: SimulationResult.StallBreakdown
  ) -> [(name: String, value: Double)] {
    [
      ("demand load", stalls.demandLoad), ("late prefetch", stalls.latePrefetch),
      ("staging copy", stalls.staging), ("drive", stalls.drive),
      ("link contention", stalls.linkContention), ("memory full", stalls.memoryFull),
      ("KV swap", stalls.kvSwap), ("collective", stalls.collective),
      ("compute queue", stalls.computeQueue), ("host compute", stalls.hostCompute),
    ]
  }

  private var resources: TextTable {
    var table = TextTable(columns: [
      .init("Resource"), .init("Busy", isNumeric: true),
      .init("Mean wait (ms)", isNumeric: true, dropOrder: 1),
      .init("Max wait (ms)", isNumeric: true, dropOrder: 3),
      .init("Mean queue", isNumeric: true, dropOrder: 2),
      .init("Operations", isNumeric: true, dropOrder: 4),
    ])
    for resource in result.resources {
      table.append([
        resource.name, FigureText.percent(resource.utilization),
        FigureText.number(resource.meanWaitMs), FigureText.number(resource.maxWaitMs),
        FigureText.number(resource.meanQueueLength), FigureText.integer(resource.operations),
      ])
    }
    return table
  }

  private var hitsAndTraffic: ReportSection? {
    var blocks: [ReportSection.Block] = []
    if !result.expertCache.tiers.isEmpty {
      var table = TextTable(columns: [
        .init("Expert cache"), .init("Hit rate", isNumeric: true), .init("Hits", isNumeric: true),
        .init("Misses", isNumeric: true), .init("Late", isNumeric: true, dropOrder: 1),
        .init("Loaded", isNumeric: true, dropOrder: 2),
        .init("Evictions", isNumeric: true, dropOrder: 3),
      ])
      for (name, tier) in tiersFastestFirst {
        table.append([
          name, FigureText.percent(tier.hitRate), FigureText.integer(tier.hits),
          FigureText.integer(tier.misses), FigureText.integer(tier.late),
          FigureText.bytes(tier.bytesLoaded), FigureText.integer(tier.evictions),
        ])
      }
      blocks.append(.table(table))
    }
    if let table = prefetches { blocks.append(.table(table)) }
    if !result.traffic.isEmpty {
      var table = TextTable(columns: [
        .init("Traffic"), .init("Purpose"), .init("Moved", isNumeric: true),
        .init("Transfers", isNumeric: true, dropOrder: 2),
        .init("Per output token", isNumeric: true, dropOrder: 1),
      ])
      let tokens = result.throughput.outputTokensPerSecond * result.measuredSeconds
      for entry in result.traffic {
        let share = tokens >= 0.5 ? FigureText.bytes(Double(entry.bytes) / tokens) : "-"
        table.append([
          entry.link, entry.purpose, FigureText.bytes(entry.bytes),
          FigureText.integer(entry.transfers), share,
        ])
      }
      blocks.append(.table(table))
    }
    return ReportSection(title: "Hits and traffic", blocks: blocks)
  }

  /// What was fetched ahead, if anything was.
  private var prefetches: TextTable? {
    guard let prefetch = result.prefetch, prefetch != SimulationResult.PrefetchReport() else {
      return nil
    }
    var table = TextTable(columns: [
      .init("Fetched ahead"), .init("Used", isNumeric: true), .init("Late", isNumeric: true),
      .init("Wasted", isNumeric: true), .init("No room", isNumeric: true, dropOrder: 2),
      .init("Predicted", isNumeric: true, dropOrder: 1), .init("Right", isNumeric: true),
    ])
    let right = Double(prefetch.predictedRight) / Double(max(1, prefetch.predicted))
    table.append([
      FigureText.integer(prefetch.issued), FigureText.integer(prefetch.used),
      FigureText.integer(prefetch.late), FigureText.integer(prefetch.wasted),
      FigureText.integer(prefetch.dropped), FigureText.integer(prefetch.predicted),
      prefetch.predicted > 0 ? FigureText.percent(right) : FigureText.absent,
    ])
    return table
  }

  /// The tiers by name, the one whose figures stand at the top of the report first.
  private var tiersFastestFirst: [(name: String, tier: SimulationResult.ExpertCacheReport.Tier)] {
    let cache = result.expertCache
    func isFastest(_ tier: SimulationResult.ExpertCacheReport.Tier) -> Bool {
      tier.hits == cache.hits && tier.misses == cache.misses && tier.late == cache.late
        && tier.bytesLoaded == cache.bytesLoaded
    }
    let sorted = cache.tiers.sorted { $0.key < $1.key }
    return (sorted.filter { isFastest($0.value) } + sorted.filter { !isFastest($0.value) })
      .map { (name: $0.key, tier: $0.value) }
  }

  private var memory: ReportSection? {
    var table = TextTable(columns: [
      .init("Memory"), .init("Part"), .init("Size", isNumeric: true),
      .init("Share", isNumeric: true, dropOrder: 1),
    ])
    for memory in result.memory {
      func share(_ bytes: Double) -> String {
        memory.capacityBytes > 0 ? FigureText.percent(bytes / Double(memory.capacityBytes)) : "-"
      }
      table.append([memory.name, "capacity", FigureText.bytes(memory.capacityBytes), ""])
      let highest = Double(memory.highWaterBytes)
      table.append(["", "most in use at once", FigureText.bytes(highest), share(highest)])
      for part in memory.parts {
        table.append(["", part.name, FigureText.bytes(part.value), share(part.value)])
      }
    }
    return ReportSection(title: "Memory", blocks: table.rows.isEmpty ? [] : [.table(table)])
  }

  private var help: ReportSection? {
    guard let improvements = result.whatWouldHelp else { return nil }
    guard !improvements.isEmpty else {
      let text = "No resource was found whose speed could be changed."
      return ReportSection(title: "What would help", blocks: [.paragraph(text)])
    }
    var table = TextTable(columns: [
      .init("Faster resource"), .init("By", isNumeric: true),
      .init("Mean TPOT (ms)", isNumeric: true, dropOrder: 1), .init("TPOT falls", isNumeric: true),
      .init("Output tok/s", isNumeric: true),
    ])
    for item in improvements {
      table.append([
        item.resource, FigureText.number(item.factor) + "x", FigureText.number(item.meanTpotMs),
        item.tpotReduction.map(FigureText.percent) ?? FigureText.absent,
        FigureText.number(item.outputTokensPerSecond),
      ])
    }
    return ReportSection(title: "What would help (each a run of its own)", blocks: [.table(table)])
  }

  private var notices: ReportSection? {
    let warning = ResultDocument.instabilityWarning(for: result.steadyState)
    let notices = result.notices.filter { result.steadyState.stable || $0 != warning }
    return ReportSection(title: "Notices", blocks: notices.isEmpty ? [] : [.list(notices)])
  }

  private var run: ReportSection? {
    let events = FigureText.large(Double(result.eventsProcessed))
    let layers = FigureText.large(Double(result.layerEvents))
    var text = "\(FigureText.integer(result.steps)) steps, \(layers) layer events, \(events) events"
    if let info = result.runInfo {
      text += "; moesim \(info.version) (\(info.build)) on \(info.host): "
      text += "\(FigureText.number(info.wallSeconds)) s of wall time, "
      text += "\(FigureText.large(info.eventsPerCpuSecond)) events per CPU second, "
      text += "\(FigureText.bytes(info.peakMemoryBytes)) of memory at most"
    }
    return ReportSection(title: "", blocks: [.paragraph(text + ".")])
  }
}
