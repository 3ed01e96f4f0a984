// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Fetches every expert of the next MoE layer while a layer is computed, whatever will be routed.
///
/// The "prefetch-all" baseline of Pre-gated MoE (arXiv 2308.12066): transfers cover all experts of
/// the layer ahead, so the link carries the whole model once a step. The last layer of a step
/// fetches the first layer for the next step.
public struct PrefetchAll: PrefetchPolicy {
  private var layers = 0
  private var experts = 0
  private var layout: BlockLayout?

  /// Whether a layer is computed only when all of its experts are there: with two buffers of a whole
  /// layer, one transfer must end before the next can begin (the code of Pre-gated MoE).
  public let awaitsWholeLayers: Bool

  /// A policy that fetches the whole next layer.
  public init(awaitsWholeLayers: Bool = false) { self.awaitsWholeLayers = awaitsWholeLayers }

  /// Learns how many layers and experts there are.
  public mutating func configure(layout: BlockLayout) {
    self.layout = layout
    layers = layout.layers
    experts = layout.experts
  }

  /// Asks for every absent expert of the next layer.
  public mutating func layerBegan(
    _ layer: Int, residency: borrowing ResidencyView, requests: inout PrefetchRequests
  ) {
    guard let layout, layers > 1 else { return }
    let next = layer + 1 < layers ? layer + 1 : 0
    for expert in 0..<experts {
      requests.fetch(layout.block(layer: next, expert: expert))
    }
  }
}
