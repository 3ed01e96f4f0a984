// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Testing

/// FineMoE's search against one that computes every cosine anew, in double precision.
@Suite("Expert maps")
struct ExpertMapPredictionTests {
  /// The store as a list, and all that the search does with it.
  final class Naive {
    struct Entry {
      var map: [[Double]]
      var embedding: [Double]
    }
    struct Pass {
      var map: [[Double]] = []
      var embedding: [Double]
    }
    let options: ExpertMapPrediction.Options
    let layers: Int
    var entries: [Entry] = []
    var passes: [UInt64: Pass] = [:]
    var tendencies: [UInt64: [[Float]]] = [:]
    /// Whether two entries were so alike that rounding may have decided which was replaced; comparing
    /// ends there.
    var isAmbiguous = false

    init(_ options: ExpertMapPrediction.Options, layers: Int) {
      self.options = options
      self.layers = layers
    }

    static func cosine(_ left: [Double], _ right: [Double]) -> Double {
      let product = zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
      func length(_ vector: [Double]) -> Double {
        vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
      let lengths = length(left) * length(right)
      return lengths > 0 ? product / lengths : 0
    }

    /// Without noise.
    func embedding(_ request: UInt64) -> [Double] {
      let shares = tendencies[request]![0].map(Double.init)
      let mean = shares.reduce(0, +) / Double(shares.count)
      let variance =
        shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(shares.count)
      return shares.map { ($0 - mean) / variance.squareRoot() }
    }

    /// Whether another score lies so near the largest that rounding may decide; equal vectors have
    /// equal scores, and the first of them is found.
    func isClose(_ scores: [Double]) -> Bool {
      guard let most = scores.max() else { return false }
      return scores.contains { $0 > most - 1e-5 && $0 != most }
    }

    func see(_ subject: PredictionSubject, _ choices: LayerActivation) {
      if subject.layer == 0 {
        passes[subject.request] = Pass(embedding: embedding(subject.request))
      }
      let sum = choices.weightPerExpert.reduce(0.0) { $0 + Double($1) }
      let tendency = tendencies[subject.request]![subject.layer]
      passes[subject.request]!.map.append(
        zip(choices.weightPerExpert, tendency).map {
          Double($0) / sum * (1 - options.unchosen) + Double($1) * options.unchosen
        })
      guard subject.layer == layers - 1 else { return }
      let pass = passes.removeValue(forKey: subject.request)!
      let entry = Entry(map: pass.map, embedding: pass.embedding)
      if entries.count < options.capacity { return entries.append(entry) }
      let share = Double(options.distance) / Double(layers)
      let scores = entries.map {
        share * Self.cosine($0.embedding, pass.embedding)
          + (1 - share) * Self.cosine(Array($0.map.joined()), Array(pass.map.joined()))
      }
      isAmbiguous = isClose(scores)
      entries[scores.firstIndex(of: scores.max()!)!] = entry
    }

    /// The answer, or `nil` where rounding may decide it.
    func answer(_ subject: PredictionSubject, topK: Int, tokens: Int) -> [Int: Double]? {
      let decided = subject.layer - subject.distance
      let scores: [Double]
      if decided < 0 {
        guard subject.layer < options.distance else { return [:] }
        let own = embedding(subject.request)
        scores = entries.map { Self.cosine($0.embedding, own) }
      } else {
        let isAsked =
          options.variant == .paper
          ? subject.distance == options.distance : subject.distance >= options.distance + 1
        guard isAsked else { return [:] }
        let known = Array(passes[subject.request]?.map.joined() ?? [[]].joined())
        scores = entries.map { Self.cosine(Array($0.map[...decided].joined()), known) }
      }
      guard let place = scores.firstIndex(of: scores.max() ?? -1) else { return [:] }
      if isClose(scores) { return nil }
      let threshold = min(max(1 - scores[place], 0), 1)
      let row = entries[place].map[subject.layer]
      let ranked = row.indices.filter { row[$0] > 0 }.sorted { row[$0] > row[$1] }
      var named: [Int] = []
      var sum = 0.0
      for expert in ranked {
        sum += row[expert]
        if abs(sum - threshold) < 1e-5 { return nil }
      }
      sum = 0
      if options.variant == .paper {
        while named.count < ranked.count && (named.count < topK || sum < threshold) {
          sum += row[ranked[named.count]]
          named.append(ranked[named.count])
        }
      } else {
        var within = 0
        for expert in ranked {
          sum += row[expert]
          if sum <= threshold { within += 1 }
        }
        named = Array(ranked.prefix(max(within, topK)))
      }
      return Dictionary(uniqueKeysWithValues: named.map { ($0, row[$0] * Double(tokens)) })
    }
  }

