// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// Predicts a layer's experts from those of the layer before, by how often they came together.
///
/// For each pair of neighbouring layers it counts, over all requests since the run began, how often
/// a token that chose expert i in one chose expert j in the next. An expert's score is the sum, over
/// the token's experts i, of the share of i's tokens that chose it; further layers are scored from
/// the scores of the one before, brought to the sum of choices. It names as many experts as the gate
/// will choose. It learns from single tokens: of a piece of a prompt it is not known which token
/// chose which experts together.
public struct MarkovPrediction: PredictionPolicy {
  /// The layers ahead that are predicted.
  public let reach: Int
  private var layers = 0
  private var experts = 0
  private var slots = RequestSlots()
  /// [layer][i][j]: tokens that chose i in the layer and j in the next.
  private var together: [UInt32] = []
  /// [layer][i]: tokens that chose i in the layer and were counted.
  private var uses: [UInt32] = []
  /// [place][expert]: tokens of the subject seen last that chose the expert, and its layer.
  private var present: [[Float]] = []
  private var presentLayer: [Int] = []
  private var presentPosition: [Int] = []
  private var isToken: [Bool] = []
  private var scores: [Float] = []
  private var before: [Float] = []
  private var ranking = ExpertRanking()

  /// A predictor from pairs, so many layers ahead.
  public init(distance: Int = 1) {
    precondition(distance >= 1)
    reach = distance
  }

  /// Counts.
  public var observes: Bool { true }

  /// Learns the layers' size.
  public mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {
    (layers, experts) = (layout.layers, layout.experts)
    slots = RequestSlots()
    together = Array(repeating: 0, count: layers * experts * experts)
    uses = Array(repeating: 0, count: layers * experts)
    (present, presentLayer, presentPosition, isToken) = ([], [], [], [])
    scores = Array(repeating: 0, count: experts)
    before = scores
  }

  /// Begins a request.
  public mutating func sequenceBegan(_ request: UInt64, promptTokens: Int) {
    let (place, isNew) = slots.begin(request)
    if isNew {
      present.append(Array(repeating: 0, count: experts))
      presentLayer.append(-1)
      presentPosition.append(-1)
      isToken.append(false)
    }
    presentLayer[place] = -1
  }

  /// Ends a request.
  public mutating func sequenceEnded(_ request: UInt64) { _ = slots.end(request) }

  /// Counts the pairs of a token's choices here and in the layer before.
  ///
  /// - Complexity: O(experts + choices²).
  public mutating func observed(
    _ subject: PredictionSubject, choices: borrowing LayerActivation
  ) {
    guard let place = slots[subject.request] else { return }
    let follows =
      presentLayer[place] == subject.layer - 1 && presentPosition[place] == subject.position
      && isToken[place]
    if follows, choices.tokens == 1 {
      let row = (subject.layer - 1) * experts
      for source in 0..<experts where present[place][source] > 0 {
        uses[row + source] += 1
        for target in choices.distinct {
          together[(row + source) * experts + Int(target)] += 1
        }
      }
    }
    for expert in 0..<experts {
      present[place][expert] = Float(choices.tokensPerExpert[expert])
    }
    presentLayer[place] = subject.layer
    presentPosition[place] = subject.position
    isToken[place] = choices.tokens == 1
  }

  /// Adds the experts with the largest scores.
  ///
  /// - Complexity: O(distance × experts²).
  public mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {
    let decided = subject.decidedLayer
    guard subject.distance <= reach, let place = slots[subject.request],
      presentLayer[place] == decided, presentPosition[place] == subject.position
    else { return }
    for expert in 0..<experts { scores[expert] = present[place][expert] }
    for layer in decided..<subject.layer { advance(from: layer) }
    let sum = scores.reduce(0, +)
    guard sum > 0 else { return }
    ranking.rank(scores)
    for rank in 0..<min(truth.distinct.count, ranking.count) {
      // The gate's weights sum to one for each token.
      let expert = ranking[rank]
      answer.add(expert: Int32(expert), weight: scores[expert] / sum * Float(truth.tokens))
    }
    answer.tokens += truth.tokens
  }

  /// Takes the scores of a layer on to the next.
  private mutating func advance(from layer: Int) {
    swap(&scores, &before)
    for expert in 0..<experts { scores[expert] = 0 }
    for source in 0..<experts where before[source] > 0 {
      let row = layer * experts + source
      guard uses[row] > 0 else { continue }
      let share = before[source] / Float(uses[row])
      for target in 0..<experts {
        scores[target] += share * Float(together[row * experts + target])
      }
    }
    // Each source expert brings all of a token's next choices along.
    let (sum, wanted) = (scores.reduce(0, +), before.reduce(0, +))
    guard sum > 0 else { return }
    for expert in 0..<experts { scores[expert] *= wanted / sum }
  }

  static let registration = RoleRegistration<any PredictionPolicy>(
    name: "markov", summary: "predicts a layer's experts from those of the layer before",
    parameters: [
      RoleParameter(
        "distance", .count(1...1000), default: 1, summary: "layers ahead that are predicted")
    ]
  ) { settings in MarkovPrediction(distance: settings.count("distance") ?? 1) }
}
