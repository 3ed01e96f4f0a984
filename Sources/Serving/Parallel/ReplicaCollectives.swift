// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import KernelTiming

/// The times of the collectives of one replica.
public struct ReplicaCollectives: Sendable {
  /// Among the GPUs of one rank.
  let tensor: CollectiveTiming
  /// Among all GPUs of a stage.
  let stage: CollectiveTiming
  /// From the first GPU of one stage to that of the next; `nil` where there is one stage.
  private let stages: CollectiveTiming?

  /// The collectives of a replica whose first GPU has this number in a cluster.
  ///
  /// All replicas of a group are wired alike, so that the first stands for all.
  ///
  /// - Throws: `TopologyError` where two of its GPUs have no route.
  public init(
    topology: ClusterTopology, first: Int, plan: ParallelPlan, laws: TimingLaws?
  ) throws {
    tensor = try CollectiveTiming(
      topology: topology, devices: Array(first..<first + plan.tensor), laws: laws)
    stage = try CollectiveTiming(
      topology: topology, devices: Array(first..<first + plan.stageDevices), laws: laws)
    stages =
      plan.pipeline > 1
      ? try CollectiveTiming(
        topology: topology, devices: [first, first + plan.stageDevices], laws: laws) : nil
  }

  /// What a stage takes to give its outputs to the next, of so many bytes from each GPU [s].
  func betweenStages(bytes: Double) -> Double {
    stages?.pointToPointSeconds(from: 0, to: 1, bytes: bytes) ?? 0
  }
}
