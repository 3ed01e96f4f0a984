// SPDX-License-Identifier: GPL-3.0-or-later

internal import DequeModule
import Policies

/// Predictions that have been asked for and are still being computed, in order.
struct DelayedPredictions {
  /// What is predicted for one layer.
  struct Batch: BitwiseCopyable {
    /// When it is known [ns].
    var ready: UInt64
    /// The step that it is made in.
    var step: UInt64
    /// The predicted MoE layer, and how far ahead it lay.
    var layer: Int32
    var distance: Int32
    /// The number of its experts.
    var count: Int32
  }

  private var batches: Deque<Batch> = []
  private var experts: Deque<PredictedExpert> = []
  /// When the predictor is free again [ns].
  var predictorFree: UInt64 = 0

  /// Adds a prediction.
  mutating func append(_ batch: Batch, experts list: [PredictedExpert]) {
    batches.append(batch)
    experts.append(contentsOf: list)
  }

  /// Takes out the next prediction that is known at `now`.
  mutating func next(now: UInt64, into list: inout [PredictedExpert]) -> Batch? {
    guard let first = batches.first, first.ready <= now else { return nil }
    batches.removeFirst()
    list.removeAll(keepingCapacity: true)
    for _ in 0..<first.count { list.append(experts.removeFirst()) }
    return first
  }
}
