// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Experiments

/// Least squares over few durations.
@Suite struct GaussNewtonTests {
  @Test func `Constants of steps that were made with them are found again`() {
    // Steps of known work with a constant and a share of the batch.
    let work = [2e-3, 3e-3, 5e-3, 9e-3]
    let batch = [4.0, 16, 64, 256]
    let truth = [8e-4, 5e-6]
    func time(_ values: [Double], _ index: Int) -> Double {
      work[index] + values[0] + values[1] * batch[index]
    }
    let solution = GaussNewton.minimise(from: [1e-4, 1e-4]) { values in
      work.indices.map { log(time(values, $0) / time(truth, $0)) }
    }
    #expect(abs(solution.values[0] - truth[0]) < 1e-6 && abs(solution.values[1] - truth[1]) < 1e-7)
  }

  @Test func `Constants stay at least 0, and those without effect stay`() {
    let negative = GaussNewton.minimise(from: [1e-4]) { [$0[0] + 1e-3] }
    #expect(negative.values == [0])
    let idle = GaussNewton.minimise(from: [1e-4]) { _ in [0.5] }
    #expect(idle.values == [1e-4])
  }
}
