// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel
import Workload

extension ServingEngine {
  /// Handles one event of the kernel's queue.
  mutating func handle(_ event: EngineEvent, in simulation: inout Simulation<EngineEvent>) {
    switch event {
    case .resource(let resourceEvent):
      if let end = network.handle(resourceEvent, in: &simulation) {
        operationEnded(end, in: &simulation)
      }
    case .arrival:
      guard let request = nextArrival else { return }
      let blocks = batch.prefix == nil ? [] : requests.prefixBlocks(of: request)
      admitArrival(request, prefixBlocks: blocks, in: &simulation)
      scheduleNextArrival(in: &simulation)
    case .userArrival(let user):
      guard let request = userRequests[Int(user)] else { return }
      userRequests[Int(user)] = nil
      let blocks = batch.prefix == nil ? [] : userPrefixBlocks[Int(user)][...]
      admitArrival(request, prefixBlocks: blocks, in: &simulation)
    case .predictionsReady: takePredictions(in: &simulation)
    case .wake:
      if !stepIsActive { beginStep(in: &simulation) }
    }
    if recordsTimeline { recordTimeline(now: simulation.now.nanoseconds) }
  }

  /// Whether every request has had its last token and none will come. Transfers may be under way.
  var isFinished: Bool {
    !stepIsActive && batch.isIdle && nextArrival == nil
      && userRequests.allSatisfy { $0 == nil }
  }

  /// What passes between a request's arrival and its turn to be scheduled [ns].
  private func nanosecondsBeforeScheduling(_ request: Request) -> UInt64 {
    StepCosts.nanoseconds(
      configuration.timing.software.secondsBeforeScheduling(
        promptTokens: Int(request.promptTokens)))
  }

  /// Starts the workload: the first arrival, or every user's first request.
  mutating func begin(in simulation: inout Simulation<EngineEvent>) {
    if requests.isClosedLoop {
      userRequests = [Request?](repeating: nil, count: requests.userCount)
      if batch.prefix != nil {
        userPrefixBlocks = [[UInt64]](repeating: [], count: requests.userCount)
      }
      for user in 0..<requests.userCount {
        scheduleUser(user, after: 0, in: &simulation)
      }
    } else {
      scheduleNextArrival(in: &simulation)
    }
  }

  private mutating func scheduleNextArrival(in simulation: inout Simulation<EngineEvent>) {
    do {
      nextArrival = try requests.next()
    } catch {
      failure = error
      return
    }
    guard let request = nextArrival else { return }
    let arrival = max(
      request.arrivalNanoseconds + nanosecondsBeforeScheduling(request), simulation.now.nanoseconds)
    simulation.schedule(.arrival, at: SimulatedTime(nanoseconds: arrival))
  }

  private mutating func scheduleUser(
    _ user: Int, after nanoseconds: UInt64, in simulation: inout Simulation<EngineEvent>
  ) {
    do {
      guard let request = try requests.next(user: user, afterNanoseconds: nanoseconds) else {
        return
      }
      userRequests[user] = request
      if batch.prefix != nil { userPrefixBlocks[user] = Array(requests.prefixBlocks(of: request)) }
      let arrival = max(
        request.arrivalNanoseconds + nanosecondsBeforeScheduling(request),
        simulation.now.nanoseconds)
      simulation.schedule(.userArrival(user: Int32(user)), at: SimulatedTime(nanoseconds: arrival))
    } catch {
      failure = error
    }
  }

  private mutating func admitArrival(
    _ request: Request, prefixBlocks: ArraySlice<UInt64>,
    in simulation: inout Simulation<EngineEvent>
  ) {
    var request = request
    request.arrivalNanoseconds =
      simulation.now.nanoseconds
      - min(nanosecondsBeforeScheduling(request), simulation.now.nanoseconds)
    if progress.arrivals == 0 {
      // Idling before the first request is nobody's time.
      network.resetStatistics(at: simulation.now)
      progress.measure(from: simulation.now.nanoseconds)
    }
    progress.arrived(at: simulation.now.nanoseconds, waiting: batch.waitingCount)
    guard batch.canEverHold(request) else {
      reject(request, in: &simulation)
      return
    }
    rejectedInARow = 0
    batch.isComputing = stepIsActive
    unnoticed.append(
      batch.enqueue(request, expertKey: expertKey(of: request), prefixBlocks: prefixBlocks))
    if !stepIsActive {
      // Last at this instant, so that requests that arrive together begin together.
      simulation.schedule(.wake, at: simulation.now, priority: .last)
    }
  }

