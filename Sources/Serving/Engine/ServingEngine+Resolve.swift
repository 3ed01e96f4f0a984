// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import Policies
import Residency
import Routing
import SimulationKernel

/// Experts that are computed where they are stored: by the processor, or a near-data device.
struct HostCompute {
  /// The device's timing.
  let timing: DeviceTiming
  /// Bytes of a token's input to an expert, and of its output.
  let activationBytes: Double
  /// Experts that are computed or wait for it.
  var outstanding = 0
}

extension ServingEngine {
  /// Asks the policy what becomes of each activated expert, and lists those that the device computes.
  mutating func resolveMembers(mixture: Int) {
    activated.layer = mixture
    activated.tokens = activation.tokens
    activated.experts.removeAll(keepingCapacity: true)
    for expert in touchList.reversed() {
      let index = Int(expert)
      activated.experts.append(
        ActivatedExpert(
          expert: expert, tokens: activation.tokensPerExpert[index],
          weight: activation.weightPerExpert[index],
          score: resolve.needsScores ? scores[index] : 0))
    }
    choices.removeAll(keepingCapacity: true)
    for _ in activated.experts { choices.append(.version(0)) }
    resolve.resolve(
      activated, residency: tier.view,
      queues: QueueView(
        transfers: transfers.count, hostComputations: hostCompute?.outstanding ?? 0),
      choices: &choices)
    members.removeAll(keepingCapacity: true)
    // In the order of touch again: the heaviest last.
    for index in activated.experts.indices.reversed() {
      let entry = activated.experts[index]
      noteResolved(entry, choices[index], mixture: mixture)
      switch choices[index] {
      case .version(let version):
        if version == 0 {
          counters.resolve.fullPrecision += 1
        } else {
          counters.resolve.lowPrecision += 1
        }
        members.append(
          SetMember(
            block: tier.layout.block(
              layer: mixture, expert: Int(entry.expert), version: Int(version)),
            weight: entry.weight))
      case .host:
        precondition(hostCompute != nil, "Only a policy that says so computes on the host.")
        counters.resolve.computedOnHost += 1
        var remote = member(
          of: tier.layout.block(layer: mixture, expert: Int(entry.expert)), .waiting)
        remote.isRemote = true
        layerSet.append(remote)
      case .skip:
        counters.resolve.skipped += 1
      }
    }
  }

  /// Notes what becomes of an activated expert: what the pass must read, and what of the gates' weight is
  /// served in which format.
  private mutating func noteResolved(
    _ expert: ActivatedExpert, _ choice: ExpertChoice, mixture: Int
  ) {
    var version = 0
    switch choice {
    case .version(let chosen): version = Int(chosen)
    case .host: break
    case .skip:
      counters.gateMass.skipped += Double(expert.weight)
      return
    }
    counters.gateMass.serve(Double(expert.weight), version: version)
    guard let passCosts, expert.tokens > 0 else { return }
    pass.use(1, bytes: passCosts.expert(layer: mixture, version: version))
  }

  /// Sends the tokens of remote members where these are stored, and has them computed there.
  mutating func startRemoteMembers(in simulation: inout Simulation<EngineEvent>) {
    if configuration.division != .single { return startRemoteTogether(in: &simulation) }
    for place in layerSet.members.indices where layerSet.members[place].isRemote {
      startRemote(place, in: &simulation)
    }
  }

  private mutating func startRemote(
    _ place: Int, in simulation: inout Simulation<EngineEvent>
  ) {
    let member = layerSet.members[place]
    let layerClass = Int(costs.classOfLayer[layerSet.layer])
    let work = costs.expertWork(layerClass: layerClass, tokens: Int(member.tokens))
    let seconds = max(1e-9, hostCompute!.timing.seconds(work))
    hostCompute!.outstanding += 1
    var computation = OperationDescription(
      work: work.bytes, maximumRate: work.bytes / seconds,
      tag: OperationTag(
        .hostExpert, layer: layerSet.layer, expert: Int(member.expert), index: place
      ).bits)
    computation.hold(machine.hostCompute)
    computation.consume(machine.expertMemory)
    guard !machine.isUnified else {
      _ = network.submit(computation, in: &simulation)
      return
    }
    let bytes = hostCompute!.activationBytes * Double(member.tokens)
    let there = network.create(
      activationCopy(bytes, .activationsUp, place: place, machine.deviceToHost, machine.linkUp))
    let computed = network.create(computation)
    let back = network.create(
      activationCopy(bytes, .activationsDown, place: place, machine.hostToDevice, machine.linkDown))
    network.addDependency(computed, on: there)
    network.addDependency(back, on: computed)
    for operation in [there, computed, back] { network.release(operation, in: &simulation) }
  }

  func activationCopy(
    _ bytes: Double, _ kind: OperationTag.Kind, place: Int, _ engine: ServerID,
    _ link: BandwidthID
  ) -> OperationDescription {
    var copy = OperationDescription(
      work: bytes, maximumRate: machine.linkRate, latency: machine.linkLatency,
      tag: OperationTag(kind, layer: layerSet.layer, index: place).bits,
      priority: TransferPriority.activations)
    copy.hold(engine)
    copy.consume(link)
    copy.consume(machine.expertMemory)
    if let rootComplex = machine.rootComplex { copy.consume(rootComplex) }
    return copy
  }

  /// Counts activations that have crossed the link.
  mutating func countActivations(_ purpose: TransferPurpose, end: OperationEnd) {
    counters.moved(Int64(end.completedWork.rounded()), for: purpose, device: 0)
    counters.transferred(purpose, device: 0)
  }

  /// The output of a remote member is on the device.
  mutating func remoteComputed(_ place: Int, in simulation: inout Simulation<EngineEvent>) {
    hostCompute!.outstanding -= 1
    layerSet.arrived(place)
    layerSet.members[place].status = .done
    layerSet.openCount -= 1
    if let began = stallBegan {
      counters.stalls.add(simulation.now.nanoseconds - began, to: .hostCompute)
      stallBegan = nil
    }
    if layerSet.openCount == 0 { layerComputed(in: &simulation) }
  }
}
