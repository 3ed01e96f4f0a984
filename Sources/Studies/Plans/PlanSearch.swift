// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
public import Experiments
import Serving

/// Finds the plan that serves a traffic within its objectives and limits for the least cost a token.
///
/// What cannot work is never simulated: parts that do not go together, memories without room, limits
/// that a bill exceeds, latencies and loads that roofs exclude (``PlanBounds``). The rest is screened by
/// successive halving over growing runs, in each of which all candidates see the same requests and the
/// same routing. Finalists are replicated with randomness that screening has not seen, so that the best
/// of many is not best by luck. Where none of them meets the objectives, the next in rank are tried.
///
/// ```swift
/// let plan = try PlanFile.load("scenarios/plans/team.yaml")
/// let outcome = try PlanSearch(plan).run()
/// ```
public struct PlanSearch {
  /// How far a search has come.
  public struct Progress: Sendable {
    /// What it is about, "round 2", "replications".
    public var stage: String
    /// Runs of the stage that have ended.
    public var completed: Int
    /// Runs of the stage.
    public var total: Int
  }

  let plan: PlanFile
  let library: DataLibrary
  /// Whether every candidate that may run is replicated whole, in place of a search.
  let isExhaustive: Bool
  /// Runs at once.
  let jobs: Int
  let progress: (@Sendable (Progress) -> Void)?
  let draws = SharedExpertDraws()

  /// A search.
  ///
  /// - Parameters:
  ///   - plan: What is sought.
  ///   - isExhaustive: Whether every candidate that a memory and the limits allow is replicated at full
  ///     length: what the search is held against.
  ///   - jobs: Runs at once; what is found does not depend on it.
  ///   - library: Where names are looked for.
  ///   - progress: Told how far the search has come, by one thread at a time.
  public init(
    _ plan: PlanFile, isExhaustive: Bool = false, jobs: Int = 1, library: DataLibrary = .standard,
    progress: (@Sendable (Progress) -> Void)? = nil
  ) {
    self.plan = plan
    self.isExhaustive = isExhaustive
    self.jobs = jobs
    self.library = library
    self.progress = progress
  }

  /// What a search knows of a candidate.
  struct Entry {
    var prepared: PreparedCandidate
    /// The last figures of screening.
    var figures: PlanFigures?
    /// The figures of replications.
    var replications: [PlanFigures] = []
    /// Of them, the whole results of the first.
    var firstResult: SimulationResult?
  }

  /// The state of a search under way.
  struct State {
    var entries: [Int: Entry] = [:]
    var excluded: [(candidate: PlanCandidate, bill: PlanBill?, why: PlanExclusion)] = []
    /// Candidates beyond limits that memories and bounds do not exclude.
    var beyondLimits: [(prepared: PreparedCandidate, excess: [PlanExclusion])] = []
    var rounds: [PlanOutcome.Round] = []
    var work = PlanOutcome.Work()
    /// Candidates that screening dropped, the best last.
    var reserve: [Int] = []
    var traffic: PlanTraffic?
  }

  /// Runs the search.
  ///
  /// - Throws: `Diagnostic`, `Diagnostics`, `MissingFile` where no candidate can be made at all; what
  ///   running throws.
  public func run() throws -> PlanOutcome {
    var state = State()
    let remaining = try exclude(&state)
    var finalists = isExhaustive ? remaining : try screen(remaining, &state)
    try replicate(finalists, 1...plan.search.replications, &state)
    if !isExhaustive { try retry(&finalists, &state) }
    return try outcome(finalists, &state)
  }

  // MARK: What cannot work

  /// Excludes candidates that cannot work; answers the numbers of the others.
  private func exclude(_ state: inout State) throws -> [Int] {
    let candidates = plan.candidates
    var remaining: [Int] = []
    var problems: [any Error] = []
    for candidate in candidates {
      progress?(
        Progress(stage: "bounds", completed: candidate.number, total: candidates.count))
      let prepared: PreparedCandidate
      do {
        prepared = try PreparedCandidate(candidate, plan: plan, library: library)
      } catch let error where Self.isOfChoices(error) {
        problems.append(error)
        state.excluded.append((candidate, nil, Self.notPossible(error)))
        continue
      }
      if state.traffic == nil {
        state.traffic = try PlanTraffic(
          prepared.scenario.workload, requests: plan.search.requests, seed: plan.search.seed)
      }
      if let why = try exclusion(of: prepared, state) {
        state.excluded.append((candidate, prepared.bill, why))
        continue
      }
      let excess = prepared.bill.excess(over: plan.limits)
      if let worst = excess.first {
        state.excluded.append((candidate, prepared.bill, worst))
        state.beyondLimits.append((prepared, excess))
        continue
      }
      state.entries[candidate.number] = Entry(prepared: prepared)
      remaining.append(candidate.number)
    }
    // Where nothing goes together, it is the plan that is wrong.
    if problems.count == candidates.count, let first = problems.first { throw first }
    return remaining
  }

