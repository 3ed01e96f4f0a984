// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Hardware

@Suite struct ClusterTopologyTests {
  /// The links of a route by name, with their weights where they are not 1.
  static func names(
    _ topology: ClusterTopology, _ from: ClusterEndpoint, _ to: ClusterEndpoint
  ) throws -> [String] {
    let route = try topology.route(from: from, to: to)
    return (0..<route.count).map {
      let leg = route[$0]
      let name = topology.links[Int(leg.link)].name
      return leg.weight == 1 ? name : "\(name) x\(Int(leg.weight))"
    }
  }

  @Test func peersUseTheirLinksAndMemoryThePCIe() throws {
    let topology = ClusterTopology(machine: try shipped.machine("h100-sxm-server"), hosts: 2)
    #expect(topology.gpuCount == 16)
    #expect(topology.host(ofGPU: 8) == 1)
    #expect(
      try Self.names(topology, .gpu(1), .gpu(3)) == ["host0.gpu1.peer-out", "host0.gpu3.peer-in"])
    #expect(
      try Self.names(topology, .hostMemory(1), .gpu(9)).filter { !$0.contains("switch") }
        == ["host1.gpu1.h2d", "host1.gpu1.link", "host1.dram"])
    let route = try topology.route(from: .gpu(1), to: .gpu(3))
    // NVLink 4 by its part: 371.5 GB/s, a step of 1 us, a launch of 10 us.
    #expect(route.secondsPerByte(over: topology.links) == 1 / 371.5e9)
    #expect(route.latency == 1e-6 && route.launch == 10e-6)
    let swap = try topology.route(from: .gpu(0), to: .hostMemory(0))
    #expect(swap.secondsPerByte(over: topology.links) == 1 / 55.4e9)
    #expect(abs(swap.latency + swap.launch - 6e-6) < 1e-12, "as a copy of the link's profile")
  }

  @Test func driveReadsPassThroughHostMemory() throws {
    let topology = ClusterTopology(machine: try machine(box))
    #expect(
      try Self.names(topology, .drive(host: 0, index: 0), .gpu(0)) == [
        "host0.drive0.read", "host0.gpu0.h2d", "host0.gpu0.link", "host0.dram x2",
      ])
    #expect(
      try Self.names(topology, .hostMemory(0), .drive(host: 0, index: 0)) == [
        "host0.drive0.write", "host0.dram",
      ])
    #expect(try topology.route(from: .gpu(1), to: .gpu(1)).count == 0)
  }

  static let wired = """
    base: rtx-4090x4-server
    root_complex: 100 GB/s
    network: {part: cx7-400g}
    cpu: {part: xeon-platinum-8452y, count: 2}
    topology: {peers: direct, pcie_switches: 2, nics: 2, fabric: {hosts_per_switch: 2, oversubscription: 4}}
    """

  @Test func switchesRootsSocketsAndFabricAreCrossed() throws {
    let topology = ClusterTopology(machine: try machine(Self.wired), hosts: 4)
    #expect(
      try Self.names(topology, .gpu(0), .gpu(1)) == [
        "host0.gpu0.d2h", "host0.gpu0.link", "host0.gpu1.h2d", "host0.gpu1.link",
      ], "below one switch")
    #expect(
      try Self.names(topology, .gpu(0), .gpu(2)) == [
        "host0.gpu0.d2h", "host0.gpu0.link", "host0.switch0.up", "host0.root0",
        "host0.socket0-1", "host0.root1", "host0.switch1.down", "host0.gpu2.h2d",
        "host0.gpu2.link",
      ])
    #expect(
      try Self.names(topology, .gpu(0), .gpu(6)) == [
        "host0.gpu0.d2h", "host0.gpu0.link", "host0.nic0.out", "host1.nic1.in",
        "host1.gpu2.h2d", "host1.gpu2.link",
      ], "a card below the GPUs' switch, and one switch of the fabric")
    #expect(
      try Self.names(topology, .gpu(0), .gpu(8)) == [
        "host0.gpu0.d2h", "host0.gpu0.link", "host0.nic0.out", "fabric0.up", "fabric1.down",
        "host2.nic0.in", "host2.gpu0.h2d", "host2.gpu0.link",
      ])
    let root = try #require(topology.link(named: "host0.root1"))
    #expect(topology.links[root].rate == 50e9, "half of the machine's for each socket")
    let up = try #require(topology.link(named: "fabric0.up"))
    #expect(topology.links[up].rate == 2 * 2 * 43e9 / 4)
  }

  @Test func withoutPeerAccessBytesPassThroughHostMemory() throws {
    let yaml = """
      base: rtx-4090x4-server
      root_complex: 100 GB/s
      network: {part: cx7-400g}
      topology: {peers: host-memory}
      """
    let topology = ClusterTopology(machine: try machine(yaml), hosts: 2)
    #expect(
      try Self.names(topology, .gpu(0), .gpu(1)) == [
        "host0.gpu0.d2h", "host0.gpu0.link", "host0.root0 x2", "host0.dram x2",
        "host0.gpu1.h2d", "host0.gpu1.link",
      ])
    #expect(
      try Self.names(topology, .gpu(0), .gpu(4)) == [
        "host0.gpu0.d2h", "host0.gpu0.link", "host0.root0 x2", "host0.dram x2", "host0.nic0.out",
        "host1.nic0.in", "host1.root0 x2", "host1.dram x2", "host1.gpu0.h2d", "host1.gpu0.link",
      ])
  }

  @Test func bridgesAndMeshesJoinWhomTheySay() throws {
    let bridged = """
      base: a100-sxm-server
      topology: {islands: {connection: bridge}}
      """
    let pairs = ClusterTopology(machine: try machine(bridged))
    #expect(pairs.sharesIsland(2, 3) && !pairs.sharesIsland(1, 2))
    #expect(try Self.names(pairs, .gpu(2), .gpu(3)).first == "host0.gpu2.peer-out")
    #expect(try Self.names(pairs, .gpu(1), .gpu(2)).first == "host0.gpu1.d2h")
    let mesh = ClusterTopology(
      machine: try machine("{base: a100-sxm-server, topology: {islands: {connection: mesh}}}"))
    let route = try mesh.route(from: .gpu(2), to: .gpu(5))
    #expect(route.count == 1)
    #expect(mesh.links[Int(route[0].link)].name == "host0.gpu2.peer5")
    #expect(abs(route.secondsPerByte(over: mesh.links) - 7 / 276.3e9) < 1e-18)
    let none = ClusterTopology(
      machine: try machine("{base: a100-sxm-server, topology: {islands: {connection: none}}}"))
    #expect(try Self.names(none, .gpu(2), .gpu(3)).first == "host0.gpu2.d2h")
  }

  @Test func islandsMayGoOverHosts() throws {
    let yaml = "{base: b200-server, topology: {islands: {hosts: 2}}}"
    let topology = ClusterTopology(machine: try machine(yaml), hosts: 5)
    #expect(topology.sharesIsland(0, 15) && !topology.sharesIsland(15, 16))
    #expect(topology.sharesIsland(16, 31) && !topology.sharesIsland(31, 32))
    #expect(
      try Self.names(topology, .gpu(0), .gpu(9)) == ["host0.gpu0.peer-out", "host1.gpu1.peer-in"])
  }

  @Test func whatHasNoRouteNamesBothEnds() throws {
    let topology = ClusterTopology(machine: try shipped.machine("rtx-4090x4-server"), hosts: 2)
    let error = #expect(throws: TopologyError.self) {
      try topology.route(from: .gpu(3), to: .gpu(5))
    }
    #expect(
      error?.description
        == "there is no route from GPU 3 of host 0 (rtx-4090x4-server) to GPU 1 of host 1 "
        + "(rtx-4090x4-server): host 0 (rtx-4090x4-server) has no network; give its machine the "
        + "key 'network'")
    for (end, part) in [
      (ClusterEndpoint.gpu(8), "GPU 8"), (.gpu(-1), "GPU -1"), (.hostMemory(2), "memory of host 2"),
      (.drive(host: 1, index: 9), "drive 9 of host 1"),
    ] {
      let error = #expect(throws: TopologyError.self) {
        try topology.route(from: .gpu(0), to: end)
      }
      #expect(error?.description.contains("there is no \(part)") == true)
      #expect(error?.description.contains("8 GPUs, 2 hosts and 4 drives") == true)
    }
  }

  @Test func unifiedMemoryNeedsNoLink() throws {
    let topology = ClusterTopology(machine: try shipped.machine("jetson-agx-orin"))
    #expect(try topology.route(from: .hostMemory(0), to: .gpu(0)).count == 0)
    #expect(
      try Self.names(topology, .drive(host: 0, index: 0), .gpu(0)) == [
        "host0.drive0.read", "host0.dram",
      ])
  }

  /// Every machine: what there is has routes, both ways over as much, and no link beside itself.
  @Test(arguments: shipped.machineNames)
  func machinesReachAllTheyHave(name: String) throws {
    let machine = try shipped.machine(name)
    let topology = ClusterTopology(machine: machine, hosts: 2)
    #expect(Set(topology.links.map(\.name)).count == topology.links.count)
    #expect(topology.links.allSatisfy { $0.rate > 0 && $0.latency >= 0 })
    let perHost = machine.gpus.count
    var ends: [ClusterEndpoint] = [.hostMemory(0)]
    ends +=
      (0..<perHost).map { .gpu($0) } + machine.drives.indices.map { .drive(host: 0, index: $0) }
    if machine.network != nil {
      ends += [.hostMemory(1)] + (perHost..<2 * perHost).map { .gpu($0) }
    }
    for from in ends {
      for to in ends where to != from {
        let route = try topology.route(from: from, to: to)
        let back = try topology.route(from: to, to: from)
        #expect(route.count == back.count)
        if case .drive = from { continue }
        if case .drive = to { continue }
        #expect(
          route.secondsPerByte(over: topology.links) == back.secondsPerByte(over: topology.links))
      }
    }
  }
}
