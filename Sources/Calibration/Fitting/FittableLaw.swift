// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors

/// A timing law whose parameters can be fitted.
public protocol FittableLaw: Sendable {
  /// Seconds of `work` on a device.
  func seconds(_ work: KernelWork, on device: DeviceCapability, cached: Bool) -> Double
}

/// A parameter of a law: where it lies, and between which bounds it is sought.
public struct LawParameter<Law>: Sendable {
  /// The name as profiles write it.
  public var name: String
  /// Where it lies.
  public var path: WritableKeyPath<Law, Double> & Sendable
  /// Where it is sought.
  public var bound: RobustLeastSquares.Bound
  /// The value to begin with.
  public var start: Double
}

extension FamilyLaw: FittableLaw {
  /// The parameters that a family is fitted by, the most important first: few points fit few.
  ///
  /// No memory delivers more than nine tenths of its nominal rate, which is about 1.12 of what profiles call
  /// achievable. Norms and additions find their operands in caches.
  static func parameters(for family: KernelFamily) -> [LawParameter<FamilyLaw>] {
    let most = family == .elementwise ? 40 : 1.12
    var parameters: [LawParameter<FamilyLaw>] = [
      LawParameter(
        name: "memory_efficiency", path: \.memoryEfficiency, bound: .init(0.05, most), start: 0.95),
      LawParameter(name: "launch", path: \.launch, bound: .init(1e-9, 1e-3), start: 3e-6),
    ]
    let multiplies = family == .gemm || family == .groupedGEMM || family == .gate
    let attends = family == .attentionDecode || family == .attentionPrefill
    if multiplies || attends {
      parameters.append(
        LawParameter(
          name: "compute_efficiency", path: \.computeEfficiency, bound: .init(0.001, 1.4),
          start: 0.8))
    }
    if multiplies {
      parameters.append(
        LawParameter(name: "rows_half", path: \.rowsHalf, bound: .init(0.01, 400), start: 10))
    }
    if multiplies || attends {
      parameters.append(
        LawParameter(
          name: "overlap_loss", path: \.overlapLoss, bound: .init(0.01, 2), start: 0.4))
    }
    if multiplies || family == .gemv {
      parameters.append(
        LawParameter(
          name: "depth_latency", path: \.depthLatency, bound: .init(1e-12, 1e-5), start: 2e-8))
    }
    if family != .gemv {
      parameters.append(
        LawParameter(
          name: "row_latency", path: \.rowLatency, bound: .init(1e-14, 1e-5), start: 1e-10))
    }
    return parameters
  }

  /// The two of a cache that serves what is timed again and again.
  static let cacheParameters: [LawParameter<FamilyLaw>] = [
    LawParameter(name: "cache_speed", path: \.cacheSpeed, bound: .init(1, 10), start: 3),
    LawParameter(name: "cache_share", path: \.cacheShare, bound: .init(0.02, 1.6), start: 0.5),
  ]
}

extension AttentionLaw: FittableLaw {
  /// The parameters of a phase. A bound that is met says that the term does not count there.
  static func parameters(isDecode: Bool) -> [LawParameter<AttentionLaw>] {
    var parameters: [LawParameter<AttentionLaw>] = [
      LawParameter(name: "launch", path: \.launch, bound: .init(1e-6, 4e-5), start: 8e-6),
      LawParameter(name: "tile_time", path: \.tileTime, bound: .init(1e-7, 1e-5), start: 1.5e-6),
      LawParameter(
        name: "compute_efficiency", path: \.computeEfficiency, bound: .init(0.1, 1), start: 0.6),
      LawParameter(
        name: "alone_efficiency", path: \.aloneEfficiency, bound: .init(0.05, 1), start: 0.5),
      LawParameter(
        name: "query_efficiency", path: \.queryEfficiency, bound: .init(0.03, 20), start: 0.5),
      LawParameter(name: "token_time", path: \.tokenTime, bound: .init(1e-10, 3e-6), start: 3e-8),
      LawParameter(name: "join_time", path: \.joinTime, bound: .init(1e-8, 1e-5), start: 3e-6),
    ]
    if isDecode {
      parameters += [
        LawParameter(
          name: "memory_efficiency", path: \.memoryEfficiency, bound: .init(0.3, 1), start: 0.85),
        LawParameter(name: "ramp", path: \.ramp, bound: .init(1e-8, 1e-4), start: 3e-6),
        LawParameter(name: "cache_speed", path: \.cacheSpeed, bound: .init(0.8, 8), start: 2),
        LawParameter(name: "cache_share", path: \.cacheShare, bound: .init(0.3, 1.2), start: 0.8),
      ]
    } else {
      parameters.append(
        LawParameter(
          name: "softmax_columns", path: \.softmaxColumns, bound: .init(1, 400), start: 40))
    }
    return parameters
  }
}
