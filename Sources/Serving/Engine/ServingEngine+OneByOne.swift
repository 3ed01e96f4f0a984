// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import SimulationKernel

extension ServingEngine {
  /// Begins to ask the cache for a layer's experts one after the other, in the order of their
  /// numbers: the order of a loop over experts that takes no notice of what is resident.
  ///
  /// Loads and computations of the loop follow one another, as on one stream: the next expert is
  /// asked for when the one before has been computed.
  mutating func accessFirst(mixture: Int, in simulation: inout Simulation<EngineEvent>) {
    members.sort { $0.block < $1.block }
    firstPlace = layerSet.members.count
    for member in members { layerSet.append(self.member(of: member.block, .pending)) }
    layerSet.emission = .residentThenEachAsReady
    nextMember = 0
    group?.beginOneByOne()
    if hostCompute != nil { startRemoteMembers(in: &simulation) }
    for device in 0..<deviceCount { accessNext(after: device, in: &simulation) }
    if prefetchIsActive { dropStaleCopies(mixture: mixture, in: &simulation) }
  }

  /// Asks for the next member of a device.
  mutating func accessNext(after device: Int, in simulation: inout Simulation<EngineEvent>) {
    var index = deviceCount == 1 ? nextMember : group!.nextMember[device]
    while index < members.count, self.device(of: members[index].block) != device { index += 1 }
    if deviceCount == 1 { nextMember = index + 1 } else { group!.nextMember[device] = index + 1 }
    guard index < members.count else { return }
    accessOne(members[index], place: firstPlace + index, in: &simulation)
  }

  private mutating func accessOne(
    _ member: SetMember, place: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    single[0] = member
    access.begin(single, in: &tier)
    let block = member.block
    _ = noteEvictions(access.evicted, duringAccess: false, in: &simulation)
    if bufferedCopies != nil {
      transientPlaces.removeAll(keepingCapacity: true)
      takeOverBuffered(single, in: &simulation)
    }
    countAccess(of: single, mixture: layerSet.mixtureLayer)
    if recordsDecisions {
      recordAccess(
        of: single, mixture: layerSet.mixtureLayer, withRemote: place == firstPlace,
        now: simulation.now.nanoseconds)
    }
    let outcome = access.outcomes[0]
    layerSet.members[place].isTransient = outcome == .streamed || !transientPlaces.isEmpty
    guard outcome != .hit else {
      layerSet.members[place].status = .ready
      return computeMember(place, in: &simulation)
    }
    layerSet.awaits(place)
    switch outcome {
    case .late: demand(block, in: &simulation)
    case .streamed: startStreaming(block, in: &simulation)
    default:
      let slot = openTransfer(block, isDemanded: true, isTransient: false, in: simulation)
      beginTransfer(slot, in: &simulation)
    }
    if !waitingWriteBacks.isEmpty { beginSerialWriteBacks(in: &simulation) }
  }
}
