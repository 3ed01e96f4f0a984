// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

extension ServingEngine {
  /// The utilisation of every resource over the measured time.
  struct Utilizations {
    var byName: [String: Double] = [:]
    var resources: [SimulationResult.ResourceReport] = []
  }

  /// The machine's parts with what each drew: idle power, and as much of the rest as its resource was busy.
  func costLedger(utilization: Utilizations) -> CostLedger {
    var ledger = CostLedger()
    ledger.rentUSDPerHour = configuration.figures.rentUSDPerHour
    for part in configuration.figures.parts {
      let other = part.otherResource.map { utilization.byName[$0] ?? 0 } ?? 0
      let busy = part.resource.map { max(other, utilization.byName[$0] ?? 0) } ?? 1
      ledger.enter(part, watts: part.watts(utilization: busy))
    }
    return ledger
  }
}

extension ServingEngine {
  /// The utilisation of every resource between the end of the warm-up and `end` [ns].
  ///
  /// Device memory is no queueing resource of the simulation: its utilisation is the bytes that
  /// kernels moved over what it could have moved.
  func utilizations(seconds: Double, end: UInt64) -> Utilizations {
    var utilizations = Utilizations()
    let time = SimulatedTime(nanoseconds: end)
    for track in machine.tracks {
      let statistics = network.statistics(of: track.server, at: time)
      guard statistics.completedCount > 0 || track.server == machine.compute else { continue }
      utilizations.byName[statistics.name] = statistics.utilisation
      utilizations.resources.append(
        .init(
          name: statistics.name, kind: "server", utilization: statistics.utilisation,
          busySeconds: statistics.busyTime.seconds,
          meanQueueLength: statistics.timeWeightedQueueLength,
          meanWaitMs: statistics.waiting.mean * 1e3,
          maxWaitMs: statistics.waiting.maximum.seconds * 1e3,
          operations: UInt64(statistics.completedCount), workDone: statistics.busyTime.seconds))
    }
    var bandwidths = [machine.linkDown, machine.dram, machine.drive]
    if configuration.figures.nearDataBandwidth != nil { bandwidths.append(machine.expertMemory) }
    if machine.linkUp != machine.linkDown { bandwidths.insert(machine.linkUp, at: 1) }
    bandwidths += [machine.peerEgress, machine.peerIngress]
    for device in machine.devices.dropFirst() { bandwidths += device.bandwidths }
    if let rootComplex = machine.rootComplex { bandwidths.append(rootComplex) }
    for bandwidth in bandwidths {
      let statistics = network.statistics(of: bandwidth, at: time)
      guard statistics.workDone > 0 else { continue }
      utilizations.byName[statistics.name] = statistics.utilisation
      utilizations.resources.append(
        .init(
          name: statistics.name, kind: "bandwidth", utilization: statistics.utilisation,
          busySeconds: statistics.busyTime.seconds,
          meanQueueLength: max(0, statistics.timeWeightedUserCount), meanWaitMs: 0, maxWaitMs: 0,
          operations: UInt64(statistics.completedCount), workDone: statistics.workDone))
    }
    let device = counters.deviceBytes / (configuration.figures.deviceBandwidth * seconds)
    utilizations.byName["gpu0.hbm"] = device
    utilizations.resources.append(
      .init(
        name: "gpu0.hbm", kind: "bandwidth", utilization: device,
        busySeconds: counters.deviceBytes / configuration.figures.deviceBandwidth,
        meanQueueLength: 0, meanWaitMs: 0, maxWaitMs: 0, operations: counters.operations,
        workDone: counters.deviceBytes))
    return utilizations
  }
}
