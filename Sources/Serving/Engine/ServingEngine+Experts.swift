// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import SimulationKernel

extension ServingEngine {
  /// The gate of a layer has named its experts: decides what becomes of each, fetches what is
  /// missing, and emits what can be computed.
  mutating func gateDecided(layer: Int, in simulation: inout Simulation<EngineEvent>) {
    let mixture = Int(mixtureIndexOfLayer[layer])
    gatesPassed = mixture
    drawActivation(mixtureLayer: mixture)
    if prefetchIsActive { judgePredictions(mixture: mixture, now: simulation.now.nanoseconds) }
    activation.touchOrderByWeight(into: &touchList, keys: &touchKeys)
    lookAhead?.reach(layer: mixture)
    layerSet.begin(layer: layer, mixtureLayer: mixture)
    if resolveIsPlain {
      notePassExperts(mixture: mixture)
      members.removeAll(keepingCapacity: true)
      for expert in touchList {
        members.append(
          SetMember(
            block: tier.layout.block(layer: mixture, expert: Int(expert)),
            weight: activation.weightPerExpert[Int(expert)]))
      }
    } else {
      resolveMembers(mixture: mixture)
    }
    host?.beginSet()
    let shared = costs.classes[Int(costs.classOfLayer[layer])].shared
    if deviceCount > 1 { group!.gateDecided(now: simulation.now.nanoseconds, shared: shared) }
    if accessesOneByOne {
      accessFirst(mixture: mixture, in: &simulation)
    } else if deviceCount > 1 {
      accessOnDevices(mixture: mixture, in: &simulation)
    } else {
      accessTogether(mixture: mixture, in: &simulation)
    }
    if shared > 0 {
      compute(shared, .init(.sharedExpert, layer: layer), .sharedExpert, in: &simulation)
    }
    if accessesOneByOne {
      // Each is computed as it is asked for.
    } else if deviceCount > 1 {
      for device in 0..<deviceCount { emitGroups(on: device, in: &simulation) }
    } else {
      emitGroups(in: &simulation)
    }
    if prefetchIsActive {
      prefetch.gateDecided(
        mixture, activation: activation, residency: tier.view, requests: &prefetchRequests)
      if predictionDepth > 0 { predict(after: mixture, in: &simulation) }
      issuePrefetches(in: &simulation)
    }
    // Every choice may have been left out.
    if layerSet.openCount == 0 { layerComputed(in: &simulation) }
  }

  /// Asks the cache for the whole set as one event.
  private mutating func accessTogether(
    mixture: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    access.begin(members, in: &tier)
    let roomInUse = noteEvictions(access.evicted, duringAccess: true, in: &simulation)
    if bufferedCopies != nil {
      transientPlaces.removeAll(keepingCapacity: true)
      takeOverBuffered(members, in: &simulation)
    }
    countAccess(of: members, mixture: mixture)
    if recordsDecisions {
      recordAccess(
        of: members, mixture: mixture, withRemote: true, now: simulation.now.nanoseconds)
    }
    var streams = false
    for place in members.indices.reversed() {
      let outcome = access.outcomes[place]
      if outcome == .streamed { streams = true }
      var member = member(of: members[place].block, outcome == .hit ? .ready : .waiting)
      member.isTransient =
        outcome == .streamed
        || (bufferedCopies != nil && transientPlaces.contains(Int32(place)))
      layerSet.append(member)
    }
    // A set that does not fit at once is computed in parts, whatever the schedule would prefer.
    layerSet.emission =
      streams || roomInUse > 0
      ? .residentThenEachAsReady
      : schedule.emission(resident: access.hits, missing: access.late + access.misses)
    if prefetchIsActive { dropStaleCopies(mixture: mixture, in: &simulation) }
    startDemandLoads(roomInUse: roomInUse, in: &simulation)
    if !waitingWriteBacks.isEmpty { beginSerialWriteBacks(in: &simulation) }
    if hostCompute != nil { startRemoteMembers(in: &simulation) }
  }

  /// A member of the set for a block.
  func member(of block: BlockID, _ status: LayerSet.Status) -> LayerSet.Member {
    let expert = tier.layout.expert(of: block)
    return LayerSet.Member(
      block: block, expert: Int32(expert), tokens: activation.tokensPerExpert[expert],
      status: status, version: UInt8(tier.layout.version(of: block)),
      device: UInt16(device(of: block)))
  }

