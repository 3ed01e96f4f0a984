// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Records
import Reports
import Studies

/// `moesim sweep merge`: the results of a plan in one file.
struct SweepMergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Merge the files of a plan's shards into a store, JSON Lines or CSV.",
    discussion: """
      The same results give the same bytes of JSON Lines and CSV, wherever and in whatever order they \
      were made. A store is added to. Two different results of one run are an error.
      """)

  @Argument(help: "The folder of part files.")
  var folder: String

  @Option(help: "The plan's file.")
  var plan: String

  @Option(
    name: .shortAndLong, help: "The result: a name that ends with .sqlite, .jsonl or .csv.")
  var output: String

  @Flag(help: "Merge what there is, although shards are not finished.")
  var partial = false

  func validate() throws {
    guard ["sqlite", "jsonl", "csv"].contains(ending) else {
      throw ValidationError("--output '\(output)': expected a name with .sqlite, .jsonl or .csv.")
    }
  }

  private var ending: String { URL(filePath: output).pathExtension }

  func run() throws {
    try CommandFailure.guarded {
      let merge = try SweepMerge(
        plan: try SweepPlanFile(path: plan), folder: folder, partial: partial)
      switch ending {
      case "sqlite":
        let store = try ResultStore(path: output, writes: true)
        try store.add(merge.runs, parts: merge.parts)
      case "csv":
        let table = try ResultTable(
          of: merge.runs, columns: ResultTable.allColumns(of: merge.runs))
        try OutputWriter.write(
          ResultListing.listing(of: table).text(.csv, style: .init()), to: output)
      default:
        let lines = merge.runs.map { JSONText.text(of: $0.value, layout: .compact) + "\n" }
        try OutputWriter.write(lines.joined(), to: output)
      }
      let failures = merge.runs.filter { $0.record.status.isFailure }
      StandardError.print(
        "moesim: \(merge.runs.count) runs merged"
          + (merge.unfinished.isEmpty ? "" : ", \(merge.unfinished.count) shards not finished")
          + (failures.isEmpty ? "" : ", \(failures.count) without a result"))
      if !failures.isEmpty { throw CommandFailure.someFailed }
    }
  }
}
