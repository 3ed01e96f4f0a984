// SPDX-License-Identifier: GPL-3.0-or-later

public import Experiments
import Records
public import Serving

/// The figures of a report as `--require` and CSV name them.
public struct ReportedFigures: ResultFigures {
  /// The figures of the schema.
  public init() {}

  /// Whether a report may have this key.
  public func mayContain(_ key: String) -> Bool { ReportSchema.mayContain(key) }

  /// The key that was probably meant by one that no report has.
  public func closest(to key: String) -> String? { ReportSchema.closest(to: key) }

  /// Every number of a run's report, by dotted key.
  public func numbers(of result: SimulationResult) -> [String: Double] {
    var numbers: [String: Double] = [:]
    for member in ResultDocument(result).value.flattened() {
      numbers[member.key] = member.value.numericValue
    }
    return numbers
  }
}
