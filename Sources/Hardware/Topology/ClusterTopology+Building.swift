// SPDX-License-Identifier: GPL-3.0-or-later

extension ClusterTopology {
  /// Makes all links, host by host.
  mutating func build() {
    var islands: Int32 = 0
    var switches: Int32 = 0
    // Islands that go on over several hosts: the host where the present one began, and its number.
    var shared: (start: Int, machine: Int, island: Int32)?
    for (number, machineIndex) in hostMachines.enumerated() {
      let machine = machines[machineIndex]
      var host = HostPlace()
      host.firstGPU = gpus.count
      host.gpuCount = machine.gpus.count
      host.stages = machine.topology.peers == .hostMemory
      host.isUnified = machine.unifiedMemory
      let name = "host\(number)"
      addMemories(of: machine, name, to: &host)
      addCards(of: machine, name, to: &host)
      for index in machine.gpus.indices { addGPU(index, of: machine, number, host) }
      addSwitches(of: machine, name, host, &switches)
      placeCards(of: machine, host: &host)
      if machine.topology.islandHosts > 1, let open = shared, open.machine == machineIndex,
        number < open.start + machine.topology.islandHosts
      {
        addIslands(of: machine, name, host) { _ in open.island }
      } else {
        shared = (number, machineIndex, islands)
        addIslands(of: machine, name, host) { $0 + islands }
        islands += Int32(machine.topology.islands.count)
      }
      hosts.append(host)
    }
    addFabric()
  }

  private mutating func add(_ link: ClusterLink) -> Int32 {
    links.append(link)
    return Int32(links.count - 1)
  }

  private mutating func addMemories(
    of machine: MachineProfile, _ name: String, to host: inout HostPlace
  ) {
    let sockets = machine.cpu.sockets
    host.dram = add(ClusterLink(name: "\(name).dram", rate: machine.dram.bandwidth.effective))
    host.roots = Array(repeating: -1, count: sockets)
    if let root = machine.rootComplex {
      host.roots = (0..<sockets).map {
        add(ClusterLink(name: "\(name).root\($0)", rate: root.effective / Double(sockets)))
      }
    }
    host.sockets = Array(repeating: -1, count: sockets * sockets)
    if let socketLink = machine.cpu.socketLink {
      for from in 0..<sockets {
        for to in 0..<sockets where to != from {
          host.sockets[from * sockets + to] = add(
            ClusterLink(name: "\(name).socket\(from)-\(to)", rate: socketLink.effective))
        }
      }
    }
    for (index, drive) in machine.drives.enumerated() {
      let latency = drive.readLatency.effective
      host.driveReads.append(
        add(
          ClusterLink(
            name: "\(name).drive\(index).read", rate: drive.readBandwidth.effective,
            latency: latency)))
      host.driveWrites.append(
        add(
          ClusterLink(
            name: "\(name).drive\(index).write", rate: drive.writeBandwidth.effective)))
    }
  }

  private mutating func addCards(
    of machine: MachineProfile, _ name: String, to host: inout HostPlace
  ) {
    guard let network = machine.network else { return }
    let rate = network.bandwidth.effective
    for card in 0..<machine.topology.cardCount {
      // A message is posted and travels: both for each step, unlike the launch of a copy.
      host.cardsOut.append(
        add(
          ClusterLink(
            name: "\(name).nic\(card).out", rate: rate,
            latency: network.latency.effective + network.perMessageOverhead.effective)))
      host.cardsIn.append(
        network.isFullDuplex
          ? add(ClusterLink(name: "\(name).nic\(card).in", rate: rate))
          : host.cardsOut[host.cardsOut.count - 1])
    }
  }

  private mutating func addGPU(
    _ index: Int, of machine: MachineProfile, _ number: Int, _ host: HostPlace
  ) {
    var place = GPUPlace()
    place.host = Int32(number)
    place.number = Int32(index)
    place.socket = Int32(index * machine.cpu.sockets / machine.gpus.count)
    if let link = machine.gpus[index].hostLink {
      let name = "host\(number).gpu\(index)"
      let rate = link.bandwidth.effective
      let latency = link.latency.effective
      let launch = link.perMessageOverhead.effective
      place.out = add(
        ClusterLink(name: "\(name).d2h", rate: rate, latency: latency, launch: launch))
      place.back = place.out
      if link.isFullDuplex {
        place.back = add(
          ClusterLink(name: "\(name).h2d", rate: rate, latency: latency, launch: launch))
        if let share = link.duplexShare {
          place.total = add(ClusterLink(name: "\(name).link", rate: 2 * share.effective * rate))
        }
      } else {
        links[Int(place.out)].name = "\(name).link"
      }
    }
    gpus.append(place)
  }

