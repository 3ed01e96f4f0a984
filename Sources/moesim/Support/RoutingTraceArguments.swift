// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Routing

/// How a routing trace is read where its content does not say.
struct RoutingTraceArguments: ParsableArguments {
  @Option(
    help: "The format of the routing trace: bigmoeonedge, topk-bytes, moesim or set-events.")
  var routingFormat: RoutingTraceFormat?

  @Option(help: "The index of a topk-bytes trace; NAME_index.csv beside NAME.bin is found.")
  var index: String?

  @Option(help: "MoE layers of a topk-bytes trace.")
  var layers: Int?

  @Option(help: "Experts in a layer of a topk-bytes trace.")
  var experts: Int?

  @Option(help: "Choices of a token in a topk-bytes trace.")
  var topK: Int?

  /// The shape, when it is given; it is given whole or not at all.
  func shape() throws -> RoutingShape? {
    switch (layers, experts, topK) {
    case (nil, nil, nil): return nil
    case (let layers?, let experts?, let topK?):
      let shape = RoutingShape(layers: layers, experts: experts, topK: topK)
      if let problem = shape.problem { throw ValidationError(problem) }
      return shape
    default: throw ValidationError("--layers, --experts and --top-k go together")
    }
  }

  /// Opens a trace.
  func open(_ path: String) throws -> RoutingTraceFile {
    try RoutingTraceFile(
      path: path,
      options: RoutingTraceFile.Options(format: routingFormat, index: index, shape: try shape()))
  }

  /// Whether a file is a routing trace: because the arguments say so, or by its content.
  func describes(_ path: String) throws -> Bool {
    if routingFormat != nil || layers != nil || index != nil { return true }
    // A pipe can be read only once; it may carry requests, which are streamed.
    let attributes = try? FileManager.default.attributesOfItem(
      atPath: URL(filePath: path).resolvingSymlinksInPath().path)
    guard attributes?[.type] as? FileAttributeType == .typeRegular else { return false }
    return try RoutingTraceFormat.recognise(path: path) != nil
  }
}

extension RoutingTraceFormat: ExpressibleByArgument {}
