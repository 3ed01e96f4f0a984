// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// Predicts nothing.
public struct NoPrediction: PredictionPolicy {
  /// A predictor that is never asked.
  public init() {}
  /// Looks nowhere.
  public var reach: Int { 0 }
  /// Needs to know nothing.
  public mutating func configure(layout: BlockLayout, seed: UInt64, replication: UInt32) {}
  /// Adds nothing.
  public mutating func predict(
    _ subject: PredictionSubject, truth: borrowing LayerActivation,
    into answer: inout LayerActivation
  ) {}
}
