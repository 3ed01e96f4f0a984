// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Experiments
import Reports
import Serving

/// `moesim simulate`: runs a scenario and reports.
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Run a scenario and report how fast it is, where the time goes, and what would help.")

  @Argument(help: "The scenario: a file, or a name in scenarios/.")
  var scenario: String

  @Option(
    name: .customLong("set"),
    help: "Set a key of the scenario, e.g. --set policy.eviction=lfu. Repeatable.")
  var overrides: [String] = []

  @Option(
    help: "The report's format: \(ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: ReportFormat = .table

  @Option(name: .shortAndLong, help: "Write the report to a file instead of standard output.")
  var output: String?

  @Option(help: "Write a timeline that opens in Perfetto.")
  var timeline: String?

  @Option(
    help: ArgumentHelp(
      "What the timeline shows of the simulated time, e.g. '60s..70s'; else what fits in 46 MB from"
        + " the beginning.", valueName: "from..to"))
  var timelineWindow: TimeWindow?

  @Option(
    help: "Write what was decided about experts, as JSON Lines; see docs/decisions-format.md.")
  var decisions: String?

  @Option(
    help: """
      Write what became of each request, as CSV, or JSON Lines where the name ends with .jsonl; see \
      docs/requests-format.md.
      """)
  var requests: String?

  @Option(
    help: "Write every forward pass in MoE-CAP's shape, as JSON Lines; see docs/passes-format.md.")
  var passes: String?

  @Option(
    defaultAsFlag: 20,
    help: ArgumentHelp(
      "State intervals on speed, from so many runs with drawn errors of the fitted kernel timings"
        + " (20 without a number).", valueName: "runs"))
  var uncertainty: Int?

  @Option(
    defaultAsFlag: 120,
    help: ArgumentHelp(
      "Report the run over time as well, in at most so many windows (120 without a number), for"
        + " 'moesim report'; as JSON only.", valueName: "windows"))
  var history: Int?

  @Option(
    name: .customLong("require"),
    help: "Exit with 2 unless the figure is within the limit, e.g. 'tpot_ms.p99<=100'. Repeatable.")
  var requirements: [String] = []

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  func validate() throws {
    if let uncertainty, !(2...10_000).contains(uncertainty) {
      throw ValidationError("--uncertainty \(uncertainty): expected 2 to 10000 runs.")
    }
    if timelineWindow != nil, timeline == nil {
      throw ValidationError(
        "--timeline-window is of a timeline; expected --timeline FILE beside it.")
    }
    if let history {
      guard (2...10_000).contains(history) else {
        throw ValidationError("--history \(history): expected 2 to 10000 windows.")
      }
      guard format == .json || format == .jsonl else {
        throw ValidationError(
          "--history is reported as JSON alone: expected --format json or jsonl, found"
            + " \(format.rawValue).")
      }
    }
  }

  func run() throws {
    try CommandFailure.guarded { try simulate() }
  }

  private func simulate() throws {
    let limits = try requirements.map { try RequireLimit(parsing: $0) }
    let scenario = try Scenario.load(self.scenario, overrides: overrides)
    if scenario.fleet.wideArea != nil { return try simulateWideArea(scenario) }
    let writer = try timeline.map {
      try ChromeTraceWriter(path: $0, window: timelineWindow?.nanoseconds ?? 0 ... .max)
    }
    var display = ProgressDisplay(isWanted: !hidesProgress)
    let outcome = try ScenarioExecution.execute(
      scenario, timeline: writer,
      decisions: decisions.map { path in
        { configuration in try DecisionLogWriter(path: path, configuration: configuration) }
      }, requests: try requests.map { try RequestLogWriter(path: $0) },
      passes: passes.map { path in
        { configuration in try PassLogWriter(path: path, configuration: configuration) }
      }, uncertainty: uncertainty, history: history
    ) { progress in
      display.update(
        Progress(
          done: Double(progress.completed), total: Double(progress.expected ?? 0),
          unit: "requests"))
    }
    display.finish()
    var results = outcome.results
    if let written = outcome.timeline as? ChromeTraceWriter {
      results[0].notices += try written.finish().notices
    }
    try (outcome.decisions as? DecisionLogWriter)?.finish()
    try (outcome.requests as? RequestLogWriter)?.finish()
    try (outcome.passes as? PassLogWriter)?.finish()
    let style = output == nil ? ReportStyle.detected() : ReportStyle()
    try OutputWriter.write(format.renderer(style: style).render(results), to: output)
    try CommandFailure.check(limits, against: results)
  }
}

extension SimulateCommand {
  /// Runs a pipeline over a wide-area network, which has a report of its own.
  private func simulateWideArea(_ scenario: Scenario) throws {
    guard timeline == nil, decisions == nil, passes == nil, uncertainty == nil, history == nil,
      requirements.isEmpty
    else {
      throw ValidationError(
        "A scenario with fleet.wide_area has no timeline, decisions, passes, uncertainty, history or"
          + " limits.")
    }
    guard let format = ListingFormat(rawValue: format.rawValue) else {
      throw ValidationError(
        "A scenario with fleet.wide_area is reported as "
          + ListingFormat.allCases.map(\.rawValue).joined(separator: ", ") + ".")
    }
    let results = try WideAreaExecution.execute(scenario) ?? []
    let style = output == nil ? ReportStyle.detected() : ReportStyle()
    let texts = results.map {
      WideAreaReport.facts(of: $0, scenario: scenario).text(format, style: style)
    }
    try OutputWriter.write(texts.joined(separator: "\n"), to: output)
  }
}

extension ReportFormat: ExpressibleByArgument {}
