// SPDX-License-Identifier: GPL-3.0-or-later

extension ClusterTopology {
  /// The links that bytes cross from one end to another, in order.
  ///
  /// GPUs of one island use their peer links, others PCIe; bytes between hosts leave by the network card
  /// of the GPU at either end, those between memories by each host's first card. What a drive reads for a
  /// GPU passes through host memory. A GPU that shares the host's memory reaches it without a link.
  ///
  /// - Throws: `TopologyError`: an end does not exist, or nothing connects them.
  /// - Complexity: O(links of the route); allocates only to throw.
  public func route(
    from source: ClusterEndpoint, to target: ClusterEndpoint
  ) throws(TopologyError) -> ClusterRoute {
    try check(source)
    try check(target)
    var route = ClusterRoute()
    guard source != target else { return route }
    if case .gpu(let from) = source, case .gpu(let to) = target {
      if sharesIsland(from, to) {
        crossPeers(gpus[from], gpus[to], &route)
        return route
      }
    }
    let (from, to) = (host(of: source), host(of: target))
    if from != to {
      try crossHosts(source, target, &route)
    } else if case .gpu(let first) = source, case .gpu(let second) = target {
      crossPCIe(gpus[first], gpus[second], hosts[from], &route)
    } else {
      leave(source, hosts[from], &route)
      arrive(target, hosts[to], &route)
      crossMemory(source, target, hosts[from], &route)
    }
    return route
  }

  /// An end as messages name it: "GPU 3 of host 0 (h100-sxm-server)".
  public func name(of endpoint: ClusterEndpoint) -> String {
    switch endpoint {
    case .gpu(let gpu) where gpus.indices.contains(gpu):
      let place = gpus[gpu]
      return "GPU \(place.number) of \(hostName(Int(place.host)))"
    case .gpu(let gpu): return "GPU \(gpu)"
    case .hostMemory(let host): return "memory of \(hostName(host))"
    case .drive(let host, let index): return "drive \(index) of \(hostName(host))"
    }
  }

  private func hostName(_ host: Int) -> String {
    hosts.indices.contains(host) ? "host \(host) (\(machine(ofHost: host).name))" : "host \(host)"
  }

  private func check(_ endpoint: ClusterEndpoint) throws(TopologyError) {
    let exists =
      switch endpoint {
      case .gpu(let gpu): gpus.indices.contains(gpu)
      case .hostMemory(let host): hosts.indices.contains(host)
      case .drive(let host, let index):
        hosts.indices.contains(host) && hosts[host].driveReads.indices.contains(index)
      }
    guard !exists else { return }
    let drives = hosts.reduce(0) { $0 + $1.driveReads.count }
    throw .unknownEndpoint(
      name(of: endpoint), available: "\(gpuCount) GPUs, \(hostCount) hosts and \(drives) drives")
  }

  private func host(of endpoint: ClusterEndpoint) -> Int {
    switch endpoint {
    case .gpu(let gpu): Int(gpus[gpu].host)
    case .hostMemory(let host), .drive(let host, _): host
    }
  }

  // MARK: Within a host

  private func crossPeers(_ from: GPUPlace, _ to: GPUPlace, _ route: inout ClusterRoute) {
    if from.mesh >= 0 {
      route.cross(from.mesh + to.meshRank, in: links)
    } else {
      route.cross(from.peerOut, in: links)
      route.cross(to.peerIn, in: links)
    }
  }

  private func crossPCIe(
    _ from: GPUPlace, _ to: GPUPlace, _ host: HostPlace, _ route: inout ClusterRoute
  ) {
    let isBelowOneSwitch = from.pcieSwitch >= 0 && from.pcieSwitch == to.pcieSwitch
    leaveGPU(from, host, &route, reachesRoot: host.stages || !isBelowOneSwitch)
    if host.stages || host.isUnified {
      route.cross(host.dram, in: links, weight: 2)
    } else if !isBelowOneSwitch {
      crossSockets(from.socket, to.socket, host, &route)
    }
    arriveAtGPU(to, host, &route, reachesRoot: host.stages || !isBelowOneSwitch)
  }

  /// From a GPU to its root complex, or to its switch.
  private func leaveGPU(
    _ gpu: GPUPlace, _ host: HostPlace, _ route: inout ClusterRoute, reachesRoot: Bool
  ) {
    guard gpu.out >= 0 else { return }
    route.cross(gpu.out, in: links)
    route.cross(gpu.total, in: links)
    guard reachesRoot else { return }
    route.cross(gpu.switchUp, in: links)
    route.cross(host.roots[Int(gpu.socket)], in: links)
  }

  private func arriveAtGPU(
    _ gpu: GPUPlace, _ host: HostPlace, _ route: inout ClusterRoute, reachesRoot: Bool
  ) {
    guard gpu.back >= 0 else { return }
    if reachesRoot {
      route.cross(host.roots[Int(gpu.socket)], in: links)
      route.cross(gpu.switchDown, in: links)
    }
    route.cross(gpu.back, in: links)
    route.cross(gpu.total, in: links)
  }

  private func crossSockets(
    _ from: Int32, _ to: Int32, _ host: HostPlace, _ route: inout ClusterRoute
  ) {
    route.cross(host.sockets[Int(from) * host.roots.count + Int(to)], in: links)
  }

