// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import RandomStreams

/// How far predictions are from what was measured.
public struct FitErrors: Hashable, Sendable {
  /// Predicted over measured, less 1, around a size.
  public struct Bias: Hashable, Sendable {
    /// The least and greatest size.
    public var sizes: ClosedRange<Double>
    /// Points.
    public var count: Int
    /// The median of predicted/measured − 1.
    public var median: Double
    /// The median of its absolute value.
    public var absolute: Double
  }

  /// Points.
  public var count: Int
  /// The median of |predicted/measured − 1|.
  public var median: Double
  /// Its 90th percentile.
  public var p90: Double
  /// Its greatest.
  public var worst: Double
  /// The median of predicted/measured − 1.
  public var bias: Double
  /// Biases along the size, in octaves taken two at a time.
  public var biases: [Bias]

  /// The errors of `predicted` against the times of `points`; `nil` for no points.
  public init?(points: [TimedWork], predicted: [Double]) {
    self.init(times: points.map { ($0.seconds, $0.size) }, predicted: predicted)
  }

  /// The errors of `predicted` against times at sizes; `nil` for no points.
  init?(times points: [(seconds: Double, size: Double)], predicted: [Double]) {
    guard !points.isEmpty else { return nil }
    let signed = zip(points, predicted).map { $1 / $0.seconds - 1 }
    let absolute = signed.map(abs).sorted()
    count = points.count
    median = Self.quantile(absolute, 0.5)
    p90 = Self.quantile(absolute, 0.9)
    worst = absolute.last ?? 0
    bias = Self.quantile(signed.sorted(), 0.5)
    var bySize: [Int: [Int]] = [:]
    for (index, point) in points.enumerated() {
      bySize[Int(log2(max(1, point.size)) / 2), default: []].append(index)
    }
    biases = bySize.keys.sorted().map { key in
      let indices = bySize[key] ?? []
      let sizes = indices.map { points[$0].size }
      let errors = indices.map { signed[$0] }
      return Bias(
        sizes: (sizes.min() ?? 0)...(sizes.max() ?? 0), count: indices.count,
        median: Self.quantile(errors.sorted(), 0.5),
        absolute: Self.quantile(errors.map(abs).sorted(), 0.5))
    }
  }

  /// The quantile of ascending values, between neighbours in proportion.
  static func quantile(_ values: [Double], _ share: Double) -> Double {
    guard let last = values.last else { return 0 }
    let place = share * Double(values.count - 1)
    let lower = Int(place)
    guard lower + 1 < values.count else { return last }
    return values[lower] + (place - Double(lower)) * (values[lower + 1] - values[lower])
  }
}
