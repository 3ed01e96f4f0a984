// SPDX-License-Identifier: GPL-3.0-or-later

/// One resource that a machine implies: what a simulation makes a server, a bandwidth or a pool of.
public struct MachineResource: Hashable, Sendable {
  /// The device to which a resource belongs.
  public enum Device: Hashable, Sendable {
    /// A GPU by number.
    case gpu(Int)
    /// The host.
    case host
    /// A drive by number.
    case drive(Int)
  }

  /// What the resource is to its device.
  public enum Role: String, CaseIterable, Hashable, Sendable {
    /// The compute stream of a GPU, or the cores of the host.
    case compute
    /// The bandwidth of the device's memory.
    case memoryBandwidth
    /// The space in the device's memory.
    case memoryPool
    /// The copy engine and link direction from host to GPU.
    case hostToDevice
    /// The copy engine and link direction from GPU to host.
    case deviceToHost
    /// What both directions of a link carry together.
    case linkTotal
    /// Sending to other GPUs.
    case peerOut
    /// Receiving from other GPUs.
    case peerIn
    /// The thread that copies from pageable into pinned memory.
    case stagingCopy
    /// What all host links carry together.
    case rootComplex
    /// Requests that a drive serves at once.
    case lanes
    /// The bandwidth of reading a drive.
    case read
    /// The bandwidth of writing a drive.
    case write
    /// Sending to other machines.
    case networkOut
    /// Receiving from other machines.
    case networkIn
  }

  /// What kind of kernel resource it becomes.
  public enum Kind: Hashable, Sendable {
    /// A server of so many units.
    case server(units: Int)
    /// A bandwidth shared by all who use it, of so many bytes per second.
    case bandwidth(bytesPerSecond: Double)
    /// Space of so many bytes.
    case pool(bytes: Int64)
  }

  /// The name in reports and timelines: "gpu0.h2d".
  public var name: String
  /// The device to which it belongs.
  public var device: Device
  /// What it is to the device.
  public var role: Role
  /// What it becomes.
  public var kind: Kind
  /// The rate of one operation that holds a server and is limited by nothing else [B/s];
  /// infinite where work is not bytes, or has a bandwidth beside the server.
  public var rate: Double = .infinity
  /// Time before an operation on it begins, during which nothing is occupied [s].
  public var latency: Double = 0
  /// Time for which each operation occupies it besides its bytes [s].
  public var perOperation: Double = 0
}

extension MachineProfile {
  /// All resources of the machine: GPUs in order, host, drives in order, network.
  ///
  /// Servers with a `rate` (copy engines, the staging thread) take one operation at a time, which
  /// moves at most at that rate and also uses `host.dram`. Names: `gpuN.compute`, `gpuN.hbm`,
  /// `gpuN.memory`, `gpuN.h2d`, `gpuN.d2h`, `gpuN.link`, `gpuN.peer-out`, `gpuN.peer-in`,
  /// `host.cpu`, `host.dram`, `host.memory`, `host.staging`, `host.root`, `ssdN`, `ssdN.read`,
  /// `ssdN.write`, `ssdN.space`, `network.out`, `network.in`. On a unified-memory machine GPUs have
  /// no memory and link of their own: they use `host.dram` and `host.memory`. A half-duplex link has
  /// one engine, `gpuN.link`, for both directions.
  public var resources: [MachineResource] {
    gpus.indices.flatMap(gpuResources) + hostResources + drives.indices.flatMap(driveResources)
      + networkResources
  }

  /// The resource of `device` in `role`, if the machine has it.
  ///
  /// On a unified-memory machine the memory of a GPU is that of the host; on a half-duplex link both
  /// directions are the one engine.
  public func resource(
    _ role: MachineResource.Role, of device: MachineResource.Device
  ) -> MachineResource? {
    let all = resources
    if let found = all.first(where: { $0.device == device && $0.role == role }) { return found }
    if case .gpu = device {
      if unifiedMemory, role == .memoryBandwidth || role == .memoryPool {
        return all.first { $0.device == .host && $0.role == role }
      }
      if role == .deviceToHost {
        return all.first { $0.device == device && $0.role == .hostToDevice }
      }
    }
    return nil
  }

