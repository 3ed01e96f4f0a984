// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Residency
import Routing

/// Predicts a given share of a token's experts rightly, and other experts in place of the rest.
///
/// Each choice of a token is predicted with the probability `recall` of its distance. A choice that
/// is missed is replaced by an expert drawn uniformly from the layer's other experts: those that
/// neither the token chooses nor the prediction names already. A layer that has no others is
/// predicted without it. A mistake at one distance is a mistake at every distance of lower recall,
/// as of a predictor that sees more the nearer it is.
///
/// Published recalls, to be given as the parameter:
/// - the next layer's gate on this layer's input, Mixtral-8x7B: the top expert 96 % for the next
///   layer, about 90 % for two and three ahead (HOBBIT, arXiv 2411.01433);
/// - learned predictors, mean over models: layer-wise 84.7 %, skipping a layer 66.9 %, by token id
///   58.3 % (ProMoE, arXiv 2410.22134).
public struct RecallPrediction: PredictionPolicy {
  /// The share of a token's experts that is predicted rightly, by distance from 1.
  public let recall: [Double]
  private var experts = 0
  private var stream = RandomStream(seed: 0, replication: 0, purpose: .prediction, entity: 0)

  /// A predictor with a recall for each distance.
  ///
  /// - Precondition: `recall` is not empty, and each is from 0 to 1.
  public init(recall: [Double]) {
    precondition(!recall.isEmpty && recall.allSatisfy { (0...1).contains($0) })
    self.recall = recall
  }

  /// Looks as far ahead as it has recalls.
  public var reach: Int { recall.count }

  /// Learns the layers' size and the run's seed.
  public mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {
    experts = layout.experts
    stream = RandomStream(seed: seed, replication: replication, purpose: .prediction, entity: 0)
  }

  /// Adds, for each choice, the expert or another in its place.
  ///
  /// - Complexity: O(choices + mistakes × experts).
  public mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {
    guard subject.distance <= recall.count else { return }
    let right = recall[subject.distance - 1]
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
      } else if let other = other(truth: truth, answer: answer, from: &draws) {
        answer.add(expert: other, weight: weight, tokens: tokens)
      }
    }
    answer.tokens += truth.tokens
  }

  /// An expert that is neither chosen nor named already.
  private func other(
    truth: borrowing LayerActivation, answer: borrowing LayerActivation,
    from draws: inout RandomStream
  ) -> Int32? {
    var free = 0
    for expert in 0..<experts
    where truth.tokensPerExpert[expert] == 0 && answer.tokensPerExpert[expert] == 0 { free += 1 }
    guard free > 0 else { return nil }
    var place = draws.uniformInt(below: free)
    for expert in 0..<experts
    where truth.tokensPerExpert[expert] == 0 && answer.tokensPerExpert[expert] == 0 {
      if place == 0 { return Int32(expert) }
      place -= 1
    }
    return nil
  }
}
