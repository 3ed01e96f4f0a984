// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import RandomStreams

/// The law and grid of one family, class and storage, and how good they are.
public struct FamilyFit: Sendable {
  /// The law with its parameters.
  public enum Law: Sendable {
    /// The roofline's law.
    case family(FamilyLaw)
    /// The law of attention by blocks.
    case attention(AttentionLaw)

    var fittable: any FittableLaw {
      switch self {
      case .family(let law): law
      case .attention(let law): law
      }
    }

    /// The fitted parameters by name, seconds or shares.
    public var parameters: [(name: String, value: Double)] {
      switch self {
      case .family(let law):
        (FamilyLaw.parameters(for: .gemm) + FamilyLaw.cacheParameters).map {
          ($0.name, law[keyPath: $0.path])
        }
      case .attention(let law):
        AttentionLaw.parameters(isDecode: law.isDecode).map { ($0.name, law[keyPath: $0.path]) }
      }
    }
  }

  /// What it is for.
  public var key: TimedWork.Key
  /// The kernel: precision and implementation.
  public var variant: String
  /// The law.
  public var law: Law
  /// What it leaves over.
  public var grid: KernelGrid?
  /// Shape groups.
  public var groups: Int
  /// Parts of the cross-validation; 1 where there was one group only, and nothing held out.
  public var folds: Int
  /// Errors on points that were fitted to.
  public var fitted: FitErrors
  /// Errors of the law alone on held-out points.
  public var lawOnHeldOut: FitErrors
  /// Errors of law and grid on held-out points.
  public var heldOut: FitErrors
  /// Points that the device's cache served, by the law.
  public var cachedPoints: Int
  /// Whether the profile takes it, of several variants.
  public var isChosen = true

  /// Fits a law to points of one key and variant.
  ///
  /// - Parameters:
  ///   - base: the laws to begin with.
  ///   - isRepeated: whether kernels were timed on the same operands again and again.
  /// - Throws: `GSLError`.
  init(
    _ points: [TimedWork], key: TimedWork.Key, variant: String, base: TimingLaws,
    device: DeviceCapability, folds wanted: Int, seed: UInt64, isRepeated: Bool
  ) throws {
    let folds = ShapeFolds(points, count: wanted, seed: seed)
    let cached = isRepeated && device.cacheBytes > 0
    let axes = GridFit.axes(for: key.family, over: points)
    let fit = { (points: [TimedWork]) in
      try Self.fitted(
        points, key: key, variant: variant, base: base, device: device, cached: cached)
    }
    let predict = { (law: Law, points: [TimedWork]) in
      let fittable = law.fittable
      return points.map { fittable.seconds($0.work, on: device, cached: cached) }
    }
    var alone = [Double](repeating: 0, count: points.count)
    var corrected = alone
    if folds.count > 1 {
      for part in 0..<folds.count {
        let known = points.indices.filter { folds.parts[$0] != part }
        let held = points.indices.filter { folds.parts[$0] == part }
        let training = known.map { points[$0] }
        let law = try fit(training)
        let grid = try GridFit.fit(axes: axes, points: training, predicted: predict(law, training))
        for (index, seconds) in zip(held, predict(law, held.map { points[$0] })) {
          alone[index] = seconds
          corrected[index] = seconds * (grid?.factor(points[index].work) ?? 1)
        }
      }
    }
    let law = try fit(points)
    let predicted = predict(law, points)
    let grid = try GridFit.fit(axes: axes, points: points, predicted: predicted)
    let own = zip(points, predicted).map { $1 * (grid?.factor($0.work) ?? 1) }
    self.key = key
    self.variant = variant
    self.law = law
    self.grid = grid
    groups = folds.groups
    self.folds = folds.count
    guard let fitted = FitErrors(points: points, predicted: own) else {
      preconditionFailure("A family has points.")
    }
    self.fitted = fitted
    let isHeldOut = folds.count > 1
    lawOnHeldOut =
      FitErrors(points: points, predicted: isHeldOut ? alone : predicted) ?? fitted
    heldOut = FitErrors(points: points, predicted: isHeldOut ? corrected : own) ?? fitted
    cachedPoints = cached ? Self.cachedPoints(points, law, device) : 0
  }

  private static func fitted(
    _ points: [TimedWork], key: TimedWork.Key, variant: String, base: TimingLaws,
    device: DeviceCapability, cached: Bool
  ) throws -> Law {
    if key.family == .attentionDecode || key.family == .attentionPrefill, device.units > 1,
      device.peak(for: .fp16).computeClass == .fp16
    {
      let isDecode = key.family == .attentionDecode
      let start = AttentionLaw(
        kernel: variant.contains("fa3") || variant.contains("flash-attention-3")
          ? .flash3 : .flash2, isDecode: isDecode)
      var law = start
      law.isNarrow = variant.contains("fp8")
      if !isDecode { law.memoryEfficiency = 0.8 }
      return .attention(
        try LawFit.fit(
          law, parameters: AttentionLaw.parameters(isDecode: isDecode), to: points, on: device,
          cached: cached))
    }
    var law = base[key.family, key.computeClass, key.storage].law
    law.ramp = 0
    // Groups have fractional mean rows: their tiles are in `rowsHalf`.
    if key.family == .groupedGEMM { law.tileRows = 0 }
    let parameters = FamilyLaw.parameters(for: key.family)
    return .family(
      try LawFit.fit(
        law, parameters: parameters + (cached ? FamilyLaw.cacheParameters : []), to: points,
        on: device, cached: cached))
  }

  /// Points of which the cache served more than half, where it is faster at all.
  private static func cachedPoints(
    _ points: [TimedWork], _ law: Law, _ device: DeviceCapability
  ) -> Int {
    let (speed, share) =
      switch law {
      case .family(let law): (law.cacheSpeed, law.cacheShare * 1.5)
      case .attention(let law): (law.cacheSpeed, law.cacheShare)
      }
    guard speed > 1.1 else { return 0 }
    return points.count { $0.work.bytes < share * device.cacheBytes }
  }
}
