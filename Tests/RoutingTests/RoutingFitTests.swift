// SPDX-License-Identifier: GPL-3.0-or-later

import TestSupport
import Testing

@testable import Routing

@Suite struct RoutingStatisticsTests {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func hitRatesAgreeWithAPlainCache(seed: UInt64) throws {
    let shape = RoutingShape(layers: 2, experts: 12, topK: 3)
    let corpus = RoutingCorpus(
      generating: try GeneratedRouting(
        parameters: GeneratedRoutingTests.parameters(shape), seed: seed),
      lengths: [40, 1, 25])
    var plan = RoutingStatistics.Plan()
    plan.capacities = [0.25, 0.5, 0.75, 1]
    let statistics = RoutingStatistics(of: corpus, plan: plan)
    for layer in 0..<2 {
      var sets: [(key: Int, members: [Int], resets: Bool)] = []
      for sequence in 0..<corpus.sequences {
        for token in corpus.starts[sequence]..<corpus.starts[sequence + 1] {
          let base = (token * 2 + layer) * 3
          // Touched from the last rank to the first.
          sets.append(
            (
              0, (0..<3).reversed().map { Int(corpus.choices[base + $0]) },
              token == corpus.starts[sequence]
            ))
        }
      }
      for (row, share) in plan.capacities.enumerated() {
        let plain = naiveLRU(sets, capacity: Int(share * 12))
        #expect(
          abs(statistics.hitRate[row][layer] - Double(plain.hits) / Double(plain.accesses)) < 1e-12)
      }
    }
  }

  @Test func distinctExpertsOfUniformRoutingFollowTheFormula() throws {
    let shape = RoutingShape(layers: 2, experts: 32, topK: 4)
    let corpus = RoutingCorpus(
      generating: try GeneratedRouting(parameters: .uniform(shape), seed: 1),
      lengths: [Int](repeating: 20, count: 100))
    let statistics = RoutingStatistics(of: corpus)
    for (row, batch) in statistics.plan.batches.enumerated() {
      var absent = 1.0
      for _ in 0..<batch { absent *= 1 - 4.0 / 32 }
      let expected = 32 * (1 - absent)
      #expect(abs(RoutingStatistics.mean(statistics.distinct[row]) / expected - 1) < 0.03)
    }
  }

  #if !DEBUG
    @Test(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
    func recordedTraceHasItsPublishedHitRates() throws {
      var plan = RoutingStatistics.Plan()
      plan.associationStep = 0
      let statistics = RoutingStatistics(of: try openGptOss().corpus(), plan: plan)
      #expect(statistics.tokens == 162_219)
      for (row, expected) in [(1, 0.660), (2, 0.892), (3, 0.967)] {
        #expect(abs(RoutingStatistics.mean(statistics.hitRate[row]) - expected) < 0.002)
      }
      for (lag, expected) in [(1, 0.442), (2, 0.386), (8, 0.352), (64, 0.326)] {
        let row = try #require(plan.lags.firstIndex(of: lag))
        #expect(abs(RoutingStatistics.mean(statistics.overlap[row]) - expected) < 0.002)
      }
    }
  #endif
}

#if !DEBUG
  @Suite struct RoutingFitTests {
    @Test func findsItsOwnGenerator() throws {
      let shape = RoutingShape(layers: 3, experts: 16, topK: 2)
      let corpus = RoutingCorpus(
        generating: try GeneratedRouting(
          parameters: GeneratedRoutingTests.parameters(shape, spread: 0.8, recall: 0.05), seed: 9),
        lengths: [Int](repeating: 250, count: 160))
      let result = try RoutingFit().fit(corpus, name: "own", source: "a generator")
      #expect(result.meetsGoals, "\(result.table)")
    }

    @Test func tooFewSequencesAreRefused() throws {
      let corpus = RoutingCorpus(
        generating: try GeneratedRouting(
          parameters: .uniform(RoutingShape(layers: 1, experts: 4, topK: 2)), seed: 9),
        lengths: [10, 10])
      #expect(throws: InvalidRoutingParameters.self) {
        try RoutingFit().fit(corpus, name: "few", source: "a generator")
      }
    }

    /// The parameters that the project ships, against the half that the fit has not seen.
    @Test(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
    func shippedParametersMeetTheGoalsOnTheOtherHalf() throws {
      let heldOut = try openGptOss().corpus().half(parity: 1)
      let path = Checkout.root.appending(path: "traces/routing/gpt-oss-20b.yaml").path
      let parameters = try RoutingParameterFile.load(path: path).parameters()
      let result = try RoutingFit.evaluate(parameters, against: heldOut, seed: 11)
      #expect(result.meetsGoals, "\(result.table)")
    }

    @Test(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
    func fitMeetsTheGoalsOnTheOtherHalf() throws {
      let result = try RoutingFit().fit(
        openGptOss().corpus(), name: "gpt-oss-20b", source: "recorded")
      print(result.table)
      #expect(result.meetsGoals, "\(result.table)")
    }
  }
#endif
