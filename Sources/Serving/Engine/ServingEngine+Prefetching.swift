// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import SimulationKernel

extension ServingEngine {
  /// Takes up what a prefetch policy asked for.
  ///
  /// What is wanted and present counts as used (ProMoE, arXiv 2410.22134, algorithm 2), unless the
  /// policy says otherwise. The rest
  /// waits for its turn.
  mutating func issuePrefetches(in simulation: inout Simulation<EngineEvent>) {
    for request in prefetchRequests.requests {
      let block = request.block
      let layer = tier.layout.layer(of: block)
      if prefetch.shieldsPredicted { shield(block, layer: layer) }
      switch tier.state(block) {
      case .resident, .loading:
        if prefetch.touchesPresent { tier.touch(block) }
        if !ahead.wanted[layer].contains(block) { ahead.wanted[layer].append(block) }
      case .absent, .partial:
        // What streams through a staging buffer is on its way too.
        if let slot = transfers.slot(of: block) {
          transfers[slot].isStale = false
        } else if !isBuffered(block) {
          ahead.queues[device(of: block)].push(block, layer: layer, urgency: request.urgency)
        }
      case .evicting: break
      }
    }
    prefetchRequests.removeAll()
    startPrefetches(in: &simulation)
  }

  private func isBuffered(_ block: BlockID) -> Bool {
    bufferedCopies.map { $0[block] != .none } ?? false
  }

  /// Protects a block from eviction until its layer has been computed.
  private mutating func shield(_ block: BlockID, layer: Int) {
    guard !ahead.shielded[layer].contains(block) else { return }
    tier.lease(block)
    ahead.shielded[layer].append(block)
  }

  /// Ends the protection of a layer's experts.
  mutating func endShields(layer: Int) {
    for block in ahead.shielded[layer] { tier.unlease(block) }
    ahead.shielded[layer].removeAll(keepingCapacity: true)
  }

  /// Starts prefetches that wait, as many as may be under way at once.
  mutating func startPrefetches(in simulation: inout Simulation<EngineEvent>) {
    for device in 0..<deviceCount { startPrefetches(to: device, in: &simulation) }
  }

  private mutating func startPrefetches(
    to device: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    while aheadTransfers[device] < aheadWindow, !ahead.queues[device].isEmpty {
      if bufferedCopies != nil, freeBuffers[device] <= spareBuffers { return }
      let layout = tier.layout
      guard let block = ahead.queues[device].pop(layerOf: { layout.layer(of: $0) }) else { return }
      startPrefetch(block, in: &simulation)
    }
  }

  private mutating func startPrefetch(
    _ block: BlockID, in simulation: inout Simulation<EngineEvent>
  ) {
    let state = tier.state(block)
    guard state == .absent || state == .partial, transfers.slot(of: block) == nil,
      !isBuffered(block)
    else { return }
    counters.cacheDecisions += 1
    if bufferedCopies != nil {
      freeBuffers[device(of: block)] -= 1
      bufferedCopies!.begin(block)
    } else {
      guard reserveAhead(block, in: &simulation) else {
        counters.prefetch.dropped += 1
        if recordsDecisions {
          decisions!.take(.dropped(block, .noRoom), at: simulation.now.nanoseconds)
        }
        ahead.queues[device(of: block)].refuse(block, layer: tier.layout.layer(of: block))
        return
      }
    }
    if recordsDecisions { recordPrefetch(block, now: simulation.now.nanoseconds) }
    isPrefetched[block.index] = true
    counters.prefetch.issued += 1
    aheadTransfers[device(of: block)] += 1
    let slot = openTransfer(
      block, isDemanded: false, isTransient: bufferedCopies != nil, in: simulation)
    ahead.slots.append(Int32(slot))
    beginTransfer(slot, in: &simulation)
    if !waitingWriteBacks.isEmpty { beginSerialWriteBacks(in: &simulation) }
  }

  /// Gets a block its room in the cache; others that are wanted of its layer do not make it.
  private mutating func reserveAhead(
    _ block: BlockID, in simulation: inout Simulation<EngineEvent>
  ) -> Bool {
    let wanted = ahead.wanted[tier.layout.layer(of: block)]
    for other in wanted { tier.lease(other) }
    evictedBlocks.removeAll(keepingCapacity: true)
    let reservation = tier.reserve(block, evicted: &evictedBlocks)
    for other in wanted { tier.unlease(other) }
    _ = noteEvictions(evictedBlocks, duringAccess: false, in: &simulation)
    return reservation.needsTransfer
  }

  /// The gate of a layer is about to be judged: counts what of its predictions is there, and lets go
  /// of what waits for it.
  mutating func judgePredictions(mixture: Int, now: UInt64) {
    for block in ahead.predicted[mixture] {
      ahead.isPredicted[block.index] = false
      counters.prefetch.predictedExperts += 1
      if tier.isResident(block) || bufferedCopies.map({ $0[block] == .ready }) ?? false {
        counters.prefetch.predictedInTime += 1
      }
    }
    ahead.predicted[mixture].removeAll(keepingCapacity: true)
    ahead.wanted[mixture].removeAll(keepingCapacity: true)
    guard prefetch.dropsStaleRequests else { return }
    if recordsDecisions { recordOvertaken(mixture: mixture, now: now) }
    for device in ahead.queues.indices { ahead.queues[device].drop(layer: mixture) }
  }

  /// Whether a block is a member of the set under way.
  private func isAwaited(_ block: BlockID) -> Bool {
    layerSet.place(ofExpert: tier.layout.expert(of: block)).map {
      layerSet.members[$0].block == block
    } ?? false
  }

