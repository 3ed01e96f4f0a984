// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import SimulationKernel

/// How urgent an operation is at a link or a drive; smaller is more urgent.
enum TransferPriority {
  static let demand: UInt8 = 1
  static let prefetch: UInt8 = 2
  static let writeBack: UInt8 = 3
}

extension ServingEngine {
  /// Takes up a transfer; it begins when `beginTransfer` is called.
  mutating func openTransfer(
    _ block: BlockID, isDemanded: Bool, isTransient: Bool,
    in simulation: borrowing Simulation<EngineEvent>
  ) -> Int {
    var transfer = Transfer()
    transfer.block = block
    transfer.isDemanded = isDemanded
    transfer.isTransient = isTransient
    let now = simulation.now.nanoseconds
    transfer.phases.requested = now
    transfer.phases.granted = now
    transfer.phases.wasPrefetched = !isDemanded
    return transfers.insert(transfer)
  }

  /// Brings a block from where it is: the drive, or host memory.
  mutating func beginTransfer(_ slot: Int, in simulation: inout Simulation<EngineEvent>) {
    let block = transfers[slot].block
    guard machine.hasDriveTier else {
      transfers[slot].phases.read = simulation.now.nanoseconds
      beginCopy(slot, in: &simulation)
      return
    }
    guard host != nil else {
      beginDriveRead(slot, in: &simulation)
      return
    }
    let layer = tier.layout.layer(of: block)
    counters.host.accesses[layer] += 1
    counters.cacheDecisions += 1
    host!.markMember(block)
    switch host!.state(block) {
    case .resident:
      counters.host.hits[layer] += 1
      host!.touch(block)
      host!.lease(block)
      transfers[slot].keepsInHost = true
      transfers[slot].phases.read = simulation.now.nanoseconds
      beginCopy(slot, in: &simulation)
    default:
      counters.host.misses += 1
      evictedBlocks.removeAll(keepingCapacity: true)
      let reservation = host!.reserve(block, evicted: &evictedBlocks)
      host!.touch(block)
      counters.host.evictions += UInt64(evictedBlocks.count)
      if reservation.needsTransfer {
        transfers[slot].keepsInHost = true
        host!.lease(block)
      }
      beginDriveRead(slot, in: &simulation)
    }
  }

  /// Reads a block from the drive, in as many parts as the drive serves at once.
  private mutating func beginDriveRead(_ slot: Int, in simulation: inout Simulation<EngineEvent>) {
    let parts = machine.driveParts(bytes: expertBytes)
    transfers.beginStage(slot)
    for _ in 0..<parts {
      var read = OperationDescription(
        work: expertBytes / Double(parts), maximumRate: machine.driveLaneRate,
        latency: machine.driveLatency,
        tag: OperationTag(.driveRead, layer: layerOf(slot), expert: expertOf(slot), index: slot)
          .bits,
        priority: priority(slot))
      read.hold(machine.driveLanes)
      read.consume(machine.drive)
      read.consume(machine.dram)
      transfers.add(network.submit(read, in: &simulation), to: slot)
    }
  }

  /// A part of a drive's read has ended.
  mutating func driveReadEnded(
    slot: Int, end: OperationEnd, in simulation: inout Simulation<EngineEvent>
  ) {
    transfers[slot].operationsLeft -= 1
    guard transfers[slot].operationsLeft == 0 else { return }
    counters.driveBytes += Int64(expertBytes)
    counters.driveReads += 1
    transfers[slot].phases.read = simulation.now.nanoseconds
    if transfers[slot].keepsInHost {
      host!.complete(transfers[slot].block)
      counters.host.bytesLoaded += Int64(expertBytes)
    }
    if machine.isUnified {
      transfers[slot].phases.staged = simulation.now.nanoseconds
      transfers[slot].phases.copyStarted = simulation.now.nanoseconds
      transferCompleted(slot, in: &simulation)
    } else {
      beginCopy(slot, in: &simulation)
    }
  }

