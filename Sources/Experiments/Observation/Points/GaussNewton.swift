// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Least squares over a few durations, of a function that takes long: a handful of evaluations.
enum GaussNewton {
  /// The values, and the residuals there.
  struct Solution {
    var values: [Double]
    var residuals: [Double]
  }

  /// Minimises the sum of squares from a start, values kept at least 0.
  ///
  /// - Parameters:
  ///   - start: positive values [s].
  ///   - rounds: steps at most.
  ///   - residuals: the residuals of values.
  /// - Complexity: rounds · (values + halvings) evaluations.
  static func minimise(
    from start: [Double], rounds: Int = 5, _ residuals: ([Double]) -> [Double]
  ) -> Solution {
    var best = Solution(values: start, residuals: residuals(start))
    for _ in 0..<rounds {
      let columns = best.values.indices.map { index in
        var moved = best.values
        let step = max(0.1 * moved[index], 0.2 * start[index])
        moved[index] += step
        return zip(residuals(moved), best.residuals).map { ($0 - $1) / step }
      }
      guard let step = step(columns, best.residuals) else { return best }
      var share = 1.0
      var isBetter = false
      while share > 0.1, !isBetter {
        let values = zip(best.values, step).map { max(0, $0 - share * $1) }
        let trial = Solution(values: values, residuals: residuals(values))
        if sum(trial.residuals) < sum(best.residuals) * (1 - 1e-4) {
          best = trial
          isBetter = true
        }
        share /= 2
      }
      if !isBetter { return best }
    }
    return best
  }

  private static func sum(_ residuals: [Double]) -> Double {
    residuals.reduce(0) { $0 + $1 * $1 }
  }

  /// The solution of the normal equations; `nil` where values have no effect of their own.
  private static func step(_ columns: [[Double]], _ residuals: [Double]) -> [Double]? {
    func product(_ first: [Double], _ second: [Double]) -> Double {
      zip(first, second).reduce(0) { $0 + $1.0 * $1.1 }
    }
    var rows = columns.map { column in
      columns.map { product(column, $0) } + [product(column, residuals)]
    }
    for pivot in rows.indices {
      guard
        let largest = rows.indices[pivot...].max(by: { abs(rows[$0][pivot]) < abs(rows[$1][pivot]) }
        ),
        abs(rows[largest][pivot]) > 1e-12
      else { return nil }
      rows.swapAt(pivot, largest)
      for other in rows.indices where other != pivot {
        let factor = rows[other][pivot] / rows[pivot][pivot]
        for place in rows[pivot].indices { rows[other][place] -= factor * rows[pivot][place] }
      }
    }
    return rows.indices.map { rows[$0][columns.count] / rows[$0][$0] }
  }
}
