// SPDX-License-Identifier: GPL-3.0-or-later

/// Hosts, their GPUs, and the links between all of them, as a graph whose routes are known.
///
/// | link | of | carries |
/// |---|---|---|
/// | `hostH.gpuG.d2h`, `.h2d` | the host link of a GPU | one direction |
/// | `hostH.gpuG.link` | the same | both together; of a half-duplex link, or of `duplex_share` |
/// | `hostH.gpuG.peer-out`, `.peer-in` | peer links behind a switch or a bridge | one direction |
/// | `hostH.gpuG.peerP` | peer links of a mesh | one direction of one pair |
/// | `hostH.switchS.up`, `.down` | a PCIe switch and its root complex | one direction |
/// | `hostH.rootR` | the root complex of a socket | all that enters or leaves it over PCIe |
/// | `hostH.socketA-B` | two sockets | one direction |
/// | `hostH.dram` | host memory | reading and writing |
/// | `hostH.driveD.read`, `.write` | a drive | one direction |
/// | `hostH.nicN.out`, `.in` | a network card | one direction |
/// | `fabricS.up`, `.down` | a switch of the fabric and the others | one direction |
///
/// GPUs are numbered through the cluster, host 0's first. Rates are the achievable ones of the profiles
/// and may be changed (`links[id].rate`) for links that are degraded.
public struct ClusterTopology: Sendable {
  /// Every link; routes name them by position.
  public var links: [ClusterLink] = []
  /// The machines of which hosts are made, each once.
  public let machines: [MachineProfile]
  /// Hosts, each by the position of its machine.
  public let hostMachines: [Int]

  var gpus: [GPUPlace] = []
  var hosts: [HostPlace] = []

  /// Where a GPU stands; links that it lacks are −1.
  struct GPUPlace: Sendable, BitwiseCopyable {
    var host: Int32 = 0
    /// In its machine.
    var number: Int32 = 0
    var socket: Int32 = 0
    /// From and to the GPU, and both together.
    var out: Int32 = -1
    var back: Int32 = -1
    var total: Int32 = -1
    var peerOut: Int32 = -1
    var peerIn: Int32 = -1
    /// The first of its links of a mesh, one for each GPU of the island by rank.
    var mesh: Int32 = -1
    var meshRank: Int32 = 0
    /// GPUs with the same island reach each other by peer links; −1: by none.
    var island: Int32 = -1
    /// The PCIe switch, numbered through the cluster, and its links; −1: none.
    var pcieSwitch: Int32 = -1
    var switchUp: Int32 = -1
    var switchDown: Int32 = -1
    /// The network card that it uses, by its number in the host.
    var card: Int32 = -1
    /// Whether the card hangs on the GPU's own switch, so that no root complex lies between them.
    var cardIsNear = false
  }

  /// What a host has beside its GPUs; links that it lacks are −1.
  struct HostPlace: Sendable {
    var firstGPU = 0
    var gpuCount = 0
    var dram: Int32 = -1
    /// One for each socket.
    var roots: [Int32] = []
    /// From socket to socket, row by row.
    var sockets: [Int32] = []
    var driveReads: [Int32] = []
    var driveWrites: [Int32] = []
    var cardsOut: [Int32] = []
    var cardsIn: [Int32] = []
    /// The socket of each network card.
    var cardSockets: [Int32] = []
    /// The switch of the fabric, and its links to the others.
    var leaf: Int32 = 0
    var leafUp: Int32 = -1
    var leafDown: Int32 = -1
    /// Whether GPUs without peer links exchange through host memory.
    var stages = false
    var isUnified = false
  }

  /// A cluster of equal hosts.
  ///
  /// - Precondition: There is at least one host.
  public init(machine: MachineProfile, hosts: Int = 1) {
    self.init(machines: [machine], hostMachines: Array(repeating: 0, count: hosts))
  }

  /// A cluster of hosts that may differ. The fabric is that of the first host's machine.
  ///
  /// - Parameter hostMachines: hosts, each by the position of its machine in `machines`.
  /// - Precondition: There is at least one host, and each names a machine.
  public init(machines: [MachineProfile], hostMachines: [Int]) {
    precondition(!hostMachines.isEmpty, "A cluster has at least one host.")
    precondition(
      hostMachines.allSatisfy { machines.indices.contains($0) }, "A host names a machine.")
    self.machines = machines
    self.hostMachines = hostMachines
    build()
  }

  /// GPUs of all hosts.
  public var gpuCount: Int { gpus.count }
  /// Hosts.
  public var hostCount: Int { hosts.count }

  /// The GPUs of a host, by their numbers in the cluster.
  public func gpus(ofHost host: Int) -> Range<Int> {
    hosts[host].firstGPU..<hosts[host].firstGPU + hosts[host].gpuCount
  }

  /// The host of a GPU.
  public func host(ofGPU gpu: Int) -> Int { Int(gpus[gpu].host) }

  /// The machine of a host.
  public func machine(ofHost host: Int) -> MachineProfile { machines[hostMachines[host]] }

  /// Whether GPUs reach each other by peer links alone.
  public func sharesIsland(_ first: Int, _ second: Int) -> Bool {
    gpus[first].island >= 0 && gpus[first].island == gpus[second].island
  }

  /// The position of the link of a name; for tests and reports, not for inner loops.
  public func link(named name: String) -> Int? { links.firstIndex { $0.name == name } }
}
