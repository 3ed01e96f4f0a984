// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// Predicts the experts that a layer has used most so far, by the request's own tokens or by all.
///
/// The baseline of most studies of prefetching. It names as many experts as the gate will choose,
/// with the mean gate weight that they had, and reads nothing but what gates chose before; so it
/// answers for any layer at any time.
public struct FrequencyPrediction: PredictionPolicy {
  /// Whose uses count.
  public enum Scope: String, Sendable, CaseIterable {
    /// Those of the request's own tokens.
    case sequence
    /// Those of all requests since the run began.
    case all
  }

  private struct Counts {
    /// [layer][expert]: tokens, and the gate weight that they gave.
    var uses: [Float]
    var weights: [Float]
    /// [layer]: tokens.
    var tokens: [Float]

    init(layers: Int, experts: Int) {
      uses = Array(repeating: 0, count: layers * experts)
      weights = uses
      tokens = Array(repeating: 0, count: layers)
    }

    mutating func clear() {
      for index in uses.indices { uses[index] = 0 }
      for index in weights.indices { weights[index] = 0 }
      for index in tokens.indices { tokens[index] = 0 }
    }
  }

  private let scope: Scope
  private var layers = 0
  private var experts = 0
  private var slots = RequestSlots()
  private var counts: [Counts] = []
  private var ranking = ExpertRanking()

  /// A predictor of the most used.
  public init(scope: Scope = .sequence) { self.scope = scope }

  /// Looks as far as it is asked to.
  public var reach: Int { .max }
  /// Needs no gate.
  public var predictsAtStepStart: Bool { true }
  /// Counts.
  public var observes: Bool { true }

  /// Learns the layers' size.
  public mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {
    (layers, experts) = (layout.layers, layout.experts)
    slots = RequestSlots()
    counts = scope == .all ? [Counts(layers: layers, experts: experts)] : []
  }

  /// Begins to count for a request.
  public mutating func sequenceBegan(_ request: UInt64, promptTokens: Int) {
    guard scope == .sequence else { return }
    let (place, isNew) = slots.begin(request)
    if isNew {
      counts.append(Counts(layers: layers, experts: experts))
    } else {
      counts[place].clear()
    }
  }

  /// Ends a request's counts.
  public mutating func sequenceEnded(_ request: UInt64) { _ = slots.end(request) }

  /// Counts what a gate chose.
  public mutating func observed(
    _ subject: PredictionSubject, choices: borrowing LayerActivation
  ) {
    guard let place = place(of: subject.request) else { return }
    let first = subject.layer * experts
    for expert in choices.distinct {
      counts[place].uses[first + Int(expert)] += Float(choices.tokensPerExpert[Int(expert)])
      counts[place].weights[first + Int(expert)] += choices.weightPerExpert[Int(expert)]
    }
    counts[place].tokens[subject.layer] += Float(choices.tokens)
  }

  /// Adds the most used experts.
  public mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {
    guard let place = place(of: subject.request), counts[place].tokens[subject.layer] > 0 else {
      return
    }
    let first = subject.layer * experts
    ranking.rank(counts[place].uses[first..<first + experts])
    let share = Float(truth.tokens) / counts[place].tokens[subject.layer]
    for rank in 0..<min(truth.distinct.count, ranking.count) {
      let expert = ranking[rank]
      answer.add(
        expert: Int32(expert), weight: counts[place].weights[first + expert] * share)
    }
    answer.tokens += truth.tokens
  }

  private func place(of request: UInt64) -> Int? { scope == .all ? 0 : slots[request] }

  static let registration = RoleRegistration<any PredictionPolicy>(
    name: "frequency", summary: "predicts the experts that a layer has used most so far",
    parameters: [
      RoleParameter(
        "scope", .choice(Scope.allCases.map(\.rawValue)), word: Scope.sequence.rawValue,
        summary: "whether the request's own uses count, or those of all requests")
    ]
  ) { settings in
    FrequencyPrediction(scope: settings.text("scope").flatMap(Scope.init) ?? .sequence)
  }
}
