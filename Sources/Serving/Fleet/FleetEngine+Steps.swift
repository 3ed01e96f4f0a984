// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

extension FleetEngine {
  /// Has an idle lane begin a step at this instant, after all else that happens at it.
  mutating func wake(
    _ replica: Int, lane: Int, at time: SimulatedTime? = nil,
    in simulation: inout Simulation<FleetEvent>
  ) {
    guard replicas[replica].isUp, !replicas[replica].lanes[lane].stepIsActive,
      !replicas[replica].lanes[lane].isWoken
    else { return }
    replicas[replica].lanes[lane].isWoken = true
    simulation.schedule(
      .wake(replica: Int32(replica), lane: Int32(lane)), at: time ?? simulation.now,
      priority: .last)
  }

  /// Plans the next step of a lane, all its ranks together, and gives it to the first stage.
  mutating func beginStep(_ index: Int, lane: Int, in simulation: inout Simulation<FleetEvent>) {
    guard failure == nil, replicas[index].isUp, !replicas[index].lanes[lane].stepIsActive,
      replicas[index].lanes[lane].hasWork
    else { return }
    let now = simulation.now.nanoseconds
    let free = replicas[index].stageFreeAt[0]
    if free > now {
      wake(index, lane: lane, at: SimulatedTime(nanoseconds: free), in: &simulation)
      return
    }
    let group = replicas[index].group
    groups[group].costs.begin()
    var hasEntries = false
    let admission = configuration.groups[group].admission
    // A step that follows another at once was planned when that one had been launched.
    let isAhead =
      replicas[index].lanes[lane].lastStepEnd == now
      && configuration.groups[group].timing.software.stepsAhead > 0
    let planned = isAhead ? min(now, replicas[index].lanes[lane].launchedAt) : now
    let balance = configuration.groups[group].limits.promptBalance
    if balance > 0 { replicas[index].lanes[lane].balancePrompts(within: balance) }
    for rank in replicas[index].lanes[lane].ranks.indices {
      replicas[index].lanes[lane].ranks[rank].planStep(admission: admission)
      if replicas[index].lanes[lane].ranks[rank].swap != nil {
        startSwaps(index, lane: lane, rank: rank, in: &simulation)
      }
      if addEntries(index, lane: lane, rank: rank, planned: planned) { hasEntries = true }
    }
    guard hasEntries else { return }
    groups[group].costs.finish()
    replicas[index].lanes[lane].launchedAt =
      now + StepCosts.nanoseconds(groups[group].costs.launchSeconds)
    addDraft(index, lane: lane)
    countStep(index, lane: lane)
    replicas[index].lanes[lane].stepIsActive = true
    startStage(index, lane: lane, stage: 0, in: &simulation)
  }

  /// Gives what a rank computes to the step's costs.
  ///
  /// - Returns: whether there is anything.
  private mutating func addEntries(_ index: Int, lane: Int, rank: Int, planned: UInt64) -> Bool {
    let group = replicas[index].group
    let entries = replicas[index].lanes[lane].ranks[rank].entries
    for entry in entries {
      var samples = true
      if entry.isPrefill {
        let target = replicas[index].lanes[lane].ranks[rank][entry.sequence].prefillTarget
        samples = Int(entry.position + entry.tokens) >= target
        if !replicas[index].lanes[lane].ranks[rank][entry.sequence].wasScheduled {
          replicas[index].lanes[lane].ranks[rank][entry.sequence].wasScheduled = true
          replicas[index].lanes[lane].ranks[rank][entry.sequence].scheduled = max(
            planned, replicas[index].lanes[lane].ranks[rank][entry.sequence].queued)
        }
      }
      groups[group].costs.add(entry, samples: samples, rank: rank)
    }
    return !entries.isEmpty
  }

  /// Adds the time in which tokens are drafted behind the step that is being planned.
  private mutating func addDraft(_ index: Int, lane: Int) {
    let group = replicas[index].group
    guard let speculation = configuration.groups[group].batching.speculation else { return }
    var seconds = 0.0
    switch speculation.draft {
    case .share(let share):
      seconds = groups[group].costs.seconds * share * Double(speculation.draftTokens)
    case .model:
      for rank in replicas[index].lanes[lane].ranks.indices {
        let entries = replicas[index].lanes[lane].ranks[rank].entries
        seconds = max(
          seconds, Double(groups[group].draft!.nanoseconds(behind: entries)) * 1e-9)
      }
    }
    groups[group].costs.addDraft(seconds: seconds)
  }

