// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Testing

@testable import Routing

@Suite struct GeneratedRoutingTests {
  #if DEBUG
    static let tokens = 4000
  #else
    static let tokens = 60_000
  #endif

  static func parameters(
    _ shape: RoutingShape, spread: Double = 0.7, recall: Double = 0.06, chain: Double = 0.4
  ) -> RoutingParameters {
    var parameters = RoutingParameters.uniform(shape)
    for index in parameters.layers.indices {
      parameters.layers[index].requestSpread = spread
      parameters.layers[index].coherence = 0.5
      parameters.layers[index].recall = [Double](repeating: recall, count: 6)
      parameters.layers[index].cohesion = 0.9
      parameters.layers[index].chain = chain
      parameters.layers[index].popularity = (0..<shape.experts).map { 1 + Double($0 % 5) }
    }
    return parameters
  }

  static let shapes = [
    RoutingShape(layers: 4, experts: 8, topK: 2), RoutingShape(layers: 3, experts: 300, topK: 8),
    RoutingShape(layers: 2, experts: 4, topK: 4), RoutingShape(layers: 1, experts: 1, topK: 1),
    RoutingShape(layers: 2, experts: 64, topK: 20),
  ]

  static func choices(_ routing: GeneratedRouting, _ slot: Int, _ position: Int, _ layer: Int)
    -> [Int32]
  {
    var experts: [Int32] = []
    routing.decodeChoices(slot: slot, position: position, layer: layer, into: &experts)
    return experts
  }

  @Test(arguments: shapes)
  func neitherOrderNorOthersChangeASequence(shape: RoutingShape) throws {
    let parameters = Self.parameters(shape)
    let alone = try GeneratedRouting(parameters: parameters, seed: 5, replication: 2)
    let slot = alone.beginSequence(77, promptTokens: 9, outputTokens: 40)
    let expected = (0..<40).map { position in
      (0..<shape.layers).map { Self.choices(alone, slot, position, $0) }
    }
    let crowded = try GeneratedRouting(parameters: parameters, seed: 5, replication: 2)
    for key: UInt64 in 0..<5 {
      _ = crowded.beginSequence(key, promptTokens: 1, outputTokens: 1)
      crowded.endSequence(slot: 0)
    }
    let first = crowded.beginSequence(3, promptTokens: 1, outputTokens: 1)
    _ = Self.choices(crowded, first, 100, 0)
    let other = crowded.beginSequence(77, promptTokens: 9, outputTokens: 40)
    crowded.endSequence(slot: first)
    // Ahead of time, backwards and twice.
    for position in [39, 0, 17, 39, 5] {
      for layer in (0..<shape.layers).reversed() {
        #expect(Self.choices(crowded, other, position, layer) == expected[position][layer])
      }
    }
    if shape.experts > shape.topK {
      let changed = try GeneratedRouting(parameters: parameters, seed: 5, replication: 3)
      let third = changed.beginSequence(77, promptTokens: 9, outputTokens: 40)
      let same = (0..<40).allSatisfy { position in
        Self.choices(changed, third, position, 0) == expected[position][0]
      }
      #expect(!same)
    }
  }

  @Test(arguments: shapes)
  func choicesAreDistinctAndWeightsSumToOne(shape: RoutingShape) throws {
    let routing = try GeneratedRouting(parameters: Self.parameters(shape), seed: 1)
    let slot = routing.beginSequence(1, promptTokens: 100, outputTokens: 50)
    var activation = LayerActivation(experts: shape.experts)
    var order: [Int32] = []
    for position in 0..<50 {
      for layer in 0..<shape.layers {
        activation.reset()
        routing.addDecode(slot: slot, position: position, layer: layer, to: &activation)
        #expect(activation.tokens == 1 && activation.distinct.count == shape.topK)
        #expect(abs(activation.weightPerExpert.reduce(0, +) - 1) < 1e-5)
        #expect(activation.distinct.allSatisfy { $0 >= 0 && $0 < shape.experts })
        let weights = activation.distinct.map { activation.weightPerExpert[Int($0)] }
        #expect(zip(weights, weights.dropFirst()).allSatisfy { $0 >= $1 })
        activation.touchOrder(.weight, into: &order)
        #expect(order.count == shape.topK)
      }
    }
  }

  @Test(arguments: shapes, [1, 7, 32, 33, 500])
  func promptCountsSumUp(shape: RoutingShape, count: Int) throws {
    let routing = try GeneratedRouting(parameters: Self.parameters(shape), seed: 1)
    let slot = routing.beginSequence(4, promptTokens: 600, outputTokens: 5)
    for layer in 0..<shape.layers {
      var activation = LayerActivation(experts: shape.experts)
      routing.addPrefill(slot: slot, position: 64, count: count, layer: layer, to: &activation)
      #expect(activation.tokens == count)
      #expect(activation.tokensPerExpert.reduce(0, +) == Int32(count * shape.topK))
      #expect(activation.tokensPerExpert.allSatisfy { $0 <= Int32(count) })
      #expect(abs(activation.weightPerExpert.reduce(0, +) - Float(count)) < 1e-2)
      var again = LayerActivation(experts: shape.experts)
      routing.addPrefill(slot: slot, position: 64, count: count, layer: layer, to: &again)
      #expect(again.tokensPerExpert == activation.tokensPerExpert)
    }
  }

