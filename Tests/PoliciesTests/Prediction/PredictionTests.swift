// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Testing

@Suite("Predictors")
struct PredictionTests {
  static let layout = BlockLayout(layers: 4, experts: 16, bytesPerExpert: 1)

  /// The choices of one token, by arithmetic.
  static func truth(position: Int, layer: Int, topK: Int = 3) -> LayerActivation {
    var truth = LayerActivation(experts: layout.experts)
    for rank in 0..<topK {
      let expert = (position &* 7 + layer &* 3 + rank &* 5) % layout.experts
      truth.add(expert: Int32(expert), weight: 0.6 / Float(rank + 1))
    }
    truth.tokens = 1
    return truth
  }

  static func recall(_ recall: [Double], seed: UInt64 = 1) -> RecallPrediction {
    var policy = RecallPrediction(recall: recall)
    policy.configure(layout: layout, seed: seed, replication: 0)
    return policy
  }

  static func answer(
    _ policy: inout some PredictionPolicy, request: UInt64 = 0, position: Int, layer: Int = 1,
    distance: Int = 1
  ) -> LayerActivation {
    var answer = LayerActivation(experts: layout.experts)
    policy.predict(
      PredictionSubject(request: request, position: position, layer: layer, distance: distance),
      truth: truth(position: position, layer: layer), into: &answer)
    return answer
  }

  @Test("the oracle answers the truth")
  func oracle() {
    var oracle = OraclePrediction()
    for position in 0..<50 {
      let answer = Self.answer(&oracle, position: position, distance: 3)
      #expect(answer.distinct == Self.truth(position: position, layer: 1).distinct)
    }
  }

  @Test(
    "a recall is that share of the experts; mistakes are other experts, all alike",
    arguments: [0.0, 0.583, 0.847, 0.96, 1.0])
  func share(recall: Double) {
    #if DEBUG
      let tokens = 4_000
    #else
      let tokens = 200_000
    #endif
    var policy = Self.recall([recall])
    var right = 0
    var mistakes = [Int](repeating: 0, count: Self.layout.experts)
    for position in 0..<tokens {
      let truth = Self.truth(position: position, layer: 1)
      let answer = Self.answer(&policy, request: UInt64(position % 5), position: position)
      // As many as there are, each once: no mistake names an expert that is right elsewhere.
      #expect(answer.distinct.count == 3 && Set(answer.distinct).count == 3)
      #expect(answer.tokensPerExpert.allSatisfy { $0 <= 1 })
      for expert in answer.distinct {
        if truth.distinct.contains(expert) { right += 1 } else { mistakes[Int(expert)] += 1 }
      }
    }
    let choices = Double(3 * tokens)
    // Four standard deviations of a binomial share, and nothing at the ends.
    let tolerance = 4 * (recall * (1 - recall) / choices).squareRoot()
    #expect(abs(Double(right) / choices - recall) <= tolerance)
    // Truths rotate over all experts, so that mistakes do as well.
    let mean = choices * (1 - recall) / Double(Self.layout.experts)
    for count in mistakes {
      #expect(abs(Double(count) - mean) <= 5 * mean.squareRoot())
    }
  }

  @Test("with no other expert to name, a mistake names none")
  func everyExpertIsChosen() {
    let layout = BlockLayout(layers: 2, experts: 2, bytesPerExpert: 1)
    var policy = RecallPrediction(recall: [0])
    policy.configure(layout: layout, seed: 1, replication: 0)
    var truth = LayerActivation(experts: 2)
    truth.add(expert: 0, weight: 0.5)
    truth.add(expert: 1, weight: 0.5)
    var answer = LayerActivation(experts: 2)
    policy.predict(
      PredictionSubject(request: 0, position: 0, layer: 1, distance: 1), truth: truth, into: &answer
    )
    #expect(answer.isEmpty)
  }

  @Test("mistakes follow from seed, request, position and layer, in any order of the questions")
  func keyed() {
    var forwards = Self.recall([0.5])
    var backwards = Self.recall([0.5])
    let places = (0..<200).map { (request: UInt64($0 % 7), position: $0, layer: $0 % 4) }
    let ask = {
      (policy: inout RecallPrediction, place: (request: UInt64, position: Int, layer: Int)) in
      Self.answer(
        &policy, request: place.request, position: place.position, layer: place.layer
      ).distinct
    }
    let first = places.map { ask(&forwards, $0) }
    let second = Array(places.reversed().map { ask(&backwards, $0) }.reversed())
    #expect(first == second)
    var other = Self.recall([0.5], seed: 2)
    #expect(first != places.map { ask(&other, $0) })
    #expect(first != places.map { ask(&forwards, ($0.request + 1, $0.position, $0.layer)) })
  }

  @Test("what is right from afar is right from nearer; beyond the last distance is nothing")
  func distances() {
    var policy = Self.recall([0.9, 0.5])
    #expect(policy.reach == 2)
    var nearer = 0
    for position in 0..<500 {
      let truth = Self.truth(position: position, layer: 1).distinct
      let far = Self.answer(&policy, position: position, distance: 2).distinct
      let near = Self.answer(&policy, position: position, distance: 1).distinct
      #expect(far.allSatisfy { !truth.contains($0) || near.contains($0) })
      nearer += near.filter(truth.contains).count - far.filter(truth.contains).count
      #expect(Self.answer(&policy, position: position, distance: 3).isEmpty)
    }
    #expect(nearer > 400 && nearer < 800)  // 0.4 × 1500, by six deviations and more
  }

  @Test("a prediction's weight is the expected gate weight")
  func weights() {
    var policy = Self.recall([0.8])
    let answer = Self.answer(&policy, position: 3)
    let weights = answer.distinct.map { answer.weightPerExpert[Int($0)] }
    for (weight, expected) in zip(weights, [0.48, 0.24, 0.16] as [Float]) {
      #expect(abs(weight - expected) < 1e-6)
    }
  }
}

@Suite("Prefetch of what is predicted")
struct PredictedPrefetchTests {
  private func asked(depth: Int, count: Int?, distance: Int) -> [BlockID] {
    let layout = PredictionTests.layout
    let tier = ResidencyTier(
      layout: layout, pools: .perLayer(slots: 2), eviction: LightestEviction())
    var policy = PredictedPrefetch(depth: depth, count: count)
    policy.configure(layout: layout)
    var requests = PrefetchRequests()
    policy.predicted(
      layer: 2, distance: distance,
      experts: [9, 4, 7].map { PredictedExpert(expert: $0, weight: 1) }, residency: tier.view,
      requests: &requests)
    return requests.blocks
  }

  @Test("heaviest first, at most so many, no deeper than asked for")
  func asks() {
    let blocks = [9, 4, 7].map { PredictionTests.layout.block(layer: 2, expert: $0) }
    #expect(asked(depth: 1, count: nil, distance: 1) == blocks)
    #expect(asked(depth: 1, count: 2, distance: 1) == Array(blocks.prefix(2)))
    #expect(asked(depth: 1, count: 9, distance: 1) == blocks)
    #expect(asked(depth: 1, count: nil, distance: 2).isEmpty)
    #expect(asked(depth: 2, count: nil, distance: 2) == blocks)
    #expect(PredictedPrefetch(depth: 3).predictionDepth == 3)
  }
}
