// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import SimulationKernel

/// How urgent an operation is at a link or a drive; smaller is more urgent.
enum TransferPriority {
  static let activations: UInt8 = 0
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
    transfer.isAhead = !isDemanded
    // Of a block that is here in part the rest is missing.
    let arrived = isTransient ? 0 : tier.view.arrivedChunks(of: block)
    transfer.chunksLeft = Int32(tier.layout.chunkCount(of: block) - arrived)
    return transfers.insert(transfer)
  }

  /// The size of a block [bytes].
  @inline(__always)
  func bytes(of block: BlockID) -> Double { Double(tier.layout.bytes(of: block)) }

  /// Brings a block from where it is: the drive, or host memory. With serial transfers it waits until
  /// the worker has done what it is at.
  mutating func beginTransfer(_ slot: Int, in simulation: inout Simulation<EngineEvent>) {
    if configuration.policy.transfer.serial {
      let device = self.device(of: transfers[slot].block)
      if workerIsBusy[device] {
        waitingForWorker[device].append(Int32(slot))
        return
      }
      workerIsBusy[device] = true
      transfers[slot].phases.taken = simulation.now.nanoseconds
    }
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

  /// A serial transfer has ended: the worker takes up the next that waits, demands first.
  mutating func workerEnded(device: Int, in simulation: inout Simulation<EngineEvent>) {
    guard workerIsBusy[device] else { return }
    workerIsBusy[device] = false
    guard !waitingForWorker[device].isEmpty else { return }
    let place = waitingForWorker[device].firstIndex { transfers[Int($0)].isDemanded } ?? 0
    beginTransfer(Int(waitingForWorker[device].remove(at: place)), in: &simulation)
  }

  /// Reads a block from the drive, in as many parts as the drive serves at once.
  private mutating func beginDriveRead(_ slot: Int, in simulation: inout Simulation<EngineEvent>) {
    // The parts of all GPUs among which the expert is cut.
    let bytes = bytes(of: transfers[slot].block) * Double(machine.shards)
    let parts = machine.driveParts(bytes: bytes)
    transfers.beginStage(slot)
    for _ in 0..<parts {
      var read = OperationDescription(
        work: bytes / Double(parts), maximumRate: machine.driveLaneRate,
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
    let bytes = tier.layout.bytes(of: transfers[slot].block) * Int64(machine.shards)
    counters.driveBytes += bytes
    counters.driveReads += 1
    transfers[slot].phases.read = simulation.now.nanoseconds
    if transfers[slot].keepsInHost {
      host!.complete(transfers[slot].block)
      counters.host.bytesLoaded += bytes
    }
    if machine.isUnified {
      transfers[slot].phases.staged = simulation.now.nanoseconds
      transfers[slot].phases.copyStarted = simulation.now.nanoseconds
      counters.fast.bytesLoaded += bytes
      transferCompleted(slot, in: &simulation)
    } else {
      beginCopy(slot, in: &simulation)
    }
  }

  /// Copies a block over the link, through a staging buffer when host memory is pageable.
  private mutating func beginCopy(_ slot: Int, in simulation: inout Simulation<EngineEvent>) {
    if configuration.policy.transfer.pinned {
      transfers[slot].phases.staged = simulation.now.nanoseconds
      submitCopy(slot, in: &simulation)
    } else {
      beginStagedCopy(slot, in: &simulation)
    }
  }

  /// Submits the copy of what is missing of a block: all of it on demand, a chunk at a time ahead,
  /// so that a demand waits for one chunk at most and a stale prefetch ends with its chunk.
  private mutating func submitCopy(_ slot: Int, in simulation: inout Simulation<EngineEvent>) {
    let block = transfers[slot].block
    let left = transfers[slot].chunksLeft
    let count = transfers[slot].isDemanded ? left : min(1, left)
    var size: Int64 = 0
    let total = tier.layout.chunkCount(of: block)
    if Int(count) == total {
      size = tier.layout.bytes(of: block)
    } else {
      let first = total - Int(left)
      for chunk in first..<first + Int(count) {
        size += tier.layout.bytes(ofChunk: chunk, of: block)
      }
    }
    transfers[slot].chunksLeft = left - count
    transfers[slot].chunksUnderWay = count
    transfers[slot].bytesUnderWay = size
    let device = self.device(of: transfers[slot].block)
    if transfers[slot].isAhead {
      aheadCopies[device] += 1
    } else if aheadCopies[device] > 0 {
      counters.prefetch.demandsDelayed += 1
    }
    transfers.beginStage(slot)
    prepareCopy(slot, bytes: Double(size))
    transfers.add(network.submit(copyOperation, in: &simulation), to: slot)
  }

  private mutating func beginStagedCopy(
    _ slot: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    transfers.beginStage(slot)
    transfers[slot].chunksLeft = 0
    transfers[slot].bytesUnderWay = tier.layout.bytes(of: transfers[slot].block)
    let device = self.device(of: transfers[slot].block)
    if transfers[slot].isAhead {
      aheadCopies[device] += 1
    } else if aheadCopies[device] > 0 {
      counters.prefetch.demandsDelayed += 1
    }
    let whole = bytes(of: transfers[slot].block)
    let parts = max(
      configuration.policy.transfer.chunks,
      Int((whole / SimulatedMachine.stagingChunkBytes).rounded(.up)))
    let bytes = whole / Double(parts)
    for _ in 0..<parts {
      var staging = OperationDescription(
        work: bytes, maximumRate: machine.stagingRate,
        tag: OperationTag(.staging, layer: layerOf(slot), expert: expertOf(slot), index: slot).bits,
        priority: priority(slot))
      staging.hold(machine.staging)
      staging.consume(machine.dram, weight: 2 * Double(machine.shards))
      let staged = network.create(staging)
      prepareCopy(slot, bytes: bytes)
      let copy = network.create(copyOperation)
      network.addDependency(copy, on: staged)
      transfers.add(staged, to: slot, awaited: false)
      transfers.add(copy, to: slot)
      network.release(staged, in: &simulation)
      network.release(copy, in: &simulation)
    }
  }

  /// Sets what differs from copy to copy.
  private mutating func prepareCopy(_ slot: Int, bytes: Double) {
    if deviceCount > 1 { copyOperation = copyTemplates[device(of: transfers[slot].block)] }
    copyOperation.work = bytes
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
    counters.moved(
      Int64(end.completedWork.rounded()) * Int64(machine.shards), for: .staging, device: 0)
    counters.transferred(.staging, device: 0)
    transfers[slot].phases.staged = simulation.now.nanoseconds
  }

  /// A copy over the link, or a part of it, has ended.
  mutating func loadEnded(
    slot: Int, end: OperationEnd, in simulation: inout Simulation<EngineEvent>
  ) {
    let purpose: TransferPurpose = transfers[slot].phases.wasPrefetched ? .prefetch : .demand
    let device = self.device(of: transfers[slot].block)
    transfers[slot].operationsLeft -= 1
    guard transfers[slot].operationsLeft == 0 else { return }
    // Whole chunks: the parts of a staged copy need not be whole bytes.
    counters.moved(transfers[slot].bytesUnderWay, for: purpose, device: device)
    counters.fast.bytesLoaded += transfers[slot].bytesUnderWay
    if transfers[slot].isAhead { aheadCopies[device] -= 1 }
    if transfers[slot].phases.copyStarted == 0 {
      transfers[slot].phases.copyStarted = max(
        end.started.nanoseconds, transfers[slot].phases.staged)
    }
    guard transfers[slot].chunksLeft == 0 else {
      chunkArrived(slot, in: &simulation)
      return
    }
    counters.transferred(purpose, device: device)
    transferCompleted(slot, in: &simulation)
  }

  /// Some chunks of a block have arrived, others are missing.
  private mutating func chunkArrived(_ slot: Int, in simulation: inout Simulation<EngineEvent>) {
    if !transfers[slot].isTransient {
      for _ in 0..<transfers[slot].chunksUnderWay { tier.chunkArrived(transfers[slot].block) }
    }
    if transfers[slot].isStale && !transfers[slot].isDemanded {
      stopTransfer(slot, in: &simulation)
    } else {
      submitCopy(slot, in: &simulation)
    }
  }

  /// A block is where it was wanted.
  private mutating func transferCompleted(
    _ slot: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    transfers[slot].phases.copyEnded = simulation.now.nanoseconds
    let transfer = transfers[slot]
    let device = self.device(of: transfer.block)
    transfers.remove(slot)
    workerEnded(device: device, in: &simulation)
    if transfer.keepsInHost { host!.unlease(transfer.block) }
    if recordsDecisions {
      decisions!.take(
        .landed(
          transfer.block, slot: transfer.isTransient ? -1 : decisions!.slot(of: transfer.block),
          ahead: transfer.isAhead), at: simulation.now.nanoseconds)
    }
    if transfer.isAhead {
      aheadTransfers[device] -= 1
      ahead.slots.removeAll { $0 == Int32(slot) }
      if bufferedCopies != nil { aheadCopyLanded(transfer, in: &simulation) }
    }
    if !transfer.isTransient { tier.complete(transfer.block) }
    if transfer.isAhead { startPrefetches(in: &simulation) }
    if stepAwaitsRoom { return beginStep(in: &simulation) }
    guard transfer.isDemanded, stepIsActive,
      tier.layout.layer(of: transfer.block) == layerSet.mixtureLayer,
      let place = layerSet.place(ofExpert: tier.layout.expert(of: transfer.block)),
      layerSet.members[place].status == .waiting, layerSet.members[place].block == transfer.block
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
}
