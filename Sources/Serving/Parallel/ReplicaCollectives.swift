// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import KernelTiming

/// The times of the collectives of one replica.
public struct ReplicaCollectives: Sendable {
  /// The times of a group's collectives, over links so many times as fast as they are.
  struct Group: Sendable {
    let timing: CollectiveTiming
    var speed = 1.0

    /// Seconds of a collective of all members.
    func seconds(_ kind: CollectiveLaw.Kind, bytes: Double) -> Double {
      timing.seconds(kind, bytes: bytes) / speed
    }

    /// Seconds of an all-to-all where the most loaded member gets `imbalance` times the mean.
    func allToAllSeconds(sentPerDevice: Double, imbalance: Double) -> Double {
      timing.allToAllSeconds(sentPerDevice: sentPerDevice, imbalance: imbalance) / speed
    }
  }

  /// Among the GPUs of one rank.
  private(set) var tensor: Group
  /// Among all GPUs of a stage.
  private(set) var stage: Group
  /// From the first GPU of one stage to that of the next; `nil` where there is one stage.
  private let stages: CollectiveTiming?
  private var speed = 1.0

  /// The collectives of a replica whose first GPU has this number in a cluster.
  ///
  /// All replicas of a group are wired alike, so that the first stands for all.
  ///
  /// - Throws: `TopologyError` where two of its GPUs have no route.
  public init(
    topology: ClusterTopology, first: Int, plan: ParallelPlan, laws: TimingLaws?
  ) throws {
    tensor = Group(
      timing: try CollectiveTiming(
        topology: topology, devices: Array(first..<first + plan.tensor), laws: laws))
    stage = Group(
      timing: try CollectiveTiming(
        topology: topology, devices: Array(first..<first + plan.stageDevices), laws: laws))
    stages =
      plan.pipeline > 1
      ? try CollectiveTiming(
        topology: topology, devices: [first, first + plan.stageDevices], laws: laws) : nil
  }

  /// What a stage takes to give its outputs to the next, of so many bytes from each GPU [s].
  func betweenStages(bytes: Double) -> Double {
    (stages?.pointToPointSeconds(from: 0, to: 1, bytes: bytes) ?? 0) / speed
  }

  /// The same collectives, a factor faster.
  public func sped(by factor: Double) -> ReplicaCollectives {
    precondition(factor > 0, "A rate stays positive.")
    var faster = self
    faster.tensor.speed *= factor
    faster.stage.speed *= factor
    faster.speed *= factor
    return faster
  }
}
