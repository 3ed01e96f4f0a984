// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Records

/// What tells one run of a study from every other: a digest of all that its result depends on.
///
/// It is the SHA-256 of the scenario's canonical JSON (RFC 8785), resolved and in base units, with
/// the digests of the files that it names, the replication, and ``ResultsVersion/current``. The
/// scenario's name and description are no part of it. Seeds are never derived from it.
public struct RunIdentity: Hashable, Sendable {
  /// What a run is for.
  public enum Kind: String, Sendable, Codable {
    /// A result of the study.
    case run
    /// A run without warm-up, from which the length of the warm-up is found.
    case pilot
  }

  /// The digest of the run, 64 hexadecimal digits.
  public var run: String
  /// The digest of the point: that of all its replications.
  public var point: String

  /// The identity of a replication of a scenario.
  ///
  /// - Parameters:
  ///   - tree: The resolved scenario.
  ///   - replication: The replication within the scenario's seed.
  ///   - kind: What the run is for.
  ///   - files: The digests of the files that the scenario depends on.
  public init(
    tree: ConfigurationNode, replication: UInt32, kind: Kind, files: [ContentDigest]
  ) {
    var members: [ReportValue.Member] = [
      .init("files", .list(files.map { .text($0.hexadecimal) })),
      .init("kind", .text(kind.rawValue)),
      .init("results_version", .integer(Int64(ResultsVersion.current))),
      .init("scenario", ScenarioValue.normalized(Self.withoutLabels(tree))),
    ]
    point = ContentDigest(of: CanonicalJSON.text(of: .object(members))).hexadecimal
    members.append(.init("replication", .integer(Int64(replication))))
    run = ContentDigest(of: CanonicalJSON.text(of: .object(members))).hexadecimal
  }

  /// The tree without what changes no result.
  private static func withoutLabels(_ tree: ConfigurationNode) -> ConfigurationNode {
    guard let entries = tree.mapping else { return tree }
    var result = tree
    result.content = .mapping(
      entries.filter { !["name", "description"].contains($0.key) }.map { entry in
        guard entry.key == "run", let inner = entry.value.mapping else { return entry }
        var entry = entry
        entry.value.content = .mapping(inner.filter { $0.key != "replications" })
        return entry
      })
    return result
  }
}
