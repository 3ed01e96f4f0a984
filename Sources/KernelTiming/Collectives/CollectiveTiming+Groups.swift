// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware

extension CollectiveTiming {
  static func check(_ devices: [Int], in topology: ClusterTopology) throws(TopologyError) {
    if devices.isEmpty { throw .badGroup("a group of a collective has no members") }
    var isMember = [Bool](repeating: false, count: topology.gpuCount)
    for device in devices {
      guard isMember.indices.contains(device) else {
        throw .unknownEndpoint(
          topology.name(of: .gpu(device)),
          available: "\(topology.gpuCount) GPUs in \(topology.hostCount) hosts")
      }
      if isMember[device] {
        throw .badGroup(
          "\(topology.name(of: .gpu(device))) stands twice in a group of a collective")
      }
      isMember[device] = true
    }
  }

  /// Members by host, hosts in the order in which they first occur; members of an island that goes on
  /// over several hosts are as those of one.
  static func domains(of devices: [Int], in topology: ClusterTopology) -> [[Int]] {
    var domains: [[Int]] = []
    for device in devices {
      // Ranks mostly follow hosts, so that the last is the likeliest.
      let index = domains.lastIndex { domain in
        topology.host(ofGPU: domain[0]) == topology.host(ofGPU: device)
          || topology.sharesIsland(domain[0], device)
      }
      if let index { domains[index].append(device) } else { domains.append([device]) }
    }
    return domains
  }

  /// Whether there are several hosts with as many members each.
  static func isEven(_ domains: [[Int]]) -> Bool {
    domains.count > 1 && domains.allSatisfy { $0.count == domains[0].count }
  }

  /// For each member of a host, those of all hosts in its place.
  static func rails(_ domains: [[Int]]) -> [[Int]] {
    domains[0].indices.map { rank in domains.map { $0[rank] } }
  }

  /// A step of rings that run at once, in which each member sends to the next.
  static func cost(
    ofRings rings: [[Int]], in topology: ClusterTopology
  ) throws(TopologyError) -> StepCost {
    var routes: [ClusterRoute] = []
    var loads = LinkLoads(links: topology.links.count)
    for ring in rings where ring.count > 1 {
      for (index, device) in ring.enumerated() {
        let next = ring[index + 1 < ring.count ? index + 1 : 0]
        let route = try topology.route(from: .gpu(device), to: .gpu(next))
        loads.add(route)
        routes.append(route)
      }
    }
    var cost = StepCost()
    for route in routes {
      cost.launch = max(cost.launch, route.launch)
      cost.add(
        latency: route.latency,
        secondsPerByte: loads.secondsPerByte(route, topology.links))
    }
    return cost
  }
}
