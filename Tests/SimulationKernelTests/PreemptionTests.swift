// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import SimulationKernel

/// Yielding at chunk boundaries, cancelling, changing priorities.
@Suite struct PreemptionTests {
  @Test func lessUrgentOperationYieldsAtItsNextBoundary() {
    var harness = NetworkHarness()
    harness.network.recordsSegments = true
    let server = harness.network.addServer("copy engine")
    _ = harness.submit(1, on: server, seconds: 10, priority: 5, quantum: 2)
    harness.run(to: 3)
    _ = harness.submit(2, on: server, seconds: 1, priority: 0)
    harness.run()
    #expect(harness.started(2) == 4)
    #expect(harness.ended(2) == 5)
    #expect(isSame(harness.ended(1), 11))
    var segments: [OperationSegment] = []
    harness.network.drainSegments(into: &segments)
    #expect(segments.map(\.tag) == [1, 2, 1])
    #expect(segments.map(\.start.seconds) == [0, 4, 5])
  }

  /// Chunks cost no events of their own: only the end, and the boundary when somebody waits.
  @Test func chunksCostNoEvents() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("copy engine")
    _ = harness.submit(1, on: server, seconds: 1000, priority: 5, quantum: 0.001)
    harness.run()
    #expect(harness.simulation.processedEventCount == 1)
    _ = harness.submit(2, on: server, seconds: 1000, priority: 5, quantum: 1)
    harness.run(to: 1500.5)
    _ = harness.submit(3, on: server, seconds: 1, priority: 0)
    harness.run()
    // Two ends, one boundary, one end after resumption replaces the first; one step of the test.
    #expect(harness.simulation.processedEventCount == 1 + 1 + 1 + 1 + 1)
    #expect(isSame(harness.ended(3), 1502))
    #expect(isSame(harness.ended(2), 2001))
  }

  @Test func immediatePreemptionResumesWithTheRest() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("processor")
    _ = harness.submit(1, on: server, seconds: 10, priority: 5, quantum: .leastNonzeroMagnitude)
    harness.run(to: 3)
    _ = harness.submit(2, on: server, seconds: 2, priority: 4, quantum: .leastNonzeroMagnitude)
    harness.run(to: 4)
    _ = harness.submit(3, on: server, seconds: 1, priority: 0)
    _ = harness.submit(4, on: server, seconds: 1, priority: 5)
    harness.run()
    #expect(harness.order == [3, 2, 1, 4])
    #expect(isSame(harness.ended(3), 5))
    #expect(isSame(harness.ended(2), 6))
    #expect(isSame(harness.ended(1), 13))
    #expect(isSame(harness.ended(4), 14))
  }

  @Test func asManyYieldAsAreNeeded() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("multiprocessors", units: 4)
    for tag in 1...4 {
      _ = harness.submit(
        UInt64(tag), on: server, seconds: 10, priority: UInt8(tag), quantum: Double(tag))
    }
    harness.run(to: 0.5)
    _ = harness.submit(5, on: server, seconds: 1, units: 2, priority: 0)
    harness.run(to: 20)
    // The two least urgent yield, at 3 s and at 4 s.
    #expect(harness.started(5) == 4)
    #expect(harness.ended(1) == 10)
    #expect(harness.ended(2) == 10)
    #expect(isSame(harness.ended(3), 5 + 7))
    #expect(isSame(harness.ended(4), 5 + 6))
  }

  @Test func cancellingDependsOnTheStage() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("copy engine")
    let chunked = harness.submit(1, on: server, seconds: 10, priority: 3, quantum: 2)
    let waiting = harness.submit(2, on: server, seconds: 10, priority: 3)
    let last = harness.submit(3, on: server, seconds: 10, priority: 3)
    harness.run(to: 3)
    #expect(
      harness.network.cancel(waiting, in: &harness.simulation) == .cancelled(completedWork: 0))
    #expect(harness.network.cancel(waiting, in: &harness.simulation) == .notFound)
    #expect(harness.network.cancel(chunked, in: &harness.simulation) == .atBoundary)
    harness.run(to: 5)
    #expect(harness.order == [1])
    #expect(harness.ends[0].isCancelled)
    #expect(harness.ends[0].completedWork == 4)
    #expect(harness.ends[0].ended.seconds == 4)
    #expect(harness.network.cancel(last, in: &harness.simulation) == .running)
    harness.run()
    #expect(harness.ended(3) == 14)
    #expect(!harness.ends[1].isCancelled)
  }

  @Test func yieldedOperationCanBeCancelledWithItsWork() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("copy engine")
    let prefetch = harness.submit(1, on: server, seconds: 10, priority: 3, quantum: 2)
    harness.run(to: 1)
    _ = harness.submit(2, on: server, seconds: 5, priority: 0)
    let dependent = harness.network.submit(
      OperationDescription(duration: .zero, tag: 9), after: prefetch, in: &harness.simulation)
    harness.run(to: 3)
    #expect(harness.network.completedWork(prefetch, at: harness.simulation.now) == 2)
    #expect(
      harness.network.cancel(prefetch, in: &harness.simulation) == .cancelled(completedWork: 2))
    #expect(harness.network.isPending(dependent) == true)
    harness.run()
    #expect(harness.order == [9, 2])
  }

  @Test func changedPriorityReordersAndPreempts() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("copy engine")
    _ = harness.submit(1, on: server, seconds: 10, priority: 5, quantum: 1)
    _ = harness.submit(2, on: server, seconds: 1, priority: 5)
    let promoted = harness.submit(3, on: server, seconds: 1, priority: 5)
    harness.run(to: 2.5)
    harness.network.setPriority(promoted, 0, in: &harness.simulation)
    harness.run()
    #expect(harness.started(3) == 3)
    #expect(harness.order == [3, 1, 2])
    let wait = harness.network.statistics(of: server, at: harness.simulation.now).waiting
    #expect(wait.maximum.seconds == 11)
  }

  @Test func promotedWhileAskedToYieldGoesOn() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("copy engine")
    let running = harness.submit(1, on: server, seconds: 4, priority: 5, quantum: 1)
    harness.run(to: 0.5)
    _ = harness.submit(2, on: server, seconds: 1, priority: 2)
    harness.network.setPriority(running, 0, in: &harness.simulation)
    harness.run()
    #expect(harness.order == [1, 2])
    #expect(harness.ended(1) == 4)
  }

  @Test func demotedOperationYieldsToWhoWaits() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("copy engine")
    let running = harness.submit(1, on: server, seconds: 4, priority: 0, quantum: 1)
    _ = harness.submit(2, on: server, seconds: 1, priority: 2)
    harness.run(to: 0.5)
    harness.network.setPriority(running, 5, in: &harness.simulation)
    harness.run()
    #expect(harness.order == [2, 1])
    #expect(harness.started(2) == 1)
  }
}
