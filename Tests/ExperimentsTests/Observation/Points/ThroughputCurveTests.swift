// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Experiments

/// Throughput against concurrency.
@Suite struct ThroughputCurveTests {
  /// X = N/(N + half): its elasticity is half/(N + half), one half at N = half.
  @Test(arguments: [6.0, 20, 90, 400])
  func `The knee of a saturating curve is where its elasticity is one half`(half: Double) throws {
    let curve = (0...12).map { exponent in
      let users = Double(1 << exponent)
      return (concurrency: users, throughput: users / (users + half))
    }
    let knee = try #require(ThroughputCurve.knee(curve))
    #expect(abs(knee / half - 1) < 0.05)
  }

  @Test func `A straight line has no knee, a flat one has it in its first interval`() {
    let users = [4.0, 8, 16, 32]
    #expect(ThroughputCurve.knee(users.map { ($0, 3 * $0) }) == nil)
    let flat = ThroughputCurve.knee(users.map { ($0, 3) })
    #expect(abs((flat ?? 0) - 32.0.squareRoot()) < 1e-9)
  }

  static func curve(_ measured: [Double], _ simulated: [Double]) -> ThroughputCurve {
    ThroughputCurve(
      name: "c",
      steps: measured.indices.map {
        .init(concurrency: 4 << $0, measured: measured[$0], simulated: simulated[$0])
      })
  }

  @Test func `Knees within a factor of two agree`() {
    let line = [1.0, 2, 4, 8, 16]
    let early = [1.0, 1.1, 1.15, 1.18, 1.2]
    let late = [1.0, 2, 4, 7, 8]
    #expect(Self.curve(line, line).agrees)
    #expect(!Self.curve(line, early).agrees)
    #expect(!Self.curve(early, late).agrees)
    // Of a curve that hardly bends the knee is at the last concurrency but for less than √2.
    #expect(Self.curve([1, 2, 4, 8, 15.5], line).agrees)
  }
}
