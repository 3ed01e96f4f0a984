// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing
import Workload

@testable import Serving

/// Whether a run knows that its load exceeds its capacity.
@Suite("Steady state")
struct SteadyStateTests {
  #if DEBUG
    static let seeds: ClosedRange<UInt64> = 1...4
    static let count = 160
  #else
    static let seeds: ClosedRange<UInt64> = 1...40
    static let count = 400
  #endif

  /// Requests of exponential gaps and mixed lengths.
  static func requests(rate: Double, seed: UInt64, count: Int = count) -> [Request] {
    var random = SplitMix(seed)
    var time = 0.0
    return (0..<count).map {
      time += -log(1 - random.uniform()) / rate
      return Request(
        number: UInt64($0), arrivalNanoseconds: UInt64(time * 1e9),
        promptTokens: Int32(10 + random.next() % 60), outputTokens: Int32(5 + random.next() % 20))
    }
  }

  static func configuration(_ requests: [Request], sequences: Int) throws -> ServingConfiguration {
    try BatchingTests.configuration(requests: requests, sequences: sequences)
  }

  /// Requests per second when there is always another one waiting.
  static func capacity(sequences: Int) throws -> Double {
    let result = try ServingHarness.run(
      configuration(requests(rate: 1e9, seed: 99, count: 200), sequences: sequences))
    return 200 / result.simulatedSeconds
  }

  @Test("overload is said, and no mean of waiting given", arguments: seeds, [1, 4])
  func overload(seed: UInt64, sequences: Int) throws {
    let rate = try Self.capacity(sequences: sequences) * 1.5
    let result = try ServingHarness.run(
      Self.configuration(Self.requests(rate: rate, seed: seed), sequences: sequences))
    #expect(!result.steadyState.stable)
    #expect(!result.steadyState.reason.isEmpty)
    #expect(result.notices.contains(result.steadyState.reason))
    #expect(result.ttftMs == nil && result.e2elMs == nil && result.queueMs == nil)
    let offered = try #require(result.steadyState.offeredRequestsPerSecond)
    #expect(abs(offered / rate - 1) < 0.3)
    #expect(result.steadyState.completedRequestsPerSecond < offered)
    #expect(result.tpotMs != nil)
  }

  @Test("below capacity a run is steady", arguments: seeds, [0.3, 0.7])
  func below(seed: UInt64, load: Double) throws {
    let sequences = seed % 2 == 0 ? 1 : 4
    let rate = try Self.capacity(sequences: sequences) * load
    let result = try ServingHarness.run(
      Self.configuration(Self.requests(rate: rate, seed: seed), sequences: sequences))
    #expect(result.steadyState.stable, "\(result.steadyState.reason)")
    #expect(result.ttftMs != nil && result.e2elMs != nil && result.queueMs != nil)
  }

