// SPDX-License-Identifier: GPL-3.0-or-later

import Records
public import Studies

/// The points of a study as a page shows them: the values of the axes, and figures with intervals.
public struct SweepTable: Sendable, Equatable {
  /// A point.
  public struct Point: Sendable, Equatable {
    /// Its place in the study, from 1.
    var number: Int
    /// The values of the axes.
    var labels: [String]
    /// How its runs ended: "ok", or the worst of them.
    var status: String
    /// What to know of it.
    var note: String?
    /// The runs with a steady state.
    var replications: Int
    /// The estimates, in the order of the figures; `nil` where there is none.
    var estimates: [IntervalEstimate?]
  }

  /// The varied keys.
  public var axes: [String]
  /// The keys of the figures.
  public var figures: [String]
  /// The points.
  public var points: [Point]

  /// The table of a store's runs.
  public init(_ runs: [MergedRun]) {
    let figures = SweepFigure.known.map(\.key)
    let summary = StudySummary(runs: runs, figures: figures)
    axes = summary.axes
    let kept = figures.indices.filter { index in
      summary.points.contains { $0.estimates[index] != nil }
    }
    self.figures = kept.map { figures[$0] }
    var worst: [String: RunRecord.Status] = [:]
    var order: [String] = []
    for run in runs {
      let key = run.entry.point
      if worst[key] == nil { order.append(key) }
      let status = run.record.status
      worst[key] = worst[key].map { Self.rank($0) >= Self.rank(status) ? $0 : status } ?? status
    }
    points = zip(order, summary.points).enumerated().map { index, entry in
      let (key, point) = entry
      return Point(
        number: index + 1, labels: point.labels, status: worst[key]?.rawValue ?? point.status,
        note: point.note, replications: point.replications,
        estimates: kept.map { point.estimates[$0] })
    }
  }

  /// The table of what `results --format json` prints: a run a row.
  init(listing rows: [ReportValue]) {
    var keys: [String] = []
    for row in rows {
      guard case .object(let members) = row else { continue }
      for member in members where !keys.contains(member.key) { keys.append(member.key) }
    }
    let own = ["point", "replication", "status", "message"]
    let figures = keys.filter { ReportSchema.mayContain($0) && !own.contains($0) }
    let axes = keys.filter { !ReportSchema.mayContain($0) && !own.contains($0) }
    self.figures = figures.filter { key in rows.contains { $0[key]?.numericValue != nil } }
    self.axes = axes
    var order: [[String]] = []
    var groups: [[String]: [ReportValue]] = [:]
    for row in rows {
      let labels = axes.map { Self.label(row[$0] ?? .null) }
      if groups[labels] == nil { order.append(labels) }
      groups[labels, default: []].append(row)
    }
    let figureKeys = self.figures
    points = order.enumerated().map { index, labels in
      let group = groups[labels] ?? []
      let statuses = group.compactMap { $0.text("status") }
      let worst =
        statuses.max {
          Self.rank(RunRecord.Status(rawValue: $0)) < Self.rank(RunRecord.Status(rawValue: $1))
        } ?? "ok"
      return Point(
        number: index + 1, labels: labels, status: worst,
        note: group.compactMap { $0.text("message") }.first,
        replications: statuses.count { $0 == "ok" },
        estimates: figureKeys.map { key in
          let values = group.compactMap { $0[key]?.numericValue }
          // A point some of whose runs have no steady state has no mean.
          return worst == "ok" && values.count == group.count ? IntervalEstimate(of: values) : nil
        })
    }
  }

  private static func label(_ value: ReportValue) -> String {
    if case .text(let text) = value { text } else { JSONText.text(of: value, layout: .compact) }
  }

  /// How bad an end is.
  private static func rank(_ status: RunRecord.Status?) -> Int {
    status.flatMap { RunRecord.Status.allCases.firstIndex(of: $0) } ?? 0
  }

  /// The figure's place, `nil` where no point has it.
  func place(_ figure: String) -> Int? { figures.firstIndex(of: figure) }
}

/// A figure of a report as charts of studies name it.
struct SweepFigure {
  var key: String
  var title: String
  var unit: String
  /// Whether high is good.
  var isHigherBetter: Bool

  /// The title with the unit.
  var axisTitle: String { unit.isEmpty ? title : "\(title) (\(unit))" }

  init(_ key: String, _ title: String, _ unit: String, isHigherBetter: Bool = false) {
    self.key = key
    self.title = title
    self.unit = unit
    self.isHigherBetter = isHigherBetter
  }

  /// The figures that a study's page shows.
  static let known = [
    SweepFigure(
      "throughput.output_tokens_per_second", "output tokens per second", "tokens/s",
      isHigherBetter: true),
    SweepFigure("tpot_ms.mean", "mean TPOT", "ms"),
    SweepFigure("tpot_ms.p99", "99th percentile of TPOT", "ms"),
    SweepFigure("ttft_ms.mean", "mean TTFT", "ms"),
    SweepFigure("ttft_ms.p99", "99th percentile of TTFT", "ms"),
    SweepFigure("e2el_ms.mean", "mean E2EL", "ms"),
    SweepFigure("cost.usd_per_million_output_tokens", "cost of a million output tokens", "USD"),
    SweepFigure("cost.purchase_usd", "purchase", "USD"),
    SweepFigure("energy.joules_per_output_token", "energy per output token", "J"),
    SweepFigure("energy.mean_watts", "mean power", "W"),
    SweepFigure("expert_cache.hit_rate", "expert cache hit rate", "share", isHigherBetter: true),
    SweepFigure(
      "throughput.goodput_requests_per_second", "requests per second within every limit", "1/s",
      isHigherBetter: true),
    SweepFigure("moe_cap.s_mbu", "S-MBU", "share", isHigherBetter: true),
    SweepFigure("moe_cap.s_mfu", "S-MFU", "share", isHigherBetter: true),
    SweepFigure("accuracy.score", "accuracy", "%", isHigherBetter: true),
  ]

  /// The figure of a key; one that is not known is named by its key and taken for one of which less
  /// is better unless it counts per second or is a share.
  static func named(_ key: String) -> SweepFigure {
    if let figure = known.first(where: { $0.key == key }) { return figure }
    let unit =
      key.contains("_ms")
      ? "ms" : key.contains("usd") ? "USD" : key.contains("bytes") ? "bytes" : ""
    return SweepFigure(
      key, key, unit, isHigherBetter: key.contains("per_second") || key.contains("rate"))
  }
}
