// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Testing

@Suite("Recall profiles")
struct RecallProfileTests {
  private func make(_ values: [(String, [Double])], words: [(String, String)] = []) throws
    -> RecallPrediction
  {
    var settings = RoleSettings()
    for (name, value) in values { settings.set(name, to: value) }
    for (name, word) in words { settings.set(name, to: word) }
    let found = try RoleRegistry.find("recall", role: "predictor", in: RoleRegistry.prediction)
    var made = try #require(try found.make(settings) as? RecallPrediction)
    made.configure(layout: PredictionTests.layout, seed: 1, replication: 0)
    return made
  }

  private func asked(_ predictor: RecallPrediction, layer: Int, distance: Int) -> Int {
    var predictor = predictor
    return PredictionTests.answer(&predictor, position: 5, layer: layer, distance: distance)
      .distinct.count
  }

  @Test("a stride begins two layers ahead, and takes its time")
  func stride() throws {
    let predictor = try make(
      [("recall", [0.8]), ("first_distance", [2]), ("distance", [2]), ("latency", [2e-4])])
    #expect(predictor.nearest == 2 && predictor.reach == 2 && predictor.recall == [0.8])
    #expect(predictor.latencySeconds == 2e-4 && !predictor.predictsAtStepStart)
    #expect(asked(predictor, layer: 3, distance: 1) == 0)
    #expect(asked(predictor, layer: 3, distance: 2) == 3)
    let two = try make([("recall", [0.8, 0.7]), ("first_distance", [2])])
    #expect(two.reach == 3 && asked(two, layer: 3, distance: 3) == 3)
    #expect(throws: RoleProblem.self) {
      try self.make([("recall", [0.8]), ("first_distance", [3]), ("distance", [2])])
    }
  }

  @Test("from the token, all layers are predicted when a step begins, and none at gates")
  func step() throws {
    let predictor = try make([("recall", [1])], words: [("timing", "step")])
    #expect(predictor.predictsAtStepStart && predictor.reach == .max)
    for layer in 0..<4 { #expect(asked(predictor, layer: layer, distance: layer + 1) == 3) }
    #expect(asked(predictor, layer: 3, distance: 1) == 0)
    #expect(throws: RoleProblem.self) {
      try self.make([("recall", [1]), ("distance", [2])], words: [("timing", "step")])
    }
    #expect(throws: RoleProblem.self) {
      try self.make([("recall", [1, 0.5])], words: [("timing", "step")])
    }
  }

  @Test("popular mistakes follow the popularity of the layer's other experts")
  func popular() throws {
    let experts = PredictionTests.layout.experts
    var predictor = try make([("recall", [0])])
    #expect(predictor.usesPopularity)
    // Layer 1's experts weigh 1, 2, … 16; other layers weigh the other way round.
    predictor.configure(
      popularity: (0..<4).flatMap { layer in
        (0..<experts).map { layer == 1 ? Double($0 + 1) : Double(experts - $0) }
      })
    var counts = [Double](repeating: 0, count: experts)
    var expected = counts
    // One choice a token, so that a single draw is made for each.
    for position in 0..<40_000 {
      let chosen = Int32(position % experts)
      var truth = LayerActivation(experts: experts)
      truth.add(expert: chosen, weight: 1)
      truth.tokens = 1
      var answer = LayerActivation(experts: experts)
      predictor.predict(
        PredictionSubject(request: 3, position: position, layer: 1, distance: 1), truth: truth,
        into: &answer)
      counts[Int(answer.distinct[0])] += 1
      let others = Double(experts * (experts + 1) / 2) - Double(chosen + 1)
      for expert in 0..<experts where expert != Int(chosen) {
        expected[expert] += Double(expert + 1) / others
      }
    }
    for expert in 0..<experts {
      #expect(abs(counts[expert] - expected[expert]) < 5 * expected[expert].squareRoot())
    }
    #expect(try make([("recall", [0])], words: [("mistakes", "uniform")]).usesPopularity == false)
  }

  @Test("with no popular expert left, another is named")
  func unpopular() throws {
    var predictor = try make([("recall", [0])])
    predictor.configure(
      popularity: (0..<64).map { $0 % 16 < 3 ? 1 : 0 })
    var truth = LayerActivation(experts: 16)
    for expert in 0..<3 { truth.add(expert: Int32(expert), weight: 0.3) }
    truth.tokens = 1
    var answer = LayerActivation(experts: 16)
    predictor.predict(
      PredictionSubject(request: 0, position: 0, layer: 1, distance: 1), truth: truth,
      into: &answer)
    #expect(answer.distinct == [3, 4, 5])
  }

  @Test("every predictor is made by its name, and words change it")
  func registry() throws {
    func predictor(_ name: String, _ words: [(String, String)] = []) throws
      -> any PredictionPolicy
    {
      var settings = RoleSettings()
      for (key, word) in words { settings.set(key, to: word) }
      return try RoleRegistry.find(name, role: "predictor", in: RoleRegistry.prediction)
        .make(settings)
    }
    #expect(try predictor("frequency").observes)
    #expect(try predictor("repeat").predictsAtStepStart)
    #expect(try predictor("markov").reach == 1)
    #expect(try predictor("expert-map").reach == 3 && predictor("expert-map").nearest == 3)
    let code = try predictor("expert-map", [("variant", "code")])
    #expect(code.reach == .max && code.nearest == 4)
    #expect(
      try
        (predictor("activation-matrix", [("variant", "code")])
        as? ActivationMatrixPrediction)?.variant == .code)
  }
}
