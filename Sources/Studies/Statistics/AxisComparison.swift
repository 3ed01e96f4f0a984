// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Records

/// Values of one varied key compared on the same randomness: paired differences of a figure, with
/// Holm's correction over all of them.
///
/// Runs are paired that agree in every other varied key and in the replication. Replications of one
/// number share their random streams whatever the value, so that what varies between replications
/// alone cancels.
public struct AxisComparison: Sendable {
  /// What is wrong with a question.
  public struct Problem: Error, CustomStringConvertible {
    /// What was found and what would be right.
    public var message: String
    /// The message.
    public var description: String { message }
  }

  /// One value against the baseline, at one setting of the other keys.
  public struct Row: Sendable {
    /// The values of the other keys.
    public var others: [String]
    /// The value.
    public var value: String
    /// The difference, value − baseline; `nil` where no pair has a steady state.
    public var difference: PairedDifference?
    /// Pairs of which a run has no steady state or no result; they are left out.
    public var unusable: Int
    /// The half-width that independent runs of the same number would have: √(s₁² + s₂²) in place
    /// of the deviation of the differences. `nil` with fewer than two pairs.
    public var independentHalfWidth: Double?
  }

  /// The key that is compared.
  public var axis: String
  /// The value that the others are compared with.
  public var baseline: String
  /// The figure.
  public var figure: String
  /// The other varied keys.
  public var others: [String]
  /// The rows.
  public var rows: [Row]

  /// Compares the values of a key.
  ///
  /// - Throws: A ``Problem`` where there is no such key or value.
  public init(
    of runs: [MergedRun], axis: String, baseline: String? = nil, figure: String,
    confidence: Double = 0.95
  ) throws {
    let axes = runs.first?.axes ?? []
    guard axes.contains(axis) else {
      throw Problem(
        message: "'\(axis)' is not varied; expected one of \(axes.joined(separator: ", "))")
    }
    self.axis = axis
    self.figure = figure
    others = axes.filter { $0 != axis }
    var values: [String] = []
    var settings: [[String]] = []
    var cells: [[String]: [String: [UInt32: RunRecord]]] = [:]
    for run in runs {
      let own = Dictionary(run.labels.map { ($0.key, $0.value) }) { first, _ in first }
      guard let value = own[axis] else { continue }
      let rest = others.map { own[$0] ?? "" }
      if !values.contains(value) { values.append(value) }
      if cells[rest] == nil { settings.append(rest) }
      cells[rest, default: [:]][value, default: [:]][run.entry.replication] = run.record
    }
    let base = baseline ?? values.first ?? ""
    guard values.contains(base) else {
      throw Problem(
        message: "'\(base)' is no value of \(axis); expected one of "
          + values.joined(separator: ", "))
    }
    self.baseline = base
    rows = settings.flatMap { rest in
      values.filter { $0 != base }.map { value in
        Self.row(
          others: rest, value: value, of: cells[rest]?[value] ?? [:],
          against: cells[rest]?[base] ?? [:], figure: figure, confidence: confidence)
      }
    }
    correct()
  }

  private static func row(
    others: [String], value: String, of runs: [UInt32: RunRecord],
    against base: [UInt32: RunRecord], figure: String, confidence: Double
  ) -> Row {
    var pairs: [(policy: Double, baseline: Double)] = []
    var unusable = 0
    for replication in Set(runs.keys).union(base.keys).sorted() {
      guard let mine = runs[replication], let theirs = base[replication], mine.status == .ok,
        theirs.status == .ok, let left = mine.figure(figure), let right = theirs.figure(figure)
      else {
        unusable += 1
        continue
      }
      pairs.append((left, right))
    }
    var row = Row(
      others: others, value: value, difference: PairedDifference(of: pairs, confidence: confidence),
      unusable: unusable)
    if pairs.count > 1,
      let left = IntervalEstimate(of: pairs.map(\.policy), confidence: confidence),
      let right = IntervalEstimate(of: pairs.map(\.baseline), confidence: confidence),
      let first = left.halfWidth, let second = right.halfWidth
    {
      row.independentHalfWidth = (first * first + second * second).squareRoot()
    }
    return row
  }

  /// Holm's correction over all rows that have a p-value.
  private mutating func correct() {
    let places = rows.indices.filter { rows[$0].difference?.pValue != nil }
    let adjusted = HolmCorrection.adjusted(places.compactMap { rows[$0].difference?.pValue })
    for (place, value) in zip(places, adjusted) { rows[place].difference?.adjustedPValue = value }
  }
}
