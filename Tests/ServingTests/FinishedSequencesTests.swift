// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Testing
import Workload

@testable import Serving

@Suite("Finished sequences of closed batches")
struct FinishedSequencesTests {
  private static func run(stay: Bool) throws -> SimulationResult {
    let requests = [4, 16].enumerated().map {
      Request(
        number: UInt64($0.offset), arrivalNanoseconds: 0, promptTokens: 8,
        outputTokens: Int32($0.element))
    }
    var policy = ServingHarness.lru()
    policy.admission = StaticBatch()
    return try ServingHarness.run(
      ServingHarness.configuration(
        model: try ServingHarness.model(), cache: CacheConfiguration(experts: .all),
        policy: policy, limits: BatchLimits(maximumSequences: 2, finishedStay: stay),
        requests: requests))
  }

  @Test("those that stay compute and count for nothing")
  func padding() throws {
    let leave = try Self.run(stay: false)
    let stay = try Self.run(stay: true)
    for result in [leave, stay] {
      #expect(result.requests.completed == 2 && result.requests.unfinished == 0)
      #expect(result.requests.outputTokens == 20)
      #expect(result.steps == 16)
    }
    // The experts of the twelve tokens that nobody reads.
    #expect(stay.expertCache.hits > leave.expertCache.hits)
    #expect(stay.simulatedSeconds > leave.simulatedSeconds)
  }
}
