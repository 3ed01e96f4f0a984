// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import KernelTiming
import RandomStreams

/// Fits the parameters of a law to timings, and a grid to what the law leaves over.
enum LawFit {
  /// Fits `law` to `points`, by the logarithms of predicted over measured.
  ///
  /// Where there are few points the last parameters keep their values: two points a parameter.
  /// Large tables are thinned to `sample` points, evenly, since neighbours say the same.
  static func fit<Law: FittableLaw>(
    _ law: Law, parameters: [LawParameter<Law>], to points: [TimedWork],
    on device: DeviceCapability, cached: Bool, sample: Int = 3_000
  ) throws -> Law {
    let stride = max(1, points.count / sample)
    let chosen = Swift.stride(from: 0, to: points.count, by: stride).map { points[$0] }
    let free = Array(parameters.prefix(max(1, points.count / 2)))
    return try fit(law, parameters: free, to: chosen.map(\.seconds)) { candidate, index in
      candidate.seconds(chosen[index].work, on: device, cached: cached)
    }
  }

  /// Fits `law` to the times of `predicted`, a prediction of the time at an index.
  static func fit<Law>(
    _ law: Law, parameters free: [LawParameter<Law>], to seconds: [Double],
    predicted: @escaping (Law, Int) -> Double
  ) throws -> Law {
    guard seconds.count >= free.count else { return law }
    func with(_ values: [Double]) -> Law {
      var candidate = law
      for (parameter, value) in zip(free, values) { candidate[keyPath: parameter.path] = value }
      return candidate
    }
    func solve(from start: [Double]) throws -> RobustLeastSquares.Solution {
      try RobustLeastSquares().minimise(
        from: start, bounds: free.map(\.bound), count: seconds.count
      ) { values, output in
        let candidate = with(values)
        for (index, measured) in seconds.enumerated() {
          output[index] = log(max(predicted(candidate, index), 1e-12) / measured)
        }
      }
    }
    var solution = try solve(from: free.map(\.start))
    // Far off by then, another minimum may be near the middle of the bounds.
    if solution.medianResidual > 0.15 {
      let other = try solve(from: free.map { ($0.bound.lower * $0.bound.upper).squareRoot() })
      if other.medianResidual < solution.medianResidual { solution = other }
    }
    return with(solution.values)
  }
}
