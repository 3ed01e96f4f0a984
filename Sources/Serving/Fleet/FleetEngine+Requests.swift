// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import SimulationKernel
import Workload

extension FleetEngine {
  /// Starts the workload, the first failure and the autoscaler.
  mutating func begin(in simulation: inout Simulation<FleetEvent>) {
    lastScaling = [UInt64?](repeating: nil, count: groups.count)
    nextFailure = failures.next()
    if let event = nextFailure { simulation.schedule(.fault, at: event.time) }
    if let autoscaler = configuration.operations.autoscaler {
      simulation.schedule(.scaling, at: SimulatedTime(seconds: autoscaler.intervalSeconds))
    }
    guard requests.isClosedLoop else { return scheduleNextArrival(in: &simulation) }
    userRequests = [Request?](repeating: nil, count: requests.userCount)
    if keepsBlocks { userBlocks = Array(repeating: [], count: requests.userCount) }
    for user in 0..<requests.userCount { scheduleUser(user, after: 0, in: &simulation) }
  }

  /// Whether every request has been answered or given up, and none will come.
  var isFinished: Bool {
    nextArrival == nil && expectedUsers == 0
      && progress.arrivals == progress.completions + progress.rejected + lost
  }

  mutating func scheduleNextArrival(in simulation: inout Simulation<FleetEvent>) {
    do {
      nextArrival = try requests.next()
    } catch {
      failure = error
      return
    }
    guard let request = nextArrival else { return }
    let arrival = max(request.arrivalNanoseconds, simulation.now.nanoseconds)
    simulation.schedule(.arrival, at: SimulatedTime(nanoseconds: arrival))
  }

  mutating func scheduleUser(
    _ user: Int, after nanoseconds: UInt64, in simulation: inout Simulation<FleetEvent>
  ) {
    do {
      guard let request = try requests.next(user: user, afterNanoseconds: nanoseconds) else {
        return
      }
      userRequests[user] = request
      expectedUsers += 1
      if keepsBlocks { userBlocks[user] = Array(requests.prefixBlocks(of: request)) }
      let arrival = max(request.arrivalNanoseconds, simulation.now.nanoseconds)
      simulation.schedule(.userArrival(user: Int32(user)), at: SimulatedTime(nanoseconds: arrival))
    } catch {
      failure = error
    }
  }

  /// Takes a request that has arrived into the gateway.
  mutating func admitArrival(
    _ request: Request, blocks: [UInt64], in simulation: inout Simulation<FleetEvent>
  ) {
    var request = request
    let now = simulation.now.nanoseconds
    request.arrivalNanoseconds = now
    if progress.arrivals == 0 {
      progress.measure(from: now)
      for index in replicas.indices where replicas[index].isUp { replicas[index].upSince = now }
    }
    progress.arrived(at: now, waiting: waitingRequests)
    var ticket = Ticket(sequence: SequenceState(request: request))
    ticket.model = router.model(
      of: RoutedRequest(
        number: request.number, promptTokens: request.promptTokens, user: request.user,
        nanoseconds: now), random: routingStream.forEntity(request.number))
    guard canEverServe(request, model: ticket.model) else {
      reject(request, in: &simulation)
      return
    }
    rejectedInARow = 0
    if responseCache != nil {
      ticket.sequence.identity = ResponseCache.identity(
        ofBlocks: blocks, promptTokens: request.promptTokens)
    }
    ticket.blocks = blocks
    let number = open(ticket)
    if gateway.enter() {
      passGateway(number, in: &simulation)
    } else {
      outside.append(number)
    }
  }

  /// Lets a request through the gateway: to the response cache, then to a replica.
  private mutating func passGateway(
    _ number: Int32, in simulation: inout Simulation<FleetEvent>
  ) {
    let request = tickets[Int(number)].sequence.request
    var time =
      simulation.now + gateway.latency(ofRequest: request.number)
      + SimulatedDuration(
        seconds: configuration.groups[0].timing.software.secondsBeforeScheduling(
          promptTokens: Int(request.promptTokens)))
    if responseCache != nil {
      time = time + responseCache!.lookupTime
      if responseCache!.lookUp(
        request: request.number, identity: tickets[Int(number)].sequence.identity)
      {
        simulation.schedule(.answered(ticket: number), at: time)
        return
      }
    }
    tickets[Int(number)].part = hasPrefillReplicas ? .prefill : .whole
    simulation.schedule(.leavesGateway(ticket: number), at: time)
  }

