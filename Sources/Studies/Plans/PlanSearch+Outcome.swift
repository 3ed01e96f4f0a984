// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

extension PlanSearch {
  /// The outcome of a search whose replications have been run.
  func outcome(_ numbers: [Int], _ state: inout State) throws -> PlanOutcome {
    let ranked = numbers.filter { state.entries[$0] != nil }.sorted { before($0, $1, state) }
    let front = self.front(of: ranked.filter { isFeasible(state.entries[$0]) }, state)
    var finalists: [PlanOutcome.Finalist] = []
    for number in ranked {
      guard let entry = state.entries[number] else { continue }
      let isFeasible = isFeasible(entry)
      // Of those that miss their objectives, the nearest.
      guard isExhaustive || isFeasible || finalists.count < 2 * plan.search.finalists else {
        continue
      }
      var finalist = self.finalist(entry)
      finalist.isOnFront = front.contains(number)
      finalists.append(finalist)
    }
    let detailed = isExhaustive ? 0 : plan.search.details
    for index in finalists.indices.filter({ finalists[$0].isFeasible }).prefix(detailed) {
      guard let entry = state.entries[finalists[index].number - 1] else { continue }
      progress?(
        Progress(stage: "headroom and sensitivities", completed: index, total: detailed))
      try addDetails(&finalists[index], entry, &state)
    }
    let best = finalists.first { $0.isFeasible }
    var outcome = PlanOutcome(
      plan: plan.name, seed: plan.search.seed, objective: objectiveInWords,
      exhaustive: isExhaustive, verdict: "", candidates: plan.axes.count,
      excluded: excluded(state), rounds: state.rounds, work: state.work, finalists: finalists,
      best: best?.number, front: front.map { $0 + 1 }, nothingFits: nil, notices: notices(state))
    if best == nil {
      outcome.nothingFits = try nothingFits(ranked, &state)
      outcome.work = state.work
    }
    outcome.verdict = verdict(outcome)
    return outcome
  }

  /// The order of plans: those that meet their objectives by cost, the others by what they miss.
  private func before(_ one: Int, _ other: Int, _ state: State) -> Bool {
    guard let own = state.entries[one], let theirs = state.entries[other] else { return false }
    let (a, b) = (isFeasible(own), isFeasible(theirs))
    if a != b { return a }
    let key = { (entry: Entry) -> (Double, Double) in
      let cost = self.cost(entry)?.mean ?? .infinity
      return a ? (cost, 0) : (self.worstRatio(entry), cost)
    }
    let (x, y) = (key(own), key(theirs))
    return x == y ? one < other : x < y
  }

  private func worstRatio(_ entry: Entry) -> Double {
    entry.replications.reduce(0) { max($0, $1.worstRatio(plan.objectives)) }
  }

  private func cost(_ entry: Entry) -> PlanEstimate? {
    estimate(entry) { $0.usdPerMillionTokens }
  }

  private func estimate(_ entry: Entry, _ figure: (PlanFigures) -> Double?) -> PlanEstimate? {
    PlanEstimate(
      whole: entry.replications.map(figure), confidence: plan.search.confidence)
  }

  /// The numbers on the Pareto front, in the order given.
  private func front(of numbers: [Int], _ state: State) -> [Int] {
    let points = numbers.compactMap { state.entries[$0] }.map { entry -> ParetoFront.Point in
      let candidate = entry.prepared.candidate
      return ParetoFront.Point(
        figures: [
          cost(entry)?.mean, estimate(entry) { $0.p99TtftMs }?.mean,
          estimate(entry) { $0.p99TpotMs }?.mean, entry.prepared.bill.purchaseUsd,
          estimate(entry) { $0.meanWatts }?.mean,
        ].map { $0 ?? .infinity }, accuracy: plan.accuracy(of: candidate)?.value,
        accuracyClass: [
          candidate.model.label, candidate.precision.label, candidate.policy.label,
        ].joined(separator: "|"))
    }
    return ParetoFront.indices(of: points).map { numbers[$0] }
  }

  /// The traffic with which a candidate would be measured.
  func client(of prepared: PreparedCandidate, _ outputTokensPerSecond: Double?) -> ClientTraffic? {
    ClientTraffic(
      prepared.scenario.workload, plan: plan, outputTokensPerSecond: outputTokensPerSecond)
  }

