// SPDX-License-Identifier: GPL-3.0-or-later

/// Makes the document of a page of whatever a file holds.
public enum ReportPage {
  /// The document.
  ///
  /// - Parameters:
  ///   - input: What was read.
  ///   - names: What runs go by where there are several, one for each.
  ///   - extras: What stands on a run's page beside its report; of another page only the title is.
  public static func document(
    of input: ReportInput, names: [String] = [], extras: RunPage.Extras = RunPage.Extras()
  ) -> PageDocument {
    var document =
      switch input {
      case .runs(let runs) where runs.count == 1: RunPage(runs[0], extras: extras).document
      case .runs(let runs): RunsPage(runs, names: names).document
      case .comparison(let value): ComparisonPage(comparison: value).document
      case .plan(let value): PlanPage(plan: value).document
      case .validation(let value): ValidationPage(validation: value).document
      case .observation(let value): ObservationPage(observation: value).document
      case .points(let value): PointsPage(report: value).document
      case .calibration(let laws): CalibrationPage(laws: laws).document
      case .sweep(let table): SweepPage(table: table).document
      }
    if let title = extras.title { document.title = title }
    return document
  }
}
