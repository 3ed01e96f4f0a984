// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Workload

@Suite("Generated workloads")
struct GeneratorTests {
  #if DEBUG
    static let count = 20_000
    static let tolerance = 0.04
  #else
    static let count = 400_000
    static let tolerance = 0.01
  #endif

  static let plain = RequestLengths(
    prompt: LengthDistribution(.constant(100)), output: LengthDistribution(.constant(10)))

  static func requests(_ description: WorkloadDescription, seed: UInt64 = 1) throws -> [Request] {
    var source = try description.open(seed: seed)
    var all: [Request] = []
    while let request = try source.next() { all.append(request) }
    return all
  }

  static func statistics(_ description: WorkloadDescription, seed: UInt64) throws
    -> WorkloadStatistics
  {
    var source = try description.open(seed: seed)
    var statistics = WorkloadStatistics()
    var record = RequestRecord()
    while let request = try source.next() {
      record.arrivalNanoseconds = Int64(request.arrivalNanoseconds)
      record.promptTokens = request.promptTokens
      record.outputTokens = request.outputTokens
      statistics.add(record)
    }
    return statistics
  }

  @Test(
    "Rate and coefficient of variation of the gaps",
    arguments: [
      (ArrivalProcess.poisson(rate: 6), 1.0), (.gamma(rate: 6, burstiness: 1), 1.0),
      (.gamma(rate: 6, burstiness: 4), 0.5), (.gamma(rate: 6, burstiness: 0.25), 2.0),
      (.constant(rate: 6), 0.0),
    ], [UInt64(1), 2])
  func arrivals(process: (ArrivalProcess, Double), seed: UInt64) throws {
    var description = WorkloadDescription(arrivals: process.0, lengths: Self.plain)
    description.requests = Self.count
    let statistics = try Self.statistics(description, seed: seed)
    #expect(statistics.count == Self.count)
    let rate = try #require(statistics.rate)
    let variation = try #require(statistics.gapVariation)
    #expect(abs(rate / 6 - 1) < Self.tolerance * max(1, process.1))
    #expect(abs(variation - process.1) < Self.tolerance * max(1, process.1 * process.1))
  }

