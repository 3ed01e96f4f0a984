// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Calibration

/// Statistics of errors.
@Suite struct FitErrorsTests {
  @Test func `Medians, quantiles and biases are those of predicted over measured`() throws {
    var points = Array(SyntheticTimings.points(SyntheticTimings.products()).prefix(5))
    for (index, size) in [1.0, 3, 4, 15, 16].enumerated() {
      points[index].seconds = 2
      points[index].size = size
    }
    let errors = try #require(FitErrors(points: points, predicted: [2, 2.2, 1.6, 2.6, 1]))
    #expect(errors.count == 5)
    #expect(abs(errors.median - 0.2) < 1e-12 && abs(errors.worst - 0.5) < 1e-12)
    // 0, 0.1, 0.2, 0.3, 0.5: the 90th percentile lies 0.6 of the way from the fourth to the fifth.
    #expect(abs(errors.p90 - 0.42) < 1e-12 && abs(errors.bias) < 1e-12)
    #expect(errors.biases.map(\.sizes) == [1...3, 4...15, 16...16])
    #expect(errors.biases.map(\.count) == [2, 2, 1])
    #expect(abs(errors.biases[0].median - 0.05) < 1e-12)
    #expect(abs(errors.biases[1].median - 0.05) < 1e-12)
    #expect(abs(errors.biases[1].absolute - 0.25) < 1e-12)
    #expect(abs(errors.biases[2].median + 0.5) < 1e-12)
    #expect(FitErrors(points: [TimedWork](), predicted: []) == nil)
  }
}
