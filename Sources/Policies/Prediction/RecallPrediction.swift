// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Residency
import Routing

/// Predicts a given share of a token's experts rightly, and other experts in place of the rest.
///
/// Each choice of a token is predicted with the probability `recall` of its distance. A choice that
/// is missed is replaced by another of the layer's experts: one that neither the token chooses nor
/// the prediction names already. A layer that has no others is predicted without it. A mistake at
/// one distance is a mistake at every distance of lower recall, as of a predictor that sees more the
/// nearer it is.
///
/// Published recalls, to be given as the parameter:
/// - the next layer's gate on this layer's input, Mixtral-8x7B: the top expert 96 % for the next
///   layer, about 90 % for two and three ahead (HOBBIT, arXiv 2411.01433);
/// - learned predictors, mean over models: layer-wise 84.7 %, skipping a layer 66.9 %, by token id
///   58.3 % (ProMoE, arXiv 2410.22134).
public struct RecallPrediction: PredictionPolicy {
  /// How mistakes are drawn.
  public enum Mistakes: String, Sendable, CaseIterable {
    /// From the layer's popularity: a predictor confuses likely experts.
    case popular
    /// All alike.
    case uniform
  }

  /// When predictions are made.
  public enum Timing: String, Sendable, CaseIterable {
    /// When a gate has decided, for the layers behind it.
    case gate
    /// At the start of a step, for all layers at once: all that is read is the token.
    case step
  }

  /// The share of a token's experts that is predicted rightly, by distance from ``nearest`` on.
  public let recall: [Double]
  /// The smallest number of layers ahead that is predicted.
  public let nearest: Int
  /// How mistakes are drawn.
  public let mistakes: Mistakes
  /// When predictions are made.
  public let timing: Timing
  /// Seconds that a prediction takes.
  public let latencySeconds: Double
  private var experts = 0
  private var popularity: [Double] = []
  private var stream = RandomStream(seed: 0, replication: 0, purpose: .prediction, entity: 0)

  /// A predictor with a recall for each distance; made at the start of a step, the first recall is
  /// that of all layers.
  ///
  /// - Precondition: `recall` is not empty, each is from 0 to 1, and `nearest` is at least 1.
  public init(
    recall: [Double], nearest: Int = 1, mistakes: Mistakes = .uniform, timing: Timing = .gate,
    latencySeconds: Double = 0
  ) {
    precondition(!recall.isEmpty && recall.allSatisfy { (0...1).contains($0) })
    precondition(nearest >= 1)
    self.recall = recall
    self.nearest = nearest
    self.mistakes = mistakes
    self.timing = timing
    self.latencySeconds = latencySeconds
  }

  /// Looks as far ahead as it has recalls; from the start of a step, over all layers.
  public var reach: Int { timing == .step ? .max : nearest + recall.count - 1 }

  /// Predicts at the start of a step, or at gates alone.
  public var predictsAtStepStart: Bool { timing == .step }

  /// Whether mistakes are drawn from the popularity.
  public var usesPopularity: Bool { mistakes == .popular }

  /// Learns the layers' size and the run's seed.
  public mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {
    experts = layout.experts
    popularity = []
    stream = RandomStream(seed: seed, replication: replication, purpose: .prediction, entity: 0)
  }

  /// Learns how popular each expert is. Until then mistakes are all alike.
  public mutating func configure(popularity: [Double]) {
    precondition(
      popularity.count.isMultiple(of: experts), "Popularity has a figure for each block.")
    self.popularity = usesPopularity ? popularity : []
  }

  /// Adds, for each choice, the expert or another in its place.
  ///
  /// - Complexity: O(choices + mistakes × experts).
  public mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {
    guard let right = recall(of: subject) else { return }
    var draws = stream.forEntity(subject.request)
    // 24 bits of position, 12 of layer, 12 of rank; a block has the two draws of a choice. The
    // distance is no part of it.
    let place =
      UInt64(truncatingIfNeeded: subject.position & 0xFF_FFFF) &<< 24
      | UInt64(truncatingIfNeeded: subject.layer & 0xFFF) &<< 12
    for (rank, expert) in truth.distinct.enumerated() {
      draws.seek(block: place | UInt64(truncatingIfNeeded: rank & 0xFFF))
      let weight = truth.weightPerExpert[Int(expert)] * Float(right)
      let tokens = truth.tokensPerExpert[Int(expert)]
      if draws.uniform() < right {
        answer.add(expert: expert, weight: weight, tokens: tokens)
      } else if let other = other(in: subject.layer, truth: truth, answer: answer, from: &draws) {
        answer.add(expert: other, weight: weight, tokens: tokens)
      }
    }
    answer.tokens += truth.tokens
  }