  /// Copies a block over the link, through a staging buffer when host memory is pageable.
  private mutating func beginCopy(_ slot: Int, in simulation: inout Simulation<EngineEvent>) {
    transfers.beginStage(slot)
    if configuration.policy.transfer.pinned {
      transfers[slot].phases.staged = simulation.now.nanoseconds
      let chunks = configuration.policy.transfer.chunks
      prepareCopy(
        slot, bytes: expertBytes, quantum: chunks > 1 ? expertBytes / Double(chunks) : 0)
      transfers.add(network.submit(copyOperation, in: &simulation), to: slot)
      return
    }
    let parts = max(
      configuration.policy.transfer.chunks,
      Int((expertBytes / SimulatedMachine.stagingChunkBytes).rounded(.up)))
    let bytes = expertBytes / Double(parts)
    for _ in 0..<parts {
      var staging = OperationDescription(
        work: bytes, maximumRate: machine.stagingRate,
        tag: OperationTag(.staging, layer: layerOf(slot), expert: expertOf(slot), index: slot).bits,
        priority: priority(slot))
      staging.hold(machine.staging)
      staging.consume(machine.dram, weight: 2)
      let staged = network.create(staging)
      prepareCopy(slot, bytes: bytes, quantum: 0)
      let copy = network.create(copyOperation)
      network.addDependency(copy, on: staged)
      transfers.add(staged, to: slot, awaited: false)
      transfers.add(copy, to: slot)
      network.release(staged, in: &simulation)
      network.release(copy, in: &simulation)
    }
  }

  /// Sets what differs from copy to copy.
  private mutating func prepareCopy(_ slot: Int, bytes: Double, quantum: Double) {
    copyOperation.work = bytes
    copyOperation.quantum = quantum
    copyOperation.priority = priority(slot)
    copyOperation.tag =
      OperationTag(.load, layer: layerOf(slot), expert: expertOf(slot), index: slot).bits
  }

  private func priority(_ slot: Int) -> UInt8 {
    transfers[slot].isDemanded ? TransferPriority.demand : TransferPriority.prefetch
  }

  private func layerOf(_ slot: Int) -> Int { tier.layout.layer(of: transfers[slot].block) }
  private func expertOf(_ slot: Int) -> Int { tier.layout.expert(of: transfers[slot].block) }

  /// A part of a block stands in pinned memory.
  mutating func stagingEnded(
    slot: Int, end: OperationEnd, in simulation: inout Simulation<EngineEvent>
  ) {
    counters.linkBytes[Int(TransferPurpose.staging.rawValue)] += Int64(end.completedWork.rounded())
    counters.linkTransfers[Int(TransferPurpose.staging.rawValue)] += 1
    transfers[slot].phases.staged = simulation.now.nanoseconds
  }

  /// A copy over the link, or a part of it, has ended.
  mutating func loadEnded(
    slot: Int, end: OperationEnd, in simulation: inout Simulation<EngineEvent>
  ) {
    let purpose: TransferPurpose =
      transfers[slot].phases.wasPrefetched ? .prefetch : .demand
    transfers[slot].operationsLeft -= 1
    guard transfers[slot].operationsLeft == 0 else { return }
    // Whole experts: parts need not be whole bytes.
    counters.linkBytes[Int(purpose.rawValue)] += Int64(expertBytes)
    counters.linkTransfers[Int(purpose.rawValue)] += 1
    transfers[slot].phases.copyStarted = max(
      end.started.nanoseconds, transfers[slot].phases.staged)
    transferCompleted(slot, in: &simulation)
  }

