// SPDX-License-Identifier: GPL-3.0-or-later

import Records

/// A run of a plan with what came of it.
public struct MergedRun: Sendable {
  /// The run as it was planned.
  public var entry: SweepPlan.Entry
  /// The keys that the study varies.
  public var axes: [String]
  /// What came of it.
  public var record: RunRecord

  /// A run and its record.
  public init(entry: SweepPlan.Entry, axes: [String], record: RunRecord) {
    self.entry = entry
    self.axes = axes
    self.record = record
  }

  /// The varied keys with their values.
  public var labels: [(key: String, value: String)] {
    zip(axes, entry.labels).map { ($0, $1) }
  }

  /// The run as one line of JSON: identity, labels, status, result.
  public var value: ReportValue {
    var members: [ReportValue.Member] = [
      .init("id", .text(entry.id)), .init("point", .text(entry.point)),
      .init("replication", .integer(Int64(entry.replication))),
      .init("labels", .object(labels.map { .init($0.key, .text($0.value)) })),
      .init("status", .text(record.status.rawValue)),
    ]
    if let message = record.message { members.append(.init("message", .text(message))) }
    if let result = record.result { members.append(.init("result", result)) }
    return .object(members)
  }
}
