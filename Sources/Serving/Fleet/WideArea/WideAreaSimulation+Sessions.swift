// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel
import Workload

extension WideAreaSimulation {
  /// Asks the source for the next request of a user, or of an open workload, and waits for it.
  mutating func expect(
    user: Int, after nanoseconds: UInt64, in simulation: inout Simulation<WideAreaEvent>
  ) {
    do {
      let request =
        source.isClosedLoop
        ? try source.next(user: user, afterNanoseconds: nanoseconds) : try source.next()
      guard let request else { return }
      waitingRequests[user] = request
      expected += 1
      let time = max(simulation.now, SimulatedTime(nanoseconds: request.arrivalNanoseconds))
      simulation.schedule(.arrives(user: Int32(user)), at: time)
    } catch {
      self.error = error
    }
  }

  /// Begins the session of a request that has come.
  mutating func arrive(user: Int, in simulation: inout Simulation<WideAreaEvent>) {
    guard let request = waitingRequests[user] else { return }
    waitingRequests[user] = nil
    expected -= 1
    books.arrived += 1
    if !source.isClosedLoop { expect(user: 0, after: 0, in: &simulation) }
    let place: Int
    if let free = freeSessions.popLast() {
      place = Int(free)
      sessions[place] = Session(request: request)
    } else {
      place = sessions.count
      sessions.append(Session(request: request))
    }
    sessions[place].isActive = true
    sessions[place].current = Int(request.promptTokens)
    activeSessions += 1
    beginChain(place, in: &simulation)
  }

  /// Chooses the servers of a session, or leaves it until there are some.
  mutating func beginChain(_ place: Int, in simulation: inout Simulation<WideAreaEvent>) {
    let up = factors
    guard
      let route = WideAreaRoute.fastest(settings, blocks: 0..<settings.blocks, isUp: { up[$0] > 0 })
    else {
      strand(place, at: simulation.now)
      return
    }
    sessions[place].chain = route.segments.map { hop(of: $0) }
    beginStep(place, in: &simulation)
  }

  func hop(of segment: WideAreaSegment) -> Hop {
    Hop(segment: segment, failures: failureCounts[segment.server])
  }

  /// Sends the tokens in hand to the first server.
  mutating func beginStep(_ place: Int, in simulation: inout Simulation<WideAreaEvent>) {
    sessions[place].hop = 0
    send(place, from: nil, to: sessions[place].chain[0].segment.server, in: &simulation)
  }

  /// Tokens that the hop under way is sent.
  private func tokens(_ place: Int) -> Int {
    let session = sessions[place]
    return session.hop < session.replayEnd ? session.position + session.current : session.current
  }

  /// Sends a session's message to a server, or to the client.
  mutating func send(
    _ place: Int, from: Int?, to: Int?, tokens given: Int? = nil,
    in simulation: inout Simulation<WideAreaEvent>
  ) {
    let bytes = Double(given ?? tokens(place)) * settings.activationBytes
    let duration = SimulatedDuration(seconds: bytes / settings.rate(from: from, to: to))
    var start = simulation.now
    if let from {
      start = max(start, sendsUntil[from])
      sendsUntil[from] = start + duration
      if to != nil {
        // The client's copy of what the next server is sent.
        sendsUntil[from] += SimulatedDuration(
          seconds: bytes / settings.rate(from: from, to: nil))
      }
    }
    let trip = SimulatedDuration(seconds: settings.tripSeconds(from: from, to: to))
    sessions[place].messageTime = duration
    sessions[place].atServer = -1
    if to == nil {
      sessions[place].pending = simulation.schedule(
        .returned(session: Int32(place)), at: start + trip + duration)
    } else {
      sessions[place].pending = simulation.schedule(
        .reaches(session: Int32(place)), at: start + trip)
    }
  }

  /// Receives a message, or finds that the server is gone.
  mutating func reach(_ place: Int, in simulation: inout Simulation<WideAreaEvent>) {
    let hop = sessions[place].chain[sessions[place].hop]
    let server = hop.segment.server
    guard factors[server] > 0 else {
      lose(place, after: settings.detectionSeconds, in: &simulation)
      return
    }
    guard failureCounts[server] == hop.failures else {
      // It is back and says that it knows nothing of the session.
      lose(place, after: settings.tripSeconds(from: server, to: nil), in: &simulation)
      return
    }
    let bytes = Double(tokens(place)) * settings.activationBytes
    let now = simulation.now
    let through =
      max(now, receivesUntil[server])
      + SimulatedDuration(seconds: bytes / settings.servers[server].bandwidth)
    receivesUntil[server] = through
    let whole =
      max(through, now + sessions[place].messageTime)
      + SimulatedDuration(seconds: settings.overheadSeconds)
    sessions[place].atServer = Int32(server)
    sessions[place].pending = simulation.schedule(.received(session: Int32(place)), at: whole)
  }

