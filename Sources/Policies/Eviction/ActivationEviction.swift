// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// MoE-Infinity's replacement (arXiv 2401.14361, its algorithm of expert caching): drops the expert
/// with the least `(a + ε) · (1 − l/L)`, where a is the share of its layer's uses that went to it in
/// the sequence so far, l its layer from 0 and L the number of layers. Later layers go first, since
/// prefetching has more time for them.
///
/// Uses are counted from a reset on, one for each forward pass that uses the expert, for all
/// sequences together; the paper counts tokens of one sequence, which is the same for its batch of
/// one while it decodes. The released code keeps this formula in a module that nothing calls, and
/// its task pool drops the expert with the most uses instead.
///
/// - Complexity: O(log n) for a use; O(layers + log n) for a choice.
public struct ActivationEviction: EvictionPolicy {
  /// What keeps experts without uses apart by their layers; the released code adds as much.
  public static let epsilon = 1e-6

  private var queues = LayeredQueues()
  private var index = ExpertRecords()
  private var uses: [Int] = []
  private var layerUses: [Int] = []
  private var layerOfRecord: [Int32] = []

  /// Creates the rule.
  public init() {}

  /// Sizes the rule's storage.
  public mutating func configure(for view: borrowing ResidencyView) {
    queues = LayeredQueues(for: view)
    index = ExpertRecords(view.layout)
    uses = Array(repeating: 0, count: index.count)
    layerUses = Array(repeating: 0, count: view.layout.layers)
    layerOfRecord = (0..<index.count).map {
      Int32(view.layout.layer(of: index.block(of: $0, version: 0)))
    }
  }

  /// Counts a use.
  public mutating func accessed(_ block: BlockID, weight: Float) {
    let place = index.record(of: block)
    uses[place] += 1
    layerUses[Int(layerOfRecord[place])] += 1
    for version in 0..<index.versions(of: place) {
      let other = index.block(of: place, version: version)
      if queues.contains(other) { queues.set(Double(uses[place]), for: other) }
    }
  }

  /// Puts a block into the order.
  public mutating func admitted(_ block: BlockID) {
    queues.set(Double(uses[index.record(of: block)]), for: block)
  }

  /// Forgets a block; its uses stay.
  public mutating func evicted(_ block: BlockID) { queues.remove(block) }

  /// Takes a pinned block out of the order.
  public mutating func pinned(_ block: BlockID) { evicted(block) }

  /// Puts a block back.
  public mutating func unpinned(_ block: BlockID) { admitted(block) }

  /// Ends all counts.
  public mutating func reset() {
    for layer in layerUses.indices { layerUses[layer] = 0 }
    for place in uses.indices {
      uses[place] = 0
      for version in 0..<index.versions(of: place) {
        let block = index.block(of: place, version: version)
        if queues.contains(block) { queues.set(0, for: block) }
      }
    }
  }

  /// The block with the least score of those that may be dropped.
  public mutating func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID? {
    let (index, uses, layerUses) = (index, uses, layerUses)
    let layout = view.layout
    return queues.least(in: pool, view: view) { block in
      let layer = layout.layer(of: block)
      let share =
        Double(uses[index.record(of: block)]) / Double(max(1, layerUses[layer]))
      return (share + Self.epsilon) * (1 - Double(layer) / Double(layout.layers))
    }
  }

  static let registration = EvictionRegistration(
    name: "moe-infinity",
    summary: "drops the expert with the least share of its layer's uses, later layers first"
  ) { _ in ActivationEviction() }
}
