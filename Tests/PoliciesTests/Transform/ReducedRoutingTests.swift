// SPDX-License-Identifier: GPL-3.0-or-later

import Routing
import Testing

@testable import Policies

@Suite("Routing of models that lost experts or choices")
struct ReducedRoutingTests {
  static let shape = RoutingShape(layers: 3, experts: 16, topK: 4)

  /// A generator of uneven popularity.
  static func source(seed: UInt64 = 3) throws -> GeneratedRouting {
    var parameters = RoutingParameters.uniform(shape)
    for layer in 0..<shape.layers {
      parameters.layers[layer].popularity = (0..<shape.experts).map { Double(1 + ($0 * 7) % 16) }
    }
    return try GeneratedRouting(parameters: parameters, seed: seed)
  }

  static func reduced(
    keep: Int, _ selection: RoutingReduction.Selection = .number, topK: Int = 4
  ) throws -> (ReducedRouting, RoutingReduction) {
    let sample = try RoutingSample(of: source())
    let reduction = RoutingReduction(
      .init(keep: keep, selection: selection, topK: topK), sample: sample)
    return (
      ReducedRouting(try source(), reduction: reduction, seed: 3, replication: 0), reduction
    )
  }

  private struct Choice: Equatable {
    var expert: Int
    var weight: Float
  }

  /// One token's choices, in the order in which they were added.
  private func decode(
    _ source: inout some RoutingSource, slot: Int, position: Int, layer: Int
  ) -> [Choice] {
    var activation = LayerActivation(experts: source.shape.experts)
    source.addDecode(slot: slot, position: position, layer: layer, to: &activation)
    #expect(activation.tokens == 1)
    return activation.distinct.map {
      Choice(expert: Int($0), weight: activation.weightPerExpert[Int($0)])
    }
  }

  @Test("choices that stay move up, stand-ins fill the rest, weights keep their sum")
  func tokens() throws {
    var (routing, reduction) = try Self.reduced(keep: 7, .frequency)
    var whole = try Self.source()
    #expect(routing.shape == RoutingShape(layers: 3, experts: 7, topK: 4))
    let slot = try routing.beginSequence(5, promptTokens: 4, outputTokens: 200)
    let other = whole.beginSequence(5, promptTokens: 4, outputTokens: 200)
    var standIns = 0
    for position in 0..<200 {
      for layer in 0..<3 {
        let kept = reduction.kept(layer: layer)
        #expect(kept.count == 7)
        let before = decode(&whole, slot: other, position: position, layer: layer)
        let after = decode(&routing, slot: slot, position: position, layer: layer)
        #expect(after.count == 4 && Set(after.map(\.expert)).count == 4)
        let staying = before.compactMap { kept.firstIndex(of: $0.expert) }
        #expect(after.prefix(staying.count).map(\.expert) == staying)
        #expect(after.map(\.weight) == before.map(\.weight))
        standIns += 4 - staying.count
      }
    }
    #expect(standIns > 100)
  }

