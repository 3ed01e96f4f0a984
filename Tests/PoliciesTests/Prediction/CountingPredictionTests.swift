// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Testing

/// Predictors that count, against the record of all that gates chose.
@Suite("Predictors that count")
struct CountingPredictionTests {
  /// One gate's choice.
  struct Seen {
    var request: UInt64
    var position: Int
    var layer: Int
    var choices: LayerActivation
  }

  private func play(
    _ predictor: some PredictionPolicy, depth: Int,
    expected: (PredictionSubject, LayerActivation, [Seen]) -> [Int: Double]?
  ) -> Int {
    var harness = PredictorHarness(predictor, layers: 4, experts: 9, topK: 2, seed: 3)
    var record: [Seen] = []
    var compared = 0
    for step in 0..<60 {
      if step % 7 == 0 || harness.running.isEmpty { harness.begin() }
      if harness.running.count > 3 { harness.end(step % harness.running.count) }
      harness.step(depth: depth) { subject, truth, answer in
        guard let wanted = expected(subject, truth, record) else { return }
        let got = pairs(answer)
        compared += wanted.count
        #expect(Set(got.keys) == Set(wanted.keys), "\(subject)")
        for (expert, weight) in wanted {
          #expect(abs(Double(got[expert] ?? -1) - weight) < 1e-4)
        }
      } seen: { subject, choices in
        record.append(
          Seen(
            request: subject.request, position: subject.position, layer: subject.layer,
            choices: choices))
      }
    }
    return compared
  }

  /// The first of the experts ranked by a figure, of equals the smallest number.
  private func first(_ count: Int, of figures: [Double]) -> [Int] {
    Array(
      figures.indices.filter { figures[$0] > 0 }
        .sorted { (-figures[$0], $0) < (-figures[$1], $1) }.prefix(count))
  }

  @Test("frequency names the most used so far", arguments: FrequencyPrediction.Scope.allCases)
  func frequency(scope: FrequencyPrediction.Scope) {
    let compared = play(FrequencyPrediction(scope: scope), depth: 3) { subject, truth, record in
      let own = record.filter {
        $0.layer == subject.layer && (scope == .all || $0.request == subject.request)
      }
      var uses = [Double](repeating: 0, count: 9)
      var weights = uses
      var tokens = 0.0
      for seen in own {
        tokens += Double(seen.choices.tokens)
        for expert in 0..<9 {
          uses[expert] += Double(seen.choices.tokensPerExpert[expert])
          weights[expert] += Double(seen.choices.weightPerExpert[expert])
        }
      }
      return Dictionary(
        uniqueKeysWithValues: first(truth.distinct.count, of: uses).map {
          ($0, weights[$0] / tokens * Double(truth.tokens))
        })
    }
    #expect(compared > 1000)
  }

  @Test("repeat names what the layer used last")
  func repeats() {
    let compared = play(RepeatPrediction(), depth: 4) { subject, truth, record in
      guard
        let seen = record.last(where: {
          $0.request == subject.request && $0.layer == subject.layer
        })
      else { return [:] }
      let weights = seen.choices.weightPerExpert.map {
        Double($0) / Double(seen.choices.tokens)
      }
      return Dictionary(
        uniqueKeysWithValues: first(truth.distinct.count, of: weights).map {
          ($0, weights[$0] * Double(truth.tokens))
        })
    }
    #expect(compared > 1000)
  }

  @Test("markov names what followed the present experts")
  func markov() {
    let compared = play(MarkovPrediction(distance: 1), depth: 1) { subject, truth, record in
      let decided = subject.layer - 1
      // Pairs of one token's choices in the two layers; prompts of three tokens do not count.
      var together = [[Double]](repeating: [Double](repeating: 0, count: 9), count: 9)
      var uses = [Double](repeating: 0, count: 9)
      for next in record where next.layer == subject.layer && next.choices.tokens == 1 {
        let before = record.first {
          $0.request == next.request && $0.position == next.position && $0.layer == decided
        }!
        for source in before.choices.distinct {
          uses[Int(source)] += 1
          for target in next.choices.distinct { together[Int(source)][Int(target)] += 1 }
        }
      }
      let present = record.last {
        $0.request == subject.request && $0.layer == decided
      }!
      var scores = [Double](repeating: 0, count: 9)
      for source in 0..<9 where uses[source] > 0 {
        for target in 0..<9 {
          scores[target] +=
            Double(present.choices.tokensPerExpert[source]) * together[source][target]
            / uses[source]
        }
      }
      let sum = scores.reduce(0, +)
      // Sums of fractions in another order: equal scores must not be told apart by rounding.
      let rounded = scores.map { ($0 * 1e5).rounded() }
      let named = first(truth.distinct.count, of: rounded)
      let edge = named.last.map { rounded[$0] } ?? 0
      guard named.count < truth.distinct.count || rounded.count(where: { $0 == edge }) == 1 else {
        return nil
      }
      return Dictionary(
        uniqueKeysWithValues: named.map { ($0, scores[$0] / sum * Double(truth.tokens)) })
    }
    #expect(compared > 300)
  }
}
