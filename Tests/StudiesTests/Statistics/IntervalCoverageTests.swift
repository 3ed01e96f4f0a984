// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Testing

@testable import Studies

@Suite("Intervals over replications")
struct IntervalCoverageTests {
  @Test("are Student's, by a worked example")
  func example() throws {
    // NIST/SEMATECH e-Handbook, 1.3.5.2, has such a case; here by hand: mean 3, s = sqrt(2.5),
    // t(0.975, 4) = 2.776445.
    let estimate = try #require(IntervalEstimate(of: [1, 2, 3, 4, 5]))
    #expect(estimate.mean == 3)
    #expect(abs((estimate.halfWidth ?? 0) - 2.776445 * (2.5 / 5).squareRoot()) < 1e-5)
    #expect(IntervalEstimate(of: []) == nil)
    #expect(IntervalEstimate(of: [4])?.halfWidth == nil)
  }

  #if !DEBUG
    /// An M/M/1 queue by Lindley's recursion, begun empty: the mean wait of the customers behind a
    /// warm-up that was found by MSER-5 on pilots' average.
    private func waits(seed: UInt64, replication: UInt32, count: Int, load: Double) -> [Double] {
      var arrivals = RandomStream(
        seed: seed, replication: replication, purpose: .arrivals, entity: 0)
      var services = RandomStream(
        seed: seed, replication: replication, purpose: .lengths, entity: 0)
      var wait = 0.0
      return (0..<count).map { _ in
        defer {
          wait = max(
            0, wait + services.exponential(mean: 1) - arrivals.exponential(mean: 1 / load))
        }
        return wait
      }
    }

    @Test(
      "cover the known mean of M/M/1 in 93 to 97 of 100, 400 times, each with MSER-5 and paired replications"
    )
    func coverage() throws {
      let load = 0.7
      let truth = load / (1 - load)
      let count = 6000
      let replications = 12
      var covered = 0
      var refused = 0
      for repetition in 0..<400 {
        let runs = (0..<replications).map {
          waits(seed: UInt64(repetition), replication: UInt32($0), count: count, load: load)
        }
        let rule = MSER5(
          batchMeans: MSER5.average(of: runs.map { MSER5.batchMeans(of: $0) }))
        guard rule.isTrustworthy else {
          refused += 1
          continue
        }
        let means = runs.map { run in
          let rest = run.dropFirst(rule.observations)
          return rest.reduce(0, +) / Double(rest.count)
        }
        let estimate = try #require(IntervalEstimate(of: means))
        if abs(estimate.mean - truth) <= estimate.halfWidth ?? 0 { covered += 1 }
      }
      let share = Double(covered) / Double(400 - refused)
      print(
        "M/M/1 at load \(load): \(covered) of \(400 - refused) intervals cover, \(refused) refused: \(share)"
      )
      #expect((0.93...0.97).contains(share))
      #expect(refused < 40)
    }
  #endif
}