  /// Lets copies of a layer's experts go that its gate did not choose.
  mutating func dropStaleCopies(mixture: Int, in simulation: inout Simulation<EngineEvent>) {
    for slot in ahead.slots {
      let block = transfers[Int(slot)].block
      guard tier.layout.layer(of: block) == mixture, !isAwaited(block) else { continue }
      if prefetch.dropsStaleRequests || transfers[Int(slot)].isTransient {
        transfers[Int(slot)].isStale = true
      }
    }
    guard let buffered = bufferedCopies else { return }
    for block in buffered.blocks
    where tier.layout.layer(of: block) == mixture && buffered[block] == .ready {
      dropBuffered(block, in: &simulation)
    }
  }

  private mutating func dropBuffered(
    _ block: BlockID, in simulation: inout Simulation<EngineEvent>
  ) {
    bufferedCopies!.remove(block)
    if recordsDecisions {
      decisions!.take(.dropped(block, .forgotten), at: simulation.now.nanoseconds)
    }
    if isPrefetched[block.index] {
      isPrefetched[block.index] = false
      countWasted(block)
    }
    releaseBuffer(device: self.device(of: block), in: &simulation)
  }

  /// A block that was fetched ahead leaves without having been used.
  mutating func countWasted(_ block: BlockID) {
    counters.prefetch.wasted += 1
    counters.prefetch.wastedBytes += tier.layout.bytes(of: block)
  }

  /// A copy fetched ahead has ended, in the cache or in a buffer.
  mutating func aheadCopyLanded(
    _ transfer: Transfer, in simulation: inout Simulation<EngineEvent>
  ) {
    let block = transfer.block
    guard bufferedCopies![block] == .arriving else { return }
    if !transfer.isTransient {
      // The cache took it over while it was on its way.
      bufferedCopies!.remove(block)
      releaseBuffer(device: self.device(of: block), in: &simulation)
    } else if transfer.isDemanded {
      // It is used from its buffer, which its member holds from now on.
      bufferedCopies!.remove(block)
    } else if transfer.isStale {
      dropBuffered(block, in: &simulation)
    } else {
      bufferedCopies!.arrived(block)
    }
  }

  /// Ends a prefetch between two chunks; in the cache those that are here stay.
  mutating func stopTransfer(_ slot: Int, in simulation: inout Simulation<EngineEvent>) {
    let transfer = transfers[slot]
    let block = transfer.block
    transfers.remove(slot)
    let device = self.device(of: block)
    workerEnded(device: device, in: &simulation)
    aheadTransfers[device] -= 1
    ahead.slots.removeAll { $0 == Int32(slot) }
    if transfer.keepsInHost { host!.unlease(block) }
    counters.prefetch.cancelled += 1
    if recordsDecisions {
      decisions!.take(.dropped(block, .cancelled), at: simulation.now.nanoseconds)
    }
    let missing = Int64(transfer.chunksLeft) * tier.layout.bytes(ofChunk: 0, of: block)
    counters.prefetch.wastedBytes += max(0, tier.layout.bytes(of: block) - missing)
    isPrefetched[block.index] = false
    if transfer.isTransient {
      bufferedCopies!.remove(block)
      releaseBuffer(device: self.device(of: block), in: &simulation)
    } else {
      tier.suspend(block)
    }
    startPrefetches(in: &simulation)
  }

  /// Uses what stands in buffers for a set that has been judged.
  ///
  /// A member whose copy is ready is a hit: it enters the room that it was given, or is used from
  /// its buffer. One whose copy is on its way is late.
  mutating func takeOverBuffered(
    _ members: [SetMember], in simulation: inout Simulation<EngineEvent>
  ) {
    for place in members.indices {
      let block = members[place].block
      let state = bufferedCopies![block]
      guard state != .none else { continue }
      let getsRoom = access.outcomes[place] == .fetched
      access.misses -= 1
      if state == .ready {
        access.hits += 1
        bufferedCopies!.remove(block)
        access.outcomes[place] = .hit
        if getsRoom {
          tier.complete(block)
          releaseBuffer(device: self.device(of: block), in: &simulation)
        } else {
          transientPlaces.append(Int32(place))
        }
      } else if let slot = transfers.slot(of: block) {
        access.late += 1
        access.outcomes[place] = .late
        transfers[slot].isTransient = !getsRoom
        if !getsRoom { transientPlaces.append(Int32(place)) }
      }
    }
  }
}

/// What is fetched ahead: what waits, what is under way, what is expected.
struct AheadState {
  /// What waits for its turn, by the device to which it goes.
  var queues: [PrefetchQueue]
  /// The transfers under way that began as prefetches.
  var slots: [Int32] = []
  /// Wanted blocks of each layer that were present when they were asked for.
  var wanted: [[BlockID]]
  /// Blocks of each layer that a predictor has named for the step, each once.
  var predicted: [[BlockID]]
  /// Whether a block is among them.
  var isPredicted: [Bool]
  /// Blocks of each layer that are protected until it has been computed.
  var shielded: [[BlockID]]
  /// Predictions that are still being computed.
  var delayed = DelayedPredictions()

  init(layers: Int, blocks: Int, devices: Int = 1) {
    queues = Array(
      repeating: PrefetchQueue(layers: layers, blocks: blocks), count: devices)
    wanted = Array(repeating: [], count: layers)
    predicted = wanted
    shielded = wanted
    isPredicted = Array(repeating: false, count: blocks)
  }
}
