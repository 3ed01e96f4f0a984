// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// HOBBIT's weighted sum of four rules (arXiv 2411.01433, section 3.4, equation 3): drops the expert
/// with the least
/// `lru · R/T + lfu · F/T + lhu · H/T + fld · (1 − ((l − c + L) mod L) / L)`,
/// where T is the tokens of the sequence so far, R the one in which the expert was used last, F how
/// many used it, H how many used its most precise version, l its layer, c the layer that is computed
/// and L the number of layers.
///
/// R, F and H belong to the expert: the pools of its versions see the same. They and T begin anew
/// with a reset, as the paper's do with a sequence; a forward pass counts as one token.
///
/// - Complexity: O(log n) for a use; O(layers + log n) for a choice, since the order within a layer
///   depends on the expert's own records alone.
public struct HobbitEviction: EvictionPolicy {
  /// How much each of the four rules counts; they sum to 1.
  public struct Weights: Sendable, Equatable {
    /// Weight of recency.
    public var lru: Double
    /// Weight of frequency.
    public var lfu: Double
    /// Weight of the frequency of most precise uses ("least high-precision-frequently used").
    public var lhu: Double
    /// Weight of nearness in layers ("farthest layer distance").
    public var fld: Double

    /// Weights of the four rules.
    public init(lru: Double, lfu: Double, lhu: Double, fld: Double) {
      self.lru = lru
      self.lfu = lfu
      self.lhu = lhu
      self.fld = fld
    }
  }

  private struct Record: BitwiseCopyable {
    var lastUse = 0
    var uses = 0
    var preciseUses = 0
  }

  private let weights: Weights
  private var queues = LayeredQueues()
  private var layout: BlockLayout?
  private var index = ExpertRecords()
  private var records: [Record] = []
  private var tokens = 0
  private var layer = 0

  /// Creates the rule.
  public init(weights: Weights) { self.weights = weights }

  /// Sizes the rule's storage.
  public mutating func configure(for view: borrowing ResidencyView) {
    layout = view.layout
    queues = LayeredQueues(for: view)
    index = ExpertRecords(view.layout)
    records = Array(repeating: Record(), count: index.count)
    tokens = 0
    layer = 0
  }

  /// Counts a token.
  public mutating func stepBegan() { tokens += 1 }

  /// Goes to a layer.
  public mutating func layerBegan(_ layer: Int) { self.layer = layer }

  /// Records a use.
  public mutating func accessed(_ block: BlockID, weight: Float) {
    let place = index.record(of: block)
    records[place].lastUse = tokens
    records[place].uses += 1
    if layout?.version(of: block) == 0 { records[place].preciseUses += 1 }
    for version in 0..<index.versions(of: place) {
      let other = index.block(of: place, version: version)
      if queues.contains(other) { queues.set(sum(records[place]), for: other) }
    }
  }

  /// Puts a block into the order.
  public mutating func admitted(_ block: BlockID) {
    queues.set(sum(records[index.record(of: block)]), for: block)
  }

  /// Forgets a block; the expert's records stay.
  public mutating func evicted(_ block: BlockID) { queues.remove(block) }

  /// Takes a pinned block out of the order.
  public mutating func pinned(_ block: BlockID) { evicted(block) }

  /// Puts a block back.
  public mutating func unpinned(_ block: BlockID) { admitted(block) }

  /// Ends all records.
  ///
  /// - Complexity: O(blocks × log n).
  public mutating func reset() {
    tokens = 0
    for place in records.indices {
      records[place] = Record()
      for version in 0..<index.versions(of: place) {
        let block = index.block(of: place, version: version)
        if queues.contains(block) { queues.set(0, for: block) }
      }
    }
  }

  /// The block with the least score of those that may be dropped.
  public mutating func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID? {
    let layers = view.layout.layers
    let (tokens, present, weights) = (Double(max(1, tokens)), layer, weights)
    let (index, records) = (index, records)
    let layout = view.layout
    return queues.least(in: pool, view: view) { block in
      let ahead = (layout.layer(of: block) - present + layers) % layers
      return Self.sum(records[index.record(of: block)], weights) / tokens
        + weights.fld * (1 - Double(ahead) / Double(layers))
    }
  }

  private func sum(_ record: Record) -> Double { Self.sum(record, weights) }

  private static func sum(_ record: Record, _ weights: Weights) -> Double {
    weights.lru * Double(record.lastUse) + weights.lfu * Double(record.uses)
      + weights.lhu * Double(record.preciseUses)
  }

  static let registration = EvictionRegistration(
    name: "hobbit",
    summary: "drops the least of a weighted sum of recency, frequency, precise uses and nearness",
    parameters: [
      ("lru", "recency"), ("lfu", "frequency"), ("lhu", "the frequency of most precise uses"),
      ("fld", "nearness in layers"),
    ].map { name, meaning in
      // HOBBIT tunes its weights on calibration data and prints none: equal ones are an assumption.
      RoleParameter(name, .number(0...1), default: 0.25, summary: "weight of \(meaning)")
    },
    check: { (settings) throws(RoleProblem) in
      let sum = ["lru", "lfu", "lhu", "fld"].reduce(0) { $0 + (settings.number($1) ?? 0) }
      guard abs(sum - 1) < 1e-6 else {
        throw RoleProblem(
          parameter: "lru",
          message: "and lfu, lhu, fld sum to \(sum); weights that sum to 1 are expected")
      }
    }
  ) { _, settings in
    func weight(_ name: String) -> Double { settings.number(name) ?? 0.25 }
    return HobbitEviction(
      weights: Weights(
        lru: weight("lru"), lfu: weight("lfu"), lhu: weight("lhu"), fld: weight("fld")))
  }
}
