// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Records
import Reports
import Studies

/// `moesim results`: what a store holds.
struct ResultsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "results", abstract: "List the results that a store holds.",
    discussion: """
      Conditions are SQL over the columns: varied keys, status, replication, and the figures of a \
      report by their keys, e.g. --where 'policy = "promoe" and ttft_ms.p99 < 500'.
      """)

  @Argument(help: "The store.")
  var store: String

  @Option(name: .customLong("where"), help: "Only runs for which this is true.")
  var condition: String?

  @Option(help: "Columns, separated by commas; 'all', or 'list' to name them.")
  var columns: String?

  @Option(help: "Sort by this, e.g. 'tpot_ms.mean desc'.")
  var sort: String?

  @Flag(help: "Points with intervals over replications, in place of runs.")
  var summary = false

  @Option(
    help: ArgumentHelp(
      "Compare the values of a varied key by paired differences, with Holm's correction.",
      valueName: "key"))
  var compare: String?

  @Option(help: "The value that others are compared with; the first without it.")
  var baseline: String?

  @Option(
    name: .customLong("figure"),
    help: "The figures of --summary, or the figure of --compare. Repeatable.")
  var figures: [String] = []

  @Option(help: "The probability with which intervals cover, e.g. 0.95.")
  var confidence: Double = 0.95

  @Option(
    help: ArgumentHelp(
      "Draw a figure along a varied key, e.g. cache.experts:tpot_ms.mean: a curve for each value of others.",
      valueName: "key:figure"))
  var plot: PlottedFigure?

  @Flag(help: "The part files that the store holds.")
  var parts = false

  @Option(help: "The format of the result: table, json, jsonl, csv or markdown.")
  var format: ListingFormat = .table

  @Option(name: .shortAndLong, help: "Write the result to a file instead of standard output.")
  var output: String?

  func validate() throws {
    guard (0.5..<1).contains(confidence) else {
      throw ValidationError("--confidence \(confidence): expected 0.5 to below 1.")
    }
    guard [summary, compare != nil, parts, plot != nil].count(where: { $0 }) <= 1 else {
      throw ValidationError("Expected one of --summary, --compare, --plot and --parts.")
    }
    if plot != nil, format != .table {
      throw ValidationError("--plot draws with characters, not in \(format.rawValue).")
    }
    if plot != nil, !figures.isEmpty {
      throw ValidationError("--figure is of --summary and --compare; --plot names its own.")
    }
    if baseline != nil, compare == nil { throw ValidationError("--baseline is of --compare.") }
  }

  func run() throws {
    try CommandFailure.guarded {
      let store = try ResultStore(path: store, writes: false)
      if parts { return try write(try Self.parts(of: store)) }
      let runs = try store.runs()
      if columns == "list" {
        let names = ResultTable.allColumns(of: runs)
        return try OutputWriter.write(names.map { $0 + "\n" }.joined(), to: output)
      }
      let kept = try selected(runs)
      if let compare {
        return try write(
          ResultListing.listing(
            of: try AxisComparison(
              of: kept, axis: compare, baseline: baseline, figure: figures.first ?? "tpot_ms.mean",
              confidence: confidence)))
      }
      if let plot {
        return try plot.draw(
          StudySummary(runs: kept, figures: [plot.figure], confidence: confidence), to: output)
      }
      if summary {
        return try write(
          ResultListing.listing(
            of: StudySummary(
              runs: kept, figures: figures.isEmpty ? StudySummary.usualFigures : figures,
              confidence: confidence)))
      }
      let names: [String]
      switch columns {
      case nil: names = ResultTable.usualColumns(of: runs)
      case "all": names = ResultTable.allColumns(of: runs)
      case let text?:
        names = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      }
      try write(
        ResultListing.listing(
          of: try ResultTable(of: runs, columns: names, where: condition, order: sort)))
    }
  }

  /// The runs that the condition keeps, for what is more than a table.
  private func selected(_ runs: [MergedRun]) throws -> [MergedRun] {
    guard let condition, summary || compare != nil || plot != nil else { return runs }
    let places = try ResultTable.indices(of: runs, where: condition)
    return places.map { runs[$0] }
  }

  private static func parts(of store: ResultStore) throws -> Listing {
    var listing = Listing([
      ("name", "name", false, 0), ("runs", "runs", true, 0), ("sha256", "sha256", false, 1),
    ])
    for part in try store.parts() {
      listing.append([.text(part.name), .integer(Int64(part.runs)), .text(part.digest)])
    }
    return listing
  }

  private func write(_ listing: Listing) throws {
    let whole = 1 << 20
    let style =
      output == nil ? ReportStyle.detected(pipeWidth: whole) : ReportStyle(width: whole)
    try OutputWriter.write(listing.text(format, style: style), to: output)
  }
}
