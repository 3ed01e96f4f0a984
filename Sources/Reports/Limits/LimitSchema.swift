// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Experiments
import Records

/// The keys on which limits may be set, of one kind of report.
public struct LimitSchema: Sendable {
  /// Whether a report may have the key.
  let mayContain: @Sendable (String) -> Bool
  /// The key that is nearest to one that no report has.
  let closest: @Sendable (String) -> String?
  /// The page that lists the keys.
  let page: String

  /// The keys of a simulation's report.
  public static let simulation = LimitSchema(
    mayContain: { ReportSchema.mayContain($0) }, closest: { ReportSchema.closest(to: $0) },
    page: "docs/report-schema.md")

  /// The keys of an observation's report.
  public static let observation = LimitSchema(
    mayContain: { observationKeys.contains($0) },
    closest: { closestMatch(to: $0, among: observationKeys) }, page: "docs/observe.md")

  /// Every key of an observation's report, told by the record itself.
  public static let observationKeys: [String] = {
    do {
      let sample = try ObservationReport(from: SampleDecoder(codingPath: []))
      return try ReportValue(encoding: sample).flattened().map(\.key).filter {
        !$0.hasPrefix("notices.")
      }
    } catch {
      preconditionFailure("Every field of an observation can be made up and encoded: \(error)")
    }
  }()
}
