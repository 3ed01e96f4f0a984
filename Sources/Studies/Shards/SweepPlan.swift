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
    /// The resolved scenario as JSON in one line, its keys in the file's order; `nil` where it could not be
    /// resolved.
    public var scenarioText: String?
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
    var text = JSONText.text(of: .object(header), layout: .compact, sortsKeys: false) + "\n"
    for entry in entries { text += entry.line + "\n" }
    return text
  }
}

extension SweepPlan.Entry {
  /// The run as a line of a plan, without its newline.
  var line: String {
    let members: [ReportValue.Member] = [
      .init("id", .text(id)), .init("point", .text(point)),
      .init("replication", .integer(Int64(replication))), .init("kind", .text(kind.rawValue)),
      .init("labels", .list(labels.map(ReportValue.text))),
      .init("files", .list(files.map(ReportValue.text))),
    ]
    var line = JSONText.text(of: .object(members), layout: .compact, sortsKeys: false)
    line.removeLast()
    // A scenario's text, which its replications share, is by far the most of a line.
    if let scenarioText { line += ",\"scenario\":" + scenarioText }
    if let problem { line += ",\"problem\":" + JSONText.quoted(problem) }
    return line + "}"
  }

  /// Reads a line; `nil` where it is no run of a plan.
  init?(line: Data) {
    guard let members = try? JSONMembers(of: line), let id = members["id"]?.textValue,
      let point = members["point"]?.textValue,
      let replication = members["replication"]?.numericValue.flatMap({ UInt32(exactly: $0) }),
      let kind = members["kind"]?.textValue.flatMap(RunIdentity.Kind.init)
    else { return nil }
    func texts(_ key: String) -> [String] {
      guard case .list(let values)? = members[key] else { return [] }
      return values.compactMap(\.textValue)
    }
    self.init(
      id: id, point: point, replication: replication, kind: kind, labels: texts("labels"),
      scenarioText: members.text(of: "scenario"), problem: members["problem"]?.textValue,
      files: texts("files"))
  }
}
