// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Testing

@testable import Studies

@Suite("MSER-5")
struct MSER5Tests {
  /// The rule as it is written: for each cut the sum of squares is computed anew.
  private func naive(_ means: [Double]) -> Int {
    var best = Double.infinity
    var cut = 0
    for index in stride(from: means.count - 5, through: 0, by: -1) {
      let rest = means[index...]
      let count = Double(rest.count)
      let mean = rest.reduce(0, +) / count
      let error = rest.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count * count)
      if error <= best {
        best = error
        cut = index
      }
    }
    return cut
  }

  @Test("agrees with its definition on random series", arguments: 0..<40)
  func definition(seed: Int) {
    var stream = RandomStream(
      seed: UInt64(seed), replication: 0, purpose: .resampling, entity: 0)
    let count = 20 + stream.uniformInt(below: 300)
    let rise = stream.uniform() * 10
    let means = (0..<count).map { index in
      100 + stream.normal(mean: 0, standardDeviation: 1)
        - rise * (1 - Double(index) / Double(count)) * (index < count / 4 ? 1 : 0)
    }
    #expect(MSER5(batchMeans: means).cut == naive(means))
  }

  @Test("cuts a beginning that differs, and little of a series that does not")
  func step() {
    var stream = RandomStream(seed: 7, replication: 0, purpose: .resampling, entity: 0)
    let noise = (0..<400).map { _ in stream.normal(mean: 0, standardDeviation: 0.1) }
    let shifted = noise.enumerated().map { $0.offset < 60 ? $0.element : $0.element + 5 }
    let rule = MSER5(batchMeans: shifted)
    #expect((60...64).contains(rule.cut))
    #expect(rule.isTrustworthy)
    #expect(MSER5(batchMeans: noise).cut < 200)
  }

  @Test("does not trust a run that is all beginning")
  func tooShort() {
    let rising = (0..<200).map { Double($0 * $0) }
    #expect(!MSER5(batchMeans: rising).isTrustworthy)
    #expect(!MSER5(batchMeans: []).isTrustworthy)
  }

  @Test("is fed means of five, and averages as long as the shortest series")
  func batches() {
    #expect(MSER5.batchMeans(of: (1...12).map(Double.init)) == [3, 8])
    #expect(MSER5.average(of: [[1, 2, 3], [3, 4]]) == [2, 3])
  }
}