  /// A block is where it was wanted.
  private mutating func transferCompleted(
    _ slot: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    transfers[slot].phases.copyEnded = simulation.now.nanoseconds
    let transfer = transfers[slot]
    transfers.remove(slot)
    counters.fast.bytesLoaded += Int64(expertBytes)
    if !transfer.isTransient { tier.complete(transfer.block) }
    if transfer.keepsInHost { host!.unlease(transfer.block) }
    if stepAwaitsRoom { return beginStep(in: &simulation) }
    guard transfer.isDemanded, stepIsActive,
      tier.layout.layer(of: transfer.block) == layerSet.mixtureLayer,
      let place = layerSet.place(ofExpert: tier.layout.expert(of: transfer.block)),
      layerSet.members[place].status == .waiting
    else { return }
    memberArrived(place, phases: transfer.phases, in: &simulation)
  }

  /// A block on its way is needed now: its transfer overtakes what is less urgent.
  mutating func demand(_ block: BlockID, in simulation: inout Simulation<EngineEvent>) {
    guard let slot = transfers.slot(of: block), !transfers[slot].isDemanded else { return }
    transfers[slot].isDemanded = true
    for operation in transfers.operations(of: slot) {
      if network.isPending(operation) {
        network.setPriority(operation, TransferPriority.demand, in: &simulation)
      }
    }
  }

  /// Starts what a prefetch policy asked for, as far as there is room.
  mutating func issuePrefetches(in simulation: inout Simulation<EngineEvent>) {
    // What is wanted and present counts as used (ProMoE, arXiv 2410.22134, algorithm 2), and does
    // not make room for the rest.
    for request in prefetchRequests.requests where tier.view.isPresent(request.block) {
      let block = request.block
      tier.touch(block)
      tier.lease(block)
      shielded.append(block)
    }
    for request in prefetchRequests.requests {
      let block = request.block
      // What streams through a staging buffer is on its way too.
      guard tier.state(block) == .absent, transfers.slot(of: block) == nil else { continue }
      counters.cacheDecisions += 1
      evictedBlocks.removeAll(keepingCapacity: true)
      let reservation = tier.reserve(block, evicted: &evictedBlocks)
      _ = noteEvictions(evictedBlocks, duringAccess: false, in: &simulation)
      guard reservation.needsTransfer else {
        counters.prefetch.dropped += 1
        continue
      }
      isPrefetched[block.index] = true
      counters.prefetch.issued += 1
      let slot = openTransfer(block, isDemanded: false, isTransient: false, in: simulation)
      beginTransfer(slot, in: &simulation)
    }
    for block in shielded { tier.unlease(block) }
    shielded.removeAll(keepingCapacity: true)
    prefetchRequests.removeAll()
  }

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
        counters.prefetch.wasted += 1
      }
      if duringAccess && tier.view.isInCurrentSet(block) { inUse += 1 }
      if tier.writesBack { beginWriteBack(block, in: &simulation) }
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
    let change = tier.setCapacity(ofPool: 0, to: wanted, evicted: &evictedBlocks)
    _ = noteEvictions(evictedBlocks, duringAccess: false, in: &simulation)
    return change.isComplete
  }

  private mutating func beginWriteBack(
    _ block: BlockID, in simulation: inout Simulation<EngineEvent>
  ) {
    var copy = OperationDescription(
      work: expertBytes, maximumRate: machine.linkRate, latency: machine.linkLatency,
      tag: OperationTag(
        .writeBack, layer: tier.layout.layer(of: block), expert: tier.layout.expert(of: block),
        index: block.index
      ).bits, priority: TransferPriority.writeBack)
    copy.hold(machine.deviceToHost)
    copy.consume(machine.linkUp)
    copy.consume(machine.dram)
    _ = network.submit(copy, in: &simulation)
  }

  /// An evicted block stands in host memory again.
  mutating func writeBackEnded(_ block: BlockID, in simulation: inout Simulation<EngineEvent>) {
    counters.linkBytes[Int(TransferPurpose.writeBack.rawValue)] += Int64(expertBytes)
    counters.linkTransfers[Int(TransferPurpose.writeBack.rawValue)] += 1
    tier.finishEviction(block)
  }
}
