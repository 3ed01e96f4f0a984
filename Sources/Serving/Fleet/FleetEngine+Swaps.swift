// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import KernelTiming
import SimulationKernel

/// Keys and values of a preempted sequence on their way between a rank's GPUs and host memory.
struct ReplicaSwap {
  var move: SwapMove
  var replica: Int
  var epoch: UInt32
  var lane: Int
  var rank: Int
  /// Copies under way: one for each GPU of the rank.
  var parts: Int
}

extension FleetEngine {
  /// The bit of a flow's tag by which swaps are told from moves between replicas.
  static var swapTag: UInt64 { 1 << 63 }

  /// Starts the copies that planning a rank's step has decided, each GPU its part over its own link;
  /// the GPUs of a host share its memory and root complexes.
  mutating func startSwaps(
    _ index: Int, lane: Int, rank: Int, in simulation: inout Simulation<FleetEvent>
  ) {
    guard let decided = replicas[index].lanes[lane].ranks[rank].swap?.moves, !decided.isEmpty else {
      return
    }
    replicas[index].lanes[lane].ranks[rank].takeSwaps { _ in }
    let plan = configuration.groups[replicas[index].group].plan
    let topology = configuration.topology
    for move in decided {
      let swap = ReplicaSwap(
        move: move, replica: index, epoch: replicas[index].epoch, lane: lane, rank: rank,
        parts: plan.tensor * plan.pipeline)
      let number: Int32
      if let reused = freeSwaps.popLast() {
        number = reused
        swaps[Int(reused)] = swap
      } else {
        number = Int32(swaps.count)
        swaps.append(swap)
      }
      for stage in 0..<plan.pipeline {
        for part in 0..<plan.tensor {
          let gpu =
            replicas[index].firstDevice + stage * plan.stageDevices + rank * plan.tensor + part
          let device = ClusterEndpoint.gpu(gpu)
          let memory = ClusterEndpoint.hostMemory(topology.host(ofGPU: gpu))
          var operation = links.copy(
            from: move.isOut ? device : memory, to: move.isOut ? memory : device,
            bytes: Double(move.bytes), topology: topology)
          operation.tag = Self.swapTag | UInt64(number)
          _ = network.submit(operation, in: &simulation)
          counters.swappedBytes += move.bytes
        }
      }
      counters.swaps += 1
    }
  }

  /// A part of a swap has arrived.
  mutating func swapEnded(_ end: OperationEnd, in simulation: inout Simulation<FleetEvent>) {
    let number = Int32(truncatingIfNeeded: end.tag & ~Self.swapTag)
    swaps[Int(number)].parts -= 1
    guard swaps[Int(number)].parts == 0 else { return }
    let swap = swaps[Int(number)]
    freeSwaps.append(number)
    guard replicas[swap.replica].epoch == swap.epoch else { return }
    replicas[swap.replica].lanes[swap.lane].ranks[swap.rank].swapEnded(swap.move)
    wake(swap.replica, lane: swap.lane, in: &simulation)
  }
}
