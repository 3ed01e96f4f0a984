// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Routing

/// HOBBIT's prefetching (arXiv 2411.01433, section 3.3): walks the predicted layers, the nearest
/// first, past those whose predicted experts are all here, and fetches what the first other one
/// misses. What is predicted is not evicted meanwhile.
///
/// Where experts have less precise versions, each is fetched in the one that its score asks for: the
/// score of an expert is the share of the weight that heavier ones of its layer have, 0 for the
/// first; up to `high` it is the scenario's version, up to `skip` the next, and beyond it is not
/// fetched, as it would be skipped. An expert counts as here in any version as precise. The scores
/// are those of the step's sum, which for a single token are the paper's.
public struct AdaptiveDepthPrefetch: PrefetchPolicy {
  /// Layers ahead that are walked at most, HOBBIT's p.
  public let depth: Int
  /// The score up to which an expert is fetched in the scenario's version, HOBBIT's T1.
  public let high: Double
  /// The score up to which it is fetched at all, HOBBIT's T2.
  public let skip: Double
  private var layout: BlockLayout?
  private var hasFound = false

  /// A policy that walks so many layers.
  ///
  /// - Precondition: `depth` is at least 1, and `high` not above `skip`.
  public init(depth: Int = 3, high: Double = 0.6, skip: Double = 0.9) {
    precondition(depth >= 1 && high <= skip)
    self.depth = depth
    self.high = high
    self.skip = skip
  }

  /// The layers that it wants predicted.
  public var predictionDepth: Int { depth }
  /// Predicted experts are masked from eviction.
  public var shieldsPredicted: Bool { true }

  /// Learns where experts stand.
  public mutating func configure(layout: BlockLayout) {
    self.layout = layout
    hasFound = false
  }

  /// Begins a walk.
  public mutating func gateDecided(
    _ layer: Int, activation: borrowing LayerActivation, residency: borrowing ResidencyView,
    requests: inout PrefetchRequests
  ) {
    hasFound = false
  }

  /// Goes on with the walk, or ends it with what this layer misses.
  public mutating func predicted(
    layer: Int, distance: Int, experts: [PredictedExpert], residency: borrowing ResidencyView,
    requests: inout PrefetchRequests
  ) {
    guard let layout, distance <= depth, !hasFound else { return }
    let sum = experts.reduce(0.0) { $0 + Double($1.weight) }
    var heavier = 0.0
    for predicted in experts {
      let score = sum > 0 ? heavier / sum : 0
      heavier += Double(predicted.weight)
      guard let version = version(score: score, of: layout.versions) else { continue }
      let expert = Int(predicted.expert)
      let isHere = (0...version).contains {
        residency.isPresent(layout.block(layer: layer, expert: expert, version: $0))
      }
      if isHere { continue }
      hasFound = true
      requests.fetch(layout.block(layer: layer, expert: expert, version: version))
    }
  }

  /// The version that a score asks for; `nil` for none.
  private func version(score: Double, of versions: Int) -> Int? {
    if versions == 1 || score <= high { return 0 }
    return score <= skip ? 1 : nil
  }

  static let registration = RoleRegistration<any PrefetchPolicy>(
    name: "adaptive-depth",
    summary: "fetches what the first predicted layer misses that is not here in full",
    parameters: [
      RoleParameter(
        "depth", .count(1...1000), default: 3, summary: "layers ahead that are looked at at most"),
      RoleParameter(
        "high", .number(0...1), default: 0.6,
        summary: "the score up to which an expert is fetched in its own precision"),
      RoleParameter(
        "skip", .number(0...1), default: 0.9,
        summary: "the score above which it is not fetched, and up to which in the next version"),
    ]
  ) { (settings) throws(RoleProblem) in
    let (high, skip) = (settings.number("high") ?? 0.6, settings.number("skip") ?? 0.9)
    guard high <= skip else {
      throw RoleProblem(parameter: "skip", message: "is \(skip), below high, \(high)")
    }
    return AdaptiveDepthPrefetch(depth: settings.count("depth") ?? 3, high: high, skip: skip)
  }
}