  @Test("the most used experts stay")
  func selection() throws {
    let (_, reduction) = try Self.reduced(keep: 4, .frequency)
    // Popularity 1 + 7e mod 16: the largest four are those of 16, 15, 14, 13.
    let expected = (0..<16).filter { 1 + ($0 * 7) % 16 >= 13 }
    for layer in 0..<3 { #expect(reduction.kept(layer: layer) == expected) }
    #expect(try Self.reduced(keep: 4, .number).1.kept(layer: 1) == [0, 1, 2, 3])
    // Weights fall on experts as choices do where no expert is heavier than others.
    #expect(try Self.reduced(keep: 4, .weight).1.kept(layer: 2).count == 4)
  }

  @Test("stand-ins are as likely as their experts are popular")
  func standIns() throws {
    var (routing, reduction) = try Self.reduced(keep: 8, .number)
    var whole = try Self.source()
    let slot = try routing.beginSequence(9, promptTokens: 1, outputTokens: 4000)
    let other = whole.beginSequence(9, promptTokens: 1, outputTokens: 4000)
    var drawn = [Double](repeating: 0, count: 8)
    // Tokens that lost exactly one choice while their three others are 5, 6 or 7 draw among 0 to 4.
    var total = 0.0
    for position in 0..<4000 {
      let before = decode(&whole, slot: other, position: position, layer: 0)
      let kept = before.filter { $0.expert < 8 }
      guard kept.count == 3 else { continue }
      let after = decode(&routing, slot: slot, position: position, layer: 0)
      let last = try #require(after.last).expert
      let free = (0..<8).filter { number in !kept.contains { $0.expert == number } }
      let sum = free.reduce(0.0) { $0 + Double(reduction.popularity[$1]) }
      // Each draw minus its expectation sums to nothing.
      for number in free { drawn[number] -= Double(reduction.popularity[number]) / sum }
      drawn[last] += 1
      total += 1
    }
    try #require(total > 500)
    // The deviation of such a sum is at most half the root of the draws; four of them.
    for number in 0..<8 { #expect(abs(drawn[number]) < 2 * total.squareRoot()) }
  }

  @Test("fewer choices are the heaviest, and carry the whole weight")
  func fewerChoices() throws {
    var (routing, _) = try Self.reduced(keep: 16, topK: 2)
    var whole = try Self.source()
    let slot = try routing.beginSequence(1, promptTokens: 1, outputTokens: 50)
    let other = whole.beginSequence(1, promptTokens: 1, outputTokens: 50)
    for position in 0..<50 {
      let before = decode(&whole, slot: other, position: position, layer: 1)
      let after = decode(&routing, slot: slot, position: position, layer: 1)
      #expect(after.map(\.expert) == before.prefix(2).map(\.expert))
      #expect(abs(after.reduce(0) { $0 + $1.weight } - 1) < 1e-5)
    }
  }

  @Test("answers depend on the question alone")
  func determinism() throws {
    var (forwards, _) = try Self.reduced(keep: 6)
    var (backwards, _) = try Self.reduced(keep: 6)
    let first = try forwards.beginSequence(2, promptTokens: 64, outputTokens: 20)
    _ = try backwards.beginSequence(1, promptTokens: 64, outputTokens: 20)
    let second = try backwards.beginSequence(2, promptTokens: 64, outputTokens: 20)
    let there = (0..<20).map { decode(&forwards, slot: first, position: $0, layer: 2) }
    let back = (0..<20).reversed().map { decode(&backwards, slot: second, position: $0, layer: 2) }
    #expect(there == back.reversed())
  }

  @Test("pieces of prompts keep their choices and their weight", arguments: [1, 2, 31, 64, 5000])
  func prompts(tokens: Int) throws {
    for topK in [4, 3] {
      var (routing, _) = try Self.reduced(keep: 5, topK: topK)
      let whole = try Self.source()
      let slot = try routing.beginSequence(4, promptTokens: tokens, outputTokens: 1)
      let other = whole.beginSequence(4, promptTokens: tokens, outputTokens: 1)
      for layer in 0..<3 {
        var before = LayerActivation(experts: 16)
        whole.addPrefill(slot: other, position: 0, count: tokens, layer: layer, to: &before)
        var after = LayerActivation(experts: 5)
        routing.addPrefill(slot: slot, position: 0, count: tokens, layer: layer, to: &after)
        #expect(after.tokens == tokens)
        let counts = after.tokensPerExpert.map { Int($0) }
        let sum = before.tokensPerExpert.reduce(0) { $0 + Int($1) }
        #expect(counts.reduce(0, +) == (sum * topK + 2) / 4)
        #expect(counts.allSatisfy { $0 <= tokens })
        let weights = (before.weightPerExpert.reduce(0, +), after.weightPerExpert.reduce(0, +))
        #expect(abs(weights.0 - weights.1) < 1e-3 * weights.0 + 1e-5)
        // Nothing that stayed has lost a token, unless choices were taken away.
        if topK == 4 {
          for expert in 0..<5 {
            #expect(counts[expert] >= Int(before.tokensPerExpert[expert]))
          }
        }
      }
    }
  }
}
