// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Foundation
import Reports

/// `moesim observe points`: a table of measured serving points beside simulated ones.
struct ObservePointsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "points",
    abstract: "Simulate measured serving points, and print measured, simulated and error.",
    discussion: """
      Each point of the table becomes a scenario by the rules of observations/       (docs/observe-points.md). Points are listed worst first, then medians by model, system and       server, the knees of throughput against concurrency, and what is not simulated and why.
      """)

  @Argument(help: "The table: CSV, a point a line.")
  var table: String

  @Option(help: "The rules, a name in observations/ or a path.")
  var rules = "serving-points"

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp(
      "Only points with this, e.g. system=h100_sxm, or one of several: backend=vllm,trtllm. Repeatable.",
      valueName: "field=value"))
  var conditions: [String] = []

  @Option(
    help: ArgumentHelp(
      "Fit constants of the runtime to this group, and judge on the others.",
      valueName: "model/system/server"))
  var fitGroup: String?

  @Option(help: "Which constants are fitted, keys of the runtime profile.")
  var fit = "per_step"

  @Option(
    name: .customLong("set"),
    help: "Set a key of every scenario, e.g. --set runtime.per_step='1 ms'. Repeatable.")
  var overrides: [String] = []

  @Option(help: "Print the scenario of the point with this name, and simulate nothing.")
  var show: String?

  @Option(help: "Points and curves that tables list at most.")
  var rows = 40

  @Option(help: "Runs at once.")
  var workers = 2

  @Option(
    help: "The report's format: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: ReportFormat = .table

  @Option(name: .shortAndLong, help: "Write the report to a file instead of standard output.")
  var output: String?

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  func validate() throws {
    _ = try parsedConditions()
    guard (1...256).contains(workers) else { throw ValidationError("--workers is from 1 to 256") }
    guard rows >= 0 else { throw ValidationError("--rows is 0 or more") }
    if fitKeys.isEmpty { throw ValidationError("--fit names no constant") }
  }

  func run() throws {
    try CommandFailure.guarded { try observe() }
  }

  private var fitKeys: [String] {
    fit.split(separator: ",").map { String($0.trimmingPrefix(while: { $0 == " " })) }
  }

  private func parsedConditions() throws -> [PointRule.Condition] {
    try conditions.map { text in
      let sides = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard sides.count == 2, let field = PointRule.Field(rawValue: sides[0]) else {
        let names = PointRule.Field.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError(
          "--where '\(text)' is no condition; expected field=value, field one of \(names)")
      }
      return PointRule.Condition(
        field: field, values: sides[1].split(separator: ",").map(String.init))
    }
  }

  private func observe() throws {
    let points = try ServingPointTable.read(table)
    var options = PointStudy.Options()
    options.conditions = try parsedConditions()
    options.fitGroup = fitGroup
    options.fitKeys = fitKeys
    options.overrides = overrides
    options.workers = workers
    let study = PointStudy(rules: try PointRules.load(rules), options: options)
    if let show { return try print(show, of: points, study) }
    let progress = ProgressLine(isWanted: !hidesProgress)
    let report = try study.run(points) { done, total in
      progress.update(Reports.Progress(done: Double(done), total: Double(total), unit: "points"))
    }
    progress.finish()
    let style = output == nil ? ReportStyle.detected() : ReportStyle()
    let renderer = PointReportRenderer(format: format, style: style, rows: rows)
    try OutputWriter.write(renderer.render(report), to: output)
  }

  private func print(_ name: String, of points: [ServingPoint], _ study: PointStudy) throws {
    guard let point = points.first(where: { $0.id == name }) else {
      throw MissingFile(
        path: name,
        hint: closestMatch(to: name, among: points.map(\.id)).map { "did you mean '\($0)'?" }
          ?? "\(table) has no point of that name")
    }
    switch try study.rules.resolve(point) {
    case .failure(let refusal):
      StandardError.print("moesim: \(name) is not simulated: \(refusal.reason)")
      throw CommandFailure.failed
    case .success(let found):
      try OutputWriter.write(found.tree.json + "\n", to: output)
    }
  }
}

/// A progress display that several threads tell of their progress.
private final class ProgressLine: @unchecked Sendable {
  private let lock = NSLock()
  // Guarded by the lock.
  private var display: ProgressDisplay

  init(isWanted: Bool) { display = ProgressDisplay(isWanted: isWanted) }

  func update(_ progress: Reports.Progress) {
    lock.withLock { display.update(progress) }
  }

  func finish() {
    lock.withLock { display.finish() }
  }
}