  /// From an end to the host's memory, that memory not counted.
  private func leave(
    _ end: ClusterEndpoint, _ host: HostPlace, _ route: inout ClusterRoute
  ) {
    switch end {
    case .gpu(let gpu): leaveGPU(gpus[gpu], host, &route, reachesRoot: true)
    case .hostMemory: break
    case .drive(_, let index):
      route.cross(host.driveReads[index], in: links)
      route.cross(root(ofDrive: index, host), in: links)
    }
  }

  private func arrive(
    _ end: ClusterEndpoint, _ host: HostPlace, _ route: inout ClusterRoute
  ) {
    switch end {
    case .gpu(let gpu): arriveAtGPU(gpus[gpu], host, &route, reachesRoot: true)
    case .hostMemory: break
    case .drive(_, let index):
      route.cross(root(ofDrive: index, host), in: links)
      route.cross(host.driveWrites[index], in: links)
    }
  }

  private func root(ofDrive index: Int, _ host: HostPlace) -> Int32 {
    host.roots[index * host.roots.count / host.driveReads.count]
  }

  /// The accesses to host memory between two ends of a host, not both GPUs.
  private func crossMemory(
    _ source: ClusterEndpoint, _ target: ClusterEndpoint, _ host: HostPlace,
    _ route: inout ClusterRoute
  ) {
    // One access where the memory is an end, a write and a read where it is passed through. A GPU
    // that shares it has the bytes at once.
    func isMemory(_ end: ClusterEndpoint) -> Bool {
      switch end {
      case .gpu: host.isUnified
      case .hostMemory: true
      case .drive: false
      }
    }
    switch (isMemory(source), isMemory(target)) {
    case (true, true): break
    case (false, false): route.cross(host.dram, in: links, weight: 2)
    default: route.cross(host.dram, in: links)
    }
  }

  // MARK: Between hosts

  private func crossHosts(
    _ source: ClusterEndpoint, _ target: ClusterEndpoint, _ route: inout ClusterRoute
  ) throws(TopologyError) {
    let from = hosts[host(of: source)]
    let to = hosts[host(of: target)]
    if from.cardsOut.isEmpty || to.cardsIn.isEmpty {
      let lacking = from.cardsOut.isEmpty ? host(of: source) : host(of: target)
      throw .noRoute(
        from: name(of: source), to: name(of: target),
        remedy: "\(hostName(lacking)) has no network; give its machine the key 'network'")
    }
    let out = card(source, target, from)
    let back = card(target, source, to)
    leaveHost(source, from, card: out, &route)
    route.cross(from.cardsOut[out], in: links)
    if from.leaf != to.leaf {
      route.cross(from.leafUp, in: links)
      route.cross(to.leafDown, in: links)
    }
    route.cross(to.cardsIn[back], in: links)
    arriveInHost(target, to, card: back, &route)
  }

  /// The card that an end uses: a GPU its own, others that of the GPU at the far end, or the first.
  private func card(_ end: ClusterEndpoint, _ other: ClusterEndpoint, _ host: HostPlace) -> Int {
    if case .gpu(let gpu) = end { return Int(gpus[gpu].card) }
    guard case .gpu(let gpu) = other, gpus[gpu].card >= 0 else { return 0 }
    return min(Int(gpus[gpu].card), host.cardsOut.count - 1)
  }

  private func leaveHost(
    _ end: ClusterEndpoint, _ host: HostPlace, card: Int, _ route: inout ClusterRoute
  ) {
    let root = host.roots[Int(host.cardSockets[card])]
    switch end {
    case .gpu(let gpu) where !host.isUnified:
      let isNear = gpus[gpu].cardIsNear && !host.stages
      leaveGPU(gpus[gpu], host, &route, reachesRoot: !isNear)
      if isNear { return }
      if host.stages {
        route.cross(host.dram, in: links, weight: 2)
      } else {
        crossSockets(gpus[gpu].socket, host.cardSockets[card], host, &route)
      }
    case .gpu, .hostMemory: route.cross(host.dram, in: links)
    case .drive:
      leave(end, host, &route)
      route.cross(host.dram, in: links, weight: 2)
    }
    route.cross(root, in: links)
  }

  private func arriveInHost(
    _ end: ClusterEndpoint, _ host: HostPlace, card: Int, _ route: inout ClusterRoute
  ) {
    let root = host.roots[Int(host.cardSockets[card])]
    switch end {
    case .gpu(let gpu) where !host.isUnified:
      let isNear = gpus[gpu].cardIsNear && !host.stages
      if !isNear {
        route.cross(root, in: links)
        if host.stages {
          route.cross(host.dram, in: links, weight: 2)
        } else {
          crossSockets(host.cardSockets[card], gpus[gpu].socket, host, &route)
        }
      }
      arriveAtGPU(gpus[gpu], host, &route, reachesRoot: !isNear)
    case .gpu, .hostMemory:
      route.cross(root, in: links)
      route.cross(host.dram, in: links)
    case .drive:
      route.cross(root, in: links)
      route.cross(host.dram, in: links, weight: 2)
      arrive(end, host, &route)
    }
  }
}
