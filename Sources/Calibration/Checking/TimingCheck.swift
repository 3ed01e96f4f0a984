// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors

/// How far a profile's laws are from a table of timings.
public struct TimingCheck: Sendable {
  /// The errors of one law on one kernel.
  public struct Family: Sendable {
    /// The law.
    public var name: String
    /// Precision and implementation.
    public var variant: String
    /// The errors.
    public var errors: FitErrors
    /// Whether the profile's law was fitted at all.
    public var isFitted: Bool
    /// The points that are furthest off, the worst first.
    public var worst: [Point]
  }

  /// A point, what was measured and what the law says.
  public struct Point: Sendable {
    /// The shape apart from its size.
    public var shape: String
    /// The size: tokens, cached rows, bytes.
    public var size: Double
    /// The time that was measured [s].
    public var measured: Double
    /// The law's [s].
    public var predicted: Double
  }

  /// For each law and kernel of the table.
  public var families: [Family]
  /// Rows that no law describes, by kernel.
  public var unused: [(name: String, count: Int)]

  /// Predicts each row by the laws of a profile.
  ///
  /// - Parameters:
  ///   - isRepeated: whether the kernels were timed on the same operands again and again, so that caches
  ///     may have served them.
  ///   - worst: how many points to keep for each law.
  public init(
    _ rows: [KernelMeasurement], laws: TimingLaws, device: DeviceCapability, isRepeated: Bool,
    worst: Int = 3
  ) {
    var sorted = SortedTimings(rows, of: device)
    families = []
    unused = []
    for (key, variants) in sorted.inOrder {
      for (variant, points) in variants {
        let judged = points.map { point in
          Point(
            shape: point.group, size: point.size, measured: point.seconds,
            predicted: laws.seconds(point.work, key: key, on: device, cached: isRepeated))
        }
        families += Self.family(
          key.name, variant, judged, isFitted: laws.isFitted(key), worst: worst)
      }
    }
    for (name, count) in judge(sorted.collectives, laws, device, isRepeated, worst: worst)
      + judge(sorted.modules, laws, device, isRepeated, worst: worst)
    {
      sorted.unused[name, default: 0] += count
    }
    unused = sorted.unusedInOrder
  }

  /// Judges operations, for which there are no laws but fitted ones.
  ///
  /// - Returns: What no law of the profile is for.
  private mutating func judge<Law: FittableOperation>(
    _ points: [TimedOperation<Law>], _ laws: TimingLaws, _ device: DeviceCapability,
    _ isRepeated: Bool, worst: Int
  ) -> [(name: String, count: Int)] {
    var without: [(name: String, count: Int)] = []
    for name in Set(points.map(\.name)).sorted() {
      let all = points.filter { $0.name == name }
      guard let law = laws[keyPath: Law.place].first(where: { $0.isFor(all[0].law) }) else {
        without.append((name, all.count))
        continue
      }
      for variant in Set(all.map(\.variant)).sorted() {
        let judged = all.filter { $0.variant == variant }.map {
          Point(
            shape: $0.label, size: $0.size, measured: $0.seconds,
            predicted: law.predicted($0.shape, on: device, cached: isRepeated))
        }
        families += Self.family(name, variant, judged, isFitted: true, worst: worst)
      }
    }
    return without
  }

  private static func family(
    _ name: String, _ variant: String, _ points: [Point], isFitted: Bool, worst: Int
  ) -> [Family] {
    let errors = FitErrors(
      times: points.map { ($0.measured, $0.size) }, predicted: points.map(\.predicted))
    guard let errors else { return [] }
    let order = points.sorted {
      let (one, other) = ($0.predicted / $0.measured, $1.predicted / $1.measured)
      return max(one, 1 / one) > max(other, 1 / other)
    }
    return [
      Family(
        name: name, variant: variant, errors: errors, isFitted: isFitted,
        worst: Array(order.prefix(worst)))
    ]
  }
}

extension TimingLaws {
  private func attentionLaw(_ key: TimedWork.Key) -> AttentionLaw? {
    attention.first { $0.covers(key.family, key.computeClass) }
  }

  /// Whether the law of a key was fitted.
  func isFitted(_ key: TimedWork.Key) -> Bool {
    attentionLaw(key) != nil || self[key.family, key.computeClass, key.storage].residuals != nil
  }

  /// Seconds of timed work: law and grid.
  func seconds(
    _ work: KernelWork, key: TimedWork.Key, on device: DeviceCapability, cached: Bool
  ) -> Double {
    if let law = attentionLaw(key) {
      return law.seconds(work, on: device, cached: cached) * (law.grid?.factor(work) ?? 1)
    }
    let entry = self[key.family, key.computeClass, key.storage]
    return entry.law.seconds(work, on: device, cached: cached) * (entry.grid?.factor(work) ?? 1)
  }
}
