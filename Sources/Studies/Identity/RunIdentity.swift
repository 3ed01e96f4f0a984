// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Records

/// What tells one run of a study from every other: digests of all that its result depends on.
///
/// A point's is the SHA-256 of the scenario's canonical JSON (RFC 8785), resolved and in base units,
/// with the digests of the files that it names and ``ResultsVersion/current``; a run's is that of the
/// point's with the replication. The scenario's name and description are no part of them. Seeds are never derived from it.
public struct RunIdentity: Hashable, Sendable {
  /// What a run is for.
  public enum Kind: String, Sendable, Codable {
    /// A result of the study.
    case run
    /// A run without warm-up, from which the length of the warm-up is found.
    case pilot
  }

  /// The digest of the point: of all that its replications have in common, 64 hexadecimal digits.
  public var point: String

  /// The identity of a scenario whose replications are a point.
  ///
  /// - Parameters:
  ///   - tree: The resolved scenario.
  ///   - kind: What its runs are for.
  ///   - files: The digests of the files that the scenario depends on.
  public init(tree: ConfigurationNode, kind: Kind, files: [ContentDigest]) {
    let value = ReportValue.object([
      .init("files", .list(files.map { .text($0.hexadecimal) })),
      .init("kind", .text(kind.rawValue)),
      .init("results_version", .integer(Int64(ResultsVersion.current))),
      .init("scenario", ScenarioValue.normalized(Self.withoutLabels(tree))),
    ])
    point = ContentDigest(of: CanonicalJSON.text(of: value)).hexadecimal
  }

  /// The digest of a replication: that of the canonical JSON of the point's digest and its number.
  public func run(_ replication: UInt32) -> String {
    let value = ReportValue.object([
      .init("point", .text(point)), .init("replication", .integer(Int64(replication))),
    ])
    return ContentDigest(of: CanonicalJSON.text(of: value)).hexadecimal
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
