// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import SimulationKernel

/// Collectives of a group as operations on the links of a cluster.
///
/// Every transfer consumes all links of its route and waits for those that it needs: the step of a ring
/// for the step before of its sender and of its predecessor. They share links with whatever else crosses
/// them, where `CollectiveTiming` takes the group to be alone. The algorithms are the same; laws that were
/// fitted are not used.
public struct CollectiveFlows: Sendable {
  /// The group and its algorithms.
  public let timing: CollectiveTiming
  /// The links.
  public let resources: TopologyResources
  /// The tag of all operations but the last.
  public let stepTag: UInt64

  /// The collectives of a group on the links of a network.
  ///
  /// - Parameters:
  ///   - resources: of the cluster of `timing`.
  ///   - stepTag: what ends of transfers are told by.
  public init(_ timing: CollectiveTiming, on resources: TopologyResources, stepTag: UInt64 = 0) {
    precondition(
      resources.bandwidths.count == timing.topology.links.count,
      "The resources are those of the group's cluster.")
    self.timing = timing
    self.resources = resources
    self.stepTag = stepTag
  }

  /// Submits a collective of `bytes`, as `CollectiveTiming.seconds` counts them.
  ///
  /// - Returns: The operation with which it ends, of the tag `tag`.
  /// - Complexity: O(members²) operations, of an all-reduce twice as many.
  @discardableResult
  public func submit<Event: OperationEventCarrier>(
    _ kind: CollectiveLaw.Kind, bytes: Double, tag: UInt64,
    in network: inout OperationNetwork<Event>, _ simulation: inout Simulation<Event>
  ) -> OperationID {
    let count = Double(timing.devices.count)
    let end = Stage(pending: [], launch: 0)
    guard timing.devices.count > 1, bytes > 0 else {
      return finish(end, tag, &network, &simulation)
    }
    let rounds = kind == .allReduce ? 2 : 1
    var stage = end
    switch timing.modelledAlgorithm(for: kind, bytes: bytes) {
    case .measured: preconditionFailure("A fitted law is no algorithm.")
    case .ring:
      stage.launch = timing.ring.launch
      runRings(
        [timing.domains.flatMap { $0 }], rounds: rounds, bytes: bytes, &stage, &network,
        &simulation)
    case .hierarchical:
      runHierarchy(rounds: rounds, bytes: bytes, &stage, &network, &simulation)
    case .oneShot:
      stage.launch = timing.exchange.launch
      exchange(&stage, &network, &simulation) { _, _ in bytes }
    case .twoShot:
      stage.launch = timing.exchange.launch
      for _ in 0..<2 { exchange(&stage, &network, &simulation) { _, _ in bytes / count } }
    case .exchange:
      stage.launch = timing.exchange.launch
      exchange(&stage, &network, &simulation) { _, _ in bytes / count }
    }
    return finish(stage, tag, &network, &simulation)
  }

  /// Submits an all-to-all of any bytes.
  ///
  /// - Parameter bytes: what one member, by rank, sends to another; nothing is sent to itself.
  /// - Returns: The operation with which it ends, of the tag `tag`.
  @discardableResult
  public func submitAllToAll<Event: OperationEventCarrier>(
    tag: UInt64, in network: inout OperationNetwork<Event>,
    _ simulation: inout Simulation<Event>, bytes: (_ from: Int, _ to: Int) -> Double
  ) -> OperationID {
    var stage = Stage(pending: [], launch: timing.exchange.launch)
    exchange(&stage, &network, &simulation, bytes)
    return finish(stage, tag, &network, &simulation)
  }

  // MARK: Stages

  /// What the next stage waits for, and how long software needs before it.
  private struct Stage {
    var pending: [OperationID]
    var launch: Double
  }