  private func recall(of subject: PredictionSubject) -> Double? {
    switch timing {
    case .step: return subject.decidedLayer < 0 ? recall[0] : nil
    case .gate:
      let place = subject.distance - nearest
      return recall.indices.contains(place) ? recall[place] : nil
    }
  }

  /// An expert that is neither chosen nor named already.
  private func other(
    in layer: Int, truth: borrowing LayerActivation, answer: borrowing LayerActivation,
    from draws: inout RandomStream
  ) -> Int32? {
    let first = layer * experts
    func weight(_ expert: Int) -> Double {
      guard truth.tokensPerExpert[expert] == 0, answer.tokensPerExpert[expert] == 0 else {
        return 0
      }
      return popularity.isEmpty ? 1 : popularity[first + expert]
    }
    var sum = 0.0
    var free = 0
    for expert in 0..<experts where weight(expert) > 0 {
      sum += weight(expert)
      free += 1
    }
    guard free > 0 else { return popularity.isEmpty ? nil : unused(truth, answer) }
    var place = popularity.isEmpty ? Double(draws.uniformInt(below: free)) : draws.uniform() * sum
    var last: Int32?
    for expert in 0..<experts where weight(expert) > 0 {
      last = Int32(expert)
      if popularity.isEmpty ? place == 0 : place < weight(expert) { return last }
      place -= weight(expert)
    }
    return last
  }

  /// The first free expert, where none of the free ones was ever seen used.
  private func unused(
    _ truth: borrowing LayerActivation, _ answer: borrowing LayerActivation
  ) -> Int32? {
    for expert in 0..<experts
    where truth.tokensPerExpert[expert] == 0 && answer.tokensPerExpert[expert] == 0 {
      return Int32(expert)
    }
    return nil
  }

  static let registration = RoleRegistration<any PredictionPolicy>(
    name: "recall", summary: "predicts a given share of a token's experts rightly",
    parameters: [
      RoleParameter(
        "recall", .shares(0...1, most: 1000),
        summary: "the share predicted rightly, or a list of shares by distance"),
      RoleParameter(
        "distance", .count(1...1000), otherwise: "as recall says",
        summary: "layers ahead that are predicted at most"),
      RoleParameter(
        "first_distance", .count(1...1000), default: 1,
        summary: "layers ahead that are predicted at least"),
      RoleParameter(
        "timing", .choice(Timing.allCases.map(\.rawValue)), word: Timing.gate.rawValue,
        summary: "whether gates are awaited, or the token alone is read when a step begins"),
      RoleParameter(
        "mistakes", .choice(Mistakes.allCases.map(\.rawValue)), word: Mistakes.popular.rawValue,
        summary: "whether likely experts are confused, or any"),
      RoleParameter(
        "latency", .duration(0...1), default: 0, summary: "what a prediction takes"),
    ]
  ) { (settings) throws(RoleProblem) in
    let given = settings["recall"] ?? []
    let nearest = settings.count("first_distance") ?? 1
    let distance = settings.count("distance") ?? nearest + given.count - 1
    let timing = settings.text("timing").flatMap(Timing.init) ?? .gate
    let mistakes = settings.text("mistakes").flatMap(Mistakes.init) ?? .popular
    let latency = settings.number("latency") ?? 0
    if timing == .step {
      let wrong =
        given.count != 1
        ? "recall" : settings.isSet("distance") ? "distance" : nearest != 1 ? "first_distance" : nil
      if let wrong {
        throw RoleProblem(
          parameter: wrong,
          message: "has no distances with timing 'step', which knows one recall for all layers")
      }
      return RecallPrediction(
        recall: given, mistakes: mistakes, timing: .step, latencySeconds: latency)
    }
    guard distance >= nearest else {
      throw RoleProblem(
        parameter: "distance", message: "is \(distance), less than first_distance, \(nearest)")
    }
    let count = distance - nearest + 1
    guard given.count == 1 || given.count == count else {
      throw RoleProblem(
        parameter: "recall",
        message: "has \(given.count) shares for \(count) distances; one share for all"
          + " distances or one for each is expected")
    }
    return RecallPrediction(
      recall: given.count == count ? given : Array(repeating: given[0], count: count),
      nearest: nearest, mistakes: mistakes, latencySeconds: latency)
  }
}
