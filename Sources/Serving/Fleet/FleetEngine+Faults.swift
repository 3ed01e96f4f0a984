// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import SimulationKernel

extension FleetEngine {
  /// What is scheduled to fail, degrade or come back does so now.
  mutating func faultDue(in simulation: inout Simulation<FleetEvent>) {
    guard let event = nextFailure else { return }
    apply(event, in: &simulation)
    nextFailure = failures.next()
    if let next = nextFailure { simulation.schedule(.fault, at: next.time) }
  }

  private mutating func apply(
    _ event: FailureEvent, in simulation: inout Simulation<FleetEvent>
  ) {
    let index = Int(event.part.index)
    switch event.part.kind {
    case .replica:
      if event.isDown {
        fail(index, in: &simulation)
      } else if event.isRecovery {
        replicas[index].slowdown = 1
        recover(index, in: &simulation)
      } else {
        replicas[index].slowdown = 1 / event.factor
      }
    case .gpu:
      gpuFactors[index] = event.factor
      for replica in replicas.indices where devices(of: replica).contains(index) {
        judgeDevices(of: replica, in: &simulation)
      }
    case .host:
      let range = configuration.topology.gpus(ofHost: index)
      for gpu in range { gpuFactors[gpu] = event.factor }
      for replica in replicas.indices where devices(of: replica).overlaps(range) {
        judgeDevices(of: replica, in: &simulation)
      }
    case .link:
      linkFactors[index] = event.factor
      network.setRate(
        of: links.bandwidth(ofLink: index),
        to: configuration.topology.links[index].rate * max(event.factor, Self.leastShare),
        in: &simulation)
      for replica in replicas.indices where replicas[replica].links.contains(Int32(index)) {
        judgeLinks(of: replica, in: &simulation)
      }
    case .server: break
    }
  }

  /// What a link that is gone still carries, so that flows over it are late rather than stuck for ever.
  private static var leastShare: Double { 1e-9 }

  /// The GPUs of a replica.
  private func devices(of replica: Int) -> Range<Int> {
    let first = replicas[replica].firstDevice
    return first..<first + configuration.groups[replicas[replica].group].plan.devices
  }

  /// A replica is as fast as its slowest GPU, and gone with any.
  private mutating func judgeDevices(
    of replica: Int, in simulation: inout Simulation<FleetEvent>
  ) {
    var least = 1.0
    for device in devices(of: replica) { least = min(least, gpuFactors[device]) }
    if least == 0 {
      fail(replica, in: &simulation)
    } else {
      replicas[replica].slowdown = 1 / least
      recover(replica, in: &simulation)
    }
  }

  /// Collectives are as fast as the slowest link that they cross, and impossible with one gone.
  private mutating func judgeLinks(
    of replica: Int, in simulation: inout Simulation<FleetEvent>
  ) {
    var least = 1.0
    for link in replicas[replica].links { least = min(least, linkFactors[Int(link)]) }
    if least == 0 {
      fail(replica, in: &simulation)
    } else {
      replicas[replica].linkSlowdown = 1 / least
      recover(replica, in: &simulation)
    }
  }

  /// A replica fails: what it held is lost, and its requests are sent again or given up.
  private mutating func fail(_ index: Int, in simulation: inout Simulation<FleetEvent>) {
    guard replicas[index].isUp || replicas[index].state == .starting else { return }
    let now = simulation.now.nanoseconds
    if replicas[index].isUp { goDown(index, now: now) }
    replicas[index].state = .failed
    replicas[index].epoch += 1
    counters.failures += 1
    for lane in replicas[index].lanes.indices {
      replicas[index].lanes[lane].stepIsActive = false
      for rank in replicas[index].lanes[lane].ranks.indices {
        let blocks = replicas[index].lanes[lane].ranks[rank].prefixBlocks()
        for (place, sequence) in replicas[index].lanes[lane].ranks[rank].removeAll().enumerated() {
          sendAgain(sequence, blocks: blocks.isEmpty ? [] : blocks[place], in: &simulation)
        }
      }
    }
    for stage in replicas[index].stageFreeAt.indices { replicas[index].stageFreeAt[stage] = now }
    replicas[index].waitingPromptTokens = 0
    replicas[index].outstandingTokens = 0
  }

  /// Sends a request again whose replica has failed, or gives it up.
  mutating func sendAgain(
    _ lost: SequenceState, blocks: [UInt64] = [], in simulation: inout Simulation<FleetEvent>
  ) {
    var sequence = lost
    sequence.failures += 1
    counters.recomputedTokens += Int64(sequence.computed)
    guard
      let delay = configuration.operations.retries.delay(afterFailure: Int(sequence.failures))
    else {
      counters.lost += 1
      tell(sequence, replica: -1, .lost)
      self.lost += 1
      leave(sequence.request, in: &simulation)
      return
    }
    counters.retried += 1
    sequence.forgetCache()
    var ticket = Ticket(sequence: sequence)
    ticket.blocks = blocks
    ticket.model = router.model(
      of: RoutedRequest(
        number: sequence.request.number, promptTokens: sequence.request.promptTokens,
        user: sequence.request.user, nanoseconds: simulation.now.nanoseconds),
      random: routingStream.forEntity(sequence.request.number))
    ticket.part = hasPrefillReplicas ? .prefill : .whole
    let number = open(ticket)
    simulation.schedule(.leavesGateway(ticket: number), at: simulation.now + delay)
  }

  /// A replica that had failed is whole again, and starts.
  private mutating func recover(_ index: Int, in simulation: inout Simulation<FleetEvent>) {
    guard replicas[index].state == .failed else { return }
    counters.repairs += 1
    start(index, in: &simulation)
  }

  /// Notes that a replica is up no more.
  mutating func goDown(_ index: Int, now: UInt64) {
    replicas[index].upNanoseconds += now - min(now, replicas[index].upSince)
  }
}

extension SequenceState {
  /// Loses keys and values: what was computed must be computed again, output tokens included.
  mutating func forgetCache() {
    keyValueBytes = 0
    hostBytes = 0
    swap = .none
    shared = 0
    computed = 0
    prefillTarget = Int(request.promptTokens) + produced
  }
}
