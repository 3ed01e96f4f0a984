// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Studies

@Suite("Successive halving")
struct SuccessiveHalvingTests {
  let halving = SuccessiveHalving(full: 1000, first: 60, reduction: 4, finalists: 3)

  private func score(_ number: Int, ratio: Double, cost: Double, figures: [Double] = [])
    -> SuccessiveHalving.Score
  {
    .init(candidate: number, ratio: ratio, cost: cost, figures: figures)
  }

  @Test("Runs grow until they are whole")
  func lengths() {
    #expect((0..<4).map(halving.requests(ofRound:)) == [60, 240, 960, 1000])
  }

  @Test("Those that meet their objectives are ranked by cost, the others by what they miss")
  func order() {
    let scores = [
      score(0, ratio: 9, cost: 1), score(1, ratio: 0.5, cost: 4), score(2, ratio: 0.9, cost: 3),
      score(3, ratio: 2, cost: 2), score(4, ratio: 0.9, cost: 3),
    ]
    #expect(halving.ranked(scores, requests: 1000).map(\.candidate) == [2, 4, 1, 3, 0])
  }

  @Test("One in four goes on, and whoever is best in a figure")
  func kept() {
    let scores = (0..<20).map { number in
      score(number, ratio: 0.5, cost: Double(number), figures: [number == 17 ? 1 : 2])
    }
    let (kept, dropped) = halving.kept(scores, requests: 1000)
    #expect(kept.map(\.candidate) == [0, 1, 2, 3, 4, 17])
    #expect(dropped.count == 14)
    #expect(halving.kept(Array(scores.prefix(3)), requests: 60).dropped.isEmpty)
  }

  @Test("Short runs are believed less")
  func tolerance() {
    #expect(halving.tolerance(requests: 1000) == 1.1)
    #expect(halving.tolerance(requests: 10) == 2)
    let scores = [score(0, ratio: 1.3, cost: 1), score(1, ratio: 0.5, cost: 2)]
    #expect(halving.ranked(scores, requests: 60).map(\.candidate) == [0, 1])
    #expect(halving.ranked(scores, requests: 1000).map(\.candidate) == [1, 0])
  }

  @Test("An interval by Student's t")
  func estimate() throws {
    // Five values of mean 3 and deviation √2.5; t of four degrees of freedom is 2.7764.
    let estimate = try #require(PlanEstimate([1, 2, 3, 4, 5], confidence: 0.95))
    #expect(estimate.mean == 3)
    #expect(abs(estimate.high - 3 - 2.776445 * (2.5 / 5).squareRoot()) < 1e-5)
    #expect(PlanEstimate(whole: [1, nil], confidence: 0.95) == nil)
  }
}
