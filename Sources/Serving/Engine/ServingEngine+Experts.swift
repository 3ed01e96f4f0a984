// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import SimulationKernel

extension ServingEngine {
  /// The gate of a layer has named its experts: judges them, fetches what is missing, and emits what
  /// can be computed.
  mutating func gateDecided(layer: Int, in simulation: inout Simulation<EngineEvent>) {
    let mixture = Int(mixtureIndexOfLayer[layer])
    drawActivation(mixtureLayer: mixture)
    activation.touchOrderByWeight(into: &touchList, keys: &touchKeys)
    members.removeAll(keepingCapacity: true)
    for expert in touchList {
      members.append(
        SetMember(
          block: tier.layout.block(layer: mixture, expert: Int(expert)),
          weight: activation.weightPerExpert[Int(expert)]))
    }
    lookAhead?.reach(layer: mixture)
    access.begin(members, in: &tier)
    host?.beginSet()
    countAccess(mixture: mixture)
    let roomInUse = noteEvictions(access.evicted, duringAccess: true, in: &simulation)
    layerSet.begin(layer: layer, mixtureLayer: mixture)
    var streams = false
    for place in members.indices.reversed() {
      let outcome = access.outcomes[place]
      if outcome == .streamed { streams = true }
      let expert = touchList[place]
      layerSet.append(
        LayerSet.Member(
          block: members[place].block, expert: expert,
          tokens: activation.tokensPerExpert[Int(expert)],
          status: outcome == .hit ? .ready : .waiting, isTransient: outcome == .streamed))
    }
    // A set that does not fit at once is computed in parts, whatever the schedule would prefer.
    layerSet.emission =
      streams || roomInUse > 0
      ? .residentThenEachAsReady
      : schedule.emission(resident: access.hits, missing: access.late + access.misses)
    startDemandLoads(roomInUse: roomInUse, in: &simulation)
    let shared = costs.classes[Int(costs.classOfLayer[layer])].shared
    if shared > 0 {
      compute(shared, .init(.sharedExpert, layer: layer), .sharedExpert, in: &simulation)
    }
    emitGroup(in: &simulation)
    if prefetchIsActive {
      prefetch.gateDecided(
        mixture, activation: activation, residency: tier.view, requests: &prefetchRequests)
      if predictionDepth > 0 { predict(after: mixture) }
      issuePrefetches(in: &simulation)
    }
  }

  private mutating func countAccess(mixture: Int) {
    counters.fast.hits[mixture] += UInt64(access.hits)
    counters.fast.accesses[mixture] += UInt64(members.count)
    counters.fast.late += UInt64(access.late)
    counters.fast.misses += UInt64(access.misses)
    counters.cacheDecisions += UInt64(members.count)
    guard prefetchIsActive else { return }
    for (place, member) in members.enumerated() {
      let outcome = access.outcomes[place]
      guard outcome == .hit || outcome == .late, isPrefetched[member.block.index] else { continue }
      isPrefetched[member.block.index] = false
      counters.prefetch.used += 1
      if outcome == .late { counters.prefetch.late += 1 }
    }
  }

  /// Starts the transfers of the set's missing members, the heaviest first.
  ///
  /// Where room was taken from members that are yet to be computed, as many transfers wait until
  /// they are.
  private mutating func startDemandLoads(
    roomInUse: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    var fetches = 0
    for place in members.indices where access.outcomes[place] == .fetched { fetches += 1 }
    var startable = fetches - roomInUse
    for place in members.indices.reversed() {
      let block = members[place].block
      switch access.outcomes[place] {
      case .hit: break
      case .late: demand(block, in: &simulation)
      case .fetched:
        let slot = openTransfer(block, isDemanded: true, isTransient: false, in: simulation)
        if startable > 0 {
          startable -= 1
          beginTransfer(slot, in: &simulation)
        } else {
          heldBack.append(Int32(slot))
        }
      case .streamed:
        let slot = openTransfer(block, isDemanded: true, isTransient: true, in: simulation)
        if freeBuffers > 0 {
          freeBuffers -= 1
          beginTransfer(slot, in: &simulation)
        } else {
          waitingForBuffer.append(Int32(slot))
        }
      }
    }
  }

