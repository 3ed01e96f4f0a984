// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Units

/// How the parts of a machine are wired, and the fabric between machines of its kind.
///
/// In a machine's file; every key may be left out:
/// ```yaml
/// topology:
///   source: where the wiring is from
///   pcie_switches: 2                 # GPUs below each switch, or lists of them: [[0, 1], [2, 3]]
///   switch_link: pcie-gen5-x16       # between a switch and its root complex
///   islands: {connection: switch, gpus: [[0, 1, 2, 3]], hosts: 1}
///   peers: direct                    # or host-memory
///   nics: {value: 8, source: one beside each GPU}
///   fabric: {hosts_per_switch: 16, oversubscription: 2, hop_latency: 1 us}
/// ```
/// Without it GPUs hang directly on their sockets' root complexes, those with a `peer_link` form one
/// island behind a switch, others reach each other directly over PCIe, and `network` is one card of the
/// host on a fabric that never limits.
public struct TopologyProfile: Sendable {
  /// How the peer links of an island meet.
  public enum Connection: String, CaseIterable, Sendable {
    /// Any GPU sends to any other at the rate of its peer link.
    case `switch`
    /// The same for a pair.
    case bridge
    /// Each pair has a link of its own, with an equal part of the rate of the peer link.
    case mesh
    /// Peer links are not used.
    case none
  }

  /// How GPUs without peer links between them exchange.
  public enum PeerAccess: String, CaseIterable, Sendable {
    /// From GPU to GPU, or to a network card, over PCIe.
    case direct
    /// Through a buffer in host memory.
    case hostMemory = "host-memory"
  }

  /// Where the wiring is from; empty where nobody says.
  public var source = ""
  /// GPUs below each PCIe switch; those in none hang on a root complex.
  public var switchGroups: [[Int]] = []
  /// Between a PCIe switch and its root complex; `nil` for a link as that of its first GPU.
  public var switchLink: LinkProfile?
  /// How the GPUs of an island meet.
  public var connection = Connection.switch
  /// GPUs of each island.
  public var islands: [[Int]] = []
  /// Neighbouring hosts over which each island goes on.
  public var islandHosts = 1
  /// How GPUs exchange that share no island.
  public var peers = PeerAccess.direct
  /// Network cards of a host, each of the rate of `network`.
  public var networkCards: Figure?
  /// Neighbouring hosts on one switch of the fabric.
  public var hostsPerSwitch = 1
  /// How many times as much the cards below a switch carry as its links to the rest of the fabric.
  public var oversubscription: Figure?
  /// Time to cross from one switch of the fabric to another [s].
  public var hopLatency: Figure?
  /// Where it stands.
  private var origin: SourceLocation?

  /// What a machine without `topology` has.
  init(gpus: [GPUProfile]) {
    let linked = gpus.indices.filter { gpus[$0].peerLink != nil }
    islands = linked.count > 1 ? [linked] : []
  }

  init(_ reader: MappingReader, gpus: [GPUProfile], hasNetwork: Bool, parts: PartResolver) {
    self.init(gpus: gpus)
    origin = reader.node.location
    source = reader.string("source") ?? ""
    readSwitches(reader, gpus: gpus.count)
    switchLink = reader.child("switch_link").flatMap { parts.reader($0, .link) }
      .map(LinkProfile.init)
    if let islands = reader.mapping("islands") {
      readIslands(islands, gpus: gpus)
      islands.finish()
    }
    let peers = reader.choice("peers", among: PeerAccess.allCases.map(\.rawValue))
    self.peers = peers.flatMap(PeerAccess.init) ?? .direct
    networkCards = reader.figure("nics", .count, in: 1...1024)
    if let networkCards, networkCards.nominal != networkCards.nominal.rounded() {
      reader.report("nics", "expected a whole number of network cards")
    }
    if let fabric = reader.mapping("fabric") {
      hostsPerSwitch = fabric.int("hosts_per_switch", in: 1...100_000) ?? 1
      oversubscription = fabric.figure("oversubscription", .count, in: 1...1000)
      hopLatency = fabric.figure("hop_latency", .seconds, in: Plausible.latency)
      fabric.finish()
    }
    if !hasNetwork {
      for key in ["nics", "fabric"] where reader.has(key) {
        reader.report(key, "describes the network, but the machine has no 'network'")
      }
    }
    reader.finish()
  }

