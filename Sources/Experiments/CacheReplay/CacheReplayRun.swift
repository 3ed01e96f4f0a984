// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency

/// One cache under replay: a tier with one eviction rule and capacity, and its count of hits.
public struct CacheReplayRun: Sendable {
  /// The eviction rule's name.
  public let eviction: String
  /// The cache.
  public private(set) var tier: ResidencyTier
  /// The access event that came last.
  public private(set) var access = SetAccess()
  private var accesses: [Int]
  private var hits: [Int]
  private var lastLayer = Int.max

  init(eviction: String, tier: ResidencyTier) {
    self.eviction = eviction
    self.tier = tier
    accesses = [Int](repeating: 0, count: tier.layout.layers)
    hits = accesses
  }

  /// Replays one layer's set, its members in touch order.
  public mutating func apply(_ members: [SetMember], layer: Int, counts: Bool) {
    if layer <= lastLayer { tier.beginStep() }
    lastLayer = layer
    tier.beginLayer(layer)
    access.replay(members, in: &tier)
    guard counts else { return }
    accesses[layer] += members.count
    hits[layer] += access.hits
  }

  /// Empties the cache and ends its rule's memory.
  public mutating func reset() {
    lastLayer = .max
    access.evicted.removeAll(keepingCapacity: true)
    tier.clear(evicted: &access.evicted)
    tier.resetEviction()
  }

  /// The count so far.
  func result(sizesAreKnown: Bool, note: String?) -> CacheReplayResult {
    let plan = tier.view.plan
    let largest = tier.layout.largestBytes
    let capacity = plan.capacities[0]
    let inSlots = plan.unit == .slots
    let members = tier.layout.experts * (plan.scope == .perLayer ? 1 : tier.layout.layers)
    let (total, hit) = (accesses.reduce(0, +), hits.reduce(0, +))
    return CacheReplayResult(
      eviction: eviction, pool: plan.scope.rawValue,
      capacityExperts: inSlots ? Int(capacity) : min(members, Int(capacity / largest)),
      capacityBytes: sizesAreKnown ? (inSlots ? capacity * largest : capacity) : nil,
      accesses: total, hits: hit, hitRate: total > 0 ? Double(hit) / Double(total) : nil,
      layers: zip(accesses, hits).enumerated().map {
        CacheReplayResult.Layer(layer: $0.offset, accesses: $0.element.0, hits: $0.element.1)
      },
      note: note)
  }
}
