// SPDX-License-Identifier: GPL-3.0-or-later

import Serving
import TestSupport
import Testing

@testable import Experiments

/// What Expert Router (arXiv 2404.15153) found, without figures: routing takes little time, what the
/// experts are decides most, large experts are stable at moderate concurrency, and small ones remain
/// competitive over more of it than a tensor-parallel baseline.
@Suite("Expert Router's findings")
struct ExpertRouterTests {
  /// The mean times to the first token, per further token and to the last [ms].
  private func latencies(
    _ kind: String, users: Int, _ more: [String] = []
  ) throws -> (first: Double, further: Double, whole: Double) {
    let scenario = try Scenario.load(
      Checkout.root.appending(path: "scenarios/fleet/expert-router-\(kind).yaml").path,
      overrides: [
        "workload.arrivals.users=\(users)", "workload.requests=\(4 * users + 400)",
        "run.warmup=\(users + 100)",
      ] + more)
    let result = try ScenarioExecution.execute(scenario).results[0]
    return (
      try #require(result.ttftMs).mean, try #require(result.tpotMs).mean,
      try #require(result.e2elMs).mean
    )
  }

  @Test("The gateway and its router take little of a request's time")
  func routing() throws {
    for kind in ["small", "large"] {
      let routed = try latencies(kind, users: 200)
      let direct = try latencies(kind, users: 200, ["fleet.gateway.latency=0 s"])
      #expect(routed.first > direct.first)
      #expect(routed.whole - direct.whole < 0.03 * direct.whole)
    }
  }

  @Test("The experts decide: small ones stay fast to 1,000 users, large ones to a moderate number")
  func concurrency() throws {
    let users = [50, 200, 1000]
    let small = try users.map { try latencies("small", users: $0) }
    let large = try users.map { try latencies("large", users: $0) }
    let tensor = try users.map { try latencies("tensor", users: $0) }
    for index in users.indices {
      // The difference between experts is larger than any that concurrency makes among small ones.
      #expect(large[index].whole > 2 * small[index].whole)
      #expect(tensor[index].whole > 1.5 * small[index].whole)
    }
    // From 50 to 200 users large experts slow down by less than a quarter; to 1,000 they double.
    #expect(large[1].further < 1.25 * large[0].further)
    #expect(large[2].further > 1.8 * large[0].further)
    // Small experts hardly notice 200 users, and at 1,000 they are nearer to their best than the
    // baseline is to its own.
    #expect(small[1].further < 1.1 * small[0].further)
    #expect(small[2].further / small[0].further < 0.6 * tensor[2].further / tensor[0].further)
    // The baseline is faster than large experts while few ask, and falls behind when many do.
    #expect(tensor[0].further < large[0].further)
    #expect(tensor[2].further > large[2].further)
  }
}