  private func finalist(_ entry: Entry) -> PlanOutcome.Finalist {
    let candidate = entry.prepared.candidate
    let misses = self.misses(entry)
    let objectives = plan.objectives.enumerated().map { index, objective in
      PlanOutcome.Objective(
        key: objective.key, limitMs: objective.limitSeconds * 1e3,
        found: estimate(entry) { $0.objectives[index] })
    }
    let accuracy = plan.accuracy(of: candidate)
    var result = PlanOutcome.Finalist(
      number: candidate.number + 1, label: candidate.choices.label(among: plan.axes),
      choices: candidate.choices, isFeasible: misses.isEmpty,
      isCertain: misses.isEmpty
        ? objectives.allSatisfy { $0.found.map(\.high) ?? .infinity <= $0.limitMs }
        : objectives.contains { ($0.found.map(\.low) ?? .infinity) > $0.limitMs },
      misses: misses.map(\.sentence), usdPerMillionTokens: cost(entry),
      usdPerHour: estimate(entry) { $0.usdPerHour }, p99TtftMs: estimate(entry) { $0.p99TtftMs },
      p99TpotMs: estimate(entry) { $0.p99TpotMs },
      outputTokensPerSecond: estimate(entry) { $0.outputTokensPerSecond },
      meanWatts: estimate(entry) { $0.meanWatts }, accuracy: accuracy?.value,
      accuracySource: accuracy?.source, objectives: objectives, isOnFront: false,
      bill: entry.prepared.bill, headroom: [], breaksFirst: nil, sensitivities: [],
      settings: nil)
    result.settings = RunnableSettings(
      entry.prepared, client: client(of: entry.prepared, result.outputTokensPerSecond?.mean))
    return result
  }

  // MARK: Words

  private var objectiveInWords: String {
    let limits = plan.objectives.map {
      "\($0.key) <= \(($0.limitSeconds * 1e6).rounded() / 1e3) ms"
    }
    let cost = plan.pricing == .rent ? "rented" : "bought and written off, energy included"
    return "the least USD per million output tokens (machines \(cost)) with "
      + limits.joined(separator: ", ")
  }

  private func excluded(_ state: State) -> [PlanOutcome.Excluded] {
    var names: [String] = []
    for entry in state.excluded where !names.contains(entry.why.kind.name) {
      names.append(entry.why.kind.name)
    }
    let groups = names.map { name -> PlanOutcome.Excluded in
      let own = state.excluded.filter { $0.why.kind.name == name }
      let nearest = own.min { $0.why.ratio < $1.why.ratio } ?? own[0]
      return .init(
        reason: name, count: own.count,
        nearest: nearest.candidate.choices.label(among: plan.axes), example: nearest.why.sentence)
    }
    return groups.enumerated().sorted {
      ($0.element.count, -$0.offset) > ($1.element.count, -$1.offset)
    }.map(\.element)
  }

  private func notices(_ state: State) -> [String] {
    var notices: [String] = []
    let first = state.entries.keys.sorted().first.flatMap { state.entries[$0] }
    for number in state.entries.keys.sorted() {
      for notice in state.entries[number]?.firstResult?.notices ?? []
      where !notices.contains(notice) && !notice.hasPrefix("slo.") && notices.count < 8 {
        notices.append(notice)
      }
    }
    if first != nil, plan.accuracies.isEmpty {
      notices.append(
        "nothing is known of accuracy (key accuracy of the plan): plans of other models, precisions"
          + " or policies are not held against each other on the front")
    }
    return notices
  }

  private func verdict(_ outcome: PlanOutcome) -> String {
    guard let best = outcome.finalists.first(where: \.isFeasible) else {
      return "Nothing fits. " + (outcome.nothingFits?.explanation ?? "")
    }
    var text = "\(best.label): "
    text += best.usdPerMillionTokens.map { "\(Self.money($0.mean)) USD per million tokens" } ?? ""
    text += best.p99TtftMs.map { ", p99 TTFT \(Self.short($0.mean)) ms" } ?? ""
    text += best.p99TpotMs.map { ", p99 TPOT \(Self.short($0.mean)) ms" } ?? ""
    text += best.bill.purchaseUsd.map { ", \(Self.short($0)) USD to buy" } ?? ""
    if !best.isCertain { text += "; its intervals reach beyond a limit" }
    let others = outcome.finalists.filter { $0.isFeasible && $0.number != best.number }
    if let next = others.first, let own = best.usdPerMillionTokens,
      let theirs = next.usdPerMillionTokens
    {
      text += "; next: \(next.label) at \(Self.money(theirs.mean))"
      if theirs.low <= own.high { text += ", which replications do not tell from it" }
    }
    return text + "."
  }

  /// An amount of money with three digits at least.
  static func money(_ value: Double) -> String {
    "\((value * 1000).rounded() / 1000)"
  }

  static func short(_ value: Double) -> String {
    value >= 1000 ? "\(Int(value.rounded()))" : "\((value * 100).rounded() / 100)"
  }
}
