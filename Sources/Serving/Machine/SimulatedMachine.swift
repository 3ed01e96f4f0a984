// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

/// The resources of a machine, as the kernel knows them: those of the first device by name, those of
/// the others in ``devices``.
///
///     drive ─lanes─→ host.dram ─(staging)─→ h2d engine ─link down─→ device memory ─→ compute
///                        ↑──────────────── d2h engine ─link up────────┘
struct SimulatedMachine: Sendable {
  /// The part in which pageable memory is copied to pinned memory [bytes].
  static let stagingChunkBytes = 8.0 * 1024 * 1024

  /// What each device has for itself.
  struct Device: Sendable, BitwiseCopyable {
    var compute: ServerID
    var hostToDevice: ServerID
    var deviceToHost: ServerID
    var linkDown: BandwidthID
    var linkUp: BandwidthID
    var peerEgress: BandwidthID
    var peerIngress: BandwidthID
    /// The number of the first GPU that it stands for.
    var gpu: Int
  }

  /// The devices that are simulated, the first one first.
  let devices: [Device]
  /// GPUs that each stands for: what it takes of what all share counts so many times.
  let shards: Int
  /// What the links of all GPUs together carry; `nil` where it is no limit.
  let rootComplex: BandwidthID?

  /// The device's stream of kernels, in order.
  let compute: ServerID
  /// The copy engines.
  let hostToDevice: ServerID
  let deviceToHost: ServerID
  /// The processor's copy from pageable to pinned memory.
  let staging: ServerID
  /// The processor's computing: experts or attention on the host, all its cores together.
  let hostCompute: ServerID
  /// The device's multiprocessors, for kernels that run beside each other.
  let multiprocessors: ServerID
  /// The device's stream of collectives.
  let collective: ServerID
  /// The drive's requests in parallel.
  let driveLanes: ServerID
  /// The link's directions; one and the same when it is half duplex.
  let linkDown: BandwidthID
  let linkUp: BandwidthID
  let dram: BandwidthID
  /// The memory that a device beside the experts reads them from.
  let expertMemory: BandwidthID
  let drive: BandwidthID
  /// What the device sends to its peers, and receives from them.
  let peerEgress: BandwidthID
  let peerIngress: BandwidthID

  let linkRate: Double
  let linkLatency: SimulatedDuration
  let stagingRate: Double
  let driveLaneRate: Double
  let driveLatency: SimulatedDuration
  private let driveLaneCount: Int
  private let driveRequestBytes: Double
  let isUnified: Bool
  /// Whether some experts are on the drive alone.
  let hasDriveTier: Bool
  /// Whether the processor computes a part of the model.
  let usesHostCompute: Bool
  /// Whether devices exchange data.
  let usesCollectives: Bool
  /// The servers in the order of their tracks, each with its process and thread in a timeline.
  let tracks: [(server: ServerID, units: Int, process: String, thread: String)]

