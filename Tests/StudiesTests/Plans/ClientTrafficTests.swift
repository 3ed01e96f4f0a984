// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Workload

@testable import Studies

@Suite("The traffic of a benchmark's client")
struct ClientTrafficTests {
  private func client(
    _ traffic: String, served: Double? = nil
  ) throws -> ClientTraffic? {
    let plan = try TestPlan.read(TestPlan.fleet, set: [("traffic", traffic)])
    let prepared = try PreparedCandidate(
      plan.candidates[0], plan: plan, library: TestPlan.library)
    return ClientTraffic(
      prepared.scenario.workload, plan: plan, outputTokensPerSecond: served)
  }

  @Test(
    "Arrivals are sent as they come, and by users who think at the rate at which they are served",
    arguments: [
      ("{rate: 400/s, prompt: 100, output: 20}", nil, ClientTraffic.Pace.rate(400, burstiness: 1)),
      ("{users: 50, think: 10 s, prompt: 100, output: 20}", 66.6667, .rate(3.333, burstiness: 1)),
      ("{users: 50, prompt: 100, output: 20}", 80, .users(50)),
      ("{users: 1, think: 10 s, prompt: 100, output: 20}", 80, .users(1)),
    ])
  func pace(traffic: String, served: Double?, expected: ClientTraffic.Pace) throws {
    let client = try #require(try client(traffic, served: served))
    #expect(client.pace == expected)
    #expect(client.tokens == (100, 20) && client.requests == 1600)
  }

  @Test("Nothing is sent for users of whom nobody knows how fast they are served")
  func unknown() throws {
    #expect(try client("{users: 50, think: 10 s, prompt: 100, output: 20}") == nil)
  }

  @Test("What is simulated is what the command says")
  func workload() throws {
    let prompt = "{distribution: uniform, min: 50, max: 150}"
    let client = try #require(
      try client("{rate: 12.34567/s, prompt: \(prompt), output: 20}"))
    let command = client.command(repository: "a/b")
    #expect(command.contains("--model a/b ") && command.hasSuffix("--request-rate 12.35"))
    #expect(command.contains("--random-input-len \(client.tokens.prompt) --random-output-len 20"))
    #expect(abs(client.tokens.prompt - 100) <= 2)
    #expect(client.workload.arrivals == .poisson(rate: 12.35))
    #expect(client.workload.lengths?.prompt.shape == .constant(Double(client.tokens.prompt)))
    #expect(client.workload.requests == client.requests)
  }
}
