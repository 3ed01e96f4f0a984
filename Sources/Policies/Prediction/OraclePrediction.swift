// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// Predicts exactly what will be chosen, any number of layers ahead: the ceiling of predictors.
public struct OraclePrediction: PredictionPolicy {
  /// A predictor that never errs.
  public init() {}
  /// Looks as far as it is asked to.
  public var reach: Int { .max }
  /// Needs to know nothing.
  public mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {}
  /// Adds the truth.
  public mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {
    answer.add(truth)
  }
}
