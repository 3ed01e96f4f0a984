// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors

/// How far a profile's laws are from a table of timings.
public struct TimingCheck: Sendable {
  /// The errors of one law on one kernel.
  public struct Family: Sendable {
    /// The law.
    public var key: TimedWork.Key
    /// Precision and implementation.
    public var variant: String
    /// The errors.
    public var errors: FitErrors
    /// Whether the profile's law was fitted at all.
    public var isFitted: Bool
    /// The points that are furthest off, the worst first.
    public var worst: [(point: TimedWork, predicted: Double)]
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
    var points: [TimedWork.Key: [String: [TimedWork]]] = [:]
    var unused: [String: Int] = [:]
    for row in rows {
      if let timed = row.timedWork() {
        points[timed.key, default: [:]][timed.variant, default: []].append(timed)
      } else {
        unused[row.kernel.rawValue, default: 0] += 1
      }
    }
    families = []
    for key in points.keys.sorted() {
      let variants = points[key] ?? [:]
      for variant in variants.keys.sorted() {
        let own = variants[variant] ?? []
        let predicted = own.map {
          laws.seconds($0.work, key: key, on: device, cached: isRepeated)
        }
        guard let errors = FitErrors(points: own, predicted: predicted) else { continue }
        let order = own.indices.sorted {
          let (one, other) = (predicted[$0] / own[$0].seconds, predicted[$1] / own[$1].seconds)
          return max(one, 1 / one) > max(other, 1 / other)
        }
        families.append(
          Family(
            key: key, variant: variant, errors: errors,
            isFitted: laws.isFitted(key),
            worst: order.prefix(worst).map { (own[$0], predicted[$0]) }))
      }
    }
    self.unused = unused.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
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
