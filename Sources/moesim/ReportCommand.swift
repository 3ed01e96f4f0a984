// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Foundation
import Hardware
import Records
import Reports

/// `moesim report`: results as one HTML file, or one chart of them.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write results as an HTML file that needs no network, a notebook, or a chart.",
    discussion: """
      An input is what simulate, compare, plan, validate, observe, calibrate check or results print \
      with --format json, the store of a sweep, or a scenario, which is simulated first. Charts are \
      drawn by Vega-Lite, which 'make charts' installs; notebooks need what 'make notebooks' does.
      """)

  @Argument(
    help:
      "Files with results, or a scenario: a file, or a name in scenarios/. Several must be runs.")
  var inputs: [String]

  @Option(help: "Write the page to this file; '-' is standard output.")
  var html: String?

  @Option(
    help: ArgumentHelp(
      "Write a Jupyter notebook, and its data as CSV in NAME-data beside it.",
      valueName: "NAME.ipynb"))
  var notebook: String?

  @Option(help: "The title of the page.")
  var title: String?

  @Option(help: "The run's timeline, as 'simulate --timeline' wrote it.")
  var timeline: String?

  @Option(help: "Where the window of the timeline begins [s of simulated time].")
  var from: Double?

  @Option(help: "Where the window of the timeline ends [s of simulated time].")
  var to: Double?

  @Option(
    name: .customLong("set"),
    help: "Set a key of the scenario, e.g. --set policy.eviction=lfu. Repeatable.")
  var overrides: [String] = []

  @Flag(name: .customLong("list-charts"), help: "List the charts, and write nothing.")
  var listsCharts = false

  @Option(help: "The chart that --export-chart writes.")
  var chart: String?

  @Option(
    name: .customLong("export-chart"),
    help: "Write one chart to FILE.svg, FILE.png, or FILE.vl.json (its Vega-Lite specification).")
  var exportedChart: String?

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  func validate() throws {
    guard html != nil || notebook != nil || listsCharts || exportedChart != nil else {
      throw ValidationError(
        "Expected --html FILE, --notebook FILE, --export-chart FILE, or --list-charts.")
    }
    if let notebook,
      URL(filePath: notebook).lastPathComponent.count <= 6
        || !notebook.hasSuffix(NotebookWriter.suffix)
    {
      throw ValidationError("--notebook \(notebook): expected a name that ends with .ipynb.")
    }
    if let exportedChart {
      guard chart != nil else {
        throw ValidationError("--export-chart needs --chart ID; --list-charts names them.")
      }
      guard ChartRenderer.Format(path: exportedChart) != nil else {
        throw ValidationError(
          "--export-chart \(exportedChart): expected a name that ends with .svg, .png or .vl.json.")
      }
    } else if chart != nil {
      throw ValidationError("--chart is of --export-chart.")
    }
    for (name, value) in [("--from", from), ("--to", to)] {
      if let value, !(0...1e9).contains(value) {
        throw ValidationError("\(name) \(value): expected 0 to 1e9 s.")
      }
    }
    if let from, let to, from >= to {
      throw ValidationError("--from \(from) is not before --to \(to).")
    }
  }

  func run() throws {
    try CommandFailure.guarded { try writeReport() }
  }

  private func writeReport() throws {
    let folders = DataFolders.named(PageAssembler.folderName)
    // Before minutes of simulation, what the page needs must be there.
    let assembler = try html.map { _ in try PageAssembler(folders: folders) }
    let document = try makeDocument()
    if listsCharts {
      let lines = document.charts.map { "\($0.id)\t\($0.title)\n" }.joined()
      try OutputWriter.write(lines)
    }
    if let exportedChart, let format = ChartRenderer.Format(path: exportedChart) {
      let picture = try ChartRenderer(folders: folders).render(try chosen(document), as: format)
      let writer = try OutputWriter(path: exportedChart)
      try picture.withUnsafeBytes { try writer.write($0.bindMemory(to: UInt8.self)) }
      try writer.finish()
    }
    if let assembler, let html { try OutputWriter.write(try assembler.page(document), to: html) }
    if let notebook { try NotebookWriter.write(document, to: notebook) }
  }

  private func chosen(_ document: PageDocument) throws -> Chart {
    let name = chart ?? ""
    if let found = document.charts.first(where: { $0.id == name }) { return found }
    let known = document.charts.map(\.id)
    let guess =
      closestMatch(to: name, among: known).map { "; did you mean '\($0)'?" }
      ?? "; there are \(known.joined(separator: ", "))"
    throw ValidationError("--chart \(name): there is no such chart" + guess)
  }

  // MARK: What the page is of

  private func makeDocument() throws -> PageDocument {
    if inputs.count == 1, let scenario = scenarioPath(inputs[0]) {
      return try simulated(scenario)
    }
    guard overrides.isEmpty else {
      throw ValidationError("--set is of a scenario; \(inputs[0]) holds results.")
    }
    let read = try inputs.map { try ReportInput.read(path: $0) }
    if read.count == 1 { return try document(of: read[0]) }
    var runs: [ReportValue] = []
    var names: [String] = []
    for (path, input) in zip(inputs, read) {
      guard case .runs(let own) = input else {
        throw ReportInput.Problem(
          path: path, message: "holds no run; several files must hold reports of simulate each")
      }
      let stem = URL(filePath: path).deletingPathExtension().lastPathComponent
      runs += own
      names += own.count == 1 ? [stem] : own.indices.map { "\(stem) \($0)" }
    }
    guard timeline == nil else { throw ValidationError("--timeline is of a single run.") }
    return ReportPage.document(of: .runs(runs), names: names, extras: extras)
  }

  private var extras: RunPage.Extras {
    var extras = RunPage.Extras()
    extras.title = title
    return extras
  }

  /// The path of a scenario, `nil` where the name is that of another file.
  private func scenarioPath(_ name: String) -> String? {
    let path = DataLibrary.standard.path(of: name, .scenario)
    guard let path, ["yaml", "yml"].contains(URL(filePath: path).pathExtension) else { return nil }
    return path
  }

  private func document(of input: ReportInput) throws -> PageDocument {
    var extras = extras
    if case .runs(let runs) = input, runs.count == 1 {
      extras.timeline = try timeline.map { try TimelineWindow(path: $0, from: from, to: to) }
      if case .text(let machine)? = runs[0]["setting"]?["hardware"] {
        // A report holds the machine's name alone; its profile may be of another installation.
        extras.sources = (try? Self.sources(of: machine)) ?? []
      }
    } else if timeline != nil {
      throw ValidationError("--timeline is of a single run.")
    }
    guard timeline != nil || (from == nil && to == nil) else {
      throw ValidationError("--from and --to are of --timeline.")
    }
    return ReportPage.document(of: input, extras: extras)
  }

  private static func sources(of machine: String) throws -> [RunPage.SourceEntry] {
    try ProfileLibrary.standard().machine(machine).describe().map { entry in
      RunPage.SourceEntry(
        path: entry.path, value: entry.figure.text, source: entry.sourceText,
        isAssumption: entry.figure.isAssumption || entry.figure.achievableIsAssumption)
    }
  }
}