  /// Queues a message for a server's processor.
  mutating func compute(_ place: Int, in simulation: inout Simulation<WideAreaEvent>) {
    let segment = sessions[place].chain[sessions[place].hop].segment
    let server = segment.server
    let seconds =
      settings.servers[server].computeSeconds(
        blocks: segment.end - segment.first, tokens: tokens(place)) / factors[server]
    let end = max(simulation.now, computesUntil[server]) + SimulatedDuration(seconds: seconds)
    computesUntil[server] = end
    busySeconds[server] += seconds
    sessions[place].pending = simulation.schedule(.computed(session: Int32(place)), at: end)
  }

  /// Sends what a server has computed to the next, by way of the client or straight.
  mutating func passOn(_ place: Int, in simulation: inout Simulation<WideAreaEvent>) {
    let session = sessions[place]
    let server = session.chain[session.hop].segment.server
    let next = session.hop + 1
    // Of what was replayed the last replacement passes on what is new alone.
    let isReplay = next < session.replayEnd
    let tokens = isReplay ? session.position + session.current : session.current
    if session.hop < session.replayEnd, !isReplay {
      sessions[place].replayEnd = 0
      if let lostAt = session.lostAt {
        books.failover.record((simulation.now - lostAt).nanoseconds)
        sessions[place].lostAt = nil
      }
    }
    sessions[place].hop = next
    let target =
      next < session.chain.count && settings.relay == .servers
      ? session.chain[next].segment.server : nil
    send(place, from: server, to: target, tokens: tokens, in: &simulation)
  }

  /// Takes a message back: sends it on, or has a token.
  mutating func takeBack(_ place: Int, in simulation: inout Simulation<WideAreaEvent>) {
    let session = sessions[place]
    if session.hop < session.chain.count {
      send(
        place, from: nil, to: session.chain[session.hop].segment.server, in: &simulation)
      return
    }
    let now = simulation.now.nanoseconds
    books.outputTokens += 1
    sessions[place].position += session.current
    sessions[place].current = 1
    sessions[place].produced += 1
    if session.produced == 0 { sessions[place].firstToken = now }
    guard sessions[place].produced < session.request.outputTokens else {
      finish(place, in: &simulation)
      return
    }
    sessions[place].pending = simulation.schedule(
      .continues(session: Int32(place)),
      after: SimulatedDuration(seconds: settings.clientSeconds))
  }

  private mutating func finish(_ place: Int, in simulation: inout Simulation<WideAreaEvent>) {
    let session = sessions[place]
    let now = simulation.now.nanoseconds
    books.completed += 1
    books.timeToFirstToken.record(session.firstToken - session.request.arrivalNanoseconds)
    books.endToEnd.record(now - session.request.arrivalNanoseconds)
    if session.produced > 1 {
      let steps = Int(session.produced) - 1
      books.steps += steps
      books.stepSeconds += Double(now - session.firstToken) * 1e-9
      books.timePerOutputToken.record((now - session.firstToken) / UInt64(steps))
    }
    sessions[place].isActive = false
    sessions[place].chain = []
    freeSessions.append(Int32(place))
    activeSessions -= 1
    if source.isClosedLoop {
      expect(user: Int(session.request.user), after: now, in: &simulation)
    }
  }

  /// The books at the end of a run.
  func result(at end: SimulatedTime) -> WideAreaResult {
    let seconds = end.seconds
    var stranded = books.strandedSeconds
    for session in sessions where session.isActive {
      if let since = session.strandedAt { stranded += (end - since).seconds }
    }
    return WideAreaResult(
      arrived: books.arrived, completed: books.completed, unfinished: activeSessions,
      outputTokens: books.outputTokens, durationSeconds: seconds,
      tokensPerSecond: seconds > 0 ? Double(books.outputTokens) / seconds : 0,
      stepsPerSecond: books.stepSeconds > 0 ? Double(books.steps) / books.stepSeconds : 0,
      timeToFirstToken: books.timeToFirstToken.summary(),
      timePerOutputToken: books.timePerOutputToken.summary(),
      endToEnd: books.endToEnd.summary(), failovers: books.failovers,
      replayedTokens: books.replayedTokens, failover: books.failover.summary(),
      strandedSeconds: stranded, utilisation: busySeconds.map { seconds > 0 ? $0 / seconds : 0 },
      notices: source.notices)
  }
}
