// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Testing

@Suite struct RandomStreamTests {
  #if DEBUG
    static let draws = 40_000
  #else
    static let draws = 400_000
  #endif

  static func stream(_ seed: UInt64, entity: UInt64 = 0) -> RandomStream {
    RandomStream(seed: seed, replication: 0, purpose: .testing, entity: entity)
  }

  @Test func namesGiveDifferentStreams() {
    var firsts: [UInt64] = []
    for seed: UInt64 in [0, 1, 1 << 32, .max] {
      for replication: UInt32 in [0, 1, 7] {
        for purpose: StreamPurpose in [.arrivals, .lengths, .routingTokens] {
          for entity: UInt64 in [0, 1, 1 << 40] {
            var stream = RandomStream(
              seed: seed, replication: replication, purpose: purpose, entity: entity)
            firsts.append(stream.next())
          }
        }
      }
    }
    #expect(Set(firsts).count == firsts.count)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func anyBlockCanBeHadAlone(seed: UInt64) {
    var inOrder = Self.stream(seed)
    var words: [UInt32] = []
    for _ in 0..<64 { words.append(inOrder.next32()) }
    var jumping = Self.stream(seed)
    for block in [15, 0, 7, 7, 3] {
      jumping.seek(block: UInt64(block))
      let taken = (0..<4).map { _ in jumping.next32() }
      #expect(taken == Array(words[block * 4..<block * 4 + 4]))
      let alone = jumping.words(ofBlock: UInt64(block))
      #expect([alone.0, alone.1, alone.2, alone.3] == taken)
    }
  }

  @Test func widthsShareABlock() {
    var narrow = Self.stream(5)
    var wide = Self.stream(5)
    for _ in 0..<10 {
      let low = UInt64(narrow.next32())
      let high = UInt64(narrow.next32())
      #expect(wide.next() == low | high << 32)
    }
    // After one word the next pair that stands side by side is taken.
    var mixed = Self.stream(5)
    _ = mixed.next32()
    let pair = mixed.next()
    var other = Self.stream(5)
    _ = other.next()
    #expect(pair == other.next())
  }

  @Test(arguments: [3, 10, 1000])
  func integersAreUniform(bound: Int) {
    var stream = Self.stream(11)
    var counts = [Int](repeating: 0, count: bound)
    for _ in 0..<Self.draws { counts[stream.uniformInt(below: bound)] += 1 }
    let expected = Double(Self.draws) / Double(bound)
    let chiSquare =
      counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) } / expected
    let freedom = Double(bound - 1)
    #expect(chiSquare < freedom + 5 * (2 * freedom).squareRoot())
  }

  @Test(arguments: [0.3, 1, 4.5])
  func gammaHasItsMoments(shape: Double) {
    var stream = Self.stream(21)
    expectMoments(mean: shape * 2, variance: shape * 4, fourth: 6 / shape) {
      stream.gamma(shape: shape, scale: 2)
    }
  }

  @Test func exponentialAndNormalHaveTheirMoments() {
    var stream = Self.stream(22)
    expectMoments(mean: 3, variance: 9, fourth: 6) { stream.exponential(mean: 3) }
    expectMoments(mean: -1, variance: 4, fourth: 0) {
      stream.normal(mean: -1, standardDeviation: 2)
    }
    expectMoments(mean: 0.5, variance: 1 / 12.0, fourth: -1.2) { stream.uniform() }
  }

  /// Mean within 5 standard errors; variance within 6, by the excess kurtosis `fourth`.
  func expectMoments(mean: Double, variance: Double, fourth: Double, _ draw: () -> Double) {
    let count = Double(Self.draws)
    var sum = 0.0
    var squares = 0.0
    for _ in 0..<Self.draws {
      let value = draw() - mean
      sum += value
      squares += value * value
    }
    #expect(abs(sum / count) < 5 * (variance / count).squareRoot())
    #expect(abs(squares / count / variance - 1) < 6 * ((fourth + 2) / count).squareRoot())
  }
}