  /// The device that has a block.
  @inline(__always)
  func device(of block: BlockID) -> Int {
    deviceCount == 1 ? 0 : Int(deviceOfExpert[tier.layout.expert(of: block)])
  }

  /// Counts how the members of a set were found.
  mutating func countAccess(of members: [SetMember], mixture: Int) {
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

  /// Starts the transfers of the set's missing members to a device, the heaviest first.
  ///
  /// Where room was taken from members that are yet to be computed, as many transfers wait until
  /// they are.
  mutating func startDemandLoads(
    to device: Int = 0, roomInUse: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    var fetches = 0
    for place in members.indices
    where access.outcomes[place] == .fetched && self.device(of: members[place].block) == device {
      fetches += 1
    }
    var startable = fetches - roomInUse
    for place in members.indices.reversed() {
      let block = members[place].block
      guard self.device(of: block) == device else { continue }
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
      case .streamed: startStreaming(block, in: &simulation)
      }
    }
  }

  /// Starts the transfer of an expert that gets no room, as soon as a staging buffer is free.
  mutating func startStreaming(_ block: BlockID, in simulation: inout Simulation<EngineEvent>) {
    let slot = openTransfer(block, isDemanded: true, isTransient: true, in: simulation)
    let device = self.device(of: block)
    if freeBuffers[device] > 0 {
      freeBuffers[device] -= 1
      beginTransfer(slot, in: &simulation)
    } else {
      waitingForBuffer[device].append(Int32(slot))
    }
  }

  /// Emits the layer's grouped kernels, one for each version, when what they wait for is there.
  private mutating func emitGroups(in simulation: inout Simulation<EngineEvent>) {
    if case .groupedWhenAllReady = layerSet.emission, layerSet.waitingOnDevice > 0 { return }
    for version in 0..<UInt8(truncatingIfNeeded: tier.layout.versions) {
      emitGroup(version: version, in: &simulation)
    }
  }

  mutating func emitGroup(
    version: UInt8, device: Int = 0, in simulation: inout Simulation<EngineEvent>
  ) {
    var assignments = 0
    var distinct = 0
    var isEmpty = true
    for place in layerSet.members.indices
    where layerSet.members[place].status == .ready && layerSet.members[place].version == version
      && Int(layerSet.members[place].device) == device
    {
      isEmpty = false
      layerSet.members[place].status = .computing
      layerSet.members[place].isGrouped = true
      assignments += Int(layerSet.members[place].tokens)
      // Of a whole layer that is waited for, most are there for nobody.
      if layerSet.members[place].tokens > 0 { distinct += 1 }
    }
    guard !isEmpty else { return }
    let layerClass = Int(costs.classOfLayer[layerSet.layer])
    let nanoseconds = costs.groupedExperts(
      layerClass: layerClass, version: Int(version), assignments: assignments, distinct: distinct)
    if device == 0 {
      countExpertWork(
        layerClass: layerClass, version: version, assignments: assignments, distinct: distinct)
    }
    computeExperts(
      nanoseconds,
      .init(
        .groupedExperts, layer: layerSet.layer, expert: distinct,
        index: device << 8 | Int(version)), on: device, in: &simulation)
  }

  private mutating func countExpertWork(
    layerClass: Int, version: UInt8, assignments: Int, distinct: Int
  ) {
    counters.deviceBytes += costs.expertBytes(
      layerClass: layerClass, version: Int(version), assignments: assignments, distinct: distinct)
  }

  /// An awaited expert has arrived: ends the stall, if there was one, and emits what it allows.
  mutating func memberArrived(
    _ place: Int, phases: TransferPhases, in simulation: inout Simulation<EngineEvent>
  ) {
    layerSet.arrived(place)
    if let began = stallBegan {
      counters.stalls.charge(from: began, to: simulation.now.nanoseconds, transfer: phases)
      stallBegan = nil
    }
    switch emission(of: place) {
    case .groupedWhenAllReady where deviceCount > 1:
      emitGroups(on: Int(layerSet.members[place].device), in: &simulation)
    case .groupedWhenAllReady: emitGroups(in: &simulation)
    case .residentThenEachAsReady: computeMember(place, in: &simulation)
    }
  }

