// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

extension WideAreaSimulation {
  /// Takes the next failure or recovery off the schedule.
  mutating func scheduleFailure(in simulation: inout Simulation<WideAreaEvent>) {
    nextFailure = failures.next()
    if let nextFailure { simulation.schedule(.fails, at: nextFailure.time) }
  }

  /// Lets a server leave, slow down or come back.
  mutating func fail(in simulation: inout Simulation<WideAreaEvent>) {
    guard let event = nextFailure else { return }
    let server = Int(event.part.index)
    let wasUp = factors[server] > 0
    factors[server] = event.factor
    if event.isDown, wasUp {
      failureCounts[server] += 1
      // What it has computed of a message that it will not finish stays counted; what it has not, not.
      if computesUntil[server] > simulation.now {
        busySeconds[server] -= (computesUntil[server] - simulation.now).seconds
      }
      computesUntil[server] = simulation.now
      sendsUntil[server] = simulation.now
      receivesUntil[server] = simulation.now
      for place in sessions.indices
      where sessions[place].isActive && sessions[place].atServer == Int32(server) {
        simulation.cancel(sessions[place].pending)
        lose(place, after: settings.detectionSeconds, in: &simulation)
      }
    } else if !event.isDown, !wasUp {
      for place in sessions.indices where sessions[place].isActive {
        guard let since = sessions[place].strandedAt else { continue }
        sessions[place].strandedAt = nil
        books.strandedSeconds += (simulation.now - since).seconds
        if sessions[place].chain.isEmpty {
          beginChain(place, in: &simulation)
        } else {
          replace(place, in: &simulation)
        }
      }
    }
    scheduleFailure(in: &simulation)
  }

  /// Lets a session find out, after a time, that its server is gone.
  mutating func lose(
    _ place: Int, after seconds: Double, in simulation: inout Simulation<WideAreaEvent>
  ) {
    sessions[place].atServer = -1
    if sessions[place].lostAt == nil { sessions[place].lostAt = simulation.now }
    sessions[place].pending = simulation.schedule(
      .notices(session: Int32(place)), after: SimulatedDuration(seconds: seconds))
  }

  /// Notes that nobody holds a layer that a session needs.
  mutating func strand(_ place: Int, at time: SimulatedTime) {
    sessions[place].strandedAt = time
    sessions[place].atServer = -1
  }

  /// Finds others for the layers of a server that is gone, and sends them all that it had been sent.
  ///
  /// The client has the inputs of every server of its chain, be it that they passed through it or that
  /// it was sent a copy.
  mutating func replace(_ place: Int, in simulation: inout Simulation<WideAreaEvent>) {
    let session = sessions[place]
    let lost = session.chain[session.hop].segment
    // Under the client's relay everything comes from the client and goes back to it.
    let behind = session.hop + 1
    let target =
      behind < session.chain.count && settings.relay == .servers
      ? session.chain[behind].segment.server : nil
    let up = factors
    guard
      let route = WideAreaRoute.fastest(
        settings, blocks: lost.first..<lost.end, from: nil, to: target, isUp: { up[$0] > 0 })
    else {
      strand(place, at: simulation.now)
      return
    }
    let hops = route.segments.map { hop(of: $0) }
    sessions[place].chain.replaceSubrange(session.hop..<behind, with: hops)
    let remaining = max(0, session.replayEnd - behind)
    sessions[place].replayEnd = session.hop + hops.count + remaining
    books.failovers += 1
    books.replayedTokens += session.position
    send(place, from: nil, to: hops[0].segment.server, in: &simulation)
  }
}