  /// Emits the layer's grouped kernel, when what it waits for is there.
  private mutating func emitGroup(in simulation: inout Simulation<EngineEvent>) {
    if case .groupedWhenAllReady = layerSet.emission, layerSet.waitingCount > 0 { return }
    var assignments = 0
    var distinct = 0
    for place in layerSet.members.indices where layerSet.members[place].status == .ready {
      layerSet.members[place].status = .computing
      layerSet.members[place].isGrouped = true
      assignments += Int(layerSet.members[place].tokens)
      distinct += 1
    }
    guard distinct > 0 else { return }
    let layerClass = Int(costs.classOfLayer[layerSet.layer])
    let nanoseconds = costs.groupedExperts(
      layerClass: layerClass, assignments: assignments, distinct: distinct)
    countExpertWork(layerClass: layerClass, assignments: assignments, distinct: distinct)
    compute(
      nanoseconds, .init(.groupedExperts, layer: layerSet.layer, expert: distinct), .experts,
      in: &simulation)
  }

  private mutating func countExpertWork(layerClass: Int, assignments: Int, distinct: Int) {
    counters.deviceBytes += costs.expertBytes(
      layerClass: layerClass, assignments: assignments, distinct: distinct)
  }

  /// An awaited expert has arrived: ends the stall, if there was one, and emits what it allows.
  mutating func memberArrived(
    _ place: Int, phases: TransferPhases, in simulation: inout Simulation<EngineEvent>
  ) {
    layerSet.members[place].status = .ready
    layerSet.waitingCount -= 1
    if let began = stallBegan {
      counters.stalls.charge(from: began, to: simulation.now.nanoseconds, transfer: phases)
      stallBegan = nil
    }
    switch layerSet.emission {
    case .groupedWhenAllReady:
      emitGroup(in: &simulation)
    case .residentThenEachAsReady:
      let member = layerSet.members[place]
      layerSet.members[place].status = .computing
      let layerClass = Int(costs.classOfLayer[layerSet.layer])
      let nanoseconds = costs.expert(layerClass: layerClass, tokens: Int(member.tokens))
      countExpertWork(layerClass: layerClass, assignments: Int(member.tokens), distinct: 1)
      compute(
        nanoseconds,
        .init(.expert, layer: layerSet.layer, expert: Int(member.expert), index: place),
        .experts, in: &simulation)
    }
  }

  /// The grouped kernel has ended.
  mutating func groupComputed(in simulation: inout Simulation<EngineEvent>) {
    for place in layerSet.members.indices
    where layerSet.members[place].isGrouped && layerSet.members[place].status == .computing {
      layerSet.members[place].status = .done
      layerSet.openCount -= 1
    }
    for slot in heldBack {
      transfers[Int(slot)].phases.granted = simulation.now.nanoseconds
      beginTransfer(Int(slot), in: &simulation)
    }
    heldBack.removeAll(keepingCapacity: true)
    if layerSet.openCount == 0 { layerComputed(in: &simulation) }
  }

  /// One expert has been computed by itself.
  mutating func expertComputed(place: Int, in simulation: inout Simulation<EngineEvent>) {
    layerSet.members[place].status = .done
    layerSet.openCount -= 1
    if layerSet.members[place].isTransient { releaseBuffer(in: &simulation) }
    if layerSet.openCount == 0 { layerComputed(in: &simulation) }
  }

  /// Hands a staging buffer to the next transfer that waits for one.
  private mutating func releaseBuffer(in simulation: inout Simulation<EngineEvent>) {
    guard !waitingForBuffer.isEmpty else {
      freeBuffers += 1
      return
    }
    let slot = Int(waitingForBuffer.removeFirst())
    transfers[slot].phases.granted = simulation.now.nanoseconds
    beginTransfer(slot, in: &simulation)
  }

  private mutating func layerComputed(in simulation: inout Simulation<EngineEvent>) {
    let layer = layerSet.layer
    let combine = costs.classes[Int(costs.classOfLayer[layer])].combine
    if combine > 0 { compute(combine, .init(.segmentEnd, layer: layer), .experts, in: &simulation) }
    beginLayers(from: layer + 1, in: &simulation)
  }
}
