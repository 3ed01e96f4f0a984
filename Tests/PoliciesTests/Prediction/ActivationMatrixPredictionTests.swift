// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Testing

/// MoE-Infinity's search against one that compares whole matrices anew, in double precision.
@Suite("Activation matrices")
struct ActivationMatrixPredictionTests {
  final class Naive {
    let variant: ActivationMatrixPrediction.Variant
    let capacity: Int
    let layers: Int
    let experts: Int
    var present: [UInt64: [[Double]]] = [:]
    var past: [(matrix: [[Double]], finds: Int)] = []
    var searched: [String: Int] = [:]
    var isAmbiguous = false

    init(
      _ variant: ActivationMatrixPrediction.Variant, capacity: Int, layers: Int, experts: Int
    ) {
      (self.variant, self.capacity) = (variant, capacity)
      (self.layers, self.experts) = (layers, experts)
    }

    func begin(_ request: UInt64) {
      present[request] = Array(repeating: Array(repeating: 0, count: experts), count: layers)
    }

    func end(_ request: UInt64) {
      let matrix = present.removeValue(forKey: request)!
      guard matrix.joined().contains(where: { $0 > 0 }) else { return }
      if past.count < capacity { return past.append((matrix, 1)) }
      let least = past.map(\.finds).min()!
      past[past.firstIndex { $0.finds == least }!] = (matrix, 1)
    }

    func see(_ subject: PredictionSubject, _ choices: LayerActivation) {
      searched = [:]
      for expert in 0..<experts {
        present[subject.request]![subject.layer][expert] += Double(
          choices.tokensPerExpert[expert])
      }
    }

    func likeness(_ left: [[Double]], _ right: [[Double]], from first: Int) -> Double {
      (first..<layers).reduce(0.0) {
        $0 + ExpertMapPredictionTests.Naive.cosine(left[$1], right[$1])
      } / Double(layers)
    }

    func answer(_ subject: PredictionSubject, most count: Int) -> [Int: Double] {
      let decided = subject.layer - subject.distance
      guard !past.isEmpty else { return [:] }
      let matrix = present[subject.request]!
      let first = variant == .paper ? 0 : decided + 1
      let key = "\(subject.request) \(decided)"
      if searched[key] == nil {
        let scores = past.map { likeness(matrix, $0.matrix, from: first) }
        let most = scores.max()!
        // An empty matrix is as unlike all others, exactly; the first of them is found.
        if most > 0, scores.count(where: { $0 > most - 1e-5 }) > 1 { isAmbiguous = true }
        searched[key] = scores.firstIndex(of: most)!
        past[searched[key]!].finds += 1
      }
      let row = past[searched[key]!].matrix[subject.layer]
      let sum = variant == .paper ? row.reduce(0, +) : 1
      var made: [Int: Double] = [:]
      let ranked = (0..<experts).filter { row[$0] > 0 }.sorted { (-row[$0], $0) < (-row[$1], $1) }
      for expert in ranked.prefix(count) { made[expert] = row[expert] / sum }
      return made
    }
  }

  @Test(
    "answers are those of a comparison of every matrix",
    arguments: ActivationMatrixPrediction.Variant.allCases, [3, 1000])
  func agrees(variant: ActivationMatrixPrediction.Variant, capacity: Int) {
    var compared = 0
    for seed in 0..<5 {
      var harness = PredictorHarness(
        ActivationMatrixPrediction(
          variant: variant, namesAll: seed % 2 == 0, capacity: capacity), layers: 4, experts: 9,
        topK: 2, seed: UInt64(seed))
      let naive = Naive(variant, capacity: capacity, layers: 4, experts: 9)
      for step in 0..<90 where !naive.isAmbiguous {
        if step % 4 == 0 || harness.running.isEmpty {
          naive.begin(harness.nextRequest)
          harness.begin()
        }
        if harness.running.count > 3 {
          let place = step % harness.running.count
          naive.end(harness.running[place].request)
          harness.end(place)
        }
        harness.step(depth: 4) { subject, truth, answer in
          let expected = naive.answer(
            subject, most: seed % 2 == 0 ? 100 : truth.distinct.count)
          guard !naive.isAmbiguous else { return }
          compared += expected.count
          let got = pairs(answer)
          #expect(Set(got.keys) == Set(expected.keys), "\(subject)")
          for (expert, weight) in expected {
            #expect(abs(Double(got[expert] ?? -1) - weight) < 1e-5)
          }
        } seen: { subject, choices in
          naive.see(subject, choices)
        }
      }
      #expect(harness.predictor.matrixCount <= capacity)
    }
    #expect(compared > 500)
  }
}
