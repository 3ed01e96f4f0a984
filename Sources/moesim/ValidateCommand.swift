// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Experiments
import Reports

/// `moesim validate`: simulated figures beside published ones.
struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Simulate what publications measured, and print simulated, published and error.",
    discussion: """
      Reference cases are files of reference-cases/ (docs/reference-cases.md). Cases on which a \
      parameter was fitted, or whose value went in as it is, are labelled so and not counted. The \
      summary gives each system one vote.
      """)

  @Argument(help: "SYSTEM, SYSTEM/CASE, or the path of a file. (default: all systems)")
  var cases: [String] = []

  @Option(
    help: "The report's format: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: ReportFormat = .table

  @Option(name: .shortAndLong, help: "Write the report to a file instead of standard output.")
  var output: String?

  @Flag(help: "List the cases, and run nothing.")
  var list = false

  @Flag(
    help: """
      Exit with 2 unless every counted case is within its tolerance and every ordering is reproduced.
      """)
  var strict = false

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  func run() throws {
    try CommandFailure.guarded { try runCases() }
  }

  private func runCases() throws {
    if list, strict { throw ValidationError("--strict has no meaning beside --list") }
    let figures = ReportedFigures()
    let selection = try ValidationSelection.load(cases, figures: figures)
    let style = output == nil ? ReportStyle.detected() : ReportStyle()
    if list {
      let renderer = RecordRenderer(format: format, style: style)
      try OutputWriter.write(
        renderer.render(selection.flatMap(CaseEntry.entries), columns: CaseEntry.columns),
        to: output)
      return
    }
    var display = ProgressDisplay(isWanted: !hidesProgress)
    let report = ValidationStudy(selection, figures: figures).run { progress in
      display.update(
        Progress(
          done: Double(progress.completed), total: Double(progress.total), unit: "runs",
          detail: progress.run))
    }
    display.finish()
    let renderer = ValidationRenderer(format: format, style: style)
    try OutputWriter.write(renderer.render(report), to: output)
    if strict, !report.passes {
      StandardError.print(
        "moesim: a counted case is beyond its tolerance, or an ordering is not reproduced")
      throw CommandFailure.limitMissed
    }
  }
}

/// A case in a list.
private struct CaseEntry: Encodable {
  var name: String
  var what: String
  var status: String
  var published: Double
  var unit: String
  var grade: String
  var source: String

  static let columns: [RecordRenderer.Column] = [
    .init("name", "Case"), .init("published", "Published"), .init("unit", "Unit", dropOrder: 1),
    .init("status", "Status"), .init("what", "What", dropOrder: 2),
    .init("source", "Source", dropOrder: 3),
  ]

  static func entries(_ selection: ValidationSelection) -> [CaseEntry] {
    selection.cases.map { one in
      CaseEntry(
        name: "\(selection.system.name)/\(one.id)", what: one.what, status: one.status.rawValue,
        published: one.published.lowerBound, unit: one.unit, grade: one.grade.rawValue,
        source: one.source)
    }
  }
}
