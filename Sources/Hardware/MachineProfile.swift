// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// A machine: its devices, memories, links, and what they cost and draw.
///
/// In a file, parts are named and overridden in place:
/// ```yaml
/// name: my-box
/// gpus: [{part: rtx-4090, count: 1, memory: {capacity: 48 GiB}}]
/// cpu: {part: core-i9-13900k}
/// dram: {part: ddr5-5600-2ch, capacity: 128 GiB}
/// drives: [{part: samsung-990-pro-1tb}]
/// chassis: {part: desktop}
/// ```
public struct MachineProfile: Sendable {
  /// The name by which scenarios refer to it.
  public var name: String
  /// What it is, in one line.
  public var summary: String
  /// Its accelerators, in the order of their numbers; none on a CPU-only machine.
  public var gpus: [GPUProfile]
  /// Its processors.
  public var cpu: CPUProfile
  /// The memory of the host; on a unified-memory machine, the one pool of all.
  public var dram: DRAMProfile
  /// Its drives, in the order of their numbers.
  public var drives: [DriveProfile]
  /// A memory that holds the experts in place of the host's, and computes beside it.
  public var nearData: NearDataProfile?
  /// Board, case, supply.
  public var chassis: ChassisProfile
  /// Whether CPU and GPU share one memory, so that nothing is copied between them.
  public var unifiedMemory: Bool
  /// What the root complexes of all sockets carry, both directions [B/s]; `nil` when only DRAM limits them.
  public var rootComplex: Figure?
  /// The network of the machine, one direction.
  public var network: LinkProfile?
  /// How its parts are wired, and the fabric between machines of its kind.
  public var topology: TopologyProfile
  /// What the whole machine costs to rent [USD/h], where it is rented as a whole.
  public var hourlyPrice: Figure?
  /// Where the profile stands.
  public var origin: SourceLocation

  init(_ reader: MappingReader, parts: PartResolver) {
    origin = reader.node.location
    name = reader.requiredString("name")
    summary = reader.requiredString("summary")
    unifiedMemory = reader.bool("unified_memory") ?? false
    gpus = []
    for node in reader.sequence("gpus") {
      guard let (gpuReader, count) = parts.countedReader(node, .gpu) else { continue }
      let gpu = GPUProfile(gpuReader, parts: parts)
      gpus += [GPUProfile](repeating: gpu, count: count)
    }
    let cpuNode = reader.requiredChild("cpu")
    let (cpuReader, sockets) =
      parts.countedReader(cpuNode, .cpu) ?? (MappingReader.empty(at: cpuNode), 1)
    cpu = CPUProfile(cpuReader, sockets: sockets)
    let dramNode = reader.requiredChild("dram")
    let (dramReader, count) =
      parts.countedReader(dramNode, .dram) ?? (MappingReader.empty(at: dramNode), 1)
    dram = DRAMProfile(dramReader, count: count)
    drives = []
    for node in reader.sequence("drives") {
      guard let (driveReader, count) = parts.countedReader(node, .ssd) else { continue }
      drives += [DriveProfile](repeating: DriveProfile(driveReader), count: count)
    }
    nearData = reader.child("near_data").flatMap { parts.reader($0, .nearData) }
      .map(NearDataProfile.init)
    let chassisNode = reader.requiredChild("chassis")
    chassis = ChassisProfile(
      parts.reader(chassisNode, .chassis) ?? MappingReader.empty(at: chassisNode))
    rootComplex = reader.figure("root_complex", .bytesPerSecond, in: Plausible.bandwidth, .rate)
    network = reader.child("network").flatMap { parts.reader($0, .link) }.map(LinkProfile.init)
    topology =
      reader.mapping("topology").map {
        [gpus, network] in
        TopologyProfile($0, gpus: gpus, hasNetwork: network != nil, parts: parts)
      } ?? TopologyProfile(gpus: gpus)
    hourlyPrice = reader.figure("rent", .currencyPerHour, in: Plausible.rent)
    checkMemories(reader)
    reader.finish()
  }

  private func checkMemories(_ reader: MappingReader) {
    if gpus.count > 1024 { reader.report("gpus", "are more than 1024") }
    if drives.count > 1024 { reader.report("drives", "are more than 1024") }
    for (index, gpu) in gpus.enumerated() {
      if unifiedMemory, gpu.hostLink != nil {
        reader.report(
          "unified_memory",
          "is true, but GPU \(index) (\(gpu.name)) has a host_link; "
            + "memory that is shared needs no link")
      }
      if !unifiedMemory, gpu.hostLink == nil {
        reader.report(
          "gpus", "GPU \(index) (\(gpu.name)) has no host_link, and the memory is not unified")
      }
      if unifiedMemory, dram.capacity.isRead, gpu.memory.capacity.nominal > dram.capacity.nominal {
        reader.report(
          "gpus",
          "GPU \(index) (\(gpu.name)) has more memory than the pool that it shares; "
            + "set its memory.capacity to that of dram or less")
      }
    }
    if nearData != nil, unifiedMemory || gpus.isEmpty {
      reader.report("near_data", "holds experts for a GPU with a link of its own; there is none")
    }
    if unifiedMemory, gpus.isEmpty { reader.report("unified_memory", "is true without a GPU") }
  }

  /// What the machine costs to buy, as far as its parts have prices [USD]; `billOfMaterials` says which
  /// have none.
  public var purchasePrice: Double {
    billOfMaterials.reduce(0) { $0 + ($1.unitPrice ?? 0) * Double($1.count) }
  }

  /// What the machine costs to rent [USD/h]: its own price, else the sum of its GPUs' prices; `nil`
  /// when one of them has none.
  public var rentPerHour: Double? {
    if let hourlyPrice { return hourlyPrice.nominal }
    guard !gpus.isEmpty else { return nil }
    var sum = 0.0
    for gpu in gpus {
      guard let price = gpu.cloudPricePerHour else { return nil }
      sum += price.nominal
    }
    return sum
  }

  /// What the machine draws when nothing runs [W].
  public var idleWatts: Double {
    billOfMaterials.reduce(0) { $0 + $1.idleWatts * Double($1.count) }
  }

  /// What the machine draws with every part busy, but for the energy of memory traffic [W].
  public var fullWatts: Double {
    billOfMaterials.reduce(0) {
      $0 + ($1.kind == .dram ? $1.idleWatts : $1.fullWatts) * Double($1.count)
    }
  }
}

extension MappingReader {
  /// A reader of nothing at all, whose reports go nowhere: the error has been reported already.
  static func empty(at node: ConfigurationNode) -> MappingReader {
    MappingReader(
      ConfigurationNode(.mapping([]), location: node.location, path: node.path),
      into: DiagnosticCollector())
  }
}
