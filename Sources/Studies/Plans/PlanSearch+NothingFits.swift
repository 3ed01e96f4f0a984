// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

extension PlanSearch {
  /// Says why nothing fits: which limit binds, and what nearly does.
  ///
  /// Candidates beyond limits alone are run in the order of how far they are beyond, until one meets
  /// the objectives.
  func nothingFits(_ ranked: [Int], _ state: inout State) throws -> PlanOutcome.NothingFits {
    let within = ranked.first.flatMap { state.entries[$0] }
    let (beyond, excess, closest) = try nearestBeyondLimits(&state)
    let nearWithin = within.map { entry in
      near(
        entry.prepared, entry.replications.first, lacks: misses(entry).map(\.sentence))
    }
    let nearBeyond = beyond.map { near($0.prepared, $0.figures, lacks: excess.map(\.sentence)) }
    if let nearBeyond, let worst = excess.first {
      return .init(
        bindingLimit: worst.kind.name,
        explanation:
          "What binds is \(worst.kind.name): the nearest plan that meets the objectives is"
          + " \(nearBeyond.label), beyond \(excess.map(\.sentence).joined(separator: ", ")).",
        nearestThatDoes: nearBeyond, nearestWithinLimits: nearWithin)
    }
    if let nearWithin, let entry = within, let worst = misses(entry).first {
      return .init(
        bindingLimit: worst.kind.name,
        explanation:
          "What binds is \(worst.kind.name): nearest is \(nearWithin.label), which misses"
          + " \(worst.sentence).", nearestThatDoes: nil, nearestWithinLimits: nearWithin)
    }
    let nearest = state.excluded.filter { $0.why.kind != .notPossible && $0.why.ratio.isFinite }
      .min { $0.why.ratio < $1.why.ratio }
    guard let nearest else {
      let most = state.excluded.first
      return .init(
        bindingLimit: most?.why.kind.name ?? "candidates",
        explanation: "No candidate can be run: \(most?.why.sentence ?? "there is none").",
        nearestThatDoes: nil, nearestWithinLimits: nil)
    }
    return .init(
      bindingLimit: nearest.why.kind.name,
      explanation:
        "What binds is \(nearest.why.kind.name): nearest is"
        + " \(nearest.candidate.choices.label(among: plan.axes)): \(nearest.why.sentence)."
        + (closest.map { " " + $0 } ?? ""), nearestThatDoes: nil, nearestWithinLimits: nil)
  }

  /// The candidate least beyond limits that meets the objectives.
  private func nearestBeyondLimits(
    _ state: inout State
  ) throws -> (
    found: (prepared: PreparedCandidate, figures: PlanFigures)?, excess: [PlanExclusion],
    closest: String?
  ) {
    var closest: (ratio: Double, words: String)?
    let order = state.beyondLimits.enumerated().sorted {
      ($0.element.excess.first?.ratio ?? 0, $0.offset)
        < ($1.element.excess.first?.ratio ?? 0, $1.offset)
    }.map(\.element)
    for (index, entry) in order.enumerated() {
      progress?(
        Progress(stage: "beyond the limits", completed: index, total: order.count))
      var short = PreparedCandidate.Variation(requests: plan.search.screening)
      guard let glance = try? figures(entry.prepared, short, &state) else { continue }
      let ratio = glance.worstRatio(plan.objectives)
      if ratio < closest?.ratio ?? .infinity, let miss = glance.misses(plan.objectives).first {
        let label = entry.prepared.candidate.choices.label(among: plan.axes)
        let beyond = entry.excess.map(\.sentence).joined(separator: ", ")
        closest = (
          ratio,
          "Beyond the limits nothing does either: \(label) (\(beyond)) misses \(miss.sentence)."
        )
      }
      let halving = SuccessiveHalving(
        full: plan.search.requests, first: plan.search.screening,
        reduction: plan.search.reduction, finalists: 1)
      guard
        ratio
          <= halving.tolerance(requests: plan.search.screening)
      else { continue }
      short.requests = plan.search.requests
      short.replication = 1
      guard let whole = try? figures(entry.prepared, short, &state) else { continue }
      if whole.misses(plan.objectives).isEmpty {
        return ((entry.prepared, whole), entry.excess, nil)
      }
    }
    return (nil, [], closest?.words)
  }

  private func figures(
    _ prepared: PreparedCandidate, _ variation: PreparedCandidate.Variation, _ state: inout State
  ) throws -> PlanFigures {
    let result = try prepared.run(variation, draws: draws)
    state.work.runs += 1
    state.work.events += result.eventsProcessed
    return PlanFigures(
      result, objectives: plan.objectives, pricing: plan.pricing)
  }

  private func near(
    _ prepared: PreparedCandidate, _ figures: PlanFigures?, lacks: [String]
  ) -> PlanOutcome.Near {
    .init(
      number: prepared.candidate.number + 1,
      label: prepared.candidate.choices.label(among: plan.axes), lacks: lacks,
      bill: prepared.bill, usdPerMillionTokens: figures?.usdPerMillionTokens,
      p99TtftMs: figures?.p99TtftMs, p99TpotMs: figures?.p99TpotMs)
  }
}
