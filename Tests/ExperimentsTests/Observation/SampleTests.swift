// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Experiments

@Suite("Samples and their distances")
struct SampleTests {
  /// The distances by their definition: shares counted anew at each value.
  private static func oracle(_ left: [Double], _ right: [Double]) -> SampleDistance {
    let points = Set(left + right).sorted()
    let share = { (values: [Double], point: Double) in
      Double(values.filter { $0 <= point }.count) / Double(values.count)
    }
    let gaps = points.map { abs(share(left, $0) - share(right, $0)) }
    var area = 0.0
    for (place, gap) in gaps.enumerated().dropLast() {
      area += gap * (points[place + 1] - points[place])
    }
    return SampleDistance(kolmogorovSmirnov: gaps.max() ?? 0, wasserstein: area)
  }

  @Test("agree with the definition on random samples with ties", arguments: 0..<40)
  func definition(seed: Int) {
    var state = UInt64(seed) &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    func draw(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let left = (0..<(1 + draw(30))).map { _ in Double(draw(20)) / 2 }
    let right = (0..<(1 + draw(30))).map { _ in Double(draw(25)) / 2 }
    let found = Sample(left).distance(to: Sample(right))!
    let expected = Self.oracle(left, right)
    #expect(abs(found.kolmogorovSmirnov - expected.kolmogorovSmirnov) < 1e-12)
    #expect(abs(found.wasserstein - expected.wasserstein) < 1e-9)
    #expect(Sample(right).distance(to: Sample(left)) == found)
    #expect(
      Sample(left).distance(to: Sample(left))
        == SampleDistance(kolmogorovSmirnov: 0, wasserstein: 0))
    // Of equally many values the distance is the mean distance of those of equal rank.
    let shifted = left.map { $0 * 1.5 + 3 }
    let paired =
      zip(left.sorted(), shifted.sorted()).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(left.count)
    #expect(abs(Sample(left).distance(to: Sample(shifted))!.wasserstein - paired) < 1e-9)
  }

  @Test("have quantiles as numpy's")
  func quantiles() {
    let sample = Sample([4, 1, 3, 2])
    #expect(sample.mean == 2.5 && sample.quantile(0.5) == 2.5)
    #expect(sample.quantile(0) == 1 && sample.quantile(1) == 4)
    #expect(abs(sample.quantile(0.9)! - 3.7) < 1e-12)
    #expect(sample.share(upTo: 2) == 0.5 && sample.share(upTo: 0.5) == 0)
    #expect(Sample([]).mean == nil && Sample([]).quantile(0.5) == nil)
    #expect(Sample([]).distance(to: sample) == nil)
  }
}
