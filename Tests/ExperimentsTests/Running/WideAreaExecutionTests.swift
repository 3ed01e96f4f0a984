// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import TestSupport
import Testing

@testable import Experiments

@Suite("Wide-area scenarios")
struct WideAreaExecutionTests {
  private func scenario(_ name: String, _ overrides: [String] = []) throws -> Scenario {
    try Scenario.load(
      Checkout.root.appending(path: "scenarios/fleet/\(name).yaml").path, overrides: overrides)
  }

  @Test("Petals' published speeds, near as set and far as simulated")
  func petals() throws {
    let far = try #require(try WideAreaExecution.execute(try scenario("petals")))
    let near = try #require(
      try WideAreaExecution.execute(
        try scenario("petals", ["fleet.wide_area.round_trip=5 ms"])))
    #expect(far.count == 1 && far[0].completed == 8 && far[0].outputTokens == 8 * 128)
    // 2.29 was set by the time of a layer; 1.57 follows.
    #expect(abs(near[0].stepsPerSecond / 2.29 - 1) < 0.005)
    #expect(abs(far[0].stepsPerSecond / 1.57 - 1) < 0.02)
  }

  @Test("Every request is answered under churn, in each replication otherwise")
  func churn() throws {
    let results = try #require(
      try WideAreaExecution.execute(
        try scenario("petals-churn", ["workload.requests=40", "run.replications=2"])))
    #expect(results.count == 2)
    for result in results {
      #expect(result.arrived == 40 && result.completed == 40)
      #expect(result.failovers > 0 && result.replayedTokens > 0)
    }
    #expect(results[0].durationSeconds != results[1].durationSeconds)
  }

  @Test("A run ends when it is told to, and servers that are not there are named")
  func ends() throws {
    let cut = try #require(
      try WideAreaExecution.execute(try scenario("petals", ["run.duration=100 s"])))
    #expect(cut[0].durationSeconds == 100 && cut[0].unfinished == 1)
    #expect {
      try WideAreaExecution.execute(
        try scenario("petals", ["fleet.failures=[{what: server 3, at: 1 s}]"]))
    } throws: {
      "\($0)".contains("there is no server 3; there are 0 to 2")
        && ($0 as? Diagnostic)?.path == "fleet.failures[0].what"
    }
    #expect {
      try ScenarioExecution.execute(
        try scenario("failures", ["fleet.failures=[{what: replica 4, at: 1 s}]"]))
    } throws: {
      "\($0)".contains("there is no replica 4; there are 0 to 3")
        && ($0 as? Diagnostic)?.path == "fleet.failures[0].what"
    }
  }

  @Test("Other scenarios have none, and a pipeline is not run as one replica")
  func others() throws {
    let plain = try Scenario.load("quickstart")
    #expect(try WideAreaExecution.execute(plain) == nil)
    #expect {
      try scenario("petals").configuration()
    } throws: {
      ($0 as? Diagnostic)?.path == "fleet.wide_area"
    }
  }
}
