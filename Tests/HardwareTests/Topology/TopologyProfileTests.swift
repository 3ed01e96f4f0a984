// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Hardware

@Suite struct TopologyProfileTests {
  @Test func defaultsFollowFromTheParts() throws {
    let server = try shipped.machine("a100-40-sxm-server").topology
    #expect(server.islands == [Array(0..<8)])
    #expect(server.connection == .switch && server.islandHosts == 1)
    #expect(server.oversubscription == nil)
    let box = try shipped.machine("rtx-4090-desktop").topology
    #expect(box.islands.isEmpty && box.switchGroups.isEmpty && box.cardCount == 1)
  }

  @Test func figuresAreShownWithTheirSources() throws {
    let yaml = """
      base: a100-sxm-server
      topology:
        source: the manual
        pcie_switches: [[0, 1], [2, 3]]
        nics: {value: 4, source: the label}
        fabric: {oversubscription: {value: 2, source: the drawing}, hop_latency: 1 us}
      """
    let entries = try machine(yaml).describe().filter { $0.path.hasPrefix("topology") }
    #expect(
      entries.map(\.path) == [
        "topology.pcie_switches", "topology.nics", "topology.fabric.oversubscription",
        "topology.fabric.hop_latency",
      ])
    #expect(entries.map(\.figure.nominal) == [2, 4, 2, 1e-6])
    #expect(entries[0].sourceText == "the manual")
    #expect(entries[2].sourceText == "the drawing")
  }

  @Test(
    arguments: [
      ("{pcie_switch: 2}", "did you mean 'pcie_switches'?"),
      ("{pcie_switches: 9}", "out of range"), ("{pcie_switches: 0}", "out of range"),
      ("{pcie_switches: [[0, 1], [1, 2]]}", "GPU 1 stands in two groups"),
      ("{pcie_switches: [[0, 8]]}", "out of range"),
      ("{pcie_switches: [0, 1]}", "expected a list of GPU numbers"),
      ("{islands: {connection: ring}}", "is none of"),
      ("{islands: {connection: bridge, gpus: [[0, 1, 2]]}}", "a bridge joins two GPUs"),
      ("{islands: {connection: mesh, hosts: 2}}", "only a switch joins the GPUs of several hosts"),
      ("{islands: {gpus: [[0, 1], [2, 3]], hosts: 2}}", "is the only one of each"),
      ("{peers: through-the-host}", "is none of"), ("{nics: 1.5}", "a whole number"),
      ("{nics: 0}", "out of range"), ("{fabric: {oversubscription: 0.5}}", "out of range"),
      ("{fabric: {hosts_per_switch: 0}}", "out of range"),
      ("{fabric: {hop_latency: 5 GB}}", "fabric.hop_latency"),
    ])
  func refusesWhatIsWrong(topology: String, part: String) {
    let found = problems("{base: a100-sxm-server, topology: \(topology)}").joined(separator: "\n")
    #expect(found.contains(part), "\(found)")
  }

  @Test func islandsNeedPeerLinksAndCardsANetwork() {
    let island = problems("{base: rtx-4090x4-server, topology: {islands: {gpus: [[0, 1]]}}}")
    #expect(island.joined().contains("is in an island, but has no peer_link"))
    let cards = problems("{base: rtx-4090x4-server, topology: {nics: 2}}")
    #expect(cards.joined().contains("the machine has no 'network'"))
  }
}
