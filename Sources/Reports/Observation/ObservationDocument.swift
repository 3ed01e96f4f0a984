// SPDX-License-Identifier: GPL-3.0-or-later

public import Experiments
import Records

/// An observation as it is reported: figures at their resolution, judged.
public struct ObservationDocument: Sendable {
  /// The comparison.
  public let report: ObservationReport
  /// What the limits say of it.
  public let verdict: ObservationVerdict
  /// The tree of values, with the verdict under `verdict`.
  public let value: ReportValue

  /// The limits of a run for which none are asked; those on figures that it lacks are left out.
  ///
  /// They are those within which a simulation can stand for the system when machines are chosen:
  /// waiting for the first token depends on load and is given more room than the rate of tokens.
  public static let defaultLimits = [
    "ttft_ms.mean.error<=10%", "tpot_ms.mean.error<=5%", "e2el_ms.mean.error<=5%",
    "requests_per_second.error<=5%",
  ]

  /// Judges an observation.
  ///
  /// - Parameter limits: What must hold; the default limits where none are given.
  /// - Throws: When a limit is on a figure that is text.
  public init(
    _ report: ObservationReport, limits: [RequireLimit] = []
  ) throws(RequireLimitError) {
    var nonFinite: [String] = []
    var tree = Self.tree(of: report).roundedToResolution(nonFinite: &nonFinite)
    let leaves = tree.flattened()
    let absent = leaves.filter { $0.value == .null }.map {
      (key: $0.key, reason: "the results or the simulation have no such figure")
    }
    var judged = limits
    if limits.isEmpty {
      for text in Self.defaultLimits {
        let limit = try RequireLimit(parsing: text, keys: .observation)
        let isKnown = leaves.contains { $0.key == limit.key && $0.value != .null }
        if isKnown { judged.append(limit) }
      }
    }
    var results: [ObservationVerdict.Limit] = []
    for limit in judged {
      let outcome = try limit.evaluate(tree, omitted: absent)
      results.append(
        .init(
          limit: limit.description,
          found: leaves.first { $0.key == limit.key }?.value.numericValue,
          kept: outcome.miss == nil, message: outcome.miss ?? ""))
    }
    verdict = ObservationVerdict(
      rule: limits.isEmpty ? "default" : "required", kept: results.allSatisfy(\.kept),
      limits: results)
    tree.set("verdict", to: Self.tree(of: verdict))
    self.report = report
    value = tree
  }

  private static func tree(of value: some Encodable) -> ReportValue {
    // The records hold only values of the standard library, whose encoding never throws.
    do { return try ReportValue(encoding: value) } catch {
      preconditionFailure("A report's own fields can always be encoded: \(error)")
    }
  }
}

/// Whether a simulation is near enough to a measured run.
public struct ObservationVerdict: Encodable, Sendable {
  /// One limit and what was found.
  public struct Limit: Encodable, Sendable {
    /// The condition.
    public var limit: String
    /// The figure; `nil` where there is none.
    public var found: Double?
    /// Whether it holds.
    public var kept: Bool
    /// What to say where it doesn't; empty where it does.
    public var message: String
  }

  /// Whose limits these are: "required" by the caller, or the "default".
  public var rule: String
  /// Whether all of them hold.
  public var kept: Bool
  /// The limits.
  public var limits: [Limit]
}
