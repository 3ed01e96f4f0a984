// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware

/// The times of collectives of a group of GPUs that nothing else disturbs, in closed form.
///
/// With n members, S bytes as `CollectiveLaw` counts them, α the latency of a step's longest route, β the
/// seconds per byte of the fullest link while all transfers of a step run, and L the launch:
///
/// | collective | seconds |
/// |---|---|
/// | all-gather, reduce-scatter by a ring | L + (n − 1)(α + S/n · β) |
/// | all-reduce by a ring | L + 2(n − 1)(α + S/n · β) |
/// | all-reduce in one shot, two shots | L + α + Sβ, L + 2(α + S/n · β), β of all pairs at once |
/// | all-to-all | L + α + S/n · β, β of all pairs at once |
///
/// Over several hosts with as many members each, rings run within the hosts and, for each member of a host,
/// between them (`CollectiveAlgorithm.hierarchical`); members that are spread unevenly form one ring.
/// Within one host, or one island of peer links, fitted laws of the machine take the place of all this; where
/// all-reduces in shots were timed, small ones take the faster of NCCL and these.
/// Small buffers of up to eight devices in an island are all-reduced in one or two shots where that is
/// faster.
public struct CollectiveTiming: Sendable {
  /// The group, by GPUs of the cluster in rank order.
  public let devices: [Int]
  /// The cluster.
  public let topology: ClusterTopology

  /// Members by host, or by island where that is larger.
  let domains: [[Int]]
  /// All members in one ring, host by host; of an evenly spread group also those within hosts, and those
  /// between them.
  let ring: StepCost
  let within: StepCost
  let between: StepCost
  let exchange: ExchangeCost
  let isIsland: Bool
  private let ringLaw: CollectiveLaw?
  private let exchangeLaw: CollectiveLaw?
  /// Of small all-reduces, as serving engines run them.
  private let shotLaw: CollectiveLaw?
  private let capability: DeviceCapability?

  /// The times of a group.
  ///
  /// - Parameters:
  ///   - devices: global GPU indices of the group's members, in rank order.
  ///   - laws: of the machine, for collectives within one host.
  /// - Throws: `TopologyError`: two members have no route between them, or the group is none.
  /// - Complexity: O(members² · links of a route), once.
  public init(
    topology: ClusterTopology, devices: [Int], laws: TimingLaws?
  ) throws(TopologyError) {
    try Self.check(devices, in: topology)
    self.topology = topology
    self.devices = devices
    domains = Self.domains(of: devices, in: topology)
    exchange = try ExchangeCost(devices, in: topology)
    ring = try Self.cost(ofRings: [domains.flatMap { $0 }], in: topology)
    isIsland = devices.allSatisfy { topology.sharesIsland(devices[0], $0) }
    within = try Self.cost(ofRings: domains, in: topology)
    between =
      Self.isEven(domains)
      ? try Self.cost(ofRings: Self.rails(domains), in: topology) : StepCost()
    let first = topology.host(ofGPU: devices[0])
    let gpu = topology.machine(ofHost: first)
      .gpus[devices[0] - topology.gpus(ofHost: first).lowerBound]
    let capability = DeviceCapability(gpu: gpu)
    let hasLaws = capability.linkRate > 0
    self.capability = hasLaws ? capability : nil
    ringLaw = hasLaws ? laws?.collective(.allReduce) : nil
    exchangeLaw = hasLaws ? laws?.collective(.allToAll) : nil
    shotLaw = hasLaws ? laws?.shots : nil
  }

  // MARK: Times

  /// Seconds of a collective.
  ///
  /// - Parameter bytes: of an all-gather the gathered buffer, otherwise the buffer that each member
  ///   enters with.
  /// - Complexity: O(1), or O(kinds of links) where they differ; allocates nothing.
  public func seconds(_ kind: CollectiveLaw.Kind, bytes: Double) -> Double {
    guard devices.count > 1, bytes > 0 else { return 0 }
    switch algorithm(for: kind, bytes: bytes) {
    case .measured: return measured(kind, devices: devices.count, bytes: bytes)
    case .ring: return ring.launch + rounds(kind) * steps(ring, devices.count, bytes)
    case .oneShot: return exchange.launch + exchange.latency + bytes * exchange.secondsPerByte()
    case .twoShot: return exchange.launch + 2 * shot(bytes)
    case .hierarchical: return hierarchical(kind, bytes)
    case .exchange: return exchange.launch + shot(bytes)
    }
  }