  struct Setting: Sendable, CustomStringConvertible {
    var variant: ExpertMapPrediction.Variant
    var distance: Int
    var capacity: Int
    var unchosen: Double
    var description: String { "\(variant), d \(distance), \(capacity), \(unchosen)" }
  }

  static let settings = [
    Setting(variant: .paper, distance: 1, capacity: 7, unchosen: 0.3),
    Setting(variant: .paper, distance: 3, capacity: 1000, unchosen: 0),
    Setting(variant: .paper, distance: 2, capacity: 33, unchosen: 0.7),
    Setting(variant: .code, distance: 2, capacity: 20, unchosen: 0.3),
    Setting(variant: .code, distance: 1, capacity: 100, unchosen: 0.6),
  ]

  @Test("answers are those of a search of every map", arguments: settings)
  func agrees(setting: Setting) {
    var options = ExpertMapPrediction.Options()
    options.variant = setting.variant
    options.distance = setting.distance
    options.capacity = setting.capacity
    options.unchosen = setting.unchosen
    options.noise = 0
    var compared = 0
    for seed in 0..<4 {
      var harness = PredictorHarness(
        ExpertMapPrediction(options: options), layers: 5, experts: 11, topK: 2,
        seed: UInt64(seed))
      let naive = Naive(options, layers: 5)
      for step in 0..<60 where !naive.isAmbiguous {
        if step % 9 == 0 || harness.running.isEmpty { harness.begin() }
        if harness.running.count > 3 { harness.end(step % harness.running.count) }
        naive.tendencies = harness.tendencies
        harness.step(depth: 5) { subject, truth, answer in
          guard !naive.isAmbiguous,
            let expected = naive.answer(
              subject, topK: truth.distinct.count, tokens: truth.tokens)
          else { return }
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
    }
    #expect(compared > 500)
  }

  @Test("a pass that was recorded is found again, noise or not")
  func recognises() {
    var options = ExpertMapPrediction.Options()
    options.distance = 1
    var harness = PredictorHarness(
      ExpertMapPrediction(options: options), layers: 4, experts: 8, topK: 2, seed: 5)
    harness.begin()
    for _ in 0..<10 {
      harness.step(depth: 4) { _, _, _ in
      } seen: { _, _ in
      }
    }
    #expect(harness.predictor.mapCount == 10)
    // The same choices again, layer by layer: what followed then is predicted now.
    var recorded: [LayerActivation] = []
    harness.step(depth: 4) { _, _, _ in
    } seen: { _, choices in
      recorded.append(choices)
    }
    var predictor = harness.predictor
    for layer in 0..<3 {
      let subject = PredictionSubject(request: 0, position: 500, layer: layer, distance: 0)
      predictor.observed(subject, choices: recorded[layer])
      var answer = LayerActivation(experts: 8)
      predictor.predict(
        PredictionSubject(request: 0, position: 500, layer: layer + 1, distance: 1),
        truth: recorded[layer + 1], into: &answer)
      #expect(Set(answer.distinct) == Set(recorded[layer + 1].distinct))
    }
  }

  @Test("noise makes embeddings of one request differ, and the same anew from the same seed")
  func noise() {
    func firstAnswers(_ noise: Double) -> [[Int32]] {
      var options = ExpertMapPrediction.Options()
      options.noise = noise
      var harness = PredictorHarness(
        ExpertMapPrediction(options: options), layers: 4, experts: 16, topK: 2, seed: 9)
      for _ in 0..<4 { harness.begin() }
      var answers: [[Int32]] = []
      for _ in 0..<30 {
        harness.step(depth: 4) { subject, _, answer in
          if subject.decidedLayer < 0 { answers.append(answer.distinct) }
        } seen: { _, _ in
        }
      }
      return answers
    }
    #expect(firstAnswers(1) == firstAnswers(1))
    #expect(firstAnswers(0) != firstAnswers(1))
  }
}
