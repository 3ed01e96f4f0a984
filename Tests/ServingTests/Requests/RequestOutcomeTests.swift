// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Workload

@testable import Serving

@Suite("Outcomes of requests")
struct RequestOutcomeTests {
  private static func requests(count: Int, gap: UInt64) -> [Request] {
    (0..<count).map { (number: Int) -> Request in
      Request(
        number: UInt64(number), arrivalNanoseconds: UInt64(number) * gap,
        promptTokens: Int32(20 + 7 * number), outputTokens: Int32(3 + number % 4))
    }
  }

  @Test("stand in order, and agree with the report", arguments: [0, 40_000, 3_000_000] as [UInt64])
  func order(gap: UInt64) throws {
    let requests = Self.requests(count: 20, gap: gap)
    let configuration = ServingHarness.configuration(
      model: try ServingHarness.model(), limits: BatchLimits(maximumSequences: 3),
      requests: requests)
    let run = try ServingSimulation.run(configuration, requests: RequestCollector())
    let outcomes = try #require(run.requests as? RequestCollector).outcomes
    #expect(outcomes.map(\.number).sorted() == requests.map(\.number))
    #expect(outcomes.map(\.lastToken) == outcomes.map(\.lastToken).sorted())
    for outcome in outcomes {
      let request = requests[Int(outcome.number)]
      #expect(outcome.arrival == request.arrivalNanoseconds && outcome.fate == .completed)
      #expect(outcome.promptTokens == request.promptTokens)
      #expect(outcome.outputTokens == request.outputTokens)
      #expect(outcome.arrival <= outcome.queued && outcome.queued <= outcome.scheduled)
      #expect(outcome.scheduled < outcome.firstToken && outcome.firstToken < outcome.lastToken)
    }
    let ends = Set(outcomes.flatMap { [$0.firstToken, $0.lastToken] })
    // A request is seen at once where nothing ran, else when a step ended.
    for outcome in outcomes where outcome.queued > outcome.arrival {
      let running = outcomes.filter {
        $0.scheduled <= outcome.arrival && outcome.arrival < $0.lastToken
      }
      #expect(!running.isEmpty)
      #expect(
        ends.contains(outcome.queued) || outcomes.contains { $0.scheduled == outcome.queued })
    }
    let mean = outcomes.reduce(0.0) { $0 + Double($1.firstToken - $1.arrival) * 1e-6 } / 20
    let reported = run.result.ttftMs?.mean
    if let reported { #expect(abs(mean - reported) < 1e-6) }
  }

  @Test("of requests that can never fit are told as rejected")
  func rejected() throws {
    var requests = Self.requests(count: 4, gap: 1_000)
    requests[2].promptTokens = 12_000_000
    let configuration = ServingHarness.configuration(
      model: try ServingHarness.model(), requests: requests)
    let run = try ServingSimulation.run(configuration, requests: RequestCollector())
    let outcomes = try #require(run.requests as? RequestCollector).outcomes
    #expect(outcomes.count == 4)
    let refused = outcomes.filter { $0.fate == .rejected }
    #expect(refused.map(\.number) == [2] && refused[0].outputTokens == 0)
    #expect(run.result.requests.rejected == 1)
  }
}