  /// Computes one expert by itself.
  mutating func computeMember(_ place: Int, in simulation: inout Simulation<EngineEvent>) {
    let member = layerSet.members[place]
    layerSet.members[place].status = .computing
    let layerClass = Int(costs.classOfLayer[layerSet.layer])
    let nanoseconds = costs.expert(
      layerClass: layerClass, version: Int(member.version), tokens: Int(member.tokens))
    if member.device == 0 {
      countExpertWork(
        layerClass: layerClass, version: member.version, assignments: Int(member.tokens),
        distinct: 1)
    }
    computeExperts(
      nanoseconds,
      .init(.expert, layer: layerSet.layer, expert: Int(member.expert), index: place),
      on: Int(member.device), in: &simulation)
  }

  /// The grouped kernel of a version has ended.
  mutating func groupComputed(index: Int, in simulation: inout Simulation<EngineEvent>) {
    let version = index & 0xFF
    let device = index >> 8
    for place in layerSet.members.indices
    where layerSet.members[place].isGrouped && layerSet.members[place].status == .computing
      && Int(layerSet.members[place].version) == version
      && Int(layerSet.members[place].device) == device
    {
      memberComputed(place, in: &simulation)
    }
    beginHeldBack(on: device, in: &simulation)
    if layerSet.openCount == 0 { layerComputed(in: &simulation) }
  }

  /// Begins the transfers whose room has become free.
  mutating func beginHeldBack(on device: Int, in simulation: inout Simulation<EngineEvent>) {
    guard !heldBack.isEmpty else { return }
    var others: [Int32] = []
    for slot in heldBack {
      guard self.device(of: transfers[Int(slot)].block) == device else {
        others.append(slot)
        continue
      }
      transfers[Int(slot)].phases.granted = simulation.now.nanoseconds
      beginTransfer(Int(slot), in: &simulation)
    }
    heldBack.removeAll(keepingCapacity: true)
    heldBack.append(contentsOf: others)
  }

  /// A member has been computed on its device.
  @inline(__always)
  private mutating func memberComputed(
    _ place: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    let device = Int(layerSet.members[place].device)
    if layerSet.computed(place) {
      group!.deviceEnded(device, now: simulation.now.nanoseconds)
    }
    if layerSet.members[place].isTransient { releaseBuffer(device: device, in: &simulation) }
  }

  /// One expert has been computed by itself.
  mutating func expertComputed(place: Int, in simulation: inout Simulation<EngineEvent>) {
    memberComputed(place, in: &simulation)
    if accessesOneByOne {
      accessNext(after: Int(layerSet.members[place].device), in: &simulation)
    }
    if layerSet.openCount == 0 { layerComputed(in: &simulation) }
  }

  /// Hands a staging buffer to the next transfer that waits for one.
  mutating func releaseBuffer(device: Int, in simulation: inout Simulation<EngineEvent>) {
    guard !waitingForBuffer[device].isEmpty else {
      freeBuffers[device] += 1
      if prefetchIsActive { startPrefetches(in: &simulation) }
      return
    }
    let slot = Int(waitingForBuffer[device].removeFirst())
    transfers[slot].phases.granted = simulation.now.nanoseconds
    beginTransfer(slot, in: &simulation)
  }

  mutating func layerComputed(in simulation: inout Simulation<EngineEvent>) {
    let layer = layerSet.layer
    if prefetchIsActive { endShields(layer: layerSet.mixtureLayer) }
    if recordsDecisions {
      decisions!.take(
        .computed(layer: layerSet.mixtureLayer), at: simulation.now.nanoseconds)
    }
    if deviceCount > 1 { group!.layerEnded(now: simulation.now.nanoseconds) }
    let times = costs.classes[Int(costs.classOfLayer[layer])]
    let combine = times.combine
    if combine > 0 { compute(combine, .init(.segmentEnd, layer: layer), .experts, in: &simulation) }
    if times.feedForwardSum > 0 { sum(times.feedForwardSum, layer: layer, in: &simulation) }
    beginLayers(from: layer + 1, in: &simulation)
  }
}