  private func gpuResources(_ index: Int) -> [MachineResource] {
    let gpu = gpus[index]
    let device = MachineResource.Device.gpu(index)
    var list = [
      MachineResource(
        name: "gpu\(index).compute", device: device, role: .compute, kind: .server(units: 1))
    ]
    if !unifiedMemory {
      list.append(
        MachineResource(
          name: "gpu\(index).hbm", device: device, role: .memoryBandwidth,
          kind: .bandwidth(bytesPerSecond: gpu.memory.bandwidth.effective)))
      list.append(
        MachineResource(
          name: "gpu\(index).memory", device: device, role: .memoryPool,
          kind: .pool(bytes: gpu.memory.usableBytes)))
    }
    if let link = gpu.hostLink {
      func engine(_ name: String, _ role: MachineResource.Role) -> MachineResource {
        MachineResource(
          name: "gpu\(index).\(name)", device: device, role: role, kind: .server(units: 1),
          rate: link.bandwidth.effective, latency: link.latency.effective,
          perOperation: link.perMessageOverhead.effective)
      }
      if link.isFullDuplex {
        list += [engine("h2d", .hostToDevice), engine("d2h", .deviceToHost)]
        if let share = link.duplexShare {
          let total = 2 * share.effective * link.bandwidth.effective
          list.append(
            MachineResource(
              name: "gpu\(index).link", device: device, role: .linkTotal,
              kind: .bandwidth(bytesPerSecond: total)))
        }
      } else {
        list.append(engine("link", .hostToDevice))
      }
    }
    if let link = gpu.peerLink {
      list += Self.directions(
        of: link, names: ("gpu\(index).peer-out", "gpu\(index).peer-in"), device,
        roles: (.peerOut, .peerIn))
    }
    return list
  }

  private var hostResources: [MachineResource] {
    var list = [
      MachineResource(
        name: "host.cpu", device: .host, role: .compute,
        kind: .server(units: max(1, Int(cpu.cores.nominal)))),
      MachineResource(
        name: "host.dram", device: .host, role: .memoryBandwidth,
        kind: .bandwidth(bytesPerSecond: dram.bandwidth.effective)),
      MachineResource(
        name: "host.memory", device: .host, role: .memoryPool,
        kind: .pool(bytes: dram.usableBytes)),
      MachineResource(
        name: "host.staging", device: .host, role: .stagingCopy, kind: .server(units: 1),
        rate: cpu.stagingCopyBandwidth),
    ]
    if let rootComplex {
      list.append(
        MachineResource(
          name: "host.root", device: .host, role: .rootComplex,
          kind: .bandwidth(bytesPerSecond: rootComplex.effective)))
    }
    return list
  }

  private func driveResources(_ index: Int) -> [MachineResource] {
    let drive = drives[index]
    let device = MachineResource.Device.drive(index)
    return [
      MachineResource(
        name: "ssd\(index)", device: device, role: .lanes,
        kind: .server(units: drive.laneCount), latency: drive.readLatency.effective),
      MachineResource(
        name: "ssd\(index).read", device: device, role: .read,
        kind: .bandwidth(bytesPerSecond: drive.readBandwidth.effective)),
      MachineResource(
        name: "ssd\(index).write", device: device, role: .write,
        kind: .bandwidth(bytesPerSecond: drive.writeBandwidth.effective)),
      MachineResource(
        name: "ssd\(index).space", device: device, role: .memoryPool,
        kind: .pool(bytes: Int64(drive.capacity.nominal))),
    ]
  }

  private var networkResources: [MachineResource] {
    guard let network else { return [] }
    return Self.directions(
      of: network, names: ("network.out", "network.in"), .host, roles: (.networkOut, .networkIn))
  }

  private static func directions(
    of link: LinkProfile, names: (String, String), _ device: MachineResource.Device,
    roles: (MachineResource.Role, MachineResource.Role)
  ) -> [MachineResource] {
    [(names.0, roles.0), (names.1, roles.1)].map { name, role in
      MachineResource(
        name: name, device: device, role: role,
        kind: .bandwidth(bytesPerSecond: link.bandwidth.effective),
        latency: link.latency.effective, perOperation: link.perMessageOverhead.effective)
    }
  }
}
