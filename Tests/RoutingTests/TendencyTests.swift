// SPDX-License-Identifier: GPL-3.0-or-later

import Routing
import Testing

@Suite("Tendencies of requests")
struct TendencyTests {
  private func routing() throws -> GeneratedRouting {
    let shape = RoutingShape(layers: 3, experts: 12, topK: 2)
    let layer = RoutingParameters.Layer(
      popularity: (1...12).map { 1 / Double($0) }, requestSpread: 1, coherence: 0.5,
      recall: [0, 0, 0, 0, 0, 0], cohesion: 1, chain: 0, gateConcentration: 2)
    return try GeneratedRouting(
      parameters: RoutingParameters(
        name: "test", source: "test", shape: shape, layers: [layer, layer, layer]), seed: 3)
  }

  @Test("a generated request's tendency is how its tokens share out")
  func generated() throws {
    let routing = try routing()
    let tokens = 20_000
    for key in [UInt64(1), 2] {
      let slot = routing.beginSequence(key, promptTokens: 1, outputTokens: tokens)
      for layer in 0..<3 {
        var shares: [Float] = []
        routing.tendency(slot: slot, layer: layer, into: &shares)
        #expect(abs(shares.reduce(0, +) - 1) < 1e-4)
        var activation = LayerActivation(experts: 12)
        for position in 0..<tokens {
          routing.addDecode(slot: slot, position: position, layer: layer, to: &activation)
        }
        for expert in 0..<12 {
          let seen = Float(activation.tokensPerExpert[expert]) / Float(2 * tokens)
          // The inclusion probabilities of two successive draws without return are approximate; that
          // requests refuse some choices that follow the layer before is not in them at all.
          #expect(abs(shares[expert] - seen) < 0.03, "\(key) \(layer) \(expert)")
        }
      }
      routing.endSequence(slot: slot)
    }
  }

  @Test("requests differ, and asking changes nothing")
  func keyed() throws {
    let asked = try routing()
    let silent = try routing()
    var shares: [[Float]] = []
    for key in [UInt64(1), 2] {
      let slot = asked.beginSequence(key, promptTokens: 1, outputTokens: 9)
      shares.append([])
      asked.tendency(slot: slot, layer: 1, into: &shares[shares.count - 1])
      let other = silent.beginSequence(key, promptTokens: 1, outputTokens: 9)
      var (first, second) = (LayerActivation(experts: 12), LayerActivation(experts: 12))
      asked.addDecode(slot: slot, position: 5, layer: 2, to: &first)
      silent.addDecode(slot: other, position: 5, layer: 2, to: &second)
      #expect(first.distinct == second.distinct)
    }
    #expect(shares[0] != shares[1])
  }

  @Test("a request's leading expert is the one that its prompt uses most")
  func leader() throws {
    var routing: any RoutingSource = try routing()
    var activation = LayerActivation(experts: 12)
    for key in UInt64(0)..<20 {
      let leader = try routing.leadingExpert(of: key, promptTokens: 16, using: &activation)
      let slot = try routing.beginSequence(key, promptTokens: 16, outputTokens: 1)
      var prompt = LayerActivation(experts: 12)
      routing.addPrefill(slot: slot, position: 0, count: 16, layer: 0, to: &prompt)
      routing.endSequence(slot: slot)
      #expect(prompt.weightPerExpert[Int(leader)] == prompt.weightPerExpert.max())
    }
  }
}
