// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Foundation
import Reports
import Routing
import Workload

/// `moesim trace fit`: the parameters of a generator that makes traces like a recorded one.
struct TraceFitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Fit a generator to a trace, and say how far its traces are from the recorded one.",
    discussion: """
      A routing trace is fitted on half of its sequences and judged on the other half. The \
      parameters go to --output or standard output, the judgement to standard error.
      """)

  @Argument(help: "A trace: a path, or a name in traces/ or traces/routing/.")
  var trace: String

  @Option(help: "The name of the parameters; by default that of the trace.")
  var name: String?

  @Option(name: .shortAndLong, help: "Write the parameters to a file instead of standard output.")
  var output: String?

  @Option(help: "How many times the parameters of routing are moved.")
  var iterations: Int = RoutingFit().iterations

  @Option(help: "The seed of the sequences that are generated on the way.")
  var seed: UInt64 = 1

  @Flag(name: .customLong("no-progress"), help: "Show no progress on standard error.")
  var hidesProgress = false

  @OptionGroup var source: RoutingTraceArguments

  func validate() throws {
    guard (0...10_000).contains(iterations) else {
      throw ValidationError("--iterations is from 0 to 10000")
    }
  }

  func run() throws {
    try CommandFailure.guarded {
      let library = DataLibrary.standard
      guard let path = library.path(of: trace, .trace) else {
        throw library.missing(trace, .trace)
      }
      if try source.describes(path) {
        try fitRouting(try source.open(path))
      } else {
        try fitRequests(path)
      }
    }
  }

  private func fitRouting(_ file: RoutingTraceFile) throws {
    let stem = URL(filePath: file.path).deletingPathExtension().lastPathComponent
    var display = ProgressDisplay(isWanted: !hidesProgress)
    let result = try RoutingFit(iterations: iterations, seed: seed).fit(
      try file.corpus(), name: name ?? stem, source: "fitted to \(stem)"
    ) { done, total in
      display.update(Progress(done: Double(done), total: Double(total), unit: "iterations"))
    }
    display.finish()
    try OutputWriter.write(result.parameters.yaml, to: output)
    StandardError.print(result.table)
  }

  private func fitRequests(_ path: String) throws {
    let reader = try RequestTraceReader(path: path)
    let recorded = try WorkloadStatistics(reading: reader)
    guard let fit = WorkloadFit(recorded) else {
      throw Diagnostic(
        location: SourceLocation(origin: path),
        message: "holds \(recorded.count) requests; a fit needs at least 3, not all at one time")
    }
    let title = name ?? URL(filePath: path).deletingPathExtension().lastPathComponent
    try OutputWriter.write("# Fitted to \(title).\n\(fit.yaml)", to: output)
    // As many requests as were recorded, judged beside them.
    var workload = fit.workload
    workload.requests = recorded.count
    var source = try workload.open(seed: seed)
    var generated = WorkloadStatistics()
    var record = RequestRecord()
    while let request = try source.next() {
      record.arrivalNanoseconds = Int64(request.arrivalNanoseconds)
      record.promptTokens = request.promptTokens
      record.outputTokens = request.outputTokens
      generated.add(record)
    }
    StandardError.print(Self.comparison(recorded, generated))
  }

  private static func comparison(
    _ recorded: WorkloadStatistics, _ generated: WorkloadStatistics
  ) -> String {
    var listing = Listing([
      ("quantity", "quantity", false, 0), ("recorded", "recorded", true, 0),
      ("generated", "generated", true, 0), ("error", "error", true, 0),
    ])
    func add(_ name: String, _ first: Double, _ second: Double) {
      let error = first == 0 ? 0 : (second / first - 1) * 100
      let texts = [first, second].map { String(format: "%.4g", $0) }
      listing.append(
        [.text(name), .number(first), .number(second), .number(error)],
        texts: [1: texts[0], 2: texts[1], 3: String(format: "%+.1f %%", error)])
    }
    add("requests per second", recorded.rate ?? 0, generated.rate ?? 0)
    add("interarrival CV", recorded.gapVariation ?? 0, generated.gapVariation ?? 0)
    for (name, first, second) in [
      ("prompt tokens", recorded.prompt, generated.prompt),
      ("output tokens", recorded.output, generated.output),
    ] {
      add("\(name), mean", first.mean, second.mean)
      add("\(name), p50", Double(first.p50), Double(second.p50))
      add("\(name), p99", Double(first.p99), Double(second.p99))
    }
    return listing.table.lines(style: .detected(descriptor: STDERR_FILENO)).joined(separator: "\n")
  }
}