  /// Seconds of an all-to-all in which one member receives more than others.
  ///
  /// - Parameters:
  ///   - sentPerDevice: bytes that a member sends to others, in the mean; what stays with it not counted.
  ///   - imbalance: what the most loaded receiver gets, divided by the mean; 1 for a balanced exchange.
  ///     The others share the rest, and it is the member for which that takes longest.
  /// - Complexity: O(1), or O(kinds of links) where they differ; allocates nothing.
  public func allToAllSeconds(sentPerDevice: Double, imbalance: Double) -> Double {
    guard devices.count > 1, sentPerDevice > 0 else { return 0 }
    let count = Double(devices.count)
    let hot = min(max(1, imbalance), count)
    let perByte = exchange.secondsPerByte(hot: hot, others: (count - hot) / (count - 1))
    if exchangeLaw != nil, domains.count == 1 {
      // As many bytes as the fullest link carries.
      let bytes = sentPerDevice * count / (count - 1) * perByte / exchange.secondsPerByte()
      return measured(.allToAll, devices: devices.count, bytes: bytes)
    }
    return exchange.launch + exchange.latency + sentPerDevice / (count - 1) * perByte
  }

  /// Seconds of an all-to-all of any bytes, by the fullest link; fitted laws are not used.
  ///
  /// - Parameter bytes: what one member, by rank, sends to another; nothing is sent to itself.
  /// - Complexity: O(members² · links of a route).
  public func allToAllSeconds(bytes: (_ from: Int, _ to: Int) -> Double) -> Double {
    var loads = [Double](repeating: 0, count: topology.links.count)
    for from in devices.indices {
      for to in devices.indices where to != from {
        guard
          let route = try? topology.route(from: .gpu(devices[from]), to: .gpu(devices[to]))
        else { continue }
        let amount = bytes(from, to)
        for index in 0..<route.count {
          loads[Int(route[index].link)] += amount * route[index].weight
        }
      }
    }
    var slowest = 0.0
    for (index, link) in topology.links.enumerated() {
      slowest = max(slowest, loads[index] / link.rate)
    }
    return slowest > 0 ? exchange.launch + exchange.latency + slowest : 0
  }

  /// Seconds of a copy from one member to another, by rank.
  public func pointToPointSeconds(from: Int, to: Int, bytes: Double) -> Double {
    guard from != to,
      let route = try? topology.route(from: .gpu(devices[from]), to: .gpu(devices[to]))
    else { return 0 }
    return route.launch + route.latency + bytes * route.secondsPerByte(over: topology.links)
  }

  /// How a collective of so many bytes is carried out.
  public func algorithm(
    for kind: CollectiveLaw.Kind, bytes: Double
  ) -> CollectiveAlgorithm {
    if domains.count == 1, (kind == .allToAll ? exchangeLaw : ringLaw) != nil { return .measured }
    return modelledAlgorithm(for: kind, bytes: bytes)
  }

  /// The same without fitted laws: what flows do.
  func modelledAlgorithm(
    for kind: CollectiveLaw.Kind, bytes: Double
  ) -> CollectiveAlgorithm {
    if kind == .allToAll { return .exchange }
    if domains.count == 1 {
      let isSmall =
        bytes <= CollectiveAlgorithm.smallBytes
        && devices.count <= CollectiveAlgorithm.smallDevices
      return kind == .allReduce && isIsland && isSmall ? smallAlgorithm(bytes) : .ring
    }
    return Self.isEven(domains) ? .hierarchical : .ring
  }

  // MARK: Parts

  private func smallAlgorithm(_ bytes: Double) -> CollectiveAlgorithm {
    let one = exchange.latency + bytes * exchange.secondsPerByte()
    let two = 2 * shot(bytes)
    let around = 2 * steps(ring, devices.count, bytes)
    if one <= two, one <= around { return .oneShot }
    return two <= around ? .twoShot : .ring
  }

  /// Seconds in which each member sends an n-th of its bytes to each other.
  private func shot(_ bytes: Double) -> Double {
    exchange.latency + bytes / Double(devices.count) * exchange.secondsPerByte()
  }

  private func rounds(_ kind: CollectiveLaw.Kind) -> Double { kind == .allReduce ? 2 : 1 }

  private func steps(_ step: StepCost, _ members: Int, _ bytes: Double) -> Double {
    Double(members - 1) * step.seconds(bytes: bytes / Double(members))
  }

  private func hierarchical(_ kind: CollectiveLaw.Kind, _ bytes: Double) -> Double {
    let members = domains[0].count
    let outer = rounds(kind) * steps(between, domains.count, bytes / Double(members))
    let inner: Double
    if ringLaw != nil {
      inner =
        kind == .allReduce
        ? measured(.reduceScatter, devices: members, bytes: bytes)
          + measured(.allGather, devices: members, bytes: bytes)
        : measured(kind, devices: members, bytes: bytes)
    } else {
      inner = within.launch + rounds(kind) * steps(within, members, bytes)
    }
    return between.launch + outer + inner
  }

  private func measured(
    _ kind: CollectiveLaw.Kind, devices: Int, bytes: Double
  ) -> Double {
    guard devices > 1, let capability,
      let law = kind == .allToAll ? exchangeLaw : ringLaw
    else { return 0 }
    let shape = CollectiveLaw.Shape(kind, devices: Double(devices), bytes: bytes)
    let seconds = law.predicted(shape, on: capability)
    guard kind == .allReduce, bytes <= CollectiveLaw.largestShot, let shotLaw else {
      return seconds
    }
    return min(seconds, shotLaw.predicted(shape, on: capability))
  }
}
