// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Reports
import Studies

/// `moesim plan`: which machines, how many, under which policy.
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Find which machines, how many, and under which settings serve a traffic for least.",
    discussion: """
      What cannot work is never simulated; the rest is screened by runs that grow as candidates \
      get fewer, and finalists are replicated. Exits with 3 where nothing fits, after saying what \
      binds and what nearly does. docs/plan.md describes the file.
      """)

  @Argument(help: "The plan: a file, or a name in scenarios/plans/.")
  var plan: String

  @Option(
    name: .customLong("set"),
    help: "Set a key of the plan, e.g. --set limits.budget='5000 USD'. Repeatable.")
  var overrides: [String] = []

  @Option(
    help:
      "The report's format: \(PlanRenderer.Format.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var format: PlanRenderer.Format = .table

  @Option(name: .shortAndLong, help: "Write the report to a file instead of standard output.")
  var output: String?

  @Option(
    help:
      "Runs at once, which changes nothing of the report; as many as the machine has cores without it."
  )
  var jobs: Int?

  @Flag(
    help:
      "Replicate every candidate that fits, in place of a search: what a search is held against.")
  var exhaustive = false

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  func validate() throws {
    if let jobs, !(1...1024).contains(jobs) {
      throw ValidationError("--jobs \(jobs): expected 1 to 1024.")
    }
  }

  func run() throws {
    try CommandFailure.guarded {
      let file = try PlanFile.load(plan, overrides: overrides)
      let display = SharedProgressDisplay(isWanted: !hidesProgress)
      let jobs = jobs ?? ProcessInfo.processInfo.activeProcessorCount
      let outcome = try PlanSearch(file, isExhaustive: exhaustive, jobs: jobs) { progress in
        display.update(
          Progress(
            done: Double(progress.completed), total: Double(progress.total), unit: "done",
            detail: progress.stage))
      }.run()
      display.finish()
      let style = output == nil ? ReportStyle.detected() : ReportStyle()
      try OutputWriter.write(
        PlanRenderer(format: format, style: style).render(outcome), to: output)
      if outcome.best == nil { throw CommandFailure.doesNotFit }
    }
  }
}

extension PlanRenderer.Format: ExpressibleByArgument {}
