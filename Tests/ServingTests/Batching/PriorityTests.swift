// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Testing
import Workload

@testable import Serving

@Suite("Priorities")
struct PriorityTests {
  private static func requests(_ count: Int, seed: UInt64, gap: UInt64) -> [Request] {
    var random = SplitMix(seed)
    return (0..<count).map {
      Request(
        number: UInt64($0), arrivalNanoseconds: UInt64($0) * gap,
        promptTokens: Int32(1 + random.next() % 60), outputTokens: Int32(1 + random.next() % 30),
        priority: Int32(random.next() % 3) - 1)
    }
  }

  @Test("nobody is scheduled while a more urgent one waits", arguments: [1, 2, 5])
  func admission(sequences: Int) throws {
    let requests = Self.requests(60, seed: 11, gap: 300_000)
    var configuration = try BatchingTests.configuration(requests: requests, sequences: sequences)
    configuration.batching.scheduling = .priority
    let run = try RecordingSink.record(configuration)
    #expect(run.sink.requests.count == 60)
    var inversions = 0
    for served in run.sink.requests {
      let own = requests[Int(served.number)]
      for other in run.sink.requests where other.number != served.number {
        let theirs = requests[Int(other.number)]
        // Scheduled earlier although it could have been the other's turn.
        guard served.scheduled < other.scheduled, other.arrival <= served.scheduled else {
          continue
        }
        let mayPrecede =
          own.priority > theirs.priority
          || (own.priority == theirs.priority && served.arrival <= other.arrival)
        // The step that scheduled it was planned before one that came at its very beginning.
        if !mayPrecede && other.arrival < served.scheduled { inversions += 1 }
      }
    }
    #expect(inversions == 0)
    // By arrival it is otherwise.
    configuration.batching.scheduling = .firstComeFirstServed
    let plain = try RecordingSink.record(configuration)
    let wait = { (sink: RecordingSink, priority: Int32) in
      sink.requests.filter { requests[Int($0.number)].priority == priority }
        .reduce(0.0) { $0 + Double($1.scheduled - $1.arrival) }
    }
    #expect(wait(run.sink, 1) < wait(plain.sink, 1))
    #expect(wait(run.sink, -1) > wait(plain.sink, -1))
  }

  @Test(
    "the least urgent that came last gives up its blocks",
    arguments: [17, 24, 40], BatchFeatures.Preemption.allCases)
  func preemption(blocks: Int, kind: BatchFeatures.Preemption) throws {
    let requests = Self.requests(30, seed: 23, gap: 100_000)
    var configuration = try BatchingTests.configuration(requests: requests, budget: 32)
    configuration.cache.keyValueBlockTokens = 4
    configuration.cache.keyValueBlocks = blocks + 8
    configuration.batching.scheduling = .priority
    configuration.batching.preemption = kind
    configuration.cache.swapBytes = kind == .swap ? 1 << 30 : 0
    var preemptions = 0
    var running: [Request] = []
    var violations = 0
    let result = try ServingHarness.probe(configuration) { engine, _ in
      #expect(engine.batch.keyValue.used <= engine.batch.keyValue.capacity)
      let tokens = engine.batch.entries.reduce(0) { $0 + Int($1.tokens) }
      #expect(tokens == engine.batch.stepTokens && tokens <= 32)
      let now = engine.batch.running.map { engine.batch[$0].request }
      if engine.batch.preemptions > preemptions {
        preemptions = engine.batch.preemptions
        // Of those who ran before, nobody who stays is less urgent than who was sent away, but for
        // those who came in since.
        let sentAway = running.filter { before in
          engine.batch.waiting.contains { engine.batch[$0].request.number == before.number }
        }
        for away in sentAway {
          // Whose blocks are on their way has none to give up.
          for stays in now
          where kind == .recompute && running.contains(stays) && stays.priority < away.priority {
            violations += 1
          }
        }
      }
      running = now
      // The queue is in order.
      for (first, second) in zip(engine.batch.waiting, engine.batch.waiting.dropFirst()) {
        #expect(engine.batch.precedes(first, second))
      }
    }
    #expect(violations == 0)
    #expect(result.requests.completed + result.requests.rejected == 30)
    if blocks == 17 { #expect(preemptions > 0) }
  }

  @Test("another admission than by arrival is refused")
  func refusal() throws {
    var configuration = try BatchingTests.configuration(
      requests: ServingHarness.requests(count: 1))
    configuration.batching.scheduling = .priority
    configuration.policy.admission = ExpertQueues()
    #expect(throws: UnsupportedBatching.self) { try ServingHarness.run(configuration) }
  }
}
