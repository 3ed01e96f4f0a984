// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import SimulationKernel

extension ServingEngine {
  /// The copy of an expert to a device.
  static func copyOperation(
    to device: SimulatedMachine.Device, of machine: SimulatedMachine
  ) -> OperationDescription {
    var copy = OperationDescription(
      work: 1, maximumRate: machine.linkRate, latency: machine.linkLatency)
    copy.hold(device.hostToDevice)
    copy.consume(device.linkDown)
    machine.shareHost(&copy)
    return copy
  }

  /// Submits `computeOperation` to the streams of all devices: they do the same at the same time.
  mutating func computeOnAll(in simulation: inout Simulation<EngineEvent>) {
    submit(computeOperation, device: 0, afterSum: true, in: &simulation)
    let layer = OperationTag(bits: computeOperation.tag).layer
    for device in 1..<deviceCount {
      var mirror = OperationDescription(
        work: computeOperation.work, maximumRate: 1,
        tag: OperationTag(.mirror, layer: layer, index: device).bits)
      mirror.hold(machine.devices[device].compute)
      submit(mirror, device: device, afterSum: true, in: &simulation)
    }
    group!.sum.removeAll(keepingCapacity: true)
  }

  /// Submits an operation to a device's stream, behind what was submitted to it before.
  private mutating func submit(
    _ operation: OperationDescription, device: Int, afterSum: Bool,
    in simulation: inout Simulation<EngineEvent>
  ) {
    computeOutstanding += 1
    let identifier = network.create(operation)
    if let last = group!.last[device] { network.addDependency(identifier, on: last) }
    if afterSum { for part in group!.sum { network.addDependency(identifier, on: part) } }
    group!.last[device] = identifier
    network.release(identifier, in: &simulation)
  }

  /// Submits the computation of experts to the stream of a device.
  ///
  /// Times by activity are those of the first device.
  @inline(__always)
  mutating func computeExperts(
    _ nanoseconds: UInt64, _ tag: OperationTag, on device: Int,
    in simulation: inout Simulation<EngineEvent>
  ) {
    guard deviceCount > 1 else {
      return compute(nanoseconds, tag, .experts, in: &simulation)
    }
    if device == 0 {
      counters.add(nanoseconds, to: .experts)
      computedInStep &+= nanoseconds
    }
    group!.computes(device, nanoseconds)
    var operation = OperationDescription(
      work: SimulatedDuration(nanoseconds: nanoseconds).seconds, maximumRate: 1, tag: tag.bits)
    operation.hold(machine.devices[device].compute)
    submit(operation, device: device, afterSum: false, in: &simulation)
  }

  /// Adds up partial results over GPUs: on the stream of each, over its link to the others, or to the
  /// host where it has none.
  mutating func sum(
    _ nanoseconds: UInt64, layer: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    counters.add(nanoseconds, to: .collectives)
    computedInStep &+= nanoseconds
    let bytes = max(1, costs.sumBytes(encoder: costs.isEncoder(layer)))
    let seconds = SimulatedDuration(nanoseconds: nanoseconds).seconds
    for (number, device) in machine.devices.enumerated() {
      var operation = OperationDescription(
        work: bytes, maximumRate: bytes / seconds,
        tag: OperationTag(.collective, layer: layer, index: number).bits)
      operation.hold(device.compute)
      if configuration.figures.peerRate > 0 {
        operation.consume(device.peerEgress)
        operation.consume(device.peerIngress)
      } else {
        // Written to host memory by one GPU, and read from there by another.
        operation.consume(device.linkUp)
        operation.consume(device.linkDown)
        operation.consume(machine.dram, weight: 2 * Double(machine.shards))
        if let rootComplex = machine.rootComplex {
          operation.consume(rootComplex, weight: 2 * Double(machine.shards))
        }
      }
      guard deviceCount > 1 else {
        computeOutstanding += 1
        _ = network.submit(operation, in: &simulation)
        return
      }
      submit(operation, device: number, afterSum: false, in: &simulation)
    }
    group!.sum.removeAll(keepingCapacity: true)
    for last in group!.last { if let last { group!.sum.append(last) } }
  }

  /// A sum has ended on a device.
  mutating func sumEnded(_ end: OperationEnd, device: Int) {
    computeOutstanding -= 1
    counters.moved(Int64(end.completedWork.rounded()), for: .collective, device: device)
    counters.transferred(.collective, device: device)
  }

  /// How the experts of a member's device become operations.
  @inline(__always)
  func emission(of place: Int) -> ExpertEmission {
    deviceCount == 1
      ? layerSet.emission : group!.emissions[Int(layerSet.members[place].device)]
  }

