// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming

/// A law of an operation whose parameters can be fitted, and which a profile takes.
protocol FittableOperation: OperationLaw {
  /// The parameters, their bounds and where to begin.
  var parameters: [LawParameter<Self>] { get }
  /// By what points are held out together, in words: one cross-validation each.
  var groupings: [String] { get }
  /// The grid's axes and the distances of their nodes.
  var axes: [(feature: KernelGrid.Feature, step: Double)] { get }
  /// The list of a profile that holds such laws.
  static var place: WritableKeyPath<TimingLaws, [Self]> & Sendable { get }
  /// Whether it is for the same operations as another.
  func isFor(_ other: Self) -> Bool
}

extension CollectiveLaw: FittableOperation {
  var parameters: [LawParameter<CollectiveLaw>] {
    let ring: [LawParameter<CollectiveLaw>] = [
      LawParameter(
        name: "reduce_efficiency", path: \.reduceEfficiency, bound: .init(0.02, 1.5), start: 0.75)
    ]
    let common: [LawParameter<CollectiveLaw>] = [
      LawParameter(name: "launch", path: \.launch, bound: .init(5e-7, 4e-5), start: 4e-6),
      LawParameter(name: "step_time", path: \.stepTime, bound: .init(1e-8, 2e-5), start: 1e-6),
      LawParameter(
        name: "link_efficiency", path: \.linkEfficiency, bound: .init(0.02, 1.5), start: 0.7),
      LawParameter(name: "sharing", path: \.sharing, bound: .init(0.2, 8), start: 0.9),
    ]
    guard pattern != .shots else { return common }
    return common + [
      LawParameter(
        name: "protocol_time", path: \.protocolTime, bound: .init(1e-9, 1e-5), start: 3e-7),
      LawParameter(
        name: "protocol_bytes", path: \.protocolBytes, bound: .init(2e3, 1e6), start: 1.6e4),
      LawParameter(name: "ramp", path: \.ramp, bound: .init(1e-7, 2e-3), start: 2e-5),
      LawParameter(name: "ramp_bytes", path: \.rampBytes, bound: .init(1e3, 1e9), start: 2e6),
      LawParameter(name: "ramp_power", path: \.rampPower, bound: .init(0.8, 4), start: 1.5),
    ] + (pattern == .ring ? ring : [])
  }

  var groupings: [String] { ["kind and devices", "bytes"] }

  var axes: [(feature: KernelGrid.Feature, step: Double)] {
    [(.bytes, 1), (.devices, 1), (.kind, 1)]
  }

  static var place: WritableKeyPath<TimingLaws, [CollectiveLaw]> & Sendable { \.collectives }

  func isFor(_ other: CollectiveLaw) -> Bool { pattern == other.pattern }
}

extension LatentAttentionLaw: FittableOperation {
  var parameters: [LawParameter<LatentAttentionLaw>] {
    let slowest = isSingleHead ? 1e-3 : 0.01
    return [
      LawParameter(name: "launch", path: \.launch, bound: .init(1e-5, 3e-4), start: 6e-5),
      LawParameter(
        name: "weight_efficiency", path: \.weightEfficiency, bound: .init(0.1, 1), start: 0.7),
      LawParameter(
        name: "product_efficiency", path: \.productEfficiency, bound: .init(0.02, 1), start: 0.5),
      LawParameter(name: "tile_time", path: \.tileTime, bound: .init(1e-9, 3e-5), start: 1.5e-6),
      LawParameter(
        name: "compute_efficiency", path: \.computeEfficiency, bound: .init(slowest, 1),
        start: 0.6),
      LawParameter(
        name: "alone_efficiency", path: \.aloneEfficiency, bound: .init(slowest, 1), start: 0.5),
      LawParameter(
        name: "memory_efficiency", path: \.memoryEfficiency, bound: .init(0.2, 1), start: 0.85),
      LawParameter(name: "ramp", path: \.ramp, bound: .init(1e-8, 5e-5), start: 3e-6),
      LawParameter(name: "cache_speed", path: \.cacheSpeed, bound: .init(0.8, 8), start: 2),
      LawParameter(name: "batch_time", path: \.batchTime, bound: .init(1e-10, 1e-5), start: 1e-6),
      LawParameter(name: "join_time", path: \.joinTime, bound: .init(1e-8, 5e-5), start: 3e-6),
      LawParameter(name: "row_time", path: \.rowTime, bound: .init(1e-11, 1e-6), start: 2e-8),
    ]
  }

  var groupings: [String] { ["heads", "batch", "batch and context"] }

  var axes: [(feature: KernelGrid.Feature, step: Double)] {
    [(.sequences, 2), (.context, 2), (.columns, 1)]
  }

  static var place: WritableKeyPath<TimingLaws, [LatentAttentionLaw]> & Sendable {
    \.latentAttention
  }

  func isFor(_ other: LatentAttentionLaw) -> Bool {
    hasNarrowWeights == other.hasNarrowWeights && hasNarrowCache == other.hasNarrowCache
      && isSingleHead == other.isSingleHead
  }
}