  /// An operation behind all that a stage waits for, so that it need not be listed with each transfer.
  private func begin<Event: OperationEventCarrier>(
    _ stage: inout Stage, _ network: inout OperationNetwork<Event>,
    _ simulation: inout Simulation<Event>
  ) -> OperationID {
    let start = network.create(
      OperationDescription(duration: SimulatedDuration(seconds: stage.launch), tag: stepTag))
    for operation in stage.pending { network.addDependency(start, on: operation) }
    stage = Stage(pending: [], launch: 0)
    network.release(start, in: &simulation)
    return start
  }

  private func finish<Event: OperationEventCarrier>(
    _ stage: Stage, _ tag: UInt64, _ network: inout OperationNetwork<Event>,
    _ simulation: inout Simulation<Event>
  ) -> OperationID {
    let end = network.createBarrier(tag: tag)
    for operation in stage.pending { network.addDependency(end, on: operation) }
    network.release(end, in: &simulation)
    return end
  }

  private func runHierarchy<Event: OperationEventCarrier>(
    rounds: Int, bytes: Double, _ stage: inout Stage,
    _ network: inout OperationNetwork<Event>, _ simulation: inout Simulation<Event>
  ) {
    let members = Double(timing.domains[0].count)
    let rails = CollectiveTiming.rails(timing.domains)
    stage.launch = timing.within.launch
    runRings(timing.domains, rounds: 1, bytes: bytes, &stage, &network, &simulation)
    stage.launch = timing.between.launch
    runRings(rails, rounds: rounds, bytes: bytes / members, &stage, &network, &simulation)
    if rounds > 1 {
      runRings(timing.domains, rounds: 1, bytes: bytes, &stage, &network, &simulation)
    }
  }

  /// Rings of equal length at once, of `rounds` times length − 1 steps.
  private func runRings<Event: OperationEventCarrier>(
    _ rings: [[Int]], rounds: Int, bytes: Double, _ stage: inout Stage,
    _ network: inout OperationNetwork<Event>, _ simulation: inout Simulation<Event>
  ) {
    let start = begin(&stage, &network, &simulation)
    stage.pending = [start]
    for ring in rings where ring.count > 1 {
      let routes = ring.indices.map { rank in
        route(from: ring[rank], to: ring[rank + 1 < ring.count ? rank + 1 : 0])
      }
      var last = [OperationID](repeating: start, count: ring.count)
      for step in 0..<rounds * (ring.count - 1) {
        let before = last
        for rank in ring.indices {
          let operation = network.create(
            resources.copy(
              bytes / Double(ring.count), along: routes[rank], isLaunched: false, tag: stepTag))
          network.addDependency(operation, on: before[rank])
          if step > 0 {
            network.addDependency(operation, on: before[rank > 0 ? rank - 1 : ring.count - 1])
          }
          network.release(operation, in: &simulation)
          last[rank] = operation
        }
      }
      stage.pending += last
    }
  }

  private func exchange<Event: OperationEventCarrier>(
    _ stage: inout Stage, _ network: inout OperationNetwork<Event>,
    _ simulation: inout Simulation<Event>, _ bytes: (_ from: Int, _ to: Int) -> Double
  ) {
    let start = begin(&stage, &network, &simulation)
    stage.pending = [start]
    for from in timing.devices.indices {
      for to in timing.devices.indices where to != from {
        let amount = bytes(from, to)
        guard amount > 0 else { continue }
        let operation = network.create(
          resources.copy(
            amount, along: route(from: timing.devices[from], to: timing.devices[to]),
            isLaunched: false, tag: stepTag))
        network.addDependency(operation, on: start)
        network.release(operation, in: &simulation)
        stage.pending.append(operation)
      }
    }
  }

  /// All routes of a group were found when its timing was made.
  private func route(from: Int, to: Int) -> ClusterRoute {
    guard let route = try? timing.topology.route(from: .gpu(from), to: .gpu(to)) else {
      preconditionFailure("Members of a group have routes to each other.")
    }
    return route
  }
}
