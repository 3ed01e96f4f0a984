// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Testing

@testable import Experiments

@Suite("Scores of reference cases")
struct ValidationStatisticsTests {
  private func judged(
    _ simulated: Double?, published: ClosedRange<Double> = 100...100,
    tolerance: ReferenceCase.Tolerance = .relative(0.1),
    status: ReferenceCase.Status = .counted, kind: ReferenceCase.Kind = .value
  ) -> ValidationReport.Case {
    let reference = ReferenceCase(
      id: "a", what: "", value: .figure(run: "lru", metric: "tpot_ms.mean"), kind: kind,
      published: published, unit: "ms", grade: .paper, source: "", tolerance: tolerance,
      status: status, reason: nil, location: SourceLocation(origin: "test"))
    return ValidationReport.Case(
      reference,
      simulated: simulated.map { .success($0) } ?? .failure(ReferenceProblem("did not fit")))
  }

  private func system(
    _ name: String, _ cases: [ValidationReport.Case],
    orderings: [ValidationReport.Ordering] = []
  ) -> ValidationReport.System {
    .init(
      name: name, summary: "", source: "", calibration: [], cases: cases, orderings: orderings,
      all: .init(cases), values: .init(cases.filter { $0.kind == .value }),
      ratios: .init(cases.filter { $0.kind == .ratio }), notices: [])
  }

  @Test("take the error relative to what was published")
  func errors() throws {
    #expect(judged(110).error == 0.1 && judged(110).verdict == .within)
    #expect(judged(111).verdict == .beyond && judged(111).error.map { $0 > 0.1099 } == true)
    #expect(judged(80).error == -0.2)
    #expect(judged(-80, published: -100 ... -100).error == 0.2)
    #expect(judged(104, tolerance: .absolute(5)).verdict == .within)
    #expect(judged(106, tolerance: .absolute(5)).verdict == .beyond)
    // Nothing is a share of 0, but it may be near.
    let zero = judged(0.5, published: 0...0, tolerance: .absolute(1))
    #expect(zero.error == nil && zero.verdict == .within)
    #expect(judged(.nan).verdict == .failed && judged(.nan).simulated == nil)
  }

  @Test("take a range's nearer end, and no error within it")
  func ranges() throws {
    #expect(judged(1.3, published: 1.2...1.5).error == 0)
    #expect(judged(0.9, published: 1.2...1.5).error.map { abs($0 + 0.25) < 1e-12 } == true)
    #expect(judged(1.8, published: 1.2...1.5).error.map { abs($0 - 0.2) < 1e-12 } == true)
    #expect(judged(1.3, published: 1.2...1.5).publishedHigh == 1.5)
    #expect(judged(1.3).publishedHigh == nil)
  }

  @Test("count what is labelled as counted and nothing else")
  func labels() {
    let cases = [
      judged(101), judged(105), judged(130),
      judged(100, status: .calibrated), judged(100, status: .input), judged(900, status: .reported),
    ]
    let score = ValidationReport.Score(cases)
    #expect(score.counted == 3 && score.within == 2 && score.failed == 0)
    #expect(score.medianAbsoluteError == 0.05)
    #expect(ValidationReport.Score([judged(100, status: .input)]).medianAbsoluteError == nil)
  }

  @Test("put a case that failed behind all others")
  func failures() {
    let score = ValidationReport.Score([judged(101), judged(108), judged(nil)])
    #expect(score.failed == 1 && score.within == 2)
    #expect(score.medianAbsoluteError == 0.08)
    #expect(ValidationReport.Score([judged(101), judged(nil)]).medianAbsoluteError == nil)
  }

  @Test("take the mean of the middle two of an even number")
  func evenMedian() throws {
    let score = ValidationReport.Score([judged(98), judged(104), judged(101), judged(150)])
    #expect(abs(try #require(score.medianAbsoluteError) - 0.03) < 1e-12)
  }

  @Test("give each system one vote, however many cases it has")
  func votes() throws {
    let systems = [
      system("many", [101, 101, 101, 101, 101].map { judged($0) }),
      system("poor", [judged(140), judged(2, published: 1...1, kind: .ratio)]),
      system("fair", [judged(110)]),
      system("none", [judged(100, status: .input)]),
    ]
    let summary = ValidationReport.Summary(systems)
    #expect(summary.systems == 3 && summary.uncounted == 1)
    #expect(abs(try #require(summary.medianAbsoluteError) - 0.1) < 1e-12)
    #expect(abs(try #require(summary.medianAbsoluteErrorOfValues) - 0.1) < 1e-12)
    #expect(summary.medianAbsoluteErrorOfRatios == 1)
    #expect(summary.outliers.map(\.system) == ["poor", "poor"])
    #expect(summary.outliers.map { $0.error ?? 0 } == [1, 0.4])
  }

  @Test("hold an ordering to be reproduced when each run is better than the next")
  func orderings() {
    func ordering(_ values: [Double?], lower: Bool = true) -> ValidationReport.Ordering {
      .init(
        ReferenceOrdering(
          what: "", metric: "tpot_ms.mean", lowerIsBetter: lower,
          runs: values.indices.map { "run \($0)" }, source: ""),
        simulated: values.map { $0.map { .success($0) } ?? .failure(ReferenceProblem("no")) })
    }
    #expect(ordering([1, 2, 3]).reproduced && ordering([3, 2, 1], lower: false).reproduced)
    #expect(!ordering([1, 3, 2]).reproduced && !ordering([1, 1]).reproduced)
    #expect(!ordering([1, nil, 3]).reproduced && ordering([1, nil]).failure == "no")
    let summary = ValidationReport.Summary([
      system("a", [], orderings: [ordering([1, 2]), ordering([2, 1])])
    ])
    #expect(summary.orderings == 2 && summary.orderingsReproduced == 1)
    #expect(summary.medianAbsoluteError == nil)
  }
}
