// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Residency
import Routing

/// Which experts of later MoE layers are likely, before their gates have decided.
///
/// A value type, told what a later layer's gate will choose, and answering what it would have
/// predicted: a predictor is modelled by how often and how it errs. What it answers for a token is
/// a function of the seed, the request, the token's position and the layer alone, so that runs that
/// differ in another role see the same mistakes.
public protocol PredictionPolicy: Sendable {
  /// The number of layers that it looks ahead; 0 if it never predicts, `Int.max` without limit.
  var reach: Int { get }

  /// The number of layers ahead of a gate below which it answers nothing; 1 by default.
  var nearest: Int { get }

  /// Seconds from a gate's decision to the answers it makes possible; 0 by default. The predictor
  /// is one thread of the host: the answers of one moment come together.
  var latencySeconds: Double { get }

  /// Whether it also predicts at the start of a step, before the first gate; the first layer is
  /// then at distance 1.
  var predictsAtStepStart: Bool { get }

  /// Whether it learns from what gates choose (`sequenceBegan`, `observed`, `sequenceEnded`).
  var observes: Bool { get }

  /// Whether it asks how a request's tokens share out over the experts (`tendency(of:…)`), which
  /// stands for what a real predictor reads from the text; false by default.
  var needsTendencies: Bool { get }

  /// Whether it asks how popular each expert is (`configure(popularity:)`); false by default.
  var usesPopularity: Bool { get }

  /// Tells how much each expert block is used, by block number, in any unit; once, after `configure`.
  mutating func configure(popularity: [Double])

  /// Tells how a request's tokens share out over the experts of a layer; for each layer once, after
  /// `sequenceBegan`. Not called where the routing source does not know.
  mutating func tendency(of request: UInt64, layer: Int, shares: [Float])

  /// A request begins to be computed. Told to predictors that observe.
  ///
  /// - Parameters:
  ///   - request: The request's number.
  ///   - promptTokens: The tokens of its prompt.
  mutating func sequenceBegan(_ request: UInt64, promptTokens: Int)

  /// A gate has chosen for a token, or for a piece of a prompt of whatever length. Told to
  /// predictors that observe, before they are asked about the layers behind.
  ///
  /// - Parameters:
  ///   - subject: For whom, where, and in which layer; its distance is 0.
  ///   - choices: What the gate chose.
  mutating func observed(_ subject: PredictionSubject, choices: borrowing LayerActivation)

  /// A request has had its last token. Told to predictors that observe.
  mutating func sequenceEnded(_ request: UInt64)

  /// Prepares the policy for a run, once, before the first step.
  ///
  /// - Parameters:
  ///   - layout: The model's layers and experts.
  ///   - seed: The seed of the run.
  ///   - replication: The replication within the seed.
  mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32)

  /// Answers which experts of a later layer it predicts.
  ///
  /// - Parameters:
  ///   - subject: What is predicted for, and how far ahead.
  ///   - truth: What the layer's gate will choose, heaviest first for a single token.
  ///   - answer: Where to add what is predicted, each expert with the gate weight expected of it:
  ///     the probability that it is right, times the weight of the choice that it stands for.
  mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation)
}

extension PredictionPolicy {
  /// Answers from the next layer on.
  public var nearest: Int { 1 }
  /// Reads nothing from the text.
  public var needsTendencies: Bool { false }
  /// Needs to know no popularity.
  public var usesPopularity: Bool { false }
  /// Does nothing.
  public mutating func configure(popularity: [Double]) {}
  /// Does nothing.
  public mutating func tendency(of request: UInt64, layer: Int, shares: [Float]) {}
  /// Answers at once.
  public var latencySeconds: Double { 0 }
  /// Predicts from gates alone.
  public var predictsAtStepStart: Bool { false }
  /// Learns nothing.
  public var observes: Bool { false }
  /// Does nothing.
  public mutating func sequenceBegan(_ request: UInt64, promptTokens: Int) {}
  /// Does nothing.
  public mutating func observed(
    _ subject: PredictionSubject, choices: borrowing LayerActivation
  ) {}
  /// Does nothing.
  public mutating func sequenceEnded(_ request: UInt64) {}
}

/// What a prediction is made for: a token of a running sequence, in a later layer.
///
/// A piece of a prompt of at most ``largestPromptPiece`` tokens is one subject, like a token: its
/// truth holds what all of its tokens choose. Larger pieces are not predicted.
public struct PredictionSubject: BitwiseCopyable, Sendable {
  /// The most prompt tokens that are predicted for. Of larger pieces a generator draws how many
  /// tokens chose each expert and not which, and a piece activates most experts anyway.
  public static let largestPromptPiece = 32

  /// The request's number.
  public var request: UInt64
  /// The token's position in its sequence, prompt and output counted together; of a piece of a
  /// prompt its first.
  public var position: Int
  /// The layer that is predicted, counted among the MoE layers.
  public var layer: Int
  /// How many layers ahead of the one whose gate has just decided it lies; at least 1, and 0 of an
  /// observation.
  public var distance: Int

  /// The layer whose gate has just decided; -1 at the start of a step.
  public var decidedLayer: Int { layer - distance }

  /// A subject of a prediction.
  public init(request: UInt64, position: Int, layer: Int, distance: Int) {
    self.request = request
    self.position = position
    self.layer = layer
    self.distance = distance
  }
}

/// An expert that is expected to be used.
public struct PredictedExpert: BitwiseCopyable, Sendable, Equatable {
  /// The expert's number in its layer.
  public var expert: Int32
  /// The gate weight expected of it, summed over the step's tokens.
  public var weight: Float

  /// A predicted expert.
  public init(expert: Int32, weight: Float) {
    self.expert = expert
    self.weight = weight
  }
}
