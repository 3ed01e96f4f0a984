// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import Testing

@testable import Serving

/// What a server does for a request before its turn to be scheduled.
@Suite struct TimeBeforeSchedulingTests {
  static func timing(perRequest: Double, perPromptToken: Double) -> DeviceTiming {
    var software = SoftwareCosts.none
    software.perRequest = perRequest
    software.perPromptToken = perPromptToken
    return DeviceTiming(capability: ServingHarness.timing().capability, software: software)
  }

  @Test(arguments: [(0.01, 0.0), (0, 5e-6), (0.01, 5e-6)])
  func `A lone request waits for what it takes and each of its prompt's tokens`(
    perRequest: Double, perPromptToken: Double
  ) throws {
    let model = try ServingHarness.model()
    // Far enough apart that none meets another.
    let requests = ServingHarness.requests(count: 5, prompt: 200, output: 4, gapSeconds: 1)
    let wanted = 1e3 * (perRequest + 200 * perPromptToken)
    var fleet: [Double] = []
    var single: [Double] = []
    for costs in [(0, 0), (perRequest, perPromptToken)] {
      let timing = Self.timing(perRequest: costs.0, perPromptToken: costs.1)
      var group = try FleetHarness.group(model: model)
      group.timing = timing
      let run = try FleetHarness.run(FleetHarness.configuration([group], requests: requests))
      fleet.append(try #require(run.result.ttftMs?.mean))
      var configuration = ServingHarness.configuration(
        model: model, cache: CacheConfiguration(experts: .all),
        limits: BatchLimits(maximumSequences: 8, tokenBudget: 256),
        figures: ServingHarness.figures(deviceGiB: 80), requests: requests)
      configuration.timing = timing
      single.append(try #require(try ServingHarness.run(configuration).ttftMs?.mean))
    }
    // Times are whole nanoseconds.
    #expect(abs(fleet[1] - fleet[0] - wanted) < 1e-4)
    #expect(abs(single[1] - single[0] - wanted) < 1e-4)
  }
}
