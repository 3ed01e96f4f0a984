// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation
import Records

/// Points of a study, each with intervals over its replications.
public struct StudySummary: Sendable {
  /// One point.
  public struct Point: Sendable {
    /// The values of the varied keys.
    public var labels: [String]
    /// What became of the point in a word: ok, unstable, infeasible, failed, ..., or mixed.
    public var status: String
    /// What to know of it.
    public var note: String?
    /// The replications with a steady state, from which the estimates are.
    public var replications: Int
    /// The estimates, in the order of the summary's figures; `nil` where a point has none.
    public var estimates: [IntervalEstimate?]
  }

  /// The varied keys.
  public var axes: [String]
  /// The keys of the figures.
  public var figures: [String]
  /// The points in their order.
  public var points: [Point]
  /// The probability with which intervals cover.
  public var confidence: Double

  /// The figures that a summary has unless others are asked for.
  public static let usualFigures = [
    "throughput.output_tokens_per_second", "ttft_ms.mean", "ttft_ms.p99", "tpot_ms.mean",
    "tpot_ms.p99", "cost.usd_per_million_output_tokens",
  ]

  /// The summary of a study's points.
  public init(
    _ progress: [PointProgress], axes: [String], figures: [String] = usualFigures,
    confidence: Double = 0.95
  ) {
    self.axes = axes
    self.figures = figures
    self.confidence = confidence
    // Figures are looked for in the texts of all results.
    points = concurrentMap(
      progress.count, workers: ProcessInfo.processInfo.activeProcessorCount
    ) { index in
      let point = progress[index]
      var summary = Self.point(
        labels: point.point.labels, point.records, figures: figures, confidence: confidence)
      switch point.state {
      case .tooShort(let batches, let cut):
        summary.status = "too-short"
        summary.note =
          "MSER-5 would cut \(cut) of \(batches) batches of five requests; more than half of a run"
          + " is no warm-up: make runs longer"
      case .imprecise: summary.note = "not as precise as asked for"
      case .unfinished: summary.note = "not finished"
      case .complete, .precise, .settled: break
      }
      return summary
    }
  }

  /// The summary of runs from a store, by point.
  public init(
    runs: [MergedRun], figures: [String] = usualFigures, confidence: Double = 0.95
  ) {
    self.figures = figures
    self.confidence = confidence
    var axes: [String] = []
    for run in runs {
      for axis in run.axes where !axes.contains(axis) { axes.append(axis) }
    }
    self.axes = axes
    var order: [String] = []
    var groups: [String: [MergedRun]] = [:]
    for run in runs {
      if groups[run.entry.point] == nil { order.append(run.entry.point) }
      groups[run.entry.point, default: []].append(run)
    }
    points = order.map { key in
      let group = groups[key] ?? []
      let own = Dictionary(group[0].labels.map { ($0.key, $0.value) }) { first, _ in first }
      return Self.point(
        labels: axes.map { own[$0] ?? "" }, group.map(\.record), figures: figures,
        confidence: confidence)
    }
  }

  private static func point(
    labels: [String], _ records: [RunRecord], figures: [String], confidence: Double
  ) -> Point {
    let steady = records.filter { $0.status == .ok }
    var kinds: [RunRecord.Status] = []
    for record in records where !kinds.contains(record.status) { kinds.append(record.status) }
    let status = kinds.count > 1 ? "mixed" : kinds.first?.rawValue ?? "missing"
    let other = records.first { $0.status != .ok }
    var note = other?.message
    if kinds.count > 1 {
      let counts = RunRecord.Status.allCases.compactMap { kind -> String? in
        let count = records.count { $0.status == kind }
        return count > 0 ? "\(count) \(kind.rawValue)" : nil
      }
      note = counts.joined(separator: ", ") + (note.map { ": \($0)" } ?? "")
    }
    // A point some of whose replications have no steady state has no mean.
    let isAveraged = steady.count == records.count
    return Point(
      labels: labels, status: status, note: note, replications: steady.count,
      estimates: figures.map { key in
        guard isAveraged else { return nil }
        let values = steady.compactMap { $0.figure(key) }
        guard values.count == steady.count else { return nil }
        return IntervalEstimate(of: values, confidence: confidence)
      })
  }
}