  /// Why memories or bounds exclude a candidate.
  private func exclusion(of prepared: PreparedCandidate, _ state: State) throws -> PlanExclusion? {
    do {
      try prepared.checkMemory()
      // Brute force takes no bound's word.
      guard !isExhaustive, let traffic = state.traffic else { return nil }
      return try prepared.exclusion(plan.objectives, traffic: traffic)
    } catch let misfit as DoesNotFit {
      let gibibyte = Double(1 << 30)
      return PlanExclusion(
        kind: .memory, reason: misfit.memory, needed: Double(misfit.neededBytes) / gibibyte,
        allowed: Double(misfit.capacityBytes) / gibibyte, unit: "GiB")
    } catch let error where Self.isOfChoices(error) {
      return Self.notPossible(error)
    }
  }

  /// Whether an error says that choices do not go together, and not that a file is missing or broken.
  private static func isOfChoices(_ error: any Error) -> Bool { !(error is MissingFile) }

  private static func notPossible(_ error: any Error) -> PlanExclusion {
    PlanExclusion(
      kind: .notPossible, reason: words(of: error), needed: .infinity, allowed: 1, unit: "")
  }

  /// An error without the place, which is that of one choice of many.
  static func words(of error: any Error) -> String {
    let first = (error as? Diagnostics)?.all.first ?? (error as? Diagnostic)
    return first.map { "\($0.path): \($0.message)" } ?? "\(error)"
  }

  // MARK: Screening

  private func screen(_ candidates: [Int], _ state: inout State) throws -> [Int] {
    let halving = SuccessiveHalving(
      full: plan.search.requests, first: plan.search.screening,
      reduction: plan.search.reduction, finalists: plan.search.finalists)
    var remaining = candidates
    var round = 0
    while remaining.count > plan.search.finalists {
      let requests = halving.requests(ofRound: round)
      let before = state.work.events
      var scores: [SuccessiveHalving.Score] = []
      let runs = remaining.map { ($0, PreparedCandidate.Variation(requests: requests)) }
      for (number, figures) in try run(runs, stage: "round \(round + 1)", &state) {
        state.entries[number]?.figures = figures
        scores.append(score(number, figures, state))
      }
      if round == 0 { state.work.simulated += remaining.count }
      let (kept, dropped) = halving.kept(scores, requests: requests)
      state.reserve += dropped.reversed().map(\.candidate)
      state.rounds.append(
        .init(
          requests: requests, candidates: remaining.count, kept: kept.count,
          events: state.work.events - before))
      let isDone = requests >= plan.search.requests || kept.count == remaining.count
      remaining = kept.map(\.candidate)
      if isDone { break }
      round += 1
    }
    return remaining
  }

  /// Runs candidates; those that fail are excluded, and the figures of the others given in their order.
  private func run(
    _ runs: [(number: Int, variation: PreparedCandidate.Variation)], stage: String,
    _ state: inout State
  ) throws -> [(number: Int, figures: PlanFigures)] {
    let runs = runs.compactMap { run in
      state.entries[run.number].map { (run.number, $0.prepared, run.variation) }
    }
    let results = results(of: runs.map { ($0.1, $0.2) }, stage: stage)
    var found: [(number: Int, figures: PlanFigures)] = []
    for ((number, prepared, variation), result) in zip(runs, results)
    where state.entries[number] != nil {
      do {
        let result = try result.get()
        let figures = PlanFigures(result, objectives: plan.objectives, pricing: plan.pricing)
        state.work.runs += 1
        state.work.events += figures.events
        if variation.replication == 1 { state.entries[number]?.firstResult = result }
        found.append((number, figures))
      } catch let error where Self.isOfChoices(error) {
        let why = PlanExclusion(
          kind: .failed, reason: Self.words(of: error), needed: .infinity, allowed: 1, unit: "")
        state.excluded.append((prepared.candidate, prepared.bill, why))
        state.entries[number] = nil
      }
    }
    return found
  }

