// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

/// Turns the runs of a comparison into means, paired differences and shares of the ceilings.
///
/// A run without a steady state is labelled, and neither averaged nor paired.
struct ComparisonAnalysis {
  /// The figure by which policies are ranked.
  let measure: PolicyComparison.Measure
  /// The rows of the report.
  private(set) var rows: [PolicyComparison.Row]
  /// What a reader must know.
  let notices: [String]
  private let baseline: Int
  private let confidence: Double
  private let linkRate: Double

  /// - Parameter linkRate: Bytes per second of the link to the device.
  init(
    contenders: [ComparisonContender], results: [[SimulationResult]], baseline: Int,
    confidence: Double, linkRate: Double
  ) {
    self.linkRate = linkRate
    self.baseline = baseline
    self.confidence = confidence
    measure = Self.measure(of: zip(contenders, results).filter { $0.0.kind == .policy }.map(\.1))
    rows = zip(contenders, results).map { contender, results in
      let runs = results.map(PolicyComparison.Run.init)
      let steady = runs.filter(\.stable)
      return PolicyComparison.Row(
        name: contender.name, kind: contender.kind, roles: contender.roles,
        knowsFuture: contender.knowsFuture,
        mean: ComparisonFigures(meanOf: steady.map(\.figures)),
        steadyReplications: steady.count, unstableReplications: runs.count - steady.count,
        ceilingShare: nil, versusBaseline: nil, runs: runs)
    }
    notices = Self.notices(contenders, results)
    compare()
    correct()
  }

  /// The figure that a policy can change: throughput, unless arrivals set it.
  private static func measure(of results: [[SimulationResult]]) -> PolicyComparison.Measure {
    let steady = results.joined().filter(\.steadyState.stable)
    let isOpen = steady.contains { $0.steadyState.offeredRequestsPerSecond != nil }
    return isOpen && steady.allSatisfy { $0.tpotMs != nil } ? .tpotMs : .outputTokensPerSecond
  }

  /// What the runs say, each sentence once, with the policies that say it unless all do.
  private static func notices(
    _ contenders: [ComparisonContender], _ results: [[SimulationResult]]
  ) -> [String] {
    var order: [String] = []
    var speakers: [String: [String]] = [:]
    for (contender, results) in zip(contenders, results) {
      for notice in results.flatMap(\.notices) where speakers[notice]?.last != contender.name {
        if speakers[notice] == nil { order.append(notice) }
        if !(speakers[notice] ?? []).contains(contender.name) {
          speakers[notice, default: []].append(contender.name)
        }
      }
    }
    return order.map { notice in
      let names = speakers[notice] ?? []
      return names.count == contenders.count
        ? notice : "\(names.joined(separator: ", ")): \(notice)"
    }
  }

  /// A figure of the replications in which both rows have it.
  private func pairs(
    _ row: Int, _ other: Int, _ figure: (ComparisonFigures) -> Double?
  ) -> [(policy: Double, baseline: Double)] {
    zip(rows[row].runs, rows[other].runs).compactMap { run, reference in
      guard run.stable, reference.stable, let value = figure(run.figures),
        let base = figure(reference.figures)
      else { return nil }
      return (value, base)
    }
  }

  private mutating func compare() {
    let ceilings = rows.indices.filter { rows[$0].kind == .ceiling }
    for row in rows.indices where rows[row].kind == .policy {
      if !ceilings.isEmpty {
        func share(_ name: String) -> Double? {
          ceilings.first { rows[$0].name == name }.flatMap { speedRatio(row, to: $0) }
        }
        rows[row].ceilingShare = .init(
          belady: share(ComparisonContender.beladyCeiling),
          linkBound: share(ComparisonContender.linkCeiling),
          perfectPrefetch: perfectPrefetchShare(row))
      }
      guard row != baseline else { continue }
      func difference(_ figure: (ComparisonFigures) -> Double?) -> PairedDifference? {
        PairedDifference(of: pairs(row, baseline, figure), confidence: confidence)
      }
      rows[row].versusBaseline = .init(
        outputTokensPerSecond: difference(\.outputTokensPerSecond), ttftMs: difference(\.ttftMs),
        tpotMs: difference(\.tpotMs), hitRate: difference(\.hitRate),
        stallMsPerToken: difference(\.stallMsPerToken.total))
    }
  }

  /// How near a row's steps come to perfect prefetch over an unlimited horizon: the time of computing
  /// alone, or that of the link for the bytes that Belady's eviction needs, whichever is more.
  private func perfectPrefetchShare(_ row: Int) -> Double? {
    func mean(_ name: String) -> ComparisonFigures? {
      rows.first { $0.kind == .ceiling && $0.name == name }?.mean
    }
    guard let own = rows[row].mean, own.stepMsPerToken > 0,
      let free = mean(ComparisonContender.linkCeiling),
      let belady = mean(ComparisonContender.beladyCeiling)
    else { return nil }
    let computed = free.stepMsPerToken * (1 - free.stalledShare)
    let moved = (belady.bytesPerToken["gpu0.h2d"] ?? 0) / linkRate * 1e3
    return max(computed, moved) / own.stepMsPerToken
  }

  /// How fast a row is by the measure, as a multiple of another.
  private func speedRatio(_ row: Int, to other: Int) -> Double? {
    let values = pairs(row, other) { $0.value(of: measure) }
    let own = values.reduce(0) { $0 + $1.policy }
    let theirs = values.reduce(0) { $0 + $1.baseline }
    guard own > 0, theirs > 0 else { return nil }
    return measure == .tpotMs ? theirs / own : own / theirs
  }

  /// Holm's correction of each figure over the policies, where there is more than one.
  private mutating func correct() {
    let figures: [WritableKeyPath<PolicyComparison.Differences, PairedDifference?>] = [
      \.outputTokensPerSecond, \.ttftMs, \.tpotMs, \.hitRate, \.stallMsPerToken,
    ]
    for figure in figures {
      let tested = rows.indices.filter {
        rows[$0].versusBaseline?[keyPath: figure]?.pValue != nil
      }
      guard tested.count > 1 else { continue }
      let values = tested.compactMap { rows[$0].versusBaseline?[keyPath: figure]?.pValue }
      for (row, value) in zip(tested, HolmCorrection.adjusted(values)) {
        rows[row].versusBaseline?[keyPath: figure]?.adjustedPValue = value
      }
    }
  }

  /// Which policy wins and why.
  var verdict: String {
    ComparisonVerdict(rows: rows, baseline: baseline, measure: measure, confidence: confidence)
      .sentence
  }
}

extension ComparisonFigures {
  /// The value of the figure by which policies are ranked.
  func value(of measure: PolicyComparison.Measure) -> Double? {
    measure == .tpotMs ? tpotMs : outputTokensPerSecond
  }
}

extension PolicyComparison.Differences {
  /// The difference of the figure by which policies are ranked.
  func difference(of measure: PolicyComparison.Measure) -> PairedDifference? {
    measure == .tpotMs ? tpotMs : outputTokensPerSecond
  }
}

extension PolicyComparison.Run {
  /// What a comparison keeps of a run.
  init(_ result: SimulationResult) {
    self.init(
      replication: result.replication, stable: result.steadyState.stable,
      reason: result.steadyState.reason, arrived: result.requests.arrived,
      completed: result.requests.completed, promptTokens: result.requests.promptTokens,
      outputTokens: result.requests.outputTokens, figures: ComparisonFigures(result))
  }
}
