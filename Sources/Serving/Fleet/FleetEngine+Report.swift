// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import SimulationKernel

extension FleetEngine {
  /// What replicas, GPUs and gateway did.
  func fleetReport(seconds: Double, end: UInt64) -> SimulationResult.FleetReport {
    let plans = configuration.groups.map { group in
      groups.count > 1 ? "\(group.name): \(group.plan.label)" : group.plan.label
    }
    return .init(
      hosts: configuration.topology.hostCount,
      gpuCount: replicas.reduce(0) { $0 + configuration.groups[$1.group].plan.devices },
      parallelism: plans.joined(separator: ", "),
      requestRouting: configuration.requestRoutingLabel, cachedResponses: counters.cached,
      retriedRequests: counters.retried, lostRequests: lost,
      mostWaitingAtGateway: counters.mostUnrouted, replicaFailures: counters.failures,
      replicaRepairs: counters.repairs, replicasStarted: counters.started,
      replicasStopped: counters.stopped, recomputedTokens: counters.recomputedTokens,
      keyValueMoves: counters.moves, keyValueMovedBytes: counters.movedBytes,
      meanKeyValueMoveMs: counters.moves > 0
        ? counters.moveSeconds / Double(counters.moves) * 1e3 : nil,
      expertImbalance: counters.steps > 0 ? counters.imbalance / Double(counters.steps) : 1,
      replicas: replicas.indices.map { replicaReport($0, seconds: seconds, end: end) },
      gpus: replicas.indices.flatMap { gpuReports($0, seconds: seconds) })
  }

  private func replicaReport(
    _ index: Int, seconds: Double, end: UInt64
  ) -> SimulationResult.ReplicaReport {
    let replica = replicas[index]
    var highWater = 0.0
    for lane in replica.lanes {
      for rank in lane.ranks {
        highWater = max(
          highWater, Double(rank.keyValue.highWater) / Double(max(1, rank.keyValue.capacity)))
      }
    }
    return .init(
      name: "\(configuration.groups[replica.group].name).\(replica.number)",
      state: "\(replica.state)", upShare: upSeconds(index, end: end) / seconds,
      steps: replica.steps, completed: replica.completed, outputTokens: replica.outputTokens,
      // The step under way at the end counts whole.
      utilization: min(1, gpus[replica.firstDevice].inSteps / seconds), keyValueHighWater: highWater
    )
  }

  /// The KV caches of all ranks, in blocks of one GPU each.
  func keyValueReport() -> SimulationResult.KeyValueReport? {
    var report = SimulationResult.KeyValueReport()
    report.blockTokens = configuration.groups[0].cache.keyValueBlockTokens
    for replica in replicas {
      for lane in replica.lanes {
        for rank in lane.ranks { report.add(rank, blockBytes: replica.blockBytes) }
      }
    }
    guard report.blockBytes > 0 || report.swapOuts > 0 || report.prefixAskedTokens > 0 else {
      return nil
    }
    if report.prefixAskedTokens > 0 {
      report.prefixHitRate = Double(report.prefixHitTokens) / Double(report.prefixAskedTokens)
    }
    return report
  }

  /// What speculative decoding gave; `nil` where nothing is drafted.
  func speculationReport() -> SimulationResult.SpeculationReport? {
    guard configuration.groups.contains(where: { $0.batching.speculation != nil }) else {
      return nil
    }
    var report = SimulationResult.SpeculationReport()
    for replica in replicas {
      for lane in replica.lanes {
        for rank in lane.ranks {
          guard let model = rank.acceptance else { continue }
          report.verifications += model.verifications
          report.draftedTokens += model.verifications * Int64(model.draftTokens)
          report.acceptedTokens += model.acceptedTokens
        }
      }
    }
    if report.verifications > 0 {
      report.meanAcceptedLength =
        1 + Double(report.acceptedTokens) / Double(report.verifications)
    }
    return report
  }

  /// The measured time in which a replica was up [s].
  private func upSeconds(_ index: Int, end: UInt64) -> Double {
    var time = replicas[index].upNanoseconds
    if replicas[index].isUp { time += end - min(end, replicas[index].upSince) }
    return Double(time) * 1e-9
  }

  private func gpuReports(_ index: Int, seconds: Double) -> [SimulationResult.GPUReport] {
    let topology = configuration.topology
    let first = replicas[index].firstDevice
    let count = configuration.groups[replicas[index].group].plan.devices
    return (first..<first + count).map { gpu in
      let host = topology.host(ofGPU: gpu)
      let own = gpus[gpu]
      return .init(
        name: "host\(host).gpu\(gpu - topology.gpus(ofHost: host).lowerBound)",
        busy: own.busy / seconds, collectives: own.collectives / seconds,
        waiting: max(0, own.inSteps - own.busy - own.collectives) / seconds)
    }
  }

