// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// The gate of a layer chooses the experts of the next one: what it names is what is used.
///
/// Pre-gated MoE (arXiv 2308.12066) trains a model so. Nothing is mispredicted, one layer ahead and
/// never across the end of a step; what it costs is accuracy of the model, which is not simulated.
public struct PreGatePrediction: PredictionPolicy {
  private var oracle = OraclePrediction()

  /// A predictor for models whose gates look one layer ahead.
  public init() {}
  /// One layer.
  public var reach: Int { 1 }
  /// Needs to know nothing.
  public mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {}
  /// Adds what the gate has chosen.
  public mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {
    oracle.predict(subject, truth: truth, into: &answer)
  }
}