extension ReportCommand {
  /// Windows in which a page shows a run over time: a few pixels each.
  private static let historyWindows = 120

  /// Simulates a scenario, with a timeline where a page will show one.
  private func simulated(_ path: String) throws -> PageDocument {
    guard timeline == nil else {
      throw ValidationError(
        "--timeline is of a run's report; a scenario is simulated with its own.")
    }
    let scenario = try Scenario.load(path, overrides: overrides)
    guard scenario.fleet.wideArea == nil else {
      throw ReportInput.Problem(
        path: path, message: "describes a wide-area pipeline, of whose results there is no page yet"
      )
    }
    let trace = FileManager.default.temporaryDirectory
      .appending(path: "moesim-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: trace) }
    // Fleets write no timeline, and replications are shown by their means.
    let hasTimeline =
      (html != nil || notebook != nil) && !scenario.isFleet && scenario.run.replications == 1
    let nanoseconds = { (seconds: Double) in UInt64((seconds * 1e9).rounded()) }
    let shown = (from.map(nanoseconds) ?? 0)...(to.map(nanoseconds) ?? .max)
    let writer =
      hasTimeline
      ? try ChromeTraceWriter(path: trace.path, limit: TimelineWindow.usualLimit, window: shown)
      : nil
    var display = ProgressDisplay(isWanted: !hidesProgress)
    let outcome = try ScenarioExecution.execute(
      scenario, timeline: writer, history: Self.historyWindows,
      progress: { progress in
        display.update(
          Progress(
            done: Double(progress.completed), total: Double(progress.expected ?? 0),
            unit: "requests"))
      })
    display.finish()
    var extras = extras
    extras.scenario = scenario.tree.json
    extras.sources = try Self.sources(of: scenario.hardware.label)
    if let written = outcome.timeline as? ChromeTraceWriter {
      let summary = try written.finish()
      var window = try TimelineWindow(path: trace.path, from: from, to: to)
      if window.note == nil, !summary.notices.isEmpty {
        window.note = summary.notices.joined(separator: ". ") + "."
      }
      extras.timeline = window
    }
    return ReportPage.document(
      of: .runs(outcome.results.map { ResultDocument($0).value }), extras: extras)
  }
}