  /// Refuses a request that the KV cache could not hold even alone.
  ///
  /// A closed-loop user tries again with the next request, a second later; when none of many ever
  /// fits, the run fails rather than spins.
  private mutating func reject(
    _ request: Request, in simulation: inout Simulation<EngineEvent>
  ) {
    progress.rejected += 1
    recordRejection(request)
    rejectedInARow += 1
    guard request.user >= 0 else { return }
    guard rejectedInARow < NoRequestFits.limit else {
      failure = NoRequestFits(
        tokens: Int(request.promptTokens) + Int(request.outputTokens),
        keyValueBytes: batch.keyValue.capacity)
      return
    }
    scheduleUser(
      Int(request.user), after: simulation.now.nanoseconds + 1_000_000_000, in: &simulation)
  }

  /// Takes the tokens of a step that has ended to their sequences.
  mutating func finishStep(in simulation: inout Simulation<EngineEvent>) {
    let now = simulation.now.nanoseconds
    counters.steps += 1
    endPass(now: now)
    if recordsDecisions { decisions!.take(.stepEnd(number: Int(stepNumber)), at: now) }
    var steadyTokens = 0
    for entry in batch.entries {
      var sequence = batch[entry.sequence]
      var gained = 1
      if batch.acceptance != nil, !entry.isPrefill {
        gained = batch.verify(&sequence)
      } else {
        sequence.computed += Int(entry.tokens)
      }
      if sequence.isPadding {
        sequence.produced += 1
        batch[entry.sequence] = sequence
        continue
      }
      let prompt = min(sequence.computed, Int(sequence.request.promptTokens))
      if batch.prefix != nil {
        batch[entry.sequence] = sequence
        batch.shareComputed(entry.sequence)
        sequence = batch[entry.sequence]
      }
      // What a preemption makes it compute again does not count again.
      if prompt > sequence.countedPrompt {
        counters.promptTokens += Int64(prompt - sequence.countedPrompt)
        sequence.countedPrompt = prompt
      }
      guard sequence.computed >= sequence.prefillTarget else {
        batch[entry.sequence] = sequence
        continue
      }
      sequence.produced += gained
      counters.outputTokens += Int64(gained)
      // Tokens of one verification come out together.
      latencies.interToken.record(0, times: gained - 1)
      if sequence.produced == 1 {
        sequence.firstToken = now
      } else if sequence.lastToken == lastStepEnd {
        steadyTokens += 1
      } else {
        latencies.interToken.record(now - sequence.lastToken)
      }
      sequence.lastToken = now
      batch[entry.sequence] = sequence
      if sequence.produced >= Int(sequence.request.outputTokens) {
        finish(entry.sequence, now: now, in: &simulation)
      }
    }
    if configuration.limits.finishedStay { releaseFinishedBatch() }
    // All sequences that had a token in the step before share one inter-token latency.
    latencies.interToken.record(now - lastStepEnd, times: steadyTokens)
    lastStepEnd = now
    progress.stepEnded(now: now)
    // With the whole step, so that none of its tokens counts as measured.
    if progress.warmUpEndsNow { endWarmUp(now: now) }
    stepIsActive = false
    beginStep(in: &simulation)
  }

  /// Lets a closed batch go when all of its sequences have ended.
  private mutating func releaseFinishedBatch() {
    guard batch.running.allSatisfy({ batch[$0].isPadding }) else { return }
    for slot in batch.running {
      routing.endSequence(slot: batch[slot].routingSlot)
      batch.finish(slot)
    }
  }

  private mutating func finish(
    _ slot: Int32, now: UInt64, in simulation: inout Simulation<EngineEvent>
  ) {
    let sequence = batch[slot]
    lookAhead?.end(sequence.request.number)
    if predictionObserves { prediction.sequenceEnded(sequence.request.number) }
    recordRequest(sequence)
    recordOutcome(sequence)
    if configuration.cache.resetsPerRequest { tier.resetEviction() }
    if configuration.limits.finishedStay {
      batch[slot].isPadding = true
    } else {
      routing.endSequence(slot: sequence.routingSlot)
      batch.finish(slot)
    }
    latencies.record(sequence, limits: configuration.serviceLevel)
    progress.completed(
      sequence, now: now, batchSize: configuration.limits.maximumSequences)
    if sequence.request.user >= 0 {
      scheduleUser(Int(sequence.request.user), after: now, in: &simulation)
    }
  }
}
