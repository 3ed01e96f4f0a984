// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Testing

@Suite struct GSLSamplerTests {
  static func stream(_ entity: UInt64) -> RandomStream {
    RandomStream(seed: 9, replication: 1, purpose: .testing, entity: entity)
  }

  @Test func drawsTheWordsOfItsStream() {
    var stream = Self.stream(1)
    var sampler = GSLSampler(stream)
    #expect(sampler.generatorName == "philox4x32")
    for _ in 0..<9 { #expect(sampler.word() == stream.next32()) }
    sampler.stream = Self.stream(2)
    var other = Self.stream(2)
    #expect(sampler.uniform() == other.uniform())
  }

  @Test func samplersHaveTheirMeans() {
    let draws = 20_000
    func mean(_ draw: (inout GSLSampler) -> Double) -> Double {
      var sampler = GSLSampler(Self.stream(3))
      var sum = 0.0
      for _ in 0..<draws { sum += draw(&sampler) }
      return sum / Double(draws)
    }
    let root = Double(draws).squareRoot()
    #expect(abs(mean { $0.gamma(shape: 3, scale: 2) } - 6) < 5 * 3.47 / root)
    #expect(abs(mean { Double($0.poisson(mean: 40)) } - 40) < 5 * 6.33 / root)
    #expect(abs(mean { Double($0.binomial(trials: 50, probability: 0.2)) } - 10) < 5 * 2.83 / root)
    #expect(abs(mean { $0.logNormal(zeta: 0, sigma: 0.5) } - 1.1331) < 5 * 0.605 / root)
    #expect(abs(mean { $0.beta(2, 6) } - 0.25) < 5 * 0.145 / root)
    #expect(abs(mean { $0.exponential(mean: 7) } - 7) < 5 * 7 / root)
    #expect(abs(mean { $0.weibull(scale: 2, shape: 1) } - 2) < 5 * 2 / root)
    #expect(abs(mean { Double($0.geometric(probability: 0.25)) } - 4) < 5 * 3.47 / root)
    #expect(abs(mean { $0.normal(mean: 2, standardDeviation: 3) } - 2) < 5 * 3 / root)
    #expect(abs(mean { $0.pareto(exponent: 3, scale: 2) } - 3) < 5 * 1.74 / root)
  }

  @Test func multinomialSumsToItsTrials() {
    var sampler = GSLSampler(Self.stream(4))
    var counts: [UInt32] = []
    sampler.multinomial(trials: 1000, weights: [1, 2, 0, 7], into: &counts)
    #expect(counts.count == 4 && counts[2] == 0)
    #expect(counts.reduce(0, +) == 1000)
    #expect(abs(Int(counts[3]) - 700) < 80)
    var shares: [Double] = []
    sampler.dirichlet([1, 5, 10], into: &shares)
    #expect(abs(shares.reduce(0, +) - 1) < 1e-12)
  }

  @Test func tablesDrawInProportion() throws {
    let table = try DiscreteTable(weights: [1, 0, 3, 6])
    var sampler = GSLSampler(Self.stream(5))
    var counts = [0, 0, 0, 0]
    for _ in 0..<20_000 { counts[sampler.index(from: table)] += 1 }
    #expect(counts[1] == 0)
    #expect(abs(counts[0] - 2000) < 220 && abs(counts[3] - 12_000) < 360)
    #expect(abs(table.probability(2) - 0.3) < 1e-12)
    let zipf = try DiscreteTable(zipfCount: 3, exponent: 1)
    #expect(abs(zipf.probability(0) - 6.0 / 11) < 1e-12)
  }

  @Test(arguments: [[], [0, 0], [1, -1], [.nan, 1], [.infinity]] as [[Double]])
  func badWeightsAreErrors(weights: [Double]) {
    let error = #expect(throws: GSLError.self) { _ = try DiscreteTable(weights: weights) }
    #expect(error?.status == 4)
    #expect(error?.description.contains("invalid argument") == true)
  }

  @Test func quantilesInvertDistributions() {
    #expect(abs(Quantiles.normal(0.975) - 1.959_964) < 1e-6)
    #expect(abs(Quantiles.gamma(0.5, shape: 1, scale: 1) - 0.693_147) < 1e-6)
    #expect(abs(Quantiles.studentT(0.975, degreesOfFreedom: 10) - 2.228_139) < 1e-6)
    #expect(GSL.version.hasPrefix("2."))
  }
}
