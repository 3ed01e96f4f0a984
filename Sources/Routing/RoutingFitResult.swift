// SPDX-License-Identifier: GPL-3.0-or-later

/// Fitted parameters, and how far what they generate is from recorded sequences that the fit has
/// not seen.
public struct RoutingFitResult: Sendable {
  /// One statistic of both.
  public struct Comparison: Sendable, Equatable {
    /// What is compared, e.g. "LRU hit rate at 25 %".
    public var quantity: String
    /// The value of the recorded sequences, a mean over layers.
    public var recorded: Double
    /// The value of the generated sequences.
    public var generated: Double
    /// The largest difference in any one layer, of the sign of generated − recorded.
    public var worstLayerError: Double
    /// The error that is still good, absolute or relative to `recorded`; `nil` where the quantity
    /// is reported without a goal.
    public var goal: Double?
    /// Whether `error` and `goal` are relative.
    public var isRelative: Bool

    /// generated − recorded, over recorded where relative.
    public var error: Double {
      let difference = generated - recorded
      return isRelative ? (recorded == 0 ? 0 : difference / recorded) : difference
    }
    /// Whether the error is within the goal, if there is one.
    public var isWithinGoal: Bool { goal.map { abs(error) <= $0 } ?? true }
  }

  /// The parameters.
  public var parameters: RoutingParameters
  /// The statistics of the held-out recorded sequences.
  public var recorded: RoutingStatistics
  /// The statistics of as many and as long generated sequences.
  public var generated: RoutingStatistics

  /// The statistics that have goals, and the association between layers, which has none: what a
  /// token means ties layers together more than the generator knows.
  public var comparisons: [Comparison] {
    var list: [Comparison] = []
    func add(
      _ quantity: String, _ first: [Double], _ second: [Double], goal: Double?, isRelative: Bool
    ) {
      let differences = zip(second, first).map { isRelative ? ($0 - $1) / max($1, 1e-9) : $0 - $1 }
      let worst = differences.max { abs($0) < abs($1) } ?? 0
      list.append(
        Comparison(
          quantity: quantity, recorded: RoutingStatistics.mean(first),
          generated: RoutingStatistics.mean(second), worstLayerError: worst, goal: goal,
          isRelative: isRelative))
    }
    for (row, share) in recorded.plan.capacities.enumerated() {
      add(
        "LRU hit rate at \(decimal(share * 100, 1)) %", recorded.hitRate[row],
        generated.hitRate[row], goal: 0.02, isRelative: false)
    }
    for (row, lag) in recorded.plan.lags.enumerated() where [1, 2, 8, 64].contains(lag) {
      add(
        "overlap at lag \(lag)", recorded.overlap[row], generated.overlap[row], goal: 0.02,
        isRelative: false)
    }
    for (row, batch) in recorded.plan.batches.enumerated() {
      add(
        "distinct experts, batch \(batch)", recorded.distinct[row], generated.distinct[row],
        goal: 0.03, isRelative: true)
    }
    if recorded.association.count > 1 && recorded.plan.associationStep > 0 {
      add(
        "recall from the layer before", Array(recorded.association.dropFirst()),
        Array(generated.association.dropFirst()), goal: nil, isRelative: false)
    }
    return list
  }

  /// Whether every error is within its goal.
  public var meetsGoals: Bool { comparisons.allSatisfy(\.isWithinGoal) }

  /// A table of the comparisons.
  public var table: String {
    var lines = [row("quantity", "recorded", "generated", "error", "worst layer", "goal")]
    for comparison in comparisons {
      let unit = comparison.isRelative ? 100.0 : 1
      let suffix = comparison.isRelative ? " %" : ""
      let digits = comparison.isRelative ? 1 : 4
      lines.append(
        row(
          comparison.quantity, decimal(comparison.recorded, 4), decimal(comparison.generated, 4),
          decimal(comparison.error * unit, digits) + suffix,
          decimal(comparison.worstLayerError * unit, digits) + suffix,
          goalText(comparison, unit, suffix)))
    }
    return lines.joined(separator: "\n")
  }

  private func goalText(_ comparison: Comparison, _ unit: Double, _ suffix: String) -> String {
    guard let goal = comparison.goal else { return "reported" }
    return (comparison.isWithinGoal ? "within " : "MISSES ")
      + decimal(goal * unit, comparison.isRelative ? 0 : 2) + suffix
  }

  private func row(_ cells: String...) -> String {
    var line = cells[0] + String(repeating: " ", count: max(0, 30 - cells[0].count))
    for cell in cells.dropFirst() {
      line += String(repeating: " ", count: max(1, 13 - cell.count)) + cell
    }
    return line
  }
}

/// A number with a fixed count of decimals, independent of any locale.
func decimal(_ value: Double, _ digits: Int) -> String {
  if !value.isFinite { return "\(value)" }
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = (abs(value) * scale).rounded()
  if scaled >= 1e18 { return "\(value)" }
  let whole = Int(scaled)
  let sign = value < 0 && whole > 0 ? "-" : ""
  if digits == 0 { return sign + "\(whole)" }
  let text = String(whole)
  let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
  return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
}