  private mutating func addSwitches(
    of machine: MachineProfile, _ name: String, _ host: HostPlace, _ switches: inout Int32
  ) {
    for (index, group) in machine.topology.switchGroups.enumerated() {
      guard let first = group.first,
        let link = machine.topology.switchLink ?? machine.gpus[first].hostLink
      else { continue }
      let rate = link.bandwidth.effective
      let up = add(ClusterLink(name: "\(name).switch\(index).up", rate: rate))
      let down = add(ClusterLink(name: "\(name).switch\(index).down", rate: rate))
      let socket = gpus[host.firstGPU + first].socket
      for gpu in group {
        let place = host.firstGPU + gpu
        gpus[place].pcieSwitch = switches
        gpus[place].switchUp = up
        gpus[place].switchDown = down
        gpus[place].socket = socket
      }
      switches += 1
    }
  }

  /// Gives each GPU its network card: the first GPUs the first card, and so on.
  ///
  /// A card of one GPU, or of GPUs below one switch, hangs beside them; others on a root complex.
  private mutating func placeCards(of machine: MachineProfile, host: inout HostPlace) {
    let cards = host.cardsOut.count
    guard cards > 0 else { return }
    host.cardSockets = (0..<cards).map { Int32($0 * machine.cpu.sockets / cards) }
    let count = host.gpuCount
    for gpu in 0..<count { gpus[host.firstGPU + gpu].card = Int32(gpu * cards / count) }
    for card in 0..<cards {
      let users = (0..<count).filter { Int(gpus[host.firstGPU + $0].card) == card }
        .map { host.firstGPU + $0 }
      guard let first = users.first else { continue }
      host.cardSockets[card] = gpus[first].socket
      // A machine's only card is not taken to stand beside its only GPU.
      let isNear =
        users.count == 1
        ? cards > 1
        : gpus[first].pcieSwitch >= 0
          && users.allSatisfy { gpus[$0].pcieSwitch == gpus[first].pcieSwitch }
      for gpu in users { gpus[gpu].cardIsNear = isNear }
    }
  }

  private mutating func addIslands(
    of machine: MachineProfile, _ name: String, _ host: HostPlace, number: (Int32) -> Int32
  ) {
    let topology = machine.topology
    for (index, island) in topology.islands.enumerated() {
      for (rank, gpu) in island.enumerated() {
        guard let link = machine.gpus[gpu].peerLink else { continue }
        let place = host.firstGPU + gpu
        gpus[place].island = number(Int32(index))
        let rate = link.bandwidth.effective
        // What profiles of peer links call the cost of a message is that of a collective's step, and
        // their latency that of beginning at all.
        let latency = link.perMessageOverhead.effective
        let launch = link.latency.effective
        if topology.connection == .mesh {
          gpus[place].mesh = Int32(links.count)
          gpus[place].meshRank = Int32(rank)
          for peer in island {
            links.append(
              ClusterLink(
                name: "\(name).gpu\(gpu).peer\(peer)",
                rate: rate / Double(max(1, island.count - 1)),
                latency: latency, launch: launch))
          }
        } else {
          gpus[place].peerOut = add(
            ClusterLink(
              name: "\(name).gpu\(gpu).peer-out", rate: rate, latency: latency, launch: launch))
          gpus[place].peerIn =
            link.isFullDuplex
            ? add(ClusterLink(name: "\(name).gpu\(gpu).peer-in", rate: rate))
            : gpus[place].peerOut
        }
      }
    }
  }

  /// The switches of the fabric, by the first host's machine.
  private mutating func addFabric() {
    let topology = machine(ofHost: 0).topology
    let share = topology.oversubscription?.effective ?? 1
    let latency = topology.hopLatency?.effective ?? 0
    // With neither, nothing of it is ever felt.
    guard share > 1 || latency > 0 else { return }
    for first in stride(from: 0, to: hosts.count, by: topology.hostsPerSwitch) {
      let leaf = first / topology.hostsPerSwitch
      let members = first..<min(first + topology.hostsPerSwitch, hosts.count)
      let cards = members.flatMap { hosts[$0].cardsOut }
      let rate = cards.reduce(0) { $0 + links[Int($1)].rate } / share
      guard rate > 0 else { continue }
      let up = add(ClusterLink(name: "fabric\(leaf).up", rate: rate, latency: latency))
      let down = add(ClusterLink(name: "fabric\(leaf).down", rate: rate))
      for host in members {
        hosts[host].leaf = Int32(leaf)
        hosts[host].leafUp = up
        hosts[host].leafDown = down
      }
    }
  }
}
