// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Testing

@testable import Serving

/// A host that launches a prompt's kernels one by one plans nothing ahead in that time.
@Suite struct LaunchTests {
  /// Steps with prompts take 40 ms of launches; the second request comes after so long.
  private func firstTokens(secondAfter seconds: Double) throws -> [Double] {
    let model = try ServingHarness.model()
    var software = SoftwareCosts.none
    software.stepsAhead = 1
    software.eagerPerLayer = 0.01
    var group = try FleetHarness.group(model: model)
    group.timing = ServingHarness.timing(software: software)
    let run = try FleetHarness.run(
      FleetHarness.configuration(
        [group],
        requests: ServingHarness.requests(
          count: 2, prompt: 100, output: 100, gapSeconds: seconds)))
    return run.outcomes.sorted { $0.number < $1.number }.map { Double($0.firstToken) * 1e-6 }
  }

  @Test func `What comes while the host launches joins the next step`() throws {
    let tokens = try firstTokens(secondAfter: 0.01)
    #expect(abs(tokens[0] - 40) < 1e-3)
    #expect(abs(tokens[1] - 80) < 1e-3)
  }

  @Test func `What comes later joins the step behind the one that is planned`() throws {
    // Decoding steps have no launches: the one under way and the next are planned.
    let tokens = try firstTokens(secondAfter: 0.0401)
    let step = tokens[1] - 80
    #expect(step > 0.1, "\(tokens)")
  }
}
