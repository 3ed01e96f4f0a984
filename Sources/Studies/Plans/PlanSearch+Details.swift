// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

extension PlanSearch {
  /// The loads that are always tried, as multiples of the plan's, and those until something breaks.
  private static let loads = [1.5, 2.0]
  private static let furtherLoads = [3.0, 4.0, 6.0, 8.0]
  /// By how much a rate is changed each way for a sensitivity.
  private static let change = 0.1

  /// Finds headroom, what breaks first, and how figures depend on rates.
  ///
  /// All runs are of replication 1, so that what differs between them is load or rate alone.
  func addDetails(
    _ finalist: inout PlanOutcome.Finalist, _ entry: Entry, _ state: inout State
  ) throws {
    func run(_ variation: PreparedCandidate.Variation) throws -> PlanFigures {
      let result = try entry.prepared.run(variation)
      let figures = PlanFigures(
        result, objectives: plan.objectives, pricing: plan.pricing)
      state.work.detailRuns += 1
      state.work.detailEvents += figures.events
      return figures
    }
    var base = PreparedCandidate.Variation(requests: plan.search.requests)
    base.replication = 1
    for load in Self.loads + Self.furtherLoads {
      // Beyond twice the load only until something breaks.
      if load > 2, finalist.breaksFirst != nil { break }
      var variation = base
      variation.load = load
      // As much time as at the plan's load.
      variation.requests = Int((Double(base.requests) * load).rounded())
      let figures = try run(variation)
      let misses = figures.misses(plan.objectives)
      finalist.headroom.append(
        .init(
          load: load, meets: misses.isEmpty, p99TtftMs: figures.p99TtftMs,
          p99TpotMs: figures.p99TpotMs, outputTokensPerSecond: figures.outputTokensPerSecond,
          misses: misses.map(\.sentence)))
      if finalist.breaksFirst == nil, let worst = misses.first {
        finalist.breaksFirst = Self.breaking(worst, at: load, figures)
      }
    }
    if finalist.breaksFirst == nil {
      finalist.breaksFirst = "nothing up to \(Self.furtherLoads.last ?? 2) times the load"
    }
    guard let result = entry.firstResult else { return }
    for thing in entry.prepared.rates(in: result) {
      var (slower, faster) = (base, base)
      slower.rate = (thing, 1 - Self.change)
      faster.rate = (thing, 1 + Self.change)
      let (low, high) = (try run(slower), try run(faster))
      finalist.sensitivities.append(
        .init(
          rate: thing.title,
          usdPerMillionTokens: Self.elasticity(low.usdPerMillionTokens, high.usdPerMillionTokens),
          p99Ttft: Self.elasticity(low.p99TtftMs, high.p99TtftMs),
          p99Tpot: Self.elasticity(low.p99TpotMs, high.p99TpotMs),
          meetsWithTenthLess: low.misses(plan.objectives).isEmpty))
    }
  }

  private static func breaking(
    _ miss: PlanExclusion, at load: Double, _ figures: PlanFigures
  ) -> String {
    var text = "at \(load) times the load \(miss.sentence)"
    if figures.preemptionsPerRequest > 0.05 {
      text +=
        "; the KV cache is short: \(short(figures.preemptionsPerRequest)) preemptions a request"
    }
    if let busiest = figures.busiest {
      text += "; busiest is \(busiest.name), \(short(busiest.share * 100)) % of the time"
    }
    return text
  }

  /// By how many per cent a figure changes for a rate of one per cent more: the slope between the
  /// logarithms of both.
  static func elasticity(_ low: Double?, _ high: Double?) -> Double? {
    guard let low, let high, low > 0, high > 0 else { return nil }
    let mean = (low + high) / 2
    return (high - low) / mean / (2 * change)
  }
}
