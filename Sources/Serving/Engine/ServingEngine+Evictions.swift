// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import SimulationKernel

extension ServingEngine {
  /// Accounts for blocks that lost their room, and writes them back where the host keeps no copy.
  ///
  /// - Returns: how many of them are members of the set under way that are yet to be computed.
  mutating func noteEvictions(
    _ blocks: [BlockID], duringAccess: Bool, in simulation: inout Simulation<EngineEvent>
  ) -> Int {
    guard !blocks.isEmpty else { return 0 }
    counters.fast.evictions += UInt64(blocks.count)
    var inUse = 0
    for block in blocks {
      if isPrefetched[block.index] {
        isPrefetched[block.index] = false
        countWasted(block)
      }
      if duringAccess && tier.view.isInCurrentSet(block) { inUse += 1 }
      guard tier.writesBack else { continue }
      if configuration.policy.transfer.serial {
        waitingWriteBacks.append(block)
      } else {
        beginWriteBack(block, in: &simulation)
      }
    }
    return inUse
  }

  /// Gives the expert cache what the KV cache leaves of the room that they share.
  ///
  /// - Returns: Whether the experts take no more than that; experts on their way cannot be dropped.
  mutating func makeRoomForKeyValue(in simulation: inout Simulation<EngineEvent>) -> Bool {
    let left = memory.sharedBytes - batch.keyValue.used
    let wanted = min(Int64(memory.totalExperts) * memory.expertBytes, left)
    guard tier.view.capacity(ofPool: 0) != wanted else { return true }
    tier.beginSet()
    evictedBlocks.removeAll(keepingCapacity: true)
    // The devices' caches of keys and values grow alike, and with them what each leaves to experts.
    var isComplete = true
    for pool in 0..<tier.view.poolCount {
      let change = tier.setCapacity(ofPool: pool, to: wanted, evicted: &evictedBlocks)
      if !change.isComplete { isComplete = false }
    }
    if recordsDecisions && !evictedBlocks.isEmpty {
      let places = decisions!.evict(evictedBlocks, view: tier.view)
      decisions!.take(.evicted(places), at: simulation.now.nanoseconds)
    }
    _ = noteEvictions(evictedBlocks, duringAccess: false, in: &simulation)
    return isComplete
  }

  /// Begins the write-backs that stand behind their loads on the one stream of serial transfers.
  mutating func beginSerialWriteBacks(in simulation: inout Simulation<EngineEvent>) {
    for block in waitingWriteBacks { beginWriteBack(block, in: &simulation) }
    waitingWriteBacks.removeAll(keepingCapacity: true)
  }

  private mutating func beginWriteBack(
    _ block: BlockID, in simulation: inout Simulation<EngineEvent>
  ) {
    var copy = OperationDescription(
      work: bytes(of: block), maximumRate: machine.linkRate, latency: machine.linkLatency,
      tag: OperationTag(
        .writeBack, layer: tier.layout.layer(of: block), expert: tier.layout.expert(of: block),
        index: block.index
      ).bits, priority: TransferPriority.writeBack)
    let device = machine.devices[self.device(of: block)]
    copy.hold(device.deviceToHost)
    if configuration.policy.transfer.serial {
      // In the order of the stream on which loads are copied, too.
      copy.hold(device.hostToDevice)
      copy.priority = TransferPriority.demand
    }
    copy.consume(device.linkUp)
    machine.shareHost(&copy)
    _ = network.submit(copy, in: &simulation)
  }

  /// An evicted block stands in host memory again.
  mutating func writeBackEnded(_ block: BlockID, in simulation: inout Simulation<EngineEvent>) {
    let device = self.device(of: block)
    counters.moved(tier.layout.bytes(of: block), for: .writeBack, device: device)
    counters.transferred(.writeBack, device: device)
    tier.finishEviction(block)
  }
}