  /// The utilisation of GPUs, in the mean of all, and of the links that anything crossed.
  func utilizations(seconds: Double, end: UInt64) -> ServingEngine.Utilizations {
    var utilizations = ServingEngine.Utilizations()
    var busy = 0.0
    var used = 0
    var bandwidth = 0.0
    for replica in replicas {
      let group = configuration.groups[replica.group]
      for gpu in replica.firstDevice..<replica.firstDevice + group.plan.devices {
        busy += gpus[gpu].busy
        bandwidth += group.figures.deviceBandwidth
        used += 1
      }
    }
    let steps = counters.steps
    let add = { (name: String, kind: String, share: Double, work: Double) in
      utilizations.byName[name] = share
      utilizations.resources.append(
        .init(
          name: name, kind: kind, utilization: share, busySeconds: share * seconds,
          meanQueueLength: 0, meanWaitMs: 0, maxWaitMs: 0, operations: steps,
          workDone: work))
    }
    add("gpu.compute", "server", busy / (Double(max(1, used)) * seconds), busy)
    add(
      "gpu.hbm", "bandwidth", counters.deviceBytes / (max(1, bandwidth) * seconds),
      counters.deviceBytes)
    let time = SimulatedTime(nanoseconds: end)
    for link in configuration.topology.links.indices {
      let statistics = network.statistics(of: links.bandwidth(ofLink: link), at: time)
      guard statistics.workDone > 0 else { continue }
      add(statistics.name, "bandwidth", statistics.utilisation, statistics.workDone)
    }
    return utilizations
  }

  /// Energy: parts of hosts draw their idle power while a replica on them is up, and as much of the rest
  /// as they were busy.
  func energyReport(
    seconds: Double, utilization: ServingEngine.Utilizations, end: UInt64
  ) -> SimulationResult.EnergyReport {
    var parts: [SimulationResult.NamedValue] = []
    var total = 0.0
    for (index, group) in configuration.groups.enumerated() {
      let (hosts, busy) = use(ofGroup: index, seconds: seconds, end: end)
      for part in group.figures.parts {
        let share = part.resource == nil ? 1 : part.followsGPU ? busy : 0
        let watts = hosts * (part.idleWatts + (part.fullWatts - part.idleWatts) * share)
        total += watts
        if let known = parts.firstIndex(where: { $0.name == part.name }) {
          parts[known].value += watts
        } else {
          parts.append(.init(name: part.name, value: watts))
        }
      }
    }
    let tokens = Double(counters.outputTokens + counters.cachedTokens)
    let joules = total * seconds
    return .init(
      joulesPerOutputToken: tokens > 0 ? joules / tokens : nil, joules: joules,
      meanWatts: total, parts: parts)
  }

  /// Hosts of a group that were up on average, and how busy their GPUs were while they were.
  private func use(
    ofGroup index: Int, seconds: Double, end: UInt64
  ) -> (hosts: Double, busy: Double) {
    let group = configuration.groups[index]
    var up = 0.0
    var busy = 0.0
    for replica in groups[index].members {
      up += upSeconds(replica, end: end) / seconds
      let first = replicas[replica].firstDevice
      for gpu in first..<first + group.plan.devices { busy += gpus[gpu].busy }
    }
    let members = max(1, groups[index].members.count)
    let hosts =
      Double(group.hosts(replicas: members)) * up / Double(members)
    let devices = max(1e-9, hosts * Double(group.devicesPerHost))
    return (hosts, min(1, busy / (devices * seconds)))
  }

  /// Cost: the purchase of all hosts written off evenly, or the rent of those that are up, and energy.
  func costReport(
    seconds: Double, tokens: Double, energy: SimulationResult.EnergyReport, end: UInt64
  ) -> SimulationResult.CostReport {
    let basis = configuration.cost
    var purchase: Double? = 0
    var rent: Double? = 0
    for (index, group) in configuration.groups.enumerated() {
      let hosts = Double(group.hosts(replicas: groups[index].members.count))
      let prices = group.figures.parts.compactMap(\.purchaseUSD)
      purchase = prices.isEmpty ? nil : purchase.map { $0 + hosts * prices.reduce(0, +) }
      let up = use(ofGroup: index, seconds: seconds, end: end).hosts
      rent = group.figures.rentUSDPerHour.flatMap { price in rent.map { $0 + up * price } }
    }
    var perHour: Double?
    var words = "no price is known"
    if let purchase {
      perHour =
        purchase / (basis.amortisationYears * 365.25 * 24)
        + energy.meanWatts / 1000 * basis.energyUSDPerKilowattHour
      words =
        "purchase of every host written off over \((basis.amortisationYears * 10).rounded() / 10)"
        + " years of full use; energy at \(basis.energyUSDPerKilowattHour) USD/kWh"
    } else if let rent {
      perHour = rent
      words = "hosts rented by the hour while they are up, energy included"
    }
    let made = tokens + Double(counters.cachedTokens)
    return .init(
      usdPerMillionOutputTokens: perHour.flatMap {
        made > 0 ? $0 / 3600 * seconds / made * 1e6 : nil
      }, purchaseUsd: purchase, usdPerHour: perHour, basis: words)
  }
}

extension SimulationResult.KeyValueReport {
  /// Adds one rank's cache.
  fileprivate mutating func add(_ rank: BatchScheduler, blockBytes bytes: Int64) {
    blockBytes = max(blockBytes, bytes)
    guard bytes > 0 else { return }
    blocks += Int(rank.keyValue.capacity / bytes)
    highWaterBlocks += Int((rank.keyValue.highWater + bytes - 1) / bytes)
    if let prefix = rank.prefix {
      prefixAskedTokens += prefix.counts.askedTokens
      prefixHitTokens += prefix.counts.hitTokens
      prefixAskedBlocks += prefix.counts.askedBlocks
      prefixHitBlocks += prefix.counts.hitBlocks
      prefixEvictions += prefix.cache.evictions
    }
    if let swap = rank.swap {
      swapOuts += swap.count
      swapFallbacks += swap.fallbacks
      swapHighWaterBytes = max(swapHighWaterBytes, swap.highWater)
    }
  }
}
