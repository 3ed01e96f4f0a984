// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import KernelTiming
import RandomStreams

/// Fits the parameters of a law to timings, and a grid to what the law leaves over.
enum LawFit {
  /// Fits `law` to `points`, by the logarithms of predicted over measured.
  ///
  /// Where there are few points the last parameters keep their values: three points a parameter.
  /// Large tables are thinned to `sample` points, evenly, since neighbours say the same.
  static func fit<Law: FittableLaw>(
    _ law: Law, parameters: [LawParameter<Law>], to points: [TimedWork],
    on device: DeviceCapability, cached: Bool, sample: Int = 3_000
  ) throws -> Law {
    let free = Array(parameters.prefix(max(1, points.count / 3)))
    let stride = max(1, points.count / sample)
    let chosen = Swift.stride(from: 0, to: points.count, by: stride).map { points[$0] }
    guard chosen.count >= free.count else { return law }
    func with(_ values: [Double]) -> Law {
      var candidate = law
      for (parameter, value) in zip(free, values) { candidate[keyPath: parameter.path] = value }
      return candidate
    }
    let solution = try RobustLeastSquares().minimise(
      from: free.map(\.start), bounds: free.map(\.bound), count: chosen.count
    ) { values, output in
      let candidate = with(values)
      for (index, point) in chosen.enumerated() {
        let predicted = candidate.seconds(point.work, on: device, cached: cached)
        output[index] = log(max(predicted, 1e-12) / point.seconds)
      }
    }
    return with(solution.values)
  }
}