  /// Counts a step's time, and what each GPU does in it.
  private mutating func countStep(_ index: Int, lane: Int) {
    let costs = groups[replicas[index].group].costs
    let plan = costs.plan
    let slowdown = replicas[index].slowdown
    let linkSlowdown = replicas[index].linkSlowdown
    var passSeconds = 0.0
    for stage in 0..<plan.pipeline {
      let times = costs.stages[stage].slowed(kernels: slowdown, links: linkSlowdown)
      let seconds = times.total
      replicas[index].lanes[lane].stageNanoseconds[stage] = StepCosts.nanoseconds(seconds)
      counters.times.add(times)
      passSeconds += seconds
      let first = stage * plan.stageDevices
      for device in first..<first + plan.stageDevices {
        let gpu = replicas[index].firstDevice + device
        gpus[gpu].busy += costs.busy[device] * slowdown
        gpus[gpu].inSteps += seconds
        gpus[gpu].collectives += times.collectives
      }
    }
    countPass(group: replicas[index].group, seconds: passSeconds)
    counters.steps += 1
    counters.imbalance += costs.imbalance
    counters.deviceBytes += costs.deviceBytes
    replicas[index].steps += 1
  }

  /// Enters a step in MoE-CAP's sums. Each stage has its own GPUs, which others' steps use meanwhile.
  private mutating func countPass(group index: Int, seconds: Double) {
    let state = groups[index]
    let peaks = configuration.groups[index].peaks(state.passCosts)
    var figures = state.costs.pass(state.passCosts)
    figures.seconds = seconds
    let stageSeconds = seconds / Double(state.costs.plan.pipeline)
    figures.peakBytes = peaks.bandwidth * stageSeconds
    figures.peakFlop = peaks.rate * stageSeconds
    counters.passes.add(figures)
  }

  /// Gives a lane's step to a stage, which computes it when it has computed what it has.
  private mutating func startStage(
    _ index: Int, lane: Int, stage: Int, in simulation: inout Simulation<FleetEvent>
  ) {
    let begin = max(simulation.now.nanoseconds, replicas[index].stageFreeAt[stage])
    let end = begin + replicas[index].lanes[lane].stageNanoseconds[stage]
    replicas[index].stageFreeAt[stage] = end
    simulation.schedule(
      .stageEnded(
        replica: Int32(index), lane: Int16(lane), stage: Int16(stage),
        epoch: replicas[index].epoch),
      at: SimulatedTime(nanoseconds: end))
  }

  /// A stage has computed a lane's step: the next one goes on, or the tokens are out.
  mutating func stageEnded(
    _ index: Int, lane: Int, stage: Int, in simulation: inout Simulation<FleetEvent>
  ) {
    if stage + 1 < replicas[index].stageFreeAt.count {
      startStage(index, lane: lane, stage: stage + 1, in: &simulation)
      return
    }
    finishStep(index, lane: lane, in: &simulation)
  }

  /// Takes the tokens of a step that has ended to their sequences.
  private mutating func finishStep(
    _ index: Int, lane: Int, in simulation: inout Simulation<FleetEvent>
  ) {
    let now = simulation.now.nanoseconds
    var steady = 0
    for rank in replicas[index].lanes[lane].ranks.indices {
      steady += finishRank(index, lane: lane, rank: rank, now: now, in: &simulation)
    }
    latencies.interToken.record(now - replicas[index].lanes[lane].lastStepEnd, times: steady)
    replicas[index].lanes[lane].lastStepEnd = now
    replicas[index].lanes[lane].stepIsActive = false
    progress.stepEnded(now: now)
    if progress.warmUpEndsNow { endWarmUp(now: now) }
    stopIfDrained(index, in: &simulation)
    if history != nil { recordHistory(now: now) }
    routeWaiting(in: &simulation)
    beginStep(index, lane: lane, in: &simulation)
  }

