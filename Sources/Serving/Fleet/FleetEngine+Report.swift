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

  /// The parts of all hosts with what each drew: idle power while a replica on its host was up, and as much
  /// of the rest as it was busy.
  ///
  /// All hosts are bought; those that are up are rented and draw power.
  func costLedger(seconds: Double, end: UInt64) -> CostLedger {
    var ledger = CostLedger()
    ledger.rentUSDPerHour = 0
    let links = linkUse(end: end)
    for (index, group) in configuration.groups.enumerated() {
      let machines = Double(group.hosts(replicas: groups[index].members.count))
      let (hosts, busy) = use(ofGroup: index, seconds: seconds, end: end)
      for part in group.figures.parts {
        var share = part.resource == nil ? 1 : part.followsGPU ? busy : 0
        if part.kind == .link { share = links.share(of: part) }
        ledger.enter(
          part, machines: machines, watts: hosts * part.watts(utilization: share),
          joinsNamesake: true)
      }
      ledger.rentUSDPerHour = group.figures.rentUSDPerHour.flatMap { price in
        ledger.rentUSDPerHour.map { $0 + hosts * price }
      }
    }
    return ledger
  }

  /// The mean utilisation of links by what they connect.
  private struct LinkUse {
    var host = (sum: 0.0, count: 0.0)
    var peers = (sum: 0.0, count: 0.0)
    var network = (sum: 0.0, count: 0.0)

    func share(of part: MachineFigures.Part) -> Double {
      let mean = { (use: (sum: Double, count: Double)) in use.count > 0 ? use.sum / use.count : 0 }
      if part.resource == "network" { return mean(network) }
      return part.resource?.contains(".peer.") == true ? mean(peers) : mean(host)
    }
  }

  private func linkUse(end: UInt64) -> LinkUse {
    var use = LinkUse()
    let time = SimulatedTime(nanoseconds: end)
    for (index, link) in configuration.topology.links.enumerated() {
      let share = network.statistics(of: links.bandwidth(ofLink: index), at: time).utilisation
      if link.name.contains(".nic") {
        use.network = (use.network.sum + share, use.network.count + 1)
      } else if link.name.contains(".peer") {
        use.peers = (use.peers.sum + share, use.peers.count + 1)
      } else if link.name.hasSuffix(".h2d") || link.name.hasSuffix(".d2h")
        || link.name.hasSuffix(".link")
      {
        use.host = (use.host.sum + share, use.host.count + 1)
      }
    }
    return use
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
