// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware

extension MachineFigures {
  /// The size in which experts are requested from a drive [bytes]: direct reads of a mebibyte, past
  /// which drives gain little.
  static let driveRequestBytes = 1024.0 * 1024

  /// The figures of a machine as one replica on its first GPU sees them; of a machine without a GPU,
  /// its processor is the device and its DRAM the device's memory.
  ///
  /// - Parameters:
  ///   - machine: The hardware profile.
  ///   - runtime: The software, which adds to each copy.
  ///   - devices: GPUs that compute the model together.
  ///   - simulated: How many of them are simulated, each standing for as many.
  public init(
    _ machine: MachineProfile, runtime: RuntimeProfile, devices: Int = 1, simulated: Int = 1
  ) {
    let drive = machine.drives.first.map(Drive.init)
    let gpu = machine.gpus.first
    let usesHostMemory = gpu == nil || machine.unifiedMemory
    var assumptions: [String] = []
    let link = gpu?.hostLink
    if devices > 1, simulated > 1 {
      if simulated < devices {
        assumptions.append(
          "of each \(devices / simulated) GPUs that cut their experts among them one is simulated and"
            + " stands for all; price and power are those of the whole machine")
      }
    } else if devices > 1 {
      assumptions.append(
        "the \(devices) GPUs are loaded evenly: one of them is simulated and stands for all, and its"
          + " figures (utilisation, memory, traffic, stalls) are those of each; price and power are"
          + " those of the whole machine")
    } else if machine.gpus.count > 1 {
      assumptions.append(
        "the machine has \(machine.gpus.count) GPUs; one replica on the first of them is simulated,"
          + " and price and power are those of the whole machine")
    }
    self.init(
      name: machine.name, isUnified: usesHostMemory,
      deviceMemoryBytes: usesHostMemory && gpu == nil
        ? machine.dram.usableBytes : (gpu?.memory.usableBytes ?? machine.dram.usableBytes),
      deviceBandwidth: gpu?.memory.bandwidth.nominal ?? machine.dram.bandwidth.nominal,
      linkRate: link?.bandwidth.effective ?? machine.dram.bandwidth.effective,
      linkLatencySeconds: (link?.latency.effective ?? 0) + (link?.perMessageOverhead.effective ?? 0)
        + runtime.perCopyOverhead.effective,
      linkIsFullDuplex: link?.isFullDuplex ?? true,
      stagingRate: machine.cpu.stagingCopyBandwidth, hostMemoryBytes: machine.dram.usableBytes,
      hostBandwidth: machine.dram.bandwidth.effective, drive: drive,
      parts: Self.parts(of: machine, devices: devices, simulated: simulated),
      rentUSDPerHour: machine.rentPerHour,
      assumptions: assumptions)
    if let gpu {
      multiprocessors = max(1, Int(gpu.streamingMultiprocessors.effective.rounded()))
      peerRate = gpu.peerLink?.bandwidth.effective ?? 0
      peerLatencySeconds =
        (gpu.peerLink?.latency.effective ?? 0) + (gpu.peerLink?.perMessageOverhead.effective ?? 0)
    }
    rootComplexRate = machine.rootComplex?.effective
    hostReservedBytes = machine.dram.capacityBytes - machine.dram.usableBytes
    if let device = machine.nearData {
      nearDataBandwidth = device.bandwidth.effective
      hostMemoryBytes = Int64(device.capacity.nominal)
      hostReservedBytes = 0
    }
    let reservedOfGPU = gpu.map { $0.memory.capacityBytes - $0.memory.usableBytes }
    deviceReservedBytes = reservedOfGPU ?? hostReservedBytes
  }

  /// The machine's parts, each with the resource whose utilisation sets its power.
  private static func parts(
    of machine: MachineProfile, devices: Int, simulated: Int
  ) -> [Part] {
    let each = max(1, devices / simulated)
    // Of GPUs that cut their experts among them, the first is simulated.
    let gpu = { (index: Int) in "gpu\(index < devices ? index / each * each : index)" }
    var gpus = 0
    var drives = 0
    return machine.billOfMaterials.map { item in
      var part = Part(
        name: item.name, resource: nil, purchaseUSD: item.unitPrice, idleWatts: item.idleWatts,
        fullWatts: item.fullWatts, kind: item.kind, count: item.count,
        priceSource: item.priceSource)
      switch item.kind {
      case .gpu:
        part.resource = "\(gpu(gpus)).compute"
        gpus += 1
      case .cpu:
        part.resource = machine.gpus.isEmpty ? "gpu0.compute" : "host.staging"
        part.otherResource = machine.gpus.isEmpty ? nil : "host.compute"
      case .dram: part.resource = "host.dram"
      case .nearData: part.resource = "neardata.compute"
      case .ssd:
        part.resource = "ssd\(drives)"
        drives += 1
      case .chassis: part.resource = "gpu0.compute"
      case .link:
        switch item.link {
        case .host(let index):
          part.resource = "\(gpu(index)).link.down"
          part.otherResource = "\(gpu(index)).link.up"
        case .peers(let index):
          part.resource = "\(gpu(index)).peer.out"
          part.otherResource = "\(gpu(index)).peer.in"
        case .network, nil: part.resource = "network"
        }
      }
      return part
    }
  }

  /// The same machine with one thing faster by a factor. Arithmetic, device memory and software are
  /// no figures of the machine but of its timing.
  public func sped(up thing: SpeedUp, by factor: Double) -> MachineFigures {
    var figures = self
    switch thing {
    case .compute, .software: break
    case .deviceMemory: figures.deviceBandwidth *= factor
    case .link: figures.linkRate *= factor
    case .peers: figures.peerRate *= factor
    case .hostMemory:
      figures.hostBandwidth *= factor
      figures.nearDataBandwidth? *= factor
      figures.stagingRate *= factor
    case .drive:
      figures.drive?.bandwidth *= factor
      figures.drive?.laneRate *= factor
      figures.drive?.latencySeconds /= factor
    }
    return figures
  }
}

extension MachineFigures.Drive {
  init(_ drive: DriveProfile) {
    let request = MachineFigures.driveRequestBytes
    let bandwidth = drive.readBandwidth.effective
    self.init(
      capacityBytes: Int64(drive.capacity.nominal), bandwidth: bandwidth, lanes: drive.laneCount,
      latencySeconds: 0,
      // One request after the other: each waits for its first byte, then streams.
      laneRate: request / (drive.readLatency.effective + request / bandwidth),
      requestBytes: request)
  }
}
