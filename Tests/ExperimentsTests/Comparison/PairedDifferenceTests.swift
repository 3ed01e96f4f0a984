// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Experiments

@Suite("Paired differences")
struct PairedDifferenceTests {
  /// Hours of sleep gained under two drugs (Student, "The Probable Error of a Mean", Biometrika 6,
  /// 1908): the textbook's paired t-test has t = 4.0621 with 9 degrees of freedom, p = 0.002833, and
  /// the 95 % interval 0.7001 … 2.4599.
  static let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
  static let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

  @Test("Student's own example")
  func sleep() throws {
    let pairs = zip(Self.second, Self.first).map { (policy: $0, baseline: $1) }
    let found = try #require(PairedDifference(of: pairs))
    #expect(found.pairs == 10)
    #expect(abs(found.mean - 1.58) < 1e-12)
    #expect(abs((found.standardDeviation ?? 0) - 1.229_995) < 1e-6)
    #expect(abs((found.low ?? 0) - 0.700_114_2) < 1e-6)
    #expect(abs((found.high ?? 0) - 2.459_885_8) < 1e-6)
    #expect(abs((found.pValue ?? 0) - 0.002_832_9) < 1e-6)
    #expect(abs((found.ratio ?? 0) - 23.3 / 7.5) < 1e-12)
    #expect(found.isSignificant(confidence: 0.95) == true)
    #expect(found.isSignificant(confidence: 0.999) == false)
  }

  /// Quantiles from a printed table of Student's t, two-sided: with the differences −1 and 1 (or
  /// −1, 0, 1) the mean is zero, and half the interval is t · s / √n.
  @Test(
    "Intervals are those of the table",
    arguments: [
      (2, 0.95, 12.706), (2, 0.99, 63.657), (3, 0.95, 4.303), (3, 0.90, 2.920), (5, 0.95, 2.776),
      (11, 0.95, 2.228),
    ])
  func table(count: Int, confidence: Double, quantile: Double) throws {
    let differences = (0..<count).map { Double($0) - Double(count - 1) / 2 }
    let found = try #require(
      PairedDifference(
        of: differences.map { (policy: 100 + $0, baseline: 100) }, confidence: confidence))
    let squares = differences.reduce(0) { $0 + $1 * $1 }
    let error = (squares / Double(count - 1) / Double(count)).squareRoot()
    #expect(abs((found.high ?? 0) / error - quantile) < 0.0006)
    #expect(abs((found.low ?? 0) / error + quantile) < 0.0006)
    #expect(found.pValue == 1)
  }

  @Test("One pair has a difference and no interval; none has nothing")
  func few() throws {
    let found = try #require(PairedDifference(of: [(policy: 3, baseline: 2)]))
    #expect(found.mean == 1 && found.ratio == 1.5 && found.pairs == 1)
    #expect(found.low == nil && found.high == nil && found.pValue == nil)
    #expect(found.isSignificant(confidence: 0.95) == nil)
    #expect(PairedDifference(of: []) == nil)
  }

  @Test("What never varies is certain")
  func constant() throws {
    let same = try #require(PairedDifference(of: [(5, 5), (7, 7), (6, 6)]))
    #expect(same.mean == 0 && same.low == 0 && same.high == 0 && same.pValue == 1)
    let shifted = try #require(PairedDifference(of: [(6, 5), (8, 7)]))
    #expect(shifted.low == 1 && shifted.high == 1 && shifted.pValue == 0)
  }

  /// The first is the example of the method's article in Wikipedia ("Holm–Bonferroni method").
  @Test(
    "Holm's correction",
    arguments: [
      ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
      ([0.02], [0.02]), ([0.6, 0.7], [1, 1]), ([0.2, 0.001, 0.2], [0.4, 0.003, 0.4]), ([], []),
    ])
  func holm(values: [Double], adjusted: [Double]) {
    let found = HolmCorrection.adjusted(values)
    #expect(found.count == adjusted.count)
    for (value, wanted) in zip(found, adjusted) { #expect(abs(value - wanted) < 1e-12) }
  }
}
