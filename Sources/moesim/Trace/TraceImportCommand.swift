// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Configuration
import Experiments
import Reports
import Routing
import Workload

/// `moesim trace import`: another format becomes moesim's own.
struct TraceImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Convert a trace to moesim's own format.",
    discussion: """
      A request trace becomes CSV (docs/workload-format.md), a routing trace becomes moesim's binary \
      format (docs/routing-format.md), which needs --output.
      """)

  @Argument(help: "A trace: a path, or a name in traces/ or traces/routing/.")
  var trace: String

  @Option(name: .shortAndLong, help: "The file to write; request traces go to standard output.")
  var output: String?

  @Option(help: "Requests left out at the front.")
  var skip: Int = 0

  @Option(help: "The most requests that are taken.")
  var requests: Int?

  @Option(help: "What the arrival rate is multiplied by.")
  var rateScale: Double = 1

  @OptionGroup var source: RoutingTraceArguments

  func validate() throws {
    guard skip >= 0 else { throw ValidationError("--skip is not negative") }
    guard requests ?? 1 >= 1 else { throw ValidationError("--requests is at least 1") }
    guard rateScale > 0, rateScale.isFinite else {
      throw ValidationError("--rate-scale is a positive number")
    }
  }

  func run() throws {
    try CommandFailure.guarded {
      let library = DataLibrary.standard
      guard let path = library.path(of: trace, .trace) else {
        throw library.missing(trace, .trace)
      }
      if try source.describes(path) {
        try importRouting(try source.open(path))
      } else {
        try importRequests(path)
      }
    }
  }

  private func importRequests(_ path: String) throws {
    var description = WorkloadDescription(trace: path)
    description.skip = skip
    description.requests = requests
    description.rateScale = rateScale
    var requests = try description.open(seed: 0)
    try RequestOutput.write(
      &requests, comments: ["imported from \(path.split(separator: "/").last ?? "a trace")"],
      to: output)
    for notice in requests.notices { StandardError.print("note: \(notice)") }
  }

  private func importRouting(_ file: RoutingTraceFile) throws {
    guard let output else {
      throw ValidationError("a routing trace is binary: name a file with --output")
    }
    guard skip == 0, requests == nil, rateScale == 1 else {
      throw ValidationError("--skip, --requests and --rate-scale are for request traces")
    }
    var reader = try file.reader()
    let writer = try RoutingTraceWriter(
      path: output, shape: reader.shape, weights: reader.hasGateWeights ? .single : .none,
      isRanked: reader.isRanked, expertBytes: reader.expertBytes,
      origin: "imported from \(file.path.split(separator: "/").last ?? "a trace")")
    var event = RoutingLayerEvent()
    while try reader.next(into: &event) { try writer.append(event) }
    try writer.finish()
    if writer.droppedPromptTokens > 0 {
      StandardError.print(
        "note: \(writer.droppedPromptTokens) prompt tokens lack choices in some layers and were left out"
      )
    }
  }
}