  /// Asks the caches of all devices for the whole set, as one event of each.
  mutating func accessOnDevices(mixture: Int, in simulation: inout Simulation<EngineEvent>) {
    access.begin(members, in: &tier)
    for device in 0..<deviceCount { group!.roomInUse[device] = 0 }
    for block in access.evicted where tier.view.isInCurrentSet(block) {
      group!.roomInUse[device(of: block)] += 1
    }
    _ = noteEvictions(access.evicted, duringAccess: true, in: &simulation)
    if bufferedCopies != nil {
      transientPlaces.removeAll(keepingCapacity: true)
      takeOverBuffered(members, in: &simulation)
    }
    countAccess(of: members, mixture: mixture)
    if recordsDecisions {
      recordAccess(
        of: members, mixture: mixture, withRemote: true, now: simulation.now.nanoseconds)
    }
    for place in members.indices.reversed() {
      let outcome = access.outcomes[place]
      var member = member(of: members[place].block, outcome == .hit ? .ready : .waiting)
      member.isTransient =
        outcome == .streamed
        || (bufferedCopies != nil && transientPlaces.contains(Int32(place)))
      layerSet.append(member)
    }
    for device in 0..<deviceCount { chooseEmission(of: device) }
    if prefetchIsActive { dropStaleCopies(mixture: mixture, in: &simulation) }
    for device in 0..<deviceCount {
      startDemandLoads(to: device, roomInUse: group!.roomInUse[device], in: &simulation)
    }
    if !waitingWriteBacks.isEmpty { beginSerialWriteBacks(in: &simulation) }
    if hostCompute != nil { startRemoteMembers(in: &simulation) }
  }

  /// Asks the schedule how a device computes its experts; a set that does not fit at once is computed
  /// in parts, whatever it would prefer.
  private mutating func chooseEmission(of device: Int) {
    var resident = 0
    var missing = 0
    var streams = group!.roomInUse[device] > 0
    for (place, member) in members.enumerated() where self.device(of: member.block) == device {
      switch access.outcomes[place] {
      case .hit: resident += 1
      case .streamed:
        streams = true
        missing += 1
      default: missing += 1
      }
    }
    group!.emissions[device] =
      streams
      ? .residentThenEachAsReady : schedule.emission(resident: resident, missing: missing)
  }

  /// Emits a device's grouped kernels, one for each version, when what they wait for is there.
  mutating func emitGroups(on device: Int, in simulation: inout Simulation<EngineEvent>) {
    if case .groupedWhenAllReady = group!.emissions[device],
      layerSet.waitingOnDevices[device] > 0
    {
      return
    }
    for version in 0..<UInt8(truncatingIfNeeded: tier.layout.versions) {
      emitGroup(version: version, device: device, in: &simulation)
    }
  }

  /// Has the host compute a layer's remote members for a group of GPUs.
  ///
  /// The tokens cross the link of the first GPU once, the host computes all of its experts of the layer
  /// in one call and adds up what they make of the tokens, and the result goes back to that GPU; the sum
  /// over GPUs behind the layer brings it to the others, as KTransformers does with tensor parallelism
  /// (kvcache-ai/ktransformers, kt-kernel with SGLang).
  mutating func startRemoteTogether(in simulation: inout Simulation<EngineEvent>) {
    var assignments = 0
    var distinct = 0
    for place in layerSet.members.indices where layerSet.members[place].isRemote {
      assignments += Int(layerSet.members[place].tokens)
      distinct += 1
    }
    guard distinct > 0 else { return }
    hostCompute!.outstanding += distinct
    let layerClass = Int(costs.classOfLayer[layerSet.layer])
    let bytes = hostCompute!.activationBytes * Double(activation.tokens)
    let work = costs.hostExpertsWork(
      layerClass: layerClass, assignments: assignments, distinct: distinct)
    let seconds = max(1e-9, hostCompute!.timing.seconds(work))
    var computation = OperationDescription(
      work: work.bytes, maximumRate: work.bytes / seconds,
      tag: OperationTag(.hostExpert, layer: layerSet.layer, expert: distinct).bits)
    computation.hold(machine.hostCompute)
    computation.consume(machine.expertMemory)
    var outputs = activationCopy(
      bytes, .activationsDown, place: 0, machine.hostToDevice, machine.linkDown)
    outputs.tag = OperationTag(.hostOutputs, layer: layerSet.layer).bits
    let there = network.create(
      activationCopy(bytes, .activationsUp, place: 0, machine.deviceToHost, machine.linkUp))
    let computed = network.create(computation)
    let back = network.create(outputs)
    network.addDependency(computed, on: there)
    network.addDependency(back, on: computed)
    for operation in [there, computed, back] { network.release(operation, in: &simulation) }
  }

  /// What the host has computed of the layer is on the first GPU.
  mutating func remoteComputedTogether(in simulation: inout Simulation<EngineEvent>) {
    for place in layerSet.members.indices where layerSet.members[place].isRemote {
      hostCompute!.outstanding -= 1
      layerSet.arrived(place)
      _ = layerSet.computed(place)
    }
    if let began = stallBegan {
      counters.stalls.add(simulation.now.nanoseconds - began, to: .hostCompute)
      stallBegan = nil
    }
    if layerSet.openCount == 0 { layerComputed(in: &simulation) }
  }
}
