// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// Predicts that a layer uses again what it used for the token before, of the same request.
///
/// It names as many experts as the gate will choose, the heaviest of those seen last; after a prompt
/// these are the heaviest of its last piece. It needs no gate, so that it answers for any layer.
public struct RepeatPrediction: PredictionPolicy {
  private var layers = 0
  private var experts = 0
  private var slots = RequestSlots()
  /// [place][layer][expert]: the gate weight for a token, as seen last.
  private var last: [[Float]] = []
  private var ranking = ExpertRanking()

  /// A predictor that repeats.
  public init() {}

  /// Looks as far as it is asked to.
  public var reach: Int { .max }
  /// Needs no gate.
  public var predictsAtStepStart: Bool { true }
  /// Remembers.
  public var observes: Bool { true }

  /// Learns the layers' size.
  public mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {
    (layers, experts) = (layout.layers, layout.experts)
    slots = RequestSlots()
    last = []
  }

  /// Begins a request, of which nothing has been seen.
  public mutating func sequenceBegan(_ request: UInt64, promptTokens: Int) {
    let (place, isNew) = slots.begin(request)
    if isNew {
      last.append(Array(repeating: 0, count: layers * experts))
    } else {
      for index in last[place].indices { last[place][index] = 0 }
    }
  }

  /// Ends a request.
  public mutating func sequenceEnded(_ request: UInt64) { _ = slots.end(request) }

  /// Remembers what a gate chose, in place of what it chose before.
  public mutating func observed(
    _ subject: PredictionSubject, choices: borrowing LayerActivation
  ) {
    guard let place = slots[subject.request] else { return }
    let first = subject.layer * experts
    for expert in 0..<experts { last[place][first + expert] = 0 }
    let scale = 1 / Float(max(1, choices.tokens))
    for expert in choices.distinct {
      last[place][first + Int(expert)] = choices.weightPerExpert[Int(expert)] * scale
    }
  }

  /// Adds what the layer used last.
  public mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {
    guard let place = slots[subject.request] else { return }
    let first = subject.layer * experts
    ranking.rank(last[place][first..<first + experts])
    for rank in 0..<min(truth.distinct.count, ranking.count) {
      let expert = ranking[rank]
      answer.add(
        expert: Int32(expert), weight: last[place][first + expert] * Float(truth.tokens))
    }
    answer.tokens += truth.tokens
  }

  static let registration = RoleRegistration<any PredictionPolicy>(
    name: "repeat", summary: "predicts what the layer used for the token before"
  ) { RepeatPrediction() }
}