  /// With one choice a token, uniform popularity and one class of lags the overlap at lag n is
  /// rⁿ + (1 − rⁿ)/N: the autocorrelation of a first-order discrete autoregressive process.
  @Test(arguments: [0.3, 0.7], [1.0, 0.8])
  func overlapDecaysAsTheoryHasIt(recall: Double, cohesion: Double) throws {
    var parameters = RoutingParameters.uniform(RoutingShape(layers: 1, experts: 16, topK: 1))
    parameters.lagEnds = [1]
    parameters.layers[0].recall = [recall]
    parameters.layers[0].cohesion = max(recall, cohesion)
    let corpus = RoutingCorpus(
      generating: try GeneratedRouting(parameters: parameters, seed: 3),
      lengths: [Int](repeating: Self.tokens / 20, count: 20))
    let statistics = RoutingStatistics(of: corpus)
    var power = recall
    for lag in [1, 2] {
      let expected = power + (1 - power) / 16
      let error = 5 * ((1 + recall) / (1 - recall) * 0.25 / Double(Self.tokens)).squareRoot()
      #expect(abs(statistics.overlap[lag - 1][0] - expected) < error)
      power *= recall
    }
  }

  /// Neither recall nor chain moves the popularity of the model: with one choice a token each
  /// expert's share is its weight's.
  @Test(arguments: [0.0, 1.0], [0.0, 0.1])
  func popularityIsKept(chain: Double, recall: Double) throws {
    let shape = RoutingShape(layers: 3, experts: 10, topK: 1)
    let parameters = Self.parameters(shape, spread: 0, recall: recall, chain: chain)
    let corpus = RoutingCorpus(
      generating: try GeneratedRouting(parameters: parameters, seed: 8),
      lengths: [Int](repeating: Self.tokens / 40, count: 40))
    let inclusion = RoutingStatistics(of: corpus).inclusion
    for layer in 0..<3 {
      for expert in 0..<10 {
        let expected = Double(1 + expert % 5) / 30
        let effective = Double(Self.tokens) * (1 - 6 * recall) / (1 + 6 * recall)
        let error = 5 * (expected * (1 - expected) / effective).squareRoot()
        #expect(abs(inclusion[layer][expert] - expected) < error + 0.003)
      }
    }
  }

  /// Counts of large prompts follow the frequencies of single tokens.
  @Test func promptCountsFollowTheTokens() throws {
    let shape = RoutingShape(layers: 3, experts: 32, topK: 4)
    let routing = try GeneratedRouting(
      parameters: Self.parameters(shape, recall: 0.01, chain: 0.6), seed: 4)
    let requests = Self.tokens / 200
    var single = [[Double]](repeating: [Double](repeating: 0, count: 32), count: 3)
    var counted = single
    for key in 0..<requests {
      let slot = routing.beginSequence(UInt64(key), promptTokens: 200, outputTokens: 200)
      for layer in 0..<3 {
        var prompt = LayerActivation(experts: 32)
        routing.addPrefill(slot: slot, position: 0, count: 200, layer: layer, to: &prompt)
        var output = LayerActivation(experts: 32)
        for position in 0..<200 {
          routing.addDecode(slot: slot, position: position, layer: layer, to: &output)
        }
        for expert in 0..<32 {
          single[layer][expert] += Double(output.tokensPerExpert[expert])
          counted[layer][expert] += Double(prompt.tokensPerExpert[expert])
        }
      }
      routing.endSequence(slot: slot)
    }
    let total = Double(requests * 200)
    for layer in 0..<3 {
      for expert in 0..<32 {
        #expect(abs(single[layer][expert] - counted[layer][expert]) / total < 0.03)
      }
    }
  }

  @Test func chainTiesLayersTogether() throws {
    let shape = RoutingShape(layers: 2, experts: 32, topK: 2)
    func association(_ chain: Double) throws -> Double {
      let corpus = RoutingCorpus(
        generating: try GeneratedRouting(
          parameters: Self.parameters(shape, spread: 0, recall: 0, chain: chain), seed: 2),
        lengths: [Int](repeating: Self.tokens / 40, count: 40))
      return RoutingStatistics(of: corpus).association[1]
    }
    #expect(try association(1) > association(0) + 0.2)
  }

  @Test func badParametersAreNamed() {
    var parameters = RoutingParameters.uniform(RoutingShape(layers: 2, experts: 4, topK: 2))
    parameters.layers[1].recall = [0.5, 0.5, 0.5, 0, 0, 0]
    parameters.layers[0].popularity = [.nan, 1, 1, 1]
    let error = #expect(throws: InvalidRoutingParameters.self) {
      _ = try GeneratedRouting(parameters: parameters, seed: 1)
    }
    #expect(error?.problems.contains { $0.hasPrefix("layers[0].popularity") } == true)
    #expect(error?.problems.contains { $0.hasPrefix("layers[1].recall") } == true)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func binomialsHaveTheirMoments(seed: UInt64) {
    var stream = testStream(seed)
    for (trials, probability) in [(20, 0.1), (1000, 0.004), (500, 0.3), (50, 0.95)] {
      var sum = 0.0
      var squares = 0.0
      let draws = 4000
      let mean = Double(trials) * probability
      for _ in 0..<draws {
        let drawn = approximateBinomial(trials: trials, probability: probability, from: &stream)
        #expect(drawn >= 0 && drawn <= trials)
        sum += Double(drawn) - mean
        squares += (Double(drawn) - mean) * (Double(drawn) - mean)
      }
      let variance = mean * (1 - probability)
      #expect(abs(sum / Double(draws)) < 5 * (variance / Double(draws)).squareRoot())
      #expect(abs(squares / Double(draws) / variance - 1) < 0.2)
    }
  }
}
