// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Testing
import Workload

@testable import Serving

/// Prompts that wait until each data-parallel rank has one.
@Suite struct PromptBalanceTests {
  /// Two ranks, each of which decodes a request; a third has come to the first rank.
  private func lane(secondDecodes: Bool = true) throws -> Replica.Lane {
    let rank = try AdmissionIntervalTests.scheduler(interval: 1, ahead: 0)
    var lane = Replica.Lane(ranks: [rank, rank], stageNanoseconds: [0])
    for index in 0...(secondDecodes ? 1 : 0) {
      _ = lane.ranks[index].enqueue(AdmissionIntervalTests.request(UInt64(index)))
    }
    for _ in 0..<3 { _ = step(&lane, within: 0) }
    _ = lane.ranks[0].enqueue(AdmissionIntervalTests.request(2))
    return lane
  }

  /// Plans a step of all ranks, and answers the requests whose prompts it computes.
  private func step(_ lane: inout Replica.Lane, within steps: Int) -> [UInt64] {
    if steps > 0 { lane.balancePrompts(within: steps) }
    var prompts: [UInt64] = []
    for rank in lane.ranks.indices {
      lane.ranks[rank].planStep(admission: FirstComeFirstServed())
      for entry in lane.ranks[rank].entries {
        if entry.isPrefill {
          prompts.append(lane.ranks[rank][entry.sequence].request.number)
        }
        lane.ranks[rank][entry.sequence].computed += Int(entry.tokens)
        if lane.ranks[rank][entry.sequence].isDecoding {
          lane.ranks[rank][entry.sequence].produced += 1
        }
      }
    }
    return prompts
  }

  @Test(arguments: [1, 2, 7])
  func `A prompt that stays alone waits for as many steps as it may`(steps: Int) throws {
    var lane = try lane()
    var waited = 0
    while step(&lane, within: steps).isEmpty, waited < 20 { waited += 1 }
    #expect(waited == steps - 1)
  }

  @Test func `It is computed with that of the other rank, as soon as that has come`() throws {
    var lane = try lane()
    for _ in 0..<4 { #expect(step(&lane, within: 50).isEmpty) }
    _ = lane.ranks[1].enqueue(AdmissionIntervalTests.request(3))
    #expect(step(&lane, within: 50) == [2, 3])
    // The next one begins to wait anew.
    _ = lane.ranks[1].enqueue(AdmissionIntervalTests.request(4))
    for _ in 0..<6 { #expect(step(&lane, within: 50).isEmpty) }
  }

  @Test func `It does not wait for a rank that has nothing to decode`() throws {
    var lane = try lane(secondDecodes: false)
    #expect(step(&lane, within: 50) == [2])
  }

  @Test func `Without balance it is computed at once`() throws {
    var lane = try lane()
    #expect(step(&lane, within: 0) == [2])
  }

  @Test func `A fleet whose prompts wait for each other answers every request, later`() throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 60, prompt: 64, output: 200, gapSeconds: 1e-4)
    var ttft: [Double] = []
    for balance in [0, 20] {
      var limits = BatchLimits(maximumSequences: 8, tokenBudget: 256)
      limits.promptBalance = balance
      let group = try FleetHarness.group(
        ParallelPlan(data: 4, expert: 4), model: model, limits: limits)
      let run = try FleetHarness.run(FleetHarness.configuration([group], requests: requests))
      #expect(run.result.requests.completed == 60)
      let waits = run.outcomes.map { Double($0.firstToken - $0.arrival) }
      ttft.append(waits.reduce(0, +) / Double(waits.count))
    }
    #expect(ttft[1] > ttft[0])
  }
}
