// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing

/// Drives a predictor as an engine does: requests in lockstep, layer by layer.
struct PredictorHarness<Predictor: PredictionPolicy> {
  let layout: BlockLayout
  let topK: Int
  var predictor: Predictor
  var generator: TestGenerator
  /// Positions of the running requests.
  var running: [(request: UInt64, position: Int)] = []
  var tendencies: [UInt64: [[Float]]] = [:]
  var nextRequest: UInt64 = 0

  init(_ predictor: Predictor, layers: Int, experts: Int, topK: Int, seed: UInt64) {
    layout = BlockLayout(layers: layers, experts: experts, bytesPerExpert: 1)
    self.topK = topK
    self.predictor = predictor
    generator = TestGenerator(seed: seed)
    self.predictor.configure(layout: layout, seed: 1, replication: 0)
  }

  mutating func begin() {
    predictor.sequenceBegan(nextRequest, promptTokens: 3)
    if predictor.needsTendencies {
      var all: [[Float]] = []
      for layer in 0..<layout.layers {
        let raw = (0..<layout.experts).map { _ in Float.random(in: 0.01...1, using: &generator) }
        let sum = raw.reduce(0, +)
        all.append(raw.map { $0 / sum })
        predictor.tendency(of: nextRequest, layer: layer, shares: all[layer])
      }
      tendencies[nextRequest] = all
    }
    running.append((nextRequest, 0))
    nextRequest += 1
  }

  mutating func end(_ place: Int) {
    predictor.sequenceEnded(running[place].request)
    running.remove(at: place)
  }

  /// A request prefers some experts, and repeats itself.
  mutating func choices(request: UInt64, tokens: Int) -> LayerActivation {
    var made = LayerActivation(experts: layout.experts)
    for _ in 0..<tokens {
      var chosen: [Int] = []
      while chosen.count < topK {
        let expert =
          Bool.random(using: &generator)
          ? (Int(request) * 3 + chosen.count) % layout.experts
          : Int.random(in: 0..<layout.experts, using: &generator)
        if !chosen.contains(expert) { chosen.append(expert) }
      }
      for expert in chosen {
        made.add(expert: Int32(expert), weight: Float.random(in: 0.05...1, using: &generator))
      }
      made.tokens += 1
    }
    return made
  }

  /// One step of all running requests.
  ///
  /// - Parameters:
  ///   - depth: Layers ahead that are asked for.
  ///   - answered: Told of every answer, with its subject and truth.
  ///   - seen: Told of every gate's choice before the predictor is.
  mutating func step(
    depth: Int, answered: (PredictionSubject, LayerActivation, LayerActivation) -> Void,
    seen: (PredictionSubject, LayerActivation) -> Void
  ) {
    var truths: [[LayerActivation]] = []
    for sequence in running {
      let tokens = sequence.position == 0 ? 3 : 1
      truths.append(
        (0..<layout.layers).map { _ in choices(request: sequence.request, tokens: tokens) })
    }
    for decided in -1..<layout.layers {
      if decided >= 0 {
        for (place, sequence) in running.enumerated() {
          let subject = PredictionSubject(
            request: sequence.request, position: sequence.position, layer: decided, distance: 0)
          seen(subject, truths[place][decided])
          predictor.observed(subject, choices: truths[place][decided])
        }
      } else if !predictor.predictsAtStepStart {
        continue
      }
      let last = min(layout.layers - 1, decided + depth)
      guard decided < last else { continue }
      for layer in decided + 1...last {
        for (place, sequence) in running.enumerated() {
          let subject = PredictionSubject(
            request: sequence.request, position: sequence.position, layer: layer,
            distance: layer - decided)
          var answer = LayerActivation(experts: layout.experts)
          predictor.predict(subject, truth: truths[place][layer], into: &answer)
          answered(subject, truths[place][layer], answer)
        }
      }
    }
    for place in running.indices {
      running[place].position += running[place].position == 0 ? 3 : 1
    }
  }
}

/// An answer as pairs, by expert.
func pairs(_ activation: LayerActivation) -> [Int: Float] {
  var made: [Int: Float] = [:]
  for expert in activation.distinct {
    made[Int(expert)] = activation.weightPerExpert[Int(expert)]
  }
  return made
}
