// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Foundation
import Records

/// The runs of a sweep, one a line, and into how many shards they are divided: the contract between
/// whoever plans, whoever runs and whoever merges (docs/studies.md).
public struct SweepPlan: Sendable {
  /// One run.
  public struct Entry: Sendable {
    /// The run's identity.
    public var id: String
    /// The identity of its point.
    public var point: String
    /// The replication within the scenario's seed.
    public var replication: UInt32
    /// What the run is for.
    public var kind: RunIdentity.Kind
    /// The values of the axes, in their order.
    public var labels: [String]
    /// The resolved scenario; `nil` where it could not be resolved.
    public var scenario: ReportValue?
    /// Why the scenario could not be resolved.
    public var problem: String?
    /// The digests of the files that the scenario depends on.
    public var files: [String]
  }

  /// The version of the format, "major.minor".
  public static let schemaVersion = "1.0"

  /// The study's name.
  public var study: String
  /// The folder from which relative paths count.
  public var folder: String
  /// The keys that are varied.
  public var axes: [String]
  /// Into how many shards the runs are divided: run i is of shard i modulo this.
  public var shards: Int
  /// Wall-clock seconds after which a run is given up.
  public var timeoutSeconds: Double?
  /// The runs.
  public var entries: [Entry]

  /// The runs of a shard, in their order.
  public func entries(ofShard index: Int) -> [Entry] {
    stride(from: index, to: entries.count, by: shards).map { entries[$0] }
  }

  /// The plan as JSON Lines.
  public var text: String {
    var header: [ReportValue.Member] = [
      .init("schema", .text("moesim-sweep-plan")),
      .init("schema_version", .text(Self.schemaVersion)),
      .init("moesim", .text(MoesimVersion.current)),
      .init("results_version", .integer(Int64(ResultsVersion.current))),
      .init("study", .text(study)), .init("folder", .text(folder)),
      .init("axes", .list(axes.map(ReportValue.text))),
      .init("shards", .integer(Int64(shards))), .init("runs", .integer(Int64(entries.count))),
    ]
    if let timeoutSeconds { header.append(.init("timeout_s", .number(timeoutSeconds))) }
    var text = Self.line(header)
    for entry in entries {
      var members: [ReportValue.Member] = [
        .init("id", .text(entry.id)), .init("point", .text(entry.point)),
        .init("replication", .integer(Int64(entry.replication))),
        .init("kind", .text(entry.kind.rawValue)),
        .init("labels", .list(entry.labels.map(ReportValue.text))),
        .init("files", .list(entry.files.map(ReportValue.text))),
      ]
      if let scenario = entry.scenario { members.append(.init("scenario", scenario)) }
      if let problem = entry.problem { members.append(.init("problem", .text(problem))) }
      text += Self.line(members)
    }
    return text
  }

  private static func line(_ members: [ReportValue.Member]) -> String {
    JSONText.text(of: .object(members), layout: .compact, sortsKeys: false) + "\n"
  }
}
