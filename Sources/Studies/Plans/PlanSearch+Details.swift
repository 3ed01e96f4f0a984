// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
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
    func run(_ variations: [PreparedCandidate.Variation]) throws -> [PlanFigures] {
      let stage = "headroom and rates"
      return try results(of: variations.map { (entry.prepared, $0) }, stage: stage).map { result in
        let figures = PlanFigures(
          try result.get(), objectives: plan.objectives, pricing: plan.pricing)
        state.work.detailRuns += 1
        state.work.detailEvents += figures.events
        return figures
      }
    }
    var base = PreparedCandidate.Variation(requests: plan.search.requests)
    base.replication = 1
    let rates = entry.firstResult.map { entry.prepared.rates(in: $0) } ?? []
    var figures = try run(
      Self.loads.map { loaded(base, $0) }
        + rates.flatMap { rate in
          [1 - Self.change, 1 + Self.change].map { factor in
            var variation = base
            variation.rate = (rate, factor)
            return variation
          }
        })
    try predictMeasurement(&finalist, entry.prepared, run)
    for load in Self.loads { note(figures.removeFirst(), at: load, &finalist) }
    // Beyond twice the load only until something breaks.
    for load in Self.furtherLoads where finalist.breaksFirst == nil {
      note(try run([loaded(base, load)])[0], at: load, &finalist)
    }
    if finalist.breaksFirst == nil {
      finalist.breaksFirst = "nothing up to \(Self.furtherLoads.last ?? 2) times the load"
    }
    for rate in rates {
      let (low, high) = (figures.removeFirst(), figures.removeFirst())
      finalist.sensitivities.append(
        .init(
          rate: rate.title,
          usdPerMillionTokens: Self.elasticity(low.usdPerMillionTokens, high.usdPerMillionTokens),
          p99Ttft: Self.elasticity(low.p99TtftMs, high.p99TtftMs),
          p99Tpot: Self.elasticity(low.p99TpotMs, high.p99TpotMs),
          meetsWithTenthLess: low.misses(plan.objectives).isEmpty))
    }
  }

  /// Predicts what the client that a finalist would be measured with prints.
  private func predictMeasurement(
    _ finalist: inout PlanOutcome.Finalist, _ prepared: PreparedCandidate,
    _ run: ([PreparedCandidate.Variation]) throws -> [PlanFigures]
  ) throws {
    guard finalist.settings != nil,
      let client = client(of: prepared, finalist.outputTokensPerSecond?.mean)
    else { return }
    let predicted = try run(
      (1...plan.search.replications).map {
        PreparedCandidate.Variation(
          requests: client.requests, replication: UInt32($0), traffic: client.workload)
      })
    finalist.settings?.setTests(predicted: predicted, prepared, plan: plan)
  }

  /// A run at a multiple of the load, over as much time.
  private func loaded(
    _ base: PreparedCandidate.Variation, _ load: Double
  ) -> PreparedCandidate.Variation {
    var variation = base
    variation.load = load
    variation.requests = Int((Double(base.requests) * load).rounded())
    return variation
  }

  /// Notes what a load did to a finalist.
  private func note(
    _ figures: PlanFigures, at load: Double, _ finalist: inout PlanOutcome.Finalist
  ) {
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
