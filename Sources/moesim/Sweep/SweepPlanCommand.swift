// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Foundation
import Reports
import Studies

/// `moesim sweep plan`: the runs of a study, one a line.
struct SweepPlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Write the runs of a study into a plan, one a line.",
    discussion: """
      With --store, runs whose results the store holds are left out, and runs that a study needs \
      next are in: replications after pilots, more replications where they are not precise enough. \
      A plan without runs says that the study is done.
      """)

  @OptionGroup var study: StudyArguments

  @Option(name: .shortAndLong, help: "The plan's file; standard output without it.")
  var output: String?

  @Option(help: "Into how many shards the runs are divided.")
  var shards: Int = 64

  @Option(help: "A store of results; what it holds is not planned again.")
  var store: String?

  func validate() throws {
    guard (1...1_000_000).contains(shards) else {
      throw ValidationError("--shards \(shards): expected 1 to 1000000.")
    }
  }

  func run() throws {
    try CommandFailure.guarded {
      let planner = try SweepPlanner(try study.load())
      let plan: SweepPlan
      if let store, FileManager.default.fileExists(atPath: store) {
        plan = try planner.plan(
          after: try ResultStore(path: store, writes: false), shards: shards)
      } else {
        plan = try planner.plan(after: RecordCollection(), shards: shards)
      }
      try OutputWriter.write(plan.text, to: output)
      StandardError.print(
        "moesim: \(plan.entries.count) runs in \(plan.shards) shards, \(planner.points.count) points"
      )
    }
  }
}