  /// Takes the tokens of one rank to their sequences.
  ///
  /// - Returns: the sequences whose last two tokens came out of this step and the one before.
  private mutating func finishRank(
    _ index: Int, lane: Int, rank: Int, now: UInt64, in simulation: inout Simulation<FleetEvent>
  ) -> Int {
    var steady = 0
    let lastStepEnd = replicas[index].lanes[lane].lastStepEnd
    let entries = replicas[index].lanes[lane].ranks[rank].entries
    for entry in entries {
      var sequence = replicas[index].lanes[lane].ranks[rank][entry.sequence]
      var gained = 1
      if replicas[index].lanes[lane].ranks[rank].acceptance != nil, !entry.isPrefill {
        gained = replicas[index].lanes[lane].ranks[rank].verify(&sequence)
      } else {
        sequence.computed += Int(entry.tokens)
      }
      if replicas[index].lanes[lane].ranks[rank].prefix != nil {
        replicas[index].lanes[lane].ranks[rank][entry.sequence] = sequence
        replicas[index].lanes[lane].ranks[rank].shareComputed(entry.sequence)
        sequence = replicas[index].lanes[lane].ranks[rank][entry.sequence]
      }
      let prompt = min(sequence.computed, Int(sequence.request.promptTokens))
      if prompt > sequence.countedPrompt {
        let fresh = Int64(prompt - sequence.countedPrompt)
        counters.promptTokens += fresh
        replicas[index].waitingPromptTokens -= fresh
        replicas[index].outstandingTokens -= fresh
        sequence.countedPrompt = prompt
      }
      guard sequence.computed >= sequence.prefillTarget else {
        replicas[index].lanes[lane].ranks[rank][entry.sequence] = sequence
        continue
      }
      sequence.produced += gained
      counters.outputTokens += Int64(gained)
      replicas[index].outputTokens += Int64(gained)
      replicas[index].outstandingTokens -= Int64(gained)
      // Tokens of one verification come out together.
      latencies.interToken.record(0, times: gained - 1)
      if sequence.produced == 1 {
        sequence.firstToken = now
      } else if sequence.lastToken == lastStepEnd {
        steady += 1
      } else {
        latencies.interToken.record(now - sequence.lastToken)
      }
      sequence.lastToken = now
      replicas[index].lanes[lane].ranks[rank][entry.sequence] = sequence
      let isDone = sequence.produced >= Int(sequence.request.outputTokens)
      let moves = configuration.groups[replicas[index].group].part == .prefill && !isDone
      if moves {
        moveOut(index, lane: lane, rank: rank, slot: entry.sequence, in: &simulation)
      } else if isDone {
        replicas[index].lanes[lane].ranks[rank].finish(entry.sequence)
        replicas[index].completed += 1
        finish(sequence, replica: index, now: now, in: &simulation)
      }
    }
    return steady
  }

  /// A request has got its last token.
  private mutating func finish(
    _ sequence: SequenceState, replica: Int, now: UInt64,
    in simulation: inout Simulation<FleetEvent>
  ) {
    latencies.record(sequence, limits: configuration.serviceLevel)
    progress.completed(sequence, now: now, batchSize: counters.batchSize)
    tell(sequence, replica: replica, .completed)
    responseCache?.store(identity: sequence.identity)
    leave(sequence.request, in: &simulation)
  }

  /// Tells who listens what became of a request.
  mutating func tell(
    _ sequence: SequenceState, replica: Int, _ fate: RequestOutcome.Fate
  ) {
    outcomes?.take(
      RequestOutcome(
        number: sequence.request.number, arrival: sequence.request.arrivalNanoseconds,
        queued: sequence.queued, scheduled: sequence.scheduled, firstToken: sequence.firstToken,
        lastToken: sequence.lastToken, promptTokens: sequence.request.promptTokens,
        outputTokens: Int32(sequence.produced), replica: Int32(replica), fate: fate))
  }

  /// Begins the measured time: what was counted before is forgotten.
  mutating func endWarmUp(now: UInt64) {
    if history != nil { history!.takeBeforeReset(historySample(now: now), at: now) }
    progress.measure(from: now)
    let batchSize = counters.batchSize
    counters = FleetCounters()
    counters.batchSize = batchSize
    latencies = RequestLatencies()
    network.resetStatistics(at: SimulatedTime(nanoseconds: now))
    for index in gpus.indices { gpus[index] = GPUCounters() }
    for index in replicas.indices {
      replicas[index].steps = 0
      replicas[index].completed = 0
      replicas[index].outputTokens = 0
      replicas[index].upNanoseconds = 0
      if replicas[index].isUp { replicas[index].upSince = now }
      for lane in replicas[index].lanes.indices {
        for rank in replicas[index].lanes[lane].ranks.indices {
          replicas[index].lanes[lane].ranks[rank].resetCounts()
        }
      }
    }
  }
}