  /// A distribution with its mean and median by theory.
  struct Shape: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var distribution: LengthDistribution
    var mean: Double
    var median: Double
    var deviation: Double
  }

  static let quantiles = EmpiricalLengths(
    quantiles: [(0, 100), (0.5, 300), (0.75, 300), (1, 1000)])
  static let weighted = EmpiricalLengths(values: [7, 50, 900], weights: [1, 6, 3])
  static let shapes: [Shape] = [
    Shape(
      testDescription: "constant", distribution: LengthDistribution(.constant(512)), mean: 512,
      median: 512, deviation: 0),
    Shape(
      testDescription: "uniform",
      distribution: LengthDistribution(.uniform(minimum: 1, maximum: 999)), mean: 500, median: 500,
      deviation: 288),
    Shape(
      testDescription: "lognormal by median",
      distribution: .lognormal(mean: 1155, median: 1020), mean: 1155, median: 1020, deviation: 612),
    // σ² = ln 1.25, median = 200 exp(−σ²/2)
    Shape(
      testDescription: "lognormal by variation",
      distribution: .lognormal(mean: 200, variation: 0.5), mean: 200,
      median: 200 / 1.25.squareRoot(),
      deviation: 100),
    // Shape 4: the median of a gamma distribution of shape 4 and scale 1 is 3.6721.
    Shape(
      testDescription: "gamma",
      distribution: LengthDistribution(.gamma(mean: 400, variation: 0.5)), mean: 400,
      median: 367.2, deviation: 200),
    Shape(
      testDescription: "quantiles", distribution: LengthDistribution(.empirical(quantiles!)),
      mean: 0.5 * 200 + 0.25 * 300 + 0.25 * 650, median: 300, deviation: 230),
    Shape(
      testDescription: "weights", distribution: LengthDistribution(.empirical(weighted!)),
      mean: 0.7 + 30 + 270, median: 50, deviation: 390),
  ]

  @Test(
    "Lengths have the mean and median of their distribution", arguments: shapes, [UInt64(3), 4])
  func lengths(shape: Shape, seed: UInt64) throws {
    var description = WorkloadDescription(
      arrivals: .allAtOnce,
      lengths: RequestLengths(
        prompt: shape.distribution, output: LengthDistribution(.constant(1))))
    description.requests = Self.count
    let statistics = try Self.statistics(description, seed: seed)
    let error = 4 * shape.deviation / Double(Self.count).squareRoot() + 1e-9
    #expect(abs(statistics.prompt.mean - shape.mean) < error)
    #expect(abs(shape.distribution.mean - shape.mean) < 1e-6 * shape.mean)
    #expect(abs(Double(statistics.prompt.p50) - shape.median) <= 2 * error + 1)
    #expect(statistics.spanSeconds == 0)
  }

  @Test("Bounds hold what is drawn beyond them")
  func bounds() throws {
    var distribution = LengthDistribution.lognormal(mean: 1000, variation: 3)
    distribution.minimum = 200
    distribution.maximum = 1500
    var description = WorkloadDescription(
      arrivals: .allAtOnce, lengths: RequestLengths(prompt: distribution, output: distribution))
    description.requests = 5000
    let statistics = try Self.statistics(description, seed: 1)
    #expect(statistics.prompt.minimum == 200 && statistics.prompt.maximum == 1500)
    #expect(statistics.output.minimum == 200 && statistics.output.maximum == 1500)
  }

  @Test("A change of one distribution leaves all other draws as they were")
  func independence() throws {
    var description = WorkloadDescription(
      arrivals: .poisson(rate: 3),
      lengths: RequestLengths(
        prompt: .lognormal(mean: 1155, median: 1020), output: .lognormal(mean: 211, median: 129)))
    description.requests = 300
    let base = try Self.requests(description)
    description.lengths?.prompt = LengthDistribution(.gamma(mean: 50, variation: 2))
    let otherPrompts = try Self.requests(description)
    #expect(base.map(\.outputTokens) == otherPrompts.map(\.outputTokens))
    #expect(base.map(\.arrivalNanoseconds) == otherPrompts.map(\.arrivalNanoseconds))
    #expect(base.map(\.promptTokens) != otherPrompts.map(\.promptTokens))
    description.arrivals = .gamma(rate: 1, burstiness: 0.3)
    let otherArrivals = try Self.requests(description)
    #expect(otherArrivals.map(\.promptTokens) == otherPrompts.map(\.promptTokens))
    let otherSeed = try Self.requests(description, seed: 2)
    #expect(otherSeed.map(\.promptTokens) != otherArrivals.map(\.promptTokens))
    // A longer workload begins like a shorter one.
    description.requests = 400
    #expect(Array(try Self.requests(description).prefix(300)) == otherArrivals)
  }

  @Test("rate_scale multiplies the rate", arguments: [0.1, 0.5, 3.0])
  func rateScale(scale: Double) throws {
    var description = WorkloadDescription(arrivals: .poisson(rate: 2), lengths: Self.plain)
    description.requests = 1000
    let base = try Self.requests(description)
    description.rateScale = scale
    for (scaled, plain) in zip(try Self.requests(description), base) {
      #expect(abs(scaled.arrivalSeconds * scale - plain.arrivalSeconds) < 1e-5)
    }
  }

  @Test("Closed-loop users think, and their requests do not depend on who is served first")
  func closedLoop() throws {
    var description = WorkloadDescription(
      arrivals: .closedLoop(users: 3, think: .exponential(mean: 2)),
      lengths: RequestLengths(
        prompt: .lognormal(mean: 1155, median: 1020), output: .lognormal(mean: 211, median: 129)))
    description.requests = 30
    func run(order: [Int]) throws -> [Request] {
      var source = try description.open(seed: 9)
      #expect(source.isClosedLoop && source.userCount == 3)
      var answered = [UInt64](repeating: 0, count: 3)
      var all: [Request] = []
      for user in order {
        guard let request = try source.next(user: user, afterNanoseconds: answered[user]) else {
          continue
        }
        #expect(request.arrivalNanoseconds >= answered[user] && request.user == Int32(user))
        answered[user] = request.arrivalNanoseconds + 1_000_000_000
        all.append(request)
      }
      return all.sorted { $0.number < $1.number }
    }
    let inTurn = try run(order: (0..<60).map { $0 % 3 })
    let oneByOne = try run(order: (0..<60).map { $0 / 20 })
    #expect(inTurn == oneByOne)
    #expect(inTurn.map(\.number) == (0..<30).map { UInt64($0) })
    // Thinking twice as fast halves the pauses.
    description.rateScale = 2
    let faster = try run(order: (0..<60).map { $0 % 3 })
    #expect(
      abs(2 * faster[0].arrivalSeconds - inTurn[0].arrivalSeconds) < 1e-8
        && faster.map(\.promptTokens) == inTurn.map(\.promptTokens))
  }

  @Test("Thinking times have their mean")
  func thinking() throws {
    let description = WorkloadDescription(
      arrivals: .closedLoop(users: 1, think: .exponential(mean: 2)), lengths: Self.plain)
    var source = try description.open(seed: 4)
    var sum = 0.0
    for _ in 0..<Self.count {
      sum += try #require(try source.next(user: 0, afterNanoseconds: 0)).arrivalSeconds
    }
    #expect(abs(sum / Double(Self.count) / 2 - 1) < Self.tolerance)
  }

  @Test("What cannot be carried out is refused in words")
  func refusals() throws {
    #expect(throws: WorkloadError.self) { _ = try WorkloadDescription().open(seed: 1) }
    var description = WorkloadDescription(arrivals: .poisson(rate: 1e-12), lengths: Self.plain)
    #expect(throws: WorkloadError.self) {
      var source = try description.open(seed: 1)
      for _ in 0..<100 { _ = try source.next() }
    }
    description.rateScale = 0
    #expect(throws: WorkloadError.self) { _ = try description.open(seed: 1) }
  }

  @Test(
    "Tables that are no distribution are refused",
    arguments: [
      [(0.0, 1.0)], [(0.1, 1.0), (1.0, 2.0)], [(0.0, 2.0), (1.0, 1.0)],
      [(0.0, 1.0), (0.5, 2.0), (0.5, 3.0), (1.0, 4.0)], [(0.0, .nan), (1.0, 4.0)],
      [(0.0, 0.0), (1.0, 4.0)],
    ])
  func badTables(pairs: [(Double, Double)]) {
    #expect(EmpiricalLengths(quantiles: pairs.map { (probability: $0.0, value: $0.1) }) == nil)
    #expect(EmpiricalLengths(values: [1, 2], weights: [0, 0]) == nil)
    #expect(EmpiricalLengths(values: [1, 2], weights: [1]) == nil)
    #expect(EmpiricalLengths(values: [1, 2], weights: [-1, 2]) == nil)
  }
}
