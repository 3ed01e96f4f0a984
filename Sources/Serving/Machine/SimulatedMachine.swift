// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

/// The resources of a machine with one device, as the kernel knows them.
///
///     drive ─lanes─→ host.dram ─(staging)─→ h2d engine ─link down─→ device memory ─→ compute
///                        ↑──────────────── d2h engine ─link up────────┘
struct SimulatedMachine: Sendable {
  /// The part in which pageable memory is copied to pinned memory [bytes].
  static let stagingChunkBytes = 8.0 * 1024 * 1024

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
    usesCollectives: Bool = false, network: inout OperationNetwork<EngineEvent>
  ) {
    let lanes = max(1, figures.drive?.lanes ?? 1)
    compute = network.addServer("gpu0.compute")
    hostToDevice = network.addServer("gpu0.h2d")
    deviceToHost = network.addServer("gpu0.d2h")
    staging = network.addServer("host.staging")
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
    tracks = [
      (compute, 1, "gpu0", "compute"), (hostToDevice, 1, "gpu0", "host to device"),
      (deviceToHost, 1, "gpu0", "device to host"), (staging, 1, "host", "staging copy"),
      (driveLanes, lanes, "ssd0", "read"),
      (hostCompute, 1, hasNearData ? "near data" : "host", "compute"),
      (collective, 1, "gpu0", "collective"),
    ]
  }

  /// The parts in which a read of so many bytes is issued: as many as the drive serves at once,
  /// none smaller than a request.
  func driveParts(bytes: Double) -> Int {
    let requests = Int((bytes / driveRequestBytes).rounded(.up))
    return max(1, min(requests, driveLaneCount, Transfer.maximumParts))
  }
}