  /// What came of runs, several of which are made at once.
  func results(
    of runs: [(PreparedCandidate, PreparedCandidate.Variation)], stage: String
  ) -> [Result<SimulationResult, any Error>] {
    let tell = progress.map { progress in
      { @Sendable in progress(Progress(stage: stage, completed: $0, total: runs.count)) }
    }
    tell?(0)
    return concurrentMap(runs.count, workers: jobs, progress: tell) { [draws] index in
      Result { try runs[index].0.run(runs[index].1, draws: draws) }
    }
  }

  private func score(
    _ number: Int, _ figures: PlanFigures, _ state: State
  ) -> SuccessiveHalving.Score {
    let bill = state.entries[number]?.prepared.bill
    let accuracy = state.entries[number].flatMap { plan.accuracy(of: $0.prepared.candidate) }
    return SuccessiveHalving.Score(
      candidate: number, ratio: figures.worstRatio(plan.objectives),
      cost: figures.usdPerMillionTokens ?? .infinity,
      figures: [
        figures.p99TtftMs ?? .infinity, figures.p99TpotMs ?? .infinity,
        accuracy.map { -$0.value } ?? .infinity, bill?.purchaseUsd ?? .infinity,
        figures.meanWatts,
      ])
  }

  // MARK: Replications

  private func replicate(
    _ candidates: [Int], _ replications: ClosedRange<Int>, _ state: inout State
  ) throws {
    if state.rounds.isEmpty { state.work.simulated += candidates.count }
    let runs = candidates.flatMap { number in
      replications.map {
        (
          number,
          PreparedCandidate.Variation(
            requests: plan.search.requests, replication: UInt32($0))
        )
      }
    }
    for (number, figures) in try run(runs, stage: "replications", &state) {
      state.entries[number]?.replications.append(figures)
    }
  }

  /// The objectives' figures of a short run as multiples of their limits, beyond which a candidate is not
  /// tried again: short runs flatter, so that one that misses by more than twice stays there.
  private static let hopeless = 2.0

  /// Tries those that screening dropped, the next in rank first, until one meets the objectives.
  private func retry(_ finalists: inout [Int], _ state: inout State) throws {
    while !finalists.contains(where: { isFeasible(state.entries[$0]) }),
      let next = state.reserve.popLast()
    {
      let ratio = state.entries[next]?.figures?.worstRatio(plan.objectives) ?? .infinity
      guard ratio <= Self.hopeless else { continue }
      try replicate([next], 1...1, &state)
      finalists.append(next)
      guard isFeasible(state.entries[next]) else { continue }
      try replicate([next], 2...plan.search.replications, &state)
    }
  }

  /// Whether the means of an entry's replications meet every objective, all with a steady state.
  func isFeasible(_ entry: Entry?) -> Bool {
    guard let entry, !entry.replications.isEmpty else { return false }
    return misses(entry).isEmpty
  }

  /// What the replications of an entry miss, the worst first.
  func misses(_ entry: Entry) -> [PlanExclusion] {
    if let unsteady = entry.replications.first(where: {
      !$0.unstable.isEmpty || $0.refusedShare > 0
    }) {
      return unsteady.misses(plan.objectives)
    }
    var mean = entry.replications[0]
    mean.objectives = plan.objectives.indices.map { index in
      PlanEstimate(
        whole: entry.replications.map { $0.objectives[index] },
        confidence: plan.search.confidence)?.mean
    }
    return mean.misses(plan.objectives)
  }
}

extension PlanFile {
  /// What is known of the quality of a candidate's answers: by the most of its names.
  func accuracy(of candidate: PlanCandidate) -> PlanAccuracy? {
    func names(_ accuracy: PlanAccuracy) -> [(String?, String)] {
      [
        (accuracy.model, candidate.model.label), (accuracy.precision, candidate.precision.label),
        (accuracy.policy, candidate.policy.label),
      ]
    }
    let fitting = accuracies.filter { names($0).allSatisfy { $0 == nil || $0 == $1 } }
    return fitting.max {
      names($0).count { $0.0 != nil } < names($1).count { $0.0 != nil }
    }
  }
}
