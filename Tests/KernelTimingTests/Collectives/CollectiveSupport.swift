// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Hardware
import SimulationKernel

@testable import KernelTiming

/// Clusters on which collectives are tried, and collectives run as flows.
enum CollectiveSupport {
  static func topology(_ yaml: String, hosts: Int = 1) throws -> ClusterTopology {
    let node = try ConfigurationNode.parse(yaml, file: "cluster.yaml")
    return ClusterTopology(machine: try ShippedProfilesTests.profiles.machine(node), hosts: hosts)
  }

  /// Kinds of clusters by name: a machine, and how many of it there are.
  static let clusters: [(name: String, yaml: String, hosts: Int)] = [
    ("NVLink switch", "{base: h100-sxm-server}", 1),
    ("NVLink mesh", "{base: a100-sxm-server, topology: {islands: {connection: mesh}}}", 1),
    ("NVLink bridges", "{base: a100-sxm-server, topology: {islands: {connection: bridge}}}", 1),
    ("PCIe", "{base: l40s-server}", 1),
    ("PCIe switches", "{base: l40s-server, topology: {pcie_switches: 2}}", 1),
    ("shared root complex", "{base: l40s-server, root_complex: 60 GB/s}", 1),
    (
      "through host memory",
      "{base: l40s-server, root_complex: 60 GB/s, topology: {peers: host-memory}}", 1
    ),
    ("two hosts, a card each", "{base: h100-sxm-server, topology: {nics: 1}}", 2),
    ("two hosts, eight cards each", "{base: h100-sxm-server, topology: {nics: 8}}", 2),
    (
      "two hosts, fabric of half the rate",
      "{base: h100-sxm-server, topology: {nics: 8, fabric: {oversubscription: 2}}}", 2
    ),
    ("four hosts of PCIe", "{base: l40s-server, network: {part: cx7-400g}}", 4),
    ("one island over two hosts", "{base: b200-server, topology: {islands: {hosts: 2}}}", 2),
  ]

  /// Seconds until what `submit` submitted has ended.
  static func run(
    _ timing: CollectiveTiming,
    _ submit: (
      CollectiveFlows, inout OperationNetwork<OperationEvent>, inout Simulation<OperationEvent>
    ) -> Void
  ) -> Double {
    var simulation = Simulation<OperationEvent>()
    var network = OperationNetwork<OperationEvent>()
    let resources = TopologyResources(timing.topology, in: &network)
    submit(CollectiveFlows(timing, on: resources), &network, &simulation)
    var ended = 0.0
    while let event = simulation.next() {
      if let end = network.handle(event, in: &simulation), end.tag == 1 {
        ended = end.ended.seconds
      }
    }
    precondition(network.pendingOperationCount == 0, "Everything has ended.")
    return ended
  }

  /// Seconds of a collective as flows.
  static func flows(
    _ timing: CollectiveTiming, _ kind: CollectiveLaw.Kind, bytes: Double
  ) -> Double {
    run(timing) { $0.submit(kind, bytes: bytes, tag: 1, in: &$1, &$2) }
  }
}