  @Test("a run that is cut in overload says so too", arguments: [1.5, 4, 30])
  func cut(load: Double) throws {
    let capacity = try Self.capacity(sequences: 4)
    var configuration = try Self.configuration(
      Self.requests(rate: capacity * load, seed: 5, count: Int(300 * load)), sequences: 4)
    configuration.run.maximumSeconds = 200 / capacity
    let result = try ServingHarness.run(configuration)
    #expect(result.requests.unfinished > 0)
    #expect(
      result.requests.arrived
        == result.requests.completed + result.requests.unfinished + result.requests.rejected)
    #expect(abs(result.simulatedSeconds - 200 / capacity) < 1e-6)
    #expect(!result.steadyState.stable)
    #expect(result.ttftMs == nil)
  }

  @Test("a run cut before anything was served says that it is no steady state")
  func nothingServed() throws {
    var configuration = try Self.configuration(
      ServingHarness.requests(count: 30, prompt: 100, output: 4000, gapSeconds: 1e-3),
      sequences: 2)
    configuration.run.maximumSeconds = 0.5
    let result = try ServingHarness.run(configuration)
    #expect(result.requests.completed == 0)
    #expect(!result.steadyState.stable)
    #expect(result.ttftMs == nil)
  }

  @Test("the warm-up is cut from everything that is measured", arguments: [1, 5, 12])
  func warmUp(requests: Int) throws {
    let load = try Self.capacity(sequences: 4) * 0.6
    var configuration = try Self.configuration(
      Self.requests(rate: load, seed: 3, count: 40), sequences: 4)
    let whole = try RecordingSink.record(configuration)
    configuration.run.warmUp = .requests(requests)
    let run = try RecordingSink.record(configuration)
    let result = run.result
    #expect(result.simulatedSeconds == whole.result.simulatedSeconds)
    // The warm-up ends with the step in which the given number of requests is complete.
    let ends = run.sink.requests.map(\.end).sorted()
    let cut = ends[requests - 1]
    let total = UInt64((result.simulatedSeconds * 1e9).rounded())
    #expect(abs(result.measuredSeconds - Double(total - cut) * 1e-9) < 2e-9)
    // Requests that ended later make the latencies.
    let counted = run.sink.requests.filter { $0.end > cut }
    #expect(result.ttftMs?.count == counted.count)
    let mean = counted.reduce(0.0) { $0 + Double($1.firstToken - $1.arrival) } * 1e-6
    #expect(abs(result.ttftMs!.mean - mean / Double(counted.count)) < 1e-6)
    // Busy time is that of the slices after the cut.
    let busy =
      run.sink.slices.filter { $0.track == 0 && $0.end > cut }
      .reduce(0.0) { $0 + Double($1.end - max($1.start, cut)) } * 1e-9
    let compute = result.resources.first { $0.name == "gpu0.compute" }!
    #expect(abs(compute.busySeconds - busy) < 1e-9)
    // Requests done at the cut are not counted again.
    let after = ends.filter { $0 > cut }.count
    #expect(
      abs(result.throughput.requestsPerSecond * result.measuredSeconds - Double(after)) < 1e-6)
    // Each step after the cut gives its tokens: count them from the steps' ends.
    let tokens = result.throughput.outputTokensPerSecond * result.measuredSeconds
    let steps = run.sink.slices.filter { $0.name == "head" && $0.end > cut }
    #expect(result.steps == UInt64(steps.count))
    #expect(tokens <= Double(steps.count * 4) + 1e-6)
    #expect(tokens >= Double(counted.count))
  }

  @Test("a step's tokens are before the cut or after it, not both", arguments: [1, 3])
  func tokensAtTheCut(requests: Int) throws {
    // Four equal requests in one batch end in the same step.
    var configuration = try Self.configuration(
      ServingHarness.requests(count: 8, prompt: 8, output: 10, gapSeconds: 0), sequences: 4)
    configuration.limits.tokenBudget = 256
    let ends = try RecordingSink.record(configuration).sink.requests.map(\.end).sorted()
    configuration.run.warmUp = .requests(requests)
    let run = try RecordingSink.record(configuration)
    let cut = ends[requests - 1]
    // Steps are alike in the two runs; tokens by the requests' own instants.
    var expected = 0
    let heads = run.sink.slices.filter { $0.name == "head" }.map(\.end)
    for served in run.sink.requests {
      let own = heads.filter { $0 >= served.firstToken && $0 <= served.end }
      expected += own.filter { $0 > cut }.count
    }
    let tokens = run.result.throughput.outputTokensPerSecond * run.result.measuredSeconds
    #expect(abs(tokens - Double(expected)) < 1e-6)
  }

  @Test("a warm-up that never ends is said")
  func endlessWarmUp() throws {
    var configuration = try Self.configuration(
      ServingHarness.requests(count: 3, output: 4), sequences: 4)
    configuration.run.warmUp = .requests(50)
    let result = try ServingHarness.run(configuration)
    #expect(result.notices.contains { $0.contains("warm-up") })
    #expect(result.measuredSeconds == result.simulatedSeconds)
    configuration.run.warmUp = .requests(1)
    #expect(try !ServingHarness.run(configuration).notices.contains { $0.contains("warm-up") })
  }
}
