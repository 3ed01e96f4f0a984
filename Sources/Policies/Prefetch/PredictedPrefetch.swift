// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Fetches the experts that a predictor names, nearest layer first, heaviest expert first.
///
/// At a layer's gate, once its own loads have been issued: those are more urgent, and overtake.
/// Predicted experts that are resident are asked for as well, which costs no transfer: they are not
/// evicted for the others.
public struct PredictedPrefetch: PrefetchPolicy {
  /// Layers ahead that are fetched for.
  public let depth: Int
  /// The most experts of a layer that are asked for, the heaviest; `nil` for all predicted.
  public let count: Int?
  private var layout: BlockLayout?

  /// A policy that fetches what is predicted up to `depth` layers ahead.
  ///
  /// - Precondition: `depth` and `count` are at least 1.
  public init(depth: Int = 1, count: Int? = nil) {
    precondition(depth >= 1 && count ?? 1 >= 1)
    self.depth = depth
    self.count = count
  }

  /// The layers that it wants predicted.
  public var predictionDepth: Int { depth }

  /// Learns where experts stand.
  public mutating func configure(layout: BlockLayout) { self.layout = layout }

  /// Asks for the heaviest of the experts.
  public mutating func predicted(
    layer: Int, distance: Int, experts: [PredictedExpert], residency: borrowing ResidencyView,
    requests: inout PrefetchRequests
  ) {
    guard let layout, distance <= depth else { return }
    for predicted in experts.prefix(count ?? experts.count) {
      requests.fetch(layout.block(layer: layer, expert: Int(predicted.expert)))
    }
  }
}
