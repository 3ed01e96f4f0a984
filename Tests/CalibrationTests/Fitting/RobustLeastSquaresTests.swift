// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import RandomStreams
import Testing

@testable import Calibration

@Suite struct RobustLeastSquaresTests {
  /// Sizes from 1 to 10,000.
  static let sizes = (0..<200).map { pow(10, Double($0) / 50) }

  static func solve(
    _ truth: [Double], start: [Double], outliers: Int = 0
  ) throws -> RobustLeastSquares.Solution {
    let law = { (p: [Double], x: Double) in p[0] + max(x / p[1], x * x / p[2]) }
    let measured = sizes.enumerated().map { index, size in
      law(truth, size) * (index % 200 < outliers ? 5 : 1)
    }
    return try RobustLeastSquares().minimise(
      from: start, bounds: [.init(1e-8, 1e-2), .init(1, 1e12), .init(1, 1e15)], count: sizes.count
    ) { values, output in
      for (index, size) in sizes.enumerated() {
        output[index] = log(law(values, size) / measured[index])
      }
    }
  }

  @Test(arguments: [[3e-6, 1e9, 1e11], [8e-5, 2e9, 1e12], [1e-3, 1e8, 1e10]])
  func parametersAreFoundFromFarAway(_ truth: [Double]) throws {
    let solution = try Self.solve(truth, start: [1e-5, 3e8, 1e12])
    for (found, wanted) in zip(solution.values, truth) {
      #expect(abs(log(found / wanted)) < 0.01, "\(solution.values) for \(truth)")
    }
  }

  @Test func outliersMoveLittle() throws {
    let truth = [3e-6, 1e9, 1e11]
    let solution = try Self.solve(truth, start: [1e-5, 3e8, 1e12], outliers: 20)
    #expect(abs(log(solution.values[0] / truth[0])) < 0.1)
  }

  @Test func valuesStayWithinBounds() throws {
    let solution = try Self.solve([1, 1e9, 1e11], start: [1e-5, 3e8, 1e12])
    #expect(solution.values[0] <= 1e-2)
  }

  @Test func residualsThatAreNoNumbersAreRefused() throws {
    for wrong in [Double.nan, .infinity] {
      let error = try #require(throws: GSLError.self) {
        try RobustLeastSquares().minimise(from: [1], bounds: [.init(0.1, 10)], count: 3) {
          _, output in
          for index in 0..<3 { output[index] = wrong }
        }
      }
      #expect(error.status != 0 && !error.description.isEmpty)
    }
  }

  @Test func parametersThatDoNothingStopNothing() throws {
    let solution = try RobustLeastSquares().minimise(
      from: [1, 1], bounds: [.init(0.1, 10), .init(0.1, 10)], count: 5
    ) { values, output in
      for index in 0..<5 { output[index] = log(values[0] / 3) }
    }
    #expect(abs(solution.values[0] - 3) < 1e-3)
    #expect(solution.values[1] >= 0.1 && solution.values[1] <= 10)
  }
}