  init(
    figures: MachineFigures, hasDriveTier: Bool, usesHostCompute: Bool = false,
    usesCollectives: Bool = false, division: GPUDivision = .single,
    network: inout OperationNetwork<EngineEvent>
  ) {
    let lanes = max(1, figures.drive?.lanes ?? 1)
    compute = network.addServer("gpu0.compute")
    hostToDevice = network.addServer("gpu0.h2d")
    deviceToHost = network.addServer("gpu0.d2h")
    staging = network.addServer("host.staging", units: division.expertGroups)
    driveLanes = network.addServer("ssd0.lanes", units: lanes)
    let hasNearData = figures.nearDataBandwidth != nil
    hostCompute = network.addServer(hasNearData ? "neardata.compute" : "host.compute")
    multiprocessors = network.addServer("gpu0.sms", units: max(1, figures.multiprocessors))
    collective = network.addServer("gpu0.collective")
    linkDown = network.addBandwidth("gpu0.link.down", rate: figures.linkRate)
    linkUp =
      figures.linkIsFullDuplex
      ? network.addBandwidth("gpu0.link.up", rate: figures.linkRate) : linkDown
    dram = network.addBandwidth("host.dram", rate: figures.hostBandwidth)
    expertMemory =
      figures.nearDataBandwidth.map { network.addBandwidth("neardata.memory", rate: $0) } ?? dram
    drive = network.addBandwidth("ssd0", rate: figures.drive?.bandwidth ?? 1)
    peerEgress = network.addBandwidth("gpu0.peer.out", rate: figures.peerRate)
    peerIngress = network.addBandwidth("gpu0.peer.in", rate: figures.peerRate)
    var devices = [
      Device(
        compute: compute, hostToDevice: hostToDevice, deviceToHost: deviceToHost,
        linkDown: linkDown, linkUp: linkUp, peerEgress: peerEgress, peerIngress: peerIngress, gpu: 0
      )
    ]
    for number in 1..<max(1, division.expertGroups) {
      devices.append(
        Device(gpu: number * division.shards, figures: figures, network: &network))
    }
    self.devices = devices
    shards = division.shards
    rootComplex =
      division.gpus > 1
      ? figures.rootComplexRate.map { network.addBandwidth("host.root", rate: $0) } : nil
    linkRate = figures.linkRate
    linkLatency = SimulatedDuration(seconds: figures.linkLatencySeconds)
    stagingRate = figures.stagingRate
    driveLaneRate = figures.drive?.laneRate ?? 1
    driveLatency = SimulatedDuration(seconds: figures.drive?.latencySeconds ?? 0)
    driveLaneCount = lanes
    driveRequestBytes = figures.drive?.requestBytes ?? 1
    isUnified = figures.isUnified
    self.hasDriveTier = hasDriveTier
    self.usesHostCompute = usesHostCompute
    self.usesCollectives = usesCollectives
    let others = devices.dropFirst().flatMap(\.tracks)
    tracks =
      [
        (compute, 1, "gpu0", "compute"), (hostToDevice, 1, "gpu0", "host to device"),
        (deviceToHost, 1, "gpu0", "device to host"),
        (staging, division.expertGroups, "host", "staging copy"),
        (driveLanes, lanes, "ssd0", "read"),
        (hostCompute, 1, hasNearData ? "near data" : "host", "compute"),
        (collective, 1, "gpu0", "collective"),
      ] + others
  }

  /// The parts in which a read of so many bytes is issued: as many as the drive serves at once,
  /// none smaller than a request.
  func driveParts(bytes: Double) -> Int {
    let requests = Int((bytes / driveRequestBytes).rounded(.up))
    return max(1, min(requests, driveLaneCount, Transfer.maximumParts))
  }
}

extension SimulatedMachine.Device {
  /// Another device like the first.
  init(gpu: Int, figures: MachineFigures, network: inout OperationNetwork<EngineEvent>) {
    let name = "gpu\(gpu)"
    let down = network.addBandwidth("\(name).link.down", rate: figures.linkRate)
    self.init(
      compute: network.addServer("\(name).compute"), hostToDevice: network.addServer("\(name).h2d"),
      deviceToHost: network.addServer("\(name).d2h"), linkDown: down,
      linkUp: figures.linkIsFullDuplex
        ? network.addBandwidth("\(name).link.up", rate: figures.linkRate) : down,
      peerEgress: network.addBandwidth("\(name).peer.out", rate: figures.peerRate),
      peerIngress: network.addBandwidth("\(name).peer.in", rate: figures.peerRate), gpu: gpu)
  }

  /// Its servers as a timeline draws them.
  var tracks: [(server: ServerID, units: Int, process: String, thread: String)] {
    [
      (compute, 1, "gpu\(gpu)", "compute"), (hostToDevice, 1, "gpu\(gpu)", "host to device"),
      (deviceToHost, 1, "gpu\(gpu)", "device to host"),
    ]
  }

  /// Its bandwidths, each once.
  var bandwidths: [BandwidthID] {
    var all = [linkDown]
    if linkUp != linkDown { all.append(linkUp) }
    return all + [peerEgress, peerIngress]
  }
}

extension SimulatedMachine {
  /// Adds to a copy over a device's link what it takes of what all devices share.
  func shareHost(_ copy: inout OperationDescription) {
    copy.consume(expertMemory, weight: Double(shards))
    if let rootComplex { copy.consume(rootComplex, weight: Double(shards)) }
  }
}
