// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Foundation
import TestSupport
import Testing

@testable import Routing

@Suite struct RoutingParameterFileTests {
  static let shipped = [
    ("gpt-oss-20b", nil), ("mixtral-8x7b", nil), ("deepseek-like", nil), ("olmoe-1b-7b", nil),
    ("uniform", RoutingShape(layers: 3, experts: 5, topK: 2)),
    ("typical", RoutingShape(layers: 48, experts: 128, topK: 8)),
  ]

  @Test(arguments: shipped)
  func shippedFilesGenerate(name: String, shape: RoutingShape?) throws {
    let path = Checkout.root.appending(path: "traces/routing/\(name).yaml").path
    let parameters = try RoutingParameterFile.load(path: path).parameters(for: shape)
    #expect(parameters.name == name && !parameters.source.isEmpty)
    let routing = try GeneratedRouting(parameters: parameters, seed: 1)
    let slot = routing.beginSequence(0, promptTokens: 0, outputTokens: 3)
    var activation = LayerActivation(experts: routing.shape.experts)
    routing.addDecode(slot: slot, position: 2, layer: routing.shape.layers - 1, to: &activation)
    #expect(activation.distinct.count == routing.shape.topK)
  }

  @Test func shippedTraceIsReadable() throws {
    let path = Checkout.root.appending(path: "traces/routing/mixtral-sample.moesim").path
    let trace = try RoutingTraceFile(path: path)
    let reader = try trace.reader()
    #expect(reader.shape == RoutingShape(layers: 32, experts: 8, topK: 2))
    #expect(reader.hasGateWeights)
    let corpus = try trace.corpus()
    #expect(corpus.sequences == 10 && corpus.tokens == 1000)
  }

  @Test func writtenParametersAreReadBack() throws {
    var parameters = GeneratedRoutingTests.parameters(RoutingShape(layers: 2, experts: 6, topK: 2))
    parameters.name = "a \"name\""
    let node = try ConfigurationNode.parse(parameters.yaml, file: "p.yaml")
    let back = try RoutingParameterFile.read(node).parameters()
    #expect(back.name == parameters.name && back.shape == parameters.shape)
    #expect(back.lagEnds == parameters.lagEnds)
    for (first, second) in zip(back.layers, parameters.layers) {
      #expect(first.recall == second.recall && first.cohesion == second.cohesion)
      let scale = first.popularity[0] / second.popularity[0]
      #expect(
        zip(first.popularity, second.popularity).allSatisfy { abs($0 / $1 / scale - 1) < 1e-3 })
    }
    #expect(throws: InvalidRoutingParameters.self) {
      try RoutingParameterFile.read(node).parameters(
        for: RoutingShape(layers: 3, experts: 6, topK: 2))
    }
  }

  static let good = """
    name: x
    source: y
    depth:
      - at: 0
        request_spread: 0.5
        recall: [0.1, 0, 0, 0, 0, 0]
        gate_concentration: 2
      - at: 1
        request_spread: 0.7
        recall: [0.2, 0, 0, 0, 0, 0]
        cohesion: 0.9
        gate_concentration: 4
    """

  @Test func profilesAreInterpolated() throws {
    let file = try RoutingParameterFile.read(.parse(Self.good, file: "p.yaml"))
    let parameters = try file.parameters(for: RoutingShape(layers: 5, experts: 4, topK: 1))
    #expect(abs(parameters.layers[2].requestSpread - 0.6) < 1e-12)
    #expect(abs(parameters.layers[1].recall[0] - 0.125) < 1e-12)
    #expect(throws: InvalidRoutingParameters.self) { try file.parameters() }
  }

  @Test(arguments: [
    ("request_spread: 0.5", "request_spread: fast", "p.yaml:5"),
    ("request_spread: 0.5", "requestspread: 0.5", "request_spread"),
    ("recall: [0.1, 0,", "recall: [0.1,", "recall"), ("[0.2, 0,", "[1.2, 0,", "recall"),
    ("[0.1, 0,", "[.nan, 0,", "recall"), ("cohesion: 0.9", "cohesion: 0.1", "cohesion"),
    ("at: 1", "at: 0", "depth"), ("name: x", "nom: x", "name"),
    ("gate_concentration: 4", "gate_concentration: 0", "gate_concentration"),
  ])
  func mistakesAreLocated(old: String, new: String, words: String) {
    let text = Self.good.replacing(old, with: new)
    let error = #expect(throws: Diagnostics.self) {
      _ = try RoutingParameterFile.read(.parse(text, file: "p.yaml"))
    }
    #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    #expect(error?.description.contains("p.yaml:") == true)
  }

  @Test(arguments: [1, 2] as [UInt64])
  func mutatedFilesNeitherCrashNorHang(seed: UInt64) throws {
    var stream = testStream(seed, 5)
    for _ in 0..<150 {
      var bytes = Array(Self.good.utf8)
      for _ in 0..<(1 + stream.uniformInt(below: 3)) {
        bytes[stream.uniformInt(below: bytes.count)] =
          Array("9-[]{}:,.e\n a".utf8)[
            stream.uniformInt(below: 13)]
      }
      do {
        let node = try ConfigurationNode.parse(String(decoding: bytes, as: UTF8.self), file: "f")
        let file = try RoutingParameterFile.read(node)
        let parameters = try file.parameters(for: RoutingShape(layers: 3, experts: 4, topK: 2))
        _ = try GeneratedRouting(parameters: parameters, seed: 1)
      } catch is Diagnostics {
      } catch is InvalidRoutingParameters {
      }
    }
  }
}
