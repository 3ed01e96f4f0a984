// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// The sentence that says which policy wins and why.
struct ComparisonVerdict {
  /// The rows, ceilings included.
  var rows: [PolicyComparison.Row]
  /// The row of the baseline.
  var baseline: Int
  /// The figure by which policies are ranked.
  var measure: PolicyComparison.Measure
  /// The probability with which intervals cover.
  var confidence: Double

  /// The sentence.
  var sentence: String {
    let policies = rows.filter { $0.kind == .policy }
    let steady = policies.filter { $0.mean?.value(of: measure) != nil }
    let unsteady = policies.filter { $0.steadyReplications == 0 }
    let runnable = steady.filter { !$0.knowsFuture }
    let candidates = runnable.isEmpty ? steady : runnable
    guard let winner = candidates.max(by: { speed($0) < speed($1) }) else {
      return "No policy has a steady state, so there is nothing to compare: lower "
        + "workload.rate_scale, or use a closed loop."
    }
    var text = standing(of: winner, among: candidates)
    if let why = why(winner) { text += "; " + why }
    if let share = winner.ceilingShare?.perfectPrefetch {
      text += "; \(percent(share)) of perfect prefetch"
    }
    for oracle in steady where oracle.knowsFuture && oracle.name != winner.name {
      guard let difference = oracle.versusBaseline?.difference(of: measure),
        let ratio = speedRatio(difference)
      else { continue }
      text +=
        "; \(oracle.name), which knows the future, reaches \(multiple(ratio)) x"
        + " \(rows[baseline].name)"
    }
    if !unsteady.isEmpty {
      text += "; without a steady state: \(unsteady.map(\.name).joined(separator: ", "))"
    }
    return text + "."
  }

  private func speed(_ row: PolicyComparison.Row) -> Double {
    guard let value = row.mean?.value(of: measure), value > 0 else { return 0 }
    return measure == .tpotMs ? 1 / value : value
  }

  /// How the winner stands to the baseline, or the next to the winner where that is the baseline.
  private func standing(
    of winner: PolicyComparison.Row, among candidates: [PolicyComparison.Row]
  ) -> String {
    let base = rows[baseline]
    if winner.name != base.name, let difference = winner.versusBaseline?.difference(of: measure),
      let ratio = speedRatio(difference)
    {
      return "\(winner.name): \(multiple(ratio)) x \(base.name) in \(unit)"
        + values(winner, base) + certainty(difference)
    }
    guard winner.name == base.name else {
      return "\(winner.name) is fastest, but \(base.name) has no steady state to compare it with"
    }
    let others = candidates.filter { $0.name != winner.name }
    guard let next = others.max(by: { speed($0) < speed($1) }) else {
      return "\(winner.name) stands alone"
    }
    guard let difference = next.versusBaseline?.difference(of: measure),
      let ratio = speedRatio(difference)
    else { return "\(winner.name) wins" }
    if difference.mean == 0, difference.standardDeviation ?? 0 == 0 {
      return "\(winner.name) and \(next.name) do not differ in \(unit)"
    }
    return "\(winner.name) wins: the next, \(next.name), has \(multiple(ratio)) x its \(unit)"
      + values(next, winner) + certainty(difference)
  }

  private var unit: String {
    measure == .tpotMs ? "speed of decoding" : "tokens/s"
  }

  private func speedRatio(_ difference: PairedDifference) -> Double? {
    guard let ratio = difference.ratio, ratio > 0 else { return nil }
    return measure == .tpotMs ? 1 / ratio : ratio
  }

  private func values(_ row: PolicyComparison.Row, _ other: PolicyComparison.Row) -> String {
    guard let own = row.mean?.value(of: measure), let theirs = other.mean?.value(of: measure) else {
      return ""
    }
    return measure == .tpotMs
      ? " (TPOT \(fixed(own, 1)) against \(fixed(theirs, 1)) ms)"
      : " (\(fixed(own, 2)) against \(fixed(theirs, 2)))"
  }

  private func certainty(_ difference: PairedDifference) -> String {
    guard let isSignificant = difference.isSignificant(confidence: confidence),
      let p = difference.adjustedPValue ?? difference.pValue
    else { return ", from one replication, so without an interval" }
    let value = p < 0.001 ? "p < 0.001" : "p = \(fixed(p, 3))"
    return isSignificant
      ? ", \(value)" : ", which \(difference.pairs) replications do not tell from chance (\(value))"
  }

  /// What holds the winner back, and what it does better than the baseline.
  private func why(_ winner: PolicyComparison.Row) -> String? {
    guard let mean = winner.mean else { return nil }
    var text = bound(mean)
    if winner.name != rows[baseline].name, let base = rows[baseline].mean,
      abs(mean.hitRate - base.hitRate) >= 0.0005
    {
      text += "; \(percent(mean.hitRate)) of experts hit against \(percent(base.hitRate))"
    }
    return text
  }

  /// The resource for which a step mostly waits, with how busy it is.
  private func bound(_ mean: ComparisonFigures) -> String {
    let stalls = mean.stallMsPerToken
    let causes: [(name: String, resource: String?, milliseconds: Double)] = [
      (
        "link-bound", "gpu0.h2d",
        stalls.demandLoad + stalls.latePrefetch + stalls.linkContention + stalls.kvSwap
      ),
      ("drive-bound", "ssd0", stalls.drive), ("staging-bound", "host.staging", stalls.staging),
      (
        "host-bound",
        mean.utilization["neardata.compute"] == nil ? "host.compute" : "neardata.compute",
        stalls.hostCompute
      ),
      ("room-bound", nil, stalls.memoryFull), ("collective-bound", nil, stalls.collective),
    ]
    guard mean.stalledShare >= 0.5,
      let worst = causes.max(by: { $0.milliseconds < $1.milliseconds })
    else {
      let busy = mean.utilization["gpu0.compute"].map { "gpu0.compute \(percent($0)) busy, " } ?? ""
      return "compute-bound: \(busy)\(percent(mean.stalledShare)) of a step's time stalled"
    }
    let busy =
      worst.resource.flatMap { name in
        mean.utilization[name].map { "\(name) \(percent($0)) busy, " }
      } ?? ""
    return "\(worst.name): \(busy)\(percent(mean.stalledShare)) of a step's time stalled"
  }

  private func fixed(_ value: Double, _ decimals: Int) -> String {
    QuantityFormat.fixed(value, decimals: decimals)
  }

  /// A ratio with as many decimals as tell it from 1, at most three.
  private func multiple(_ ratio: Double) -> String {
    fixed(ratio, abs(ratio - 1) < 0.01 ? 3 : 2)
  }

  private func percent(_ share: Double) -> String { fixed(share * 100, 1) + " %" }
}
