// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Dispatch
import Foundation
import Reports
import Studies

/// `moesim sweep run`: a study from plan to results.
struct SweepRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a study and print a summary of its points.",
    discussion: """
      Results are kept in the store, and what it holds is not run again. Ctrl-C has the runs under way \
      end and keeps everything; a second Ctrl-C stops at once. Exit codes: 0 done, 4 some runs have \
      no result, 130 interrupted.
      """)

  /// Where runs are made.
  enum Engine: String, CaseIterable, ExpressibleByArgument {
    /// In processes of this machine.
    case local
    /// On the workers of a Dask cluster.
    case dask
  }

  @OptionGroup var study: StudyArguments

  @Option(help: "Runs at once on this machine; as many as it has cores without it.")
  var jobs: Int?

  @Option(help: "The store of results, made where there is none.")
  var store: String = "results.sqlite"

  @Option(help: "Where runs are made: local, or dask (see 'make dask').")
  var engine: Engine = .local

  @Option(help: "The address of a Dask scheduler; without it a cluster on this machine is started.")
  var scheduler: String?

  @Option(help: "Into how many shards a plan is divided; without it 32 for each job, 4 with Dask.")
  var shards: Int?

  @Option(help: "The folder of plans and part files; STORE.parts without it.")
  var parts: String?

  @Option(
    name: .customLong("figure"), help: "A figure of the summary, by its key. Repeatable.")
  var figures: [String] = []

  @Option(
    help: ArgumentHelp(
      "Draw a figure along a varied key in place of the table, e.g. cache.experts:tpot_ms.mean.",
      valueName: "key:figure"))
  var plot: PlottedFigure?

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  @OptionGroup var options: ListingOptions

  func validate() throws {
    if let jobs, !(1...1024).contains(jobs) {
      throw ValidationError("--jobs \(jobs): expected 1 to 1024.")
    }
    if let shards, !(1...1_000_000).contains(shards) {
      throw ValidationError("--shards \(shards): expected 1 to 1000000.")
    }
    if scheduler != nil, engine != .dask {
      throw ValidationError("--scheduler is of --engine dask.")
    }
    if plot != nil, options.format != .table {
      throw ValidationError("--plot draws with characters, not in \(options.format.rawValue).")
    }
    if plot != nil, !figures.isEmpty {
      throw ValidationError("--figure is of the table; --plot names its own.")
    }
    if let output = options.output, output == store || output.hasSuffix(".sqlite") {
      throw ValidationError(
        "--output \(output) is where the summary goes, a text; expected another name, and --store for"
          + " the results.")
    }
  }

  func run() throws {
    try CommandFailure.guarded { try sweep() }
  }

  private func sweep() throws {
    let planner = try SweepPlanner(try study.load())
    // Before hours of runs, not after them.
    if let plot { try StudyCurves.place(of: plot.axis, among: planner.study.axes.map(\.key)) }
    let jobs = jobs ?? ProcessInfo.processInfo.activeProcessorCount
    let session = SweepSession(
      planner: planner, store: try ResultStore(path: store, writes: true),
      folder: parts ?? store + ".parts",
      shards: StudyArguments.shards(jobs: jobs, wanted: shards, engine: engine))
    let display = SharedProgressDisplay(isWanted: !hidesProgress)
    let control = SweepControl { progress in
      display.update(
        Progress(done: Double(progress.done), total: Double(progress.total), unit: "runs"))
    }
    let interrupts = Self.interrupts(control)
    defer { interrupts.cancel() }
    let outcome: SweepSession.Outcome
    do { outcome = try session.run(on: try makeEngine(jobs: jobs), control: control) } catch {
      display.finish()
      throw error
    }
    display.finish()
    try write(outcome.points, of: planner.study)
    StandardError.print(
      "moesim: \(outcome.made) runs made, \(outcome.known) known before, all in \(store)")
    if outcome.isInterrupted { throw CommandFailure.interrupted }
    if outcome.points.contains(where: { $0.records.contains { $0.status.isFailure } }) {
      throw CommandFailure.someFailed
    }
  }

  private func write(_ points: [PointProgress], of study: Study) throws {
    func summary(_ figures: [String]) -> StudySummary {
      StudySummary(
        points, axes: study.axes.map(\.key), figures: figures, confidence: study.confidence)
    }
    if let plot { return try plot.draw(summary([plot.figure]), to: options.output) }
    let figures = figures.isEmpty ? StudySummary.usualFigures : figures
    try options.write(ResultListing.listing(of: summary(figures)))
  }

  private func makeEngine(jobs: Int) throws -> any SweepEngine {
    let executable = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    switch engine {
    case .local: return LocalEngine(executable: executable, jobs: jobs)
    case .dask:
      return try DaskEngine(
        executable: executable, scheduler: scheduler, workers: jobs,
        folders: DataFolders.named("engines"))
    }
  }

  /// Ctrl-C: once ends after the runs under way, twice ends at once.
  private static func interrupts(_ control: SweepControl) -> any DispatchSourceSignal {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler {
      if control.demand == .goOn {
        StandardError.print(
          "\nmoesim: waiting for the runs under way; interrupt again to stop at once")
      }
      control.interrupt()
    }
    source.resume()
    return source
  }
}