  /// A stored answer goes out at once.
  mutating func answerFromCache(
    _ number: Int32, in simulation: inout Simulation<FleetEvent>
  ) {
    let now = simulation.now.nanoseconds
    var sequence = tickets[Int(number)].sequence
    close(number)
    sequence.scheduled = now
    sequence.firstToken = now
    sequence.lastToken = now
    sequence.produced = Int(sequence.request.outputTokens)
    counters.cached += 1
    counters.cachedTokens += Int64(sequence.request.outputTokens)
    latencies.record(sequence, limits: configuration.serviceLevel)
    progress.completed(sequence, now: now, batchSize: counters.batchSize)
    tell(sequence, replica: -1, .completed)
    if progress.warmUpEndsNow { endWarmUp(now: now) }
    leave(sequence.request, in: &simulation)
  }

  /// A request has left the fleet, answered or given up: its user goes on, and another may enter.
  mutating func leave(_ request: Request, in simulation: inout Simulation<FleetEvent>) {
    gateway.leave()
    while gateway.hasRoom, let next = outside.first {
      outside.removeFirst()
      _ = gateway.enter()
      passGateway(next, in: &simulation)
    }
    guard request.user >= 0 else { return }
    scheduleUser(Int(request.user), after: simulation.now.nanoseconds, in: &simulation)
  }

  /// Refuses a request that no replica's KV cache could hold even alone.
  private mutating func reject(
    _ request: Request, in simulation: inout Simulation<FleetEvent>
  ) {
    progress.rejected += 1
    tell(SequenceState(request: request), replica: -1, .rejected)
    rejectedInARow += 1
    guard request.user >= 0 else { return }
    guard rejectedInARow < NoRequestFits.limit else {
      failure = NoRequestFits(
        tokens: Int(request.promptTokens) + Int(request.outputTokens),
        keyValueBytes: groups[0].memory.keyValueBytes)
      return
    }
    scheduleUser(
      Int(request.user), after: simulation.now.nanoseconds + 1_000_000_000, in: &simulation)
  }

  private mutating func canEverServe(_ request: Request, model: Int32) -> Bool {
    for (index, group) in configuration.groups.enumerated() {
      guard model < 0 || group.modelNumber == model, let first = groups[index].members.first,
        group.part != .prefill
      else { continue }
      if replicas[first].lanes[0].ranks[0].canEverHold(request) { return true }
    }
    return false
  }

  /// Whether prompts are computed apart from outputs.
  var hasPrefillReplicas: Bool {
    configuration.groups.contains { $0.part == .prefill }
  }

  // MARK: Tickets

  /// Opens a ticket.
  mutating func open(_ ticket: Ticket) -> Int32 {
    if let reused = freeTickets.popLast() {
      tickets[Int(reused)] = ticket
      return reused
    }
    tickets.append(ticket)
    return Int32(tickets.count - 1)
  }

  /// Closes a ticket: its request is at a replica, or has left.
  mutating func close(_ number: Int32) { freeTickets.append(number) }

  // MARK: Routing

  /// Sends a request to a replica, or lets it wait until one takes requests.
  mutating func route(_ number: Int32, in simulation: inout Simulation<FleetEvent>) {
    guard send(number, in: &simulation) else {
      unrouted[queue(of: tickets[Int(number)])].append(number)
      counters.mostUnrouted = max(counters.mostUnrouted, unrouted.reduce(0) { $0 + $1.count })
      return
    }
  }

  /// Sends those that wait at the gateway, as far as somebody takes them.
  mutating func routeWaiting(in simulation: inout Simulation<FleetEvent>) {
    for index in unrouted.indices {
      while let number = unrouted[index].first, send(number, in: &simulation) {
        unrouted[index].removeFirst()
      }
    }
    if waitingMoves.count > 0 { beginWaitingMoves(in: &simulation) }
  }

