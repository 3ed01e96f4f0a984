// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Experiments
import Reports
import Workload

/// `moesim observe [run]`: replays the requests of a measured run in simulation, and compares.
struct ObserveRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Replay a measured serving run in simulation, and compare the latencies.",
    discussion: """
      Requests are sent as they were in the measured run, with their lengths and in their order, to the \
      simulated system of the scenario, whose own workload is not used. Latencies are compared by mean \
      and percentiles, by the Kolmogorov-Smirnov and Wasserstein distances, and request by request. \
      See docs/observe.md.
      """)

  @Argument(help: "What the benchmark wrote: its results with single requests, or a summary.")
  var results: String

  @Option(help: "The scenario: a file, or a name in scenarios/.")
  var scenario: String

  @Option(
    name: .customLong("set"),
    help: "Set a key of the scenario, e.g. --set cache.memory_fraction=0.85. Repeatable.")
  var overrides: [String] = []

  @Option(
    name: .customLong("from"),
    help:
      "The results' format, recognised unless given: \(ObservedFormat.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var source: ObservedFormat?

  @Option(
    help: "So many users send the requests, each after an answer, in place of recorded times.")
  var concurrency: Int?

  @Flag(help: "Draw the distributions of both sides.")
  var plot = false

  @Option(help: "Write each request, measured and simulated, as CSV.")
  var requests: String?

  @Option(
    name: .customLong("require"),
    help: """
      Exit with 2 unless the figure is within the limit, e.g. 'ttft_ms.mean.error<=10%'; replaces the \
      default limits. Repeatable.
      """)
  var requirements: [String] = []

  @Flag(help: "Exit with 2 when a default limit is missed.")
  var strict = false

  @Option(
    help: "The report's format: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: ReportFormat = .table

  @Option(name: .shortAndLong, help: "Write the report to a file instead of standard output.")
  var output: String?

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  func validate() throws {
    if let concurrency, !(1...1_000_000).contains(concurrency) {
      throw ValidationError("--concurrency \(concurrency): expected 1 to 1000000 users.")
    }
    if plot, format != .table, format != .markdown {
      throw ValidationError("--plot draws in tables and Markdown, not in \(format.rawValue).")
    }
  }

  func run() throws {
    try CommandFailure.guarded { try observe() }
  }

  private func observe() throws {
    let limits = try requirements.map { try RequireLimit(parsing: $0, keys: .observation) }
    let run = try ObservedRunReader.read(path: results, format: source)
    if requests != nil, run.summary != nil {
      throw ValidationError("--requests: \(results) is a summary, which holds no single requests.")
    }
    let study = try ObservationStudy(
      run, scenario: try Scenario.load(scenario, overrides: overrides), users: concurrency)
    var display = ProgressDisplay(isWanted: !hidesProgress)
    let outcome = try study.run { progress in
      display.update(
        Progress(
          done: Double(progress.completed), total: Double(progress.expected ?? 0),
          unit: "requests"))
    }
    display.finish()
    let document = try ObservationDocument(outcome.report, limits: limits)
    let style = output == nil ? ReportStyle.detected() : ReportStyle()
    let renderer = ObservationRenderer(format: format, style: style, plots: plot)
    try OutputWriter.write(renderer.render(document, samples: outcome.samples), to: output)
    if let requests {
      try OutputWriter.write(
        RequestPairsWriter.text(outcome.pairs, since: run.origin), to: requests)
    }
    guard !limits.isEmpty || strict, !document.verdict.kept else { return }
    for limit in document.verdict.limits where !limit.kept {
      StandardError.print("moesim: \(limit.message)")
    }
    throw CommandFailure.limitMissed
  }
}

extension ObservedFormat: ExpressibleByArgument {}
