// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import SimulationKernel
import Testing

@testable import KernelTiming

/// Copies on the links of a cluster.
@Suite struct TopologyResourcesTests {
  /// When copies of so many bytes end that begin together [s].
  static func ends(
    _ topology: ClusterTopology,
    _ copies: [(from: ClusterEndpoint, to: ClusterEndpoint, bytes: Double)]
  ) -> [Double] {
    var simulation = Simulation<OperationEvent>()
    var network = OperationNetwork<OperationEvent>()
    let resources = TopologyResources(topology, in: &network)
    for (index, copy) in copies.enumerated() {
      _ = network.submit(
        resources.copy(
          from: copy.from, to: copy.to, bytes: copy.bytes, topology: topology, tag: UInt64(index)),
        in: &simulation)
    }
    var ends = [Double](repeating: -1, count: copies.count)
    while let event = simulation.next() {
      if let end = network.handle(event, in: &simulation) {
        ends[Int(end.tag)] = end.ended.seconds
      }
    }
    return ends
  }

  @Test func aCopyAloneTakesWhatItsLinkSays() throws {
    let machine = try ShippedProfilesTests.profiles.machine("h100-sxm-server")
    let topology = ClusterTopology(machine: machine)
    let link = try #require(machine.gpus[0].hostLink)
    let end = Self.ends(topology, [(.hostMemory(0), .gpu(0), 1e9)])[0]
    #expect(abs(end - link.seconds(bytes: 1_000_000_000)) < 2e-9)
  }

  @Test func swapsOfAllGPUsShareARootComplex() throws {
    let topology = try CollectiveSupport.topology("{base: l40s-server, root_complex: 50 GB/s}")
    let one = Self.ends(topology, [(.gpu(0), .hostMemory(0), 1e9)])[0]
    #expect(abs(one - (1e9 / 25.2e9 + 6e-6)) < 2e-9, "the GPU's own link")
    let four = Self.ends(topology, (0..<4).map { (.gpu($0), .hostMemory(0), 1e9) })
    for end in four { #expect(abs(end - (4e9 / 50e9 + 6e-6)) < 2e-9) }
  }

  @Test func bothDirectionsOfALinkAreSlowerThanOne() throws {
    let topology = try CollectiveSupport.topology("{base: l40s-server}")
    let both = Self.ends(
      topology, [(.gpu(0), .hostMemory(0), 1e9), (.hostMemory(0), .gpu(0), 1e9)])
    for end in both { #expect(abs(end - (1e9 / (0.72 * 25.2e9) + 6e-6)) < 2e-9) }
  }

  @Test func movesBetweenHostsMeetSwapsOnTheHostLink() throws {
    // One card for eight GPUs, farther than the root complex: moves of two GPUs share the card.
    let topology = try CollectiveSupport.topology(
      "{base: h100-sxm-server, topology: {pcie_switches: [], nics: 1}}", hosts: 2)
    let moves = Self.ends(topology, [(.gpu(0), .gpu(8), 1e9), (.gpu(1), .gpu(9), 1e9)])
    let alone = Self.ends(topology, [(.gpu(0), .gpu(8), 1e9)])[0]
    let fixed = 0.8e-6 * 2 + 6e-6 + 5.2e-6
    #expect(abs(alone - (1e9 / 43e9 + fixed)) < 2e-9)
    for end in moves { #expect(abs(end - (2e9 / 43e9 + fixed)) < 2e-9) }
    // A move out and a swap out of the same GPU share its link until the swap, of less, is done.
    let mixed = Self.ends(topology, [(.gpu(0), .gpu(8), 1e9), (.gpu(0), .hostMemory(0), 1e9)])
    #expect(mixed[0] > 1.2 * alone && mixed[1] > 1.2 * 1e9 / 55.4e9)
    #expect(abs(max(mixed[0], mixed[1]) - 2e9 / 55.4e9) < 20e-6, "the link is never idle")
  }

  @Test func theLongestRouteFitsAnOperation() throws {
    let topology = try CollectiveSupport.topology(
      """
      base: h100-sxm-server
      root_complex: 200 GB/s
      topology:
        pcie_switches: 2
        peers: host-memory
        nics: 2
        islands: {connection: none}
        fabric: {oversubscription: 2}
      """, hosts: 2)
    let route = try topology.route(from: .gpu(0), to: .gpu(8))
    #expect(route.count == 14)
    let end = Self.ends(topology, [(.gpu(0), .gpu(8), 1e9)])[0]
    let seconds =
      route.launch + route.latency + 1e9 * route.secondsPerByte(over: topology.links)
    #expect(abs(end - seconds) < 2e-9)
    #expect(Self.ends(topology, [(.gpu(0), .gpu(0), 1e9)]) == [0], "nothing to move")
  }
}