  private func queue(of ticket: Ticket) -> Int {
    2 * Int(ticket.model + 1) + (ticket.part == .decode ? 1 : 0)
  }

  private mutating func send(
    _ number: Int32, in simulation: inout Simulation<FleetEvent>
  ) -> Bool {
    let ticket = tickets[Int(number)]
    let now = simulation.now.nanoseconds
    guard let index = chooseReplica(for: ticket, now: now) else { return false }
    close(number)
    enqueue(ticket.sequence, blocks: ticket.blocks, at: index, in: &simulation)
    return true
  }

  /// Asks the rule which replica gets a request.
  mutating func chooseReplica(for ticket: Ticket, now: UInt64) -> Int? {
    for index in replicas.indices {
      loads[index] = replicas[index].load(
        configuration.groups[replicas[index].group], part: ticket.part)
    }
    if router.needsPrefixHits, !ticket.blocks.isEmpty {
      let prompt = Int(ticket.sequence.request.promptTokens)
      for index in replicas.indices where loads[index].isAccepting {
        loads[index].prefixHitTokens = Int32(
          replicas[index].prefixHit(ticket.blocks, prompt: prompt))
      }
    }
    let request = ticket.sequence.request
    var stream = routingStream.forEntity(request.number)
    // The view is the rule's alone while it decides.
    var view: [ReplicaLoad] = []
    swap(&view, &loads)
    let choice = router.choose(
      for: RoutedRequest(
        number: request.number, promptTokens: request.promptTokens, user: request.user,
        model: ticket.model, nanoseconds: now), among: view.span, random: &stream)
    swap(&view, &loads)
    return choice
  }

  /// Puts a sequence into a replica's queue.
  mutating func enqueue(
    _ sequence: SequenceState, blocks: [UInt64] = [], at index: Int,
    in simulation: inout Simulation<FleetEvent>
  ) {
    let (lane, rank) = replicas[index].leastLoadedRank()
    var sequence = sequence
    if sequence.queued == 0 {
      // The scheduler looks at it when the step under way has ended.
      let now = simulation.now.nanoseconds
      sequence.queued =
        replicas[index].lanes[lane].stepIsActive
        ? max(now, replicas[index].stageFreeAt[replicas[index].stageFreeAt.count - 1]) : now
    }
    replicas[index].waitingPromptTokens +=
      Int64(sequence.request.promptTokens) - Int64(sequence.countedPrompt)
    replicas[index].outstandingTokens +=
      Int64(sequence.request.promptTokens) - Int64(sequence.countedPrompt)
      + Int64(sequence.request.outputTokens) - Int64(sequence.produced)
    // What comes while the host still launches kernels one by one is seen by the next plan.
    replicas[index].lanes[lane].ranks[rank].isComputing =
      replicas[index].lanes[lane].stepIsActive
      && simulation.now.nanoseconds >= replicas[index].lanes[lane].launchedAt
    replicas[index].lanes[lane].ranks[rank].enqueue(sequence, prefixBlocks: blocks)
    wake(index, lane: lane, in: &simulation)
  }

  /// Requests that wait: outside, at the gateway, and at replicas.
  var waitingRequests: Int {
    outside.count + unrouted.reduce(0) { $0 + $1.count }
      + replicas.reduce(0) { $0 + ($1.isUp ? $1.waiting : 0) }
  }
}

extension Replica {
  /// What a router may know of it.
  func load(_ group: ReplicaGroup, part: ReplicaGroup.Part) -> ReplicaLoad {
    let serves = group.part == part || (group.part == .whole && part == .prefill)
    guard state == .serving, serves else { return ReplicaLoad(isAccepting: false) }
    let cache = keyValue
    return ReplicaLoad(
      isAccepting: true, model: group.modelNumber, runningSequences: Int32(running),
      waitingRequests: Int32(waiting), waitingPromptTokens: waitingPromptTokens,
      outstandingTokens: outstandingTokens,
      contextTokens: bytesPerToken > 0 ? Int64(Double(cache.used) / bytesPerToken) : 0,
      keyValueFreeShare: 1 - Double(cache.used) / Double(max(1, cache.capacity)),
      completedRequests: completed)
  }
}
