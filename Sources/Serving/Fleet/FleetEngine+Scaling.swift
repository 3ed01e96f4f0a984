// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

extension FleetEngine {
  /// The autoscaler looks at each group, and starts or drains replicas of it.
  mutating func scale(in simulation: inout Simulation<FleetEvent>) {
    guard let autoscaler = configuration.operations.autoscaler else { return }
    for group in groups.indices {
      let change = autoscaler.change(for: observe(group, now: simulation.now.nanoseconds))
      if change > 0 {
        startReplicas(change, group: group, in: &simulation)
      } else if change < 0 {
        drainReplicas(-change, group: group, in: &simulation)
      }
      if change != 0 { lastScaling[group] = simulation.now.nanoseconds }
    }
    guard !isFinished else { return }
    simulation.schedule(
      .scaling, at: simulation.now + SimulatedDuration(seconds: autoscaler.intervalSeconds))
  }

  private func observe(_ group: Int, now: UInt64) -> Autoscaler.Observation {
    var observation = Autoscaler.Observation(ready: 0)
    let settings = configuration.groups[group]
    let places = Double(settings.plan.data * settings.limits.maximumSequences)
    for index in groups[group].members {
      switch replicas[index].state {
      case .serving:
        observation.ready += 1
        observation.batchShare += Double(replicas[index].running) / places
        let cache = replicas[index].keyValue
        observation.keyValueShare += Double(cache.used) / Double(max(1, cache.capacity))
        observation.waitingRequests += replicas[index].waiting
      case .starting: observation.starting += 1
      case .off, .draining, .failed: break
      }
    }
    if observation.ready > 0 {
      observation.batchShare /= Double(observation.ready)
      observation.keyValueShare /= Double(observation.ready)
    }
    observation.waitingRequests +=
      outside.count + unrouted.reduce(0) { $0 + $1.count }
    observation.secondsSinceChange = lastScaling[group].map { Double(now - $0) * 1e-9 }
    return observation
  }

  private mutating func startReplicas(
    _ count: Int, group: Int, in simulation: inout Simulation<FleetEvent>
  ) {
    var left = count
    // One that drains has its weights: it goes on at once.
    for index in groups[group].members where left > 0 && replicas[index].state == .draining {
      replicas[index].state = .serving
      left -= 1
      routeWaiting(in: &simulation)
    }
    for index in groups[group].members where left > 0 && replicas[index].state == .off {
      start(index, in: &simulation)
      counters.started += 1
      left -= 1
    }
  }

  /// Drains those with the least to do.
  private mutating func drainReplicas(
    _ count: Int, group: Int, in simulation: inout Simulation<FleetEvent>
  ) {
    for _ in 0..<count {
      var least: (index: Int, tokens: Int64)?
      for index in groups[group].members.reversed() where replicas[index].state == .serving {
        let tokens = replicas[index].outstandingTokens
        if least == nil || tokens < least!.tokens { least = (index, tokens) }
      }
      guard let index = least?.index else { return }
      replicas[index].state = .draining
      stopIfDrained(index, in: &simulation)
    }
  }

  /// Switches a draining replica off once it has nothing left.
  mutating func stopIfDrained(_ index: Int, in simulation: inout Simulation<FleetEvent>) {
    guard replicas[index].state == .draining, replicas[index].lanes.allSatisfy(\.isIdle),
      !moves.contains(where: { $0.isOpen && ($0.target == index || $0.source == index) })
    else { return }
    goDown(index, now: simulation.now.nanoseconds)
    replicas[index].state = .off
    counters.stopped += 1
  }

  /// Has a replica load its weights.
  mutating func start(_ index: Int, in simulation: inout Simulation<FleetEvent>) {
    replicas[index].state = .starting
    replicas[index].epoch += 1
    let seconds = configuration.operations.autoscaler?.startUpSeconds ?? 0
    simulation.schedule(
      .started(replica: Int32(index), epoch: replicas[index].epoch),
      at: simulation.now + SimulatedDuration(seconds: seconds))
  }

  /// A replica has started, and takes requests.
  mutating func replicaStarted(_ index: Int, in simulation: inout Simulation<FleetEvent>) {
    replicas[index].state = .serving
    replicas[index].upSince = simulation.now.nanoseconds
    routeWaiting(in: &simulation)
  }
}
