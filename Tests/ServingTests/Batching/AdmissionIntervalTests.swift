// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies
import Testing
import Workload

@testable import Serving

/// When a request that arrives while others decode is looked for, and when it joins.
@Suite struct AdmissionIntervalTests {
  static func scheduler(interval: Int, ahead: UInt32) throws -> BatchScheduler {
    var limits = BatchLimits(maximumSequences: 4, tokenBudget: 64)
    limits.admissionInterval = interval
    var scheduler = BatchScheduler(
      limits: limits,
      keyValue: KeyValueCache(
        model: try ServingHarness.model(), precision: .bf16, blockTokens: 4,
        capacity: 100 * SwapTests.blockBytes))
    scheduler.stepsAhead = ahead
    return scheduler
  }

  static func request(_ number: UInt64) -> Request {
    Request(number: number, arrivalNanoseconds: 0, promptTokens: 8, outputTokens: 64)
  }

  /// Plans a step and takes its tokens; answers whether the request of that number took part.
  static func step(_ scheduler: inout BatchScheduler, has number: UInt64) -> Bool {
    scheduler.planStep(admission: FirstComeFirstServed())
    var found = false
    for entry in scheduler.entries {
      found = found || scheduler[entry.sequence].request.number == number
      scheduler[entry.sequence].computed += Int(entry.tokens)
      if scheduler[entry.sequence].isDecoding {
        scheduler[entry.sequence].produced += 1
      }
    }
    return found
  }

  /// The step after its arrival in which a second request joins, which comes when the first has decoded
  /// for so many steps.
  static func joins(interval: Int, ahead: UInt32, after decoded: Int) throws -> Int {
    var scheduler = try Self.scheduler(interval: interval, ahead: ahead)
    _ = scheduler.enqueue(request(0))
    for _ in 0...decoded { #expect(step(&scheduler, has: 0)) }
    scheduler.isComputing = true
    _ = scheduler.enqueue(request(1))
    for count in 1...40 where step(&scheduler, has: 1) { return count }
    return 0
  }

  @Test(arguments: [(1, 0, 5, 1), (1, 1, 5, 2), (1, 2, 5, 3)])
  func `Without an interval a request joins the next step, or as many later as are planned ahead`(
    interval: Int, ahead: Int, decoded: Int, joined: Int
  ) throws {
    #expect(try Self.joins(interval: interval, ahead: UInt32(ahead), after: decoded) == joined)
  }

  @Test(arguments: [4, 10])
  func `With an interval it waits until it is looked for`(interval: Int) throws {
    // The step after the first prompt looks, and from there every so many do.
    for decoded in 1..<interval {
      #expect(
        try Self.joins(interval: interval, ahead: 0, after: decoded) == interval + 1 - decoded)
    }
  }

  @Test func `A step after a prompt looks at once`() throws {
    #expect(try Self.joins(interval: 10, ahead: 0, after: 0) == 1)
  }
}