  private mutating func readSwitches(_ reader: MappingReader, gpus: Int) {
    guard let node = reader.child("pcie_switches") else { return }
    if node.sequence != nil {
      switchGroups = Self.groups(reader.sequence("pcie_switches"), gpus: gpus, reader.collector)
    } else if let size = reader.int("pcie_switches", in: 1...max(1, gpus)) {
      switchGroups = stride(from: 0, to: gpus, by: size).map { Array($0..<min($0 + size, gpus)) }
    }
  }

  private mutating func readIslands(_ reader: MappingReader, gpus: [GPUProfile]) {
    let kind = reader.choice("connection", among: Connection.allCases.map(\.rawValue))
    connection = kind.flatMap(Connection.init) ?? .switch
    islandHosts = reader.int("hosts", in: 1...100_000) ?? 1
    let linked = islands.first ?? []
    if reader.has("gpus") {
      islands = Self.groups(reader.sequence("gpus"), gpus: gpus.count, reader.collector)
    } else if connection == .bridge {
      islands = stride(from: 0, to: linked.count - 1, by: 2).map { [linked[$0], linked[$0 + 1]] }
    }
    if connection == .none { islands = [] }
    for gpu in islands.joined() where gpus[gpu].peerLink == nil {
      reader.report(
        "gpus", "GPU \(gpu) (\(gpus[gpu].name)) is in an island, but has no peer_link")
    }
    if connection == .bridge, let wrong = islands.first(where: { $0.count != 2 }) {
      reader.report("gpus", "a bridge joins two GPUs; found an island of \(wrong.count)")
    }
    if islandHosts > 1, connection != .switch {
      reader.report("hosts", "only a switch joins the GPUs of several hosts")
    }
    if islandHosts > 1, islands.count != 1 {
      reader.report("hosts", "an island over several hosts is the only one of each")
    }
  }

  /// Lists of GPUs, none of which stands twice.
  private static func groups(
    _ nodes: [ConfigurationNode], gpus: Int, _ collector: DiagnosticCollector
  ) -> [[Int]] {
    var seen = [Bool](repeating: false, count: gpus)
    var groups: [[Int]] = []
    for node in nodes {
      guard let elements = node.sequence else {
        collector.report(node, "expected a list of GPU numbers; found \(node.kindInWords)")
        continue
      }
      var group: [Int] = []
      for element in elements {
        guard let gpu = element.read(into: collector, { $0.integer(in: 0...max(0, gpus - 1)) })
        else { continue }
        if gpu >= gpus || seen[gpu] {
          collector.report(
            element, gpu >= gpus ? "the machine has no GPUs" : "GPU \(gpu) stands in two groups")
          continue
        }
        seen[gpu] = true
        group.append(gpu)
      }
      if !group.isEmpty { groups.append(group) }
    }
    return groups
  }

  /// The network cards of a host that has a network.
  public var cardCount: Int { Int(networkCards?.nominal ?? 1) }

  /// Its figures with their sources; wiring that the file does not state has none.
  func entries(_ prefix: String, _ part: String) -> [ProfileEntry] {
    var entries: [ProfileEntry] = []
    func add(_ name: String, _ figure: Figure?) {
      guard let figure else { return }
      entries.append(ProfileEntry(path: "\(prefix).\(name)", part: part, figure: figure))
    }
    if let origin, !switchGroups.isEmpty {
      add(
        "pcie_switches",
        Figure(
          nominal: Double(switchGroups.count), dimension: .count,
          source: source.isEmpty ? "given in \(origin.file)" : source, hasSource: !source.isEmpty,
          origin: origin))
    }
    add("nics", networkCards)
    entries += switchLink?.entries("\(prefix).switch_link") ?? []
    add("fabric.oversubscription", oversubscription)
    add("fabric.hop_latency", hopLatency)
    return entries
  }
}
