// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import SimulationKernel

/// Servers, queues, dependencies and pools.
@Suite struct OperationNetworkTests {
  @Test func oneServerServesInOrder() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("station")
    for tag in 1...3 { _ = harness.submit(UInt64(tag), on: server, seconds: 2) }
    #expect(harness.network.queueLength(server) == 2)
    #expect(harness.network.busyUnits(server) == 1)
    harness.run()
    #expect(harness.order == [1, 2, 3])
    #expect(harness.ends.map(\.ended.seconds) == [2, 4, 6])
    #expect(harness.ends.map(\.started.seconds) == [0, 2, 4])
    let statistics = harness.network.statistics(of: server, at: harness.simulation.now)
    #expect(statistics.busyTime.seconds == 6)
    #expect(statistics.utilisation == 1)
    #expect(statistics.queueTime.seconds == 6)
    #expect(statistics.maximumQueueLength == 2)
    #expect(statistics.waiting.count == 3)
    #expect(statistics.waiting.mean == 2)
    #expect(statistics.waiting.maximum.seconds == 4)
    #expect(isSame(statistics.waiting.standardDeviation, (8.0 / 3).squareRoot(), within: 1e-12))
    #expect(harness.network.pendingOperationCount == 0)
  }

  @Test func urgentOperationsOvertakeInTheQueue() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("station")
    _ = harness.submit(1, on: server, seconds: 1, priority: 5)
    _ = harness.submit(2, on: server, seconds: 1, priority: 5)
    _ = harness.submit(3, on: server, seconds: 1, priority: 9)
    _ = harness.submit(4, on: server, seconds: 1, priority: 0)
    _ = harness.submit(5, on: server, seconds: 1, priority: 5)
    _ = harness.submit(6, on: server, seconds: 1, priority: 0)
    harness.run()
    #expect(harness.order == [1, 4, 6, 2, 5, 3])
  }

  @Test func headOfTheQueueIsNotOvertakenBySmallerOnes() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("multiprocessors", units: 4)
    _ = harness.submit(1, on: server, seconds: 3, units: 2)
    _ = harness.submit(2, on: server, seconds: 1, units: 4)
    _ = harness.submit(3, on: server, seconds: 1, units: 1)
    _ = harness.submit(4, on: server, seconds: 1, units: 3)
    harness.run()
    #expect(harness.order == [1, 2, 3, 4])
    #expect(harness.started(2) == 3)
    #expect(harness.started(3) == 4)
    #expect(harness.started(4) == 4)
    let statistics = harness.network.statistics(of: server, at: harness.simulation.now)
    #expect(statistics.busyTime.seconds == 6 + 4 + 1 + 3)
  }

  @Test func severalServersAreTakenTogether() {
    var harness = NetworkHarness()
    let left = harness.network.addServer("left")
    let right = harness.network.addServer("right")
    _ = harness.submit(1, on: left, seconds: 3)
    _ = harness.submit(2, on: right, seconds: 1)
    var both = OperationDescription(duration: SimulatedDuration(seconds: 2), tag: 3)
    both.hold(left)
    both.hold(right)
    _ = harness.submit(both)
    _ = harness.submit(4, on: right, seconds: 1)
    _ = harness.submit(5, on: left, seconds: 1)
    harness.run()
    #expect(harness.started(3) == 3)
    #expect(harness.started(4) == 5)
    #expect(harness.started(5) == 5)
  }

  /// Random holds of several servers by random priorities: all must end, none twice, and no
  /// server may ever hold more than its units.
  @Test(arguments: 1...6)
  func waitingForSeveralServersNeverDeadlocks(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var harness = NetworkHarness()
    harness.network.recordsSegments = true
    var servers: [ServerID] = []
    for index in 0..<5 {
      servers.append(harness.network.addServer("server \(index)", units: 1 + index % 3))
    }
    let count = 400
    for tag in 0..<count {
      var description = OperationDescription(
        duration: SimulatedDuration(nanoseconds: UInt64(random.below(40))), tag: UInt64(tag),
        priority: UInt8(random.below(4)))
      switch random.below(3) {
      case 0: description.quantum = .leastNonzeroMagnitude
      case 1: description.quantum = 7e-9
      default: break
      }
      var chosen: Set<Int> = []
      for _ in 0...random.below(4) {
        let index = random.below(5)
        guard chosen.insert(index).inserted else { continue }
        description.hold(servers[index], units: 1 + random.below(1 + index % 3))
      }
      _ = harness.submit(description)
      harness.run(to: harness.simulation.now.seconds + Double(random.below(20)) * 1e-9)
    }
    harness.run()
    #expect(harness.order.sorted() == (0..<UInt64(count)).map { $0 })
    var segments: [OperationSegment] = []
    harness.network.drainSegments(into: &segments)
    for (index, server) in servers.enumerated() {
      var changes: [(time: UInt64, change: Int)] = []
      var busy = 0.0
      for segment in segments where segment.server == server {
        changes.append((segment.start.nanoseconds, Int(segment.units)))
        changes.append((segment.end.nanoseconds, -Int(segment.units)))
        busy += Double(segment.units) * (segment.end - segment.start).seconds
      }
      changes.sort { ($0.time, $0.change) < ($1.time, $1.change) }
      var held = 0
      for change in changes {
        held += change.change
        #expect(held <= 1 + index % 3)
      }
      #expect(held == 0)
      let statistics = harness.network.statistics(of: server, at: harness.simulation.now)
      #expect(isSame(statistics.busyTime.seconds, busy, within: 1e-12))
    }
  }

  @Test func dependenciesAndBarriersHoldBack() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("station", units: 2)
    let first = harness.submit(1, on: server, seconds: 1)
    let second = harness.submit(2, on: server, seconds: 3)
    let barrier = harness.network.createBarrier(tag: 3)
    harness.network.addDependency(barrier, on: first)
    harness.network.addDependency(barrier, on: second)
    harness.network.release(barrier, in: &harness.simulation)
    var description = OperationDescription(duration: SimulatedDuration(seconds: 1), tag: 4)
    description.hold(server)
    let last = harness.network.submit(description, after: barrier, in: &harness.simulation)
    #expect(harness.network.isPending(last) == true)
    harness.run()
    #expect(harness.order == [1, 2, 3, 4])
    #expect(harness.ends.map(\.ended.seconds) == [1, 3, 3, 4])
    #expect(harness.ends[3].submitted == .zero)
    #expect(harness.ends[3].ready.seconds == 3)
    #expect(harness.network.isPending(last) == false)
    // On one that has ended: no effect.
    let late = harness.network.submit(description, after: last, in: &harness.simulation)
    #expect(harness.network.isRunning(late) == true)
  }

  @Test func suspendedOperationsWaitForTheirRelease() {
    var harness = NetworkHarness()
    let created = harness.network.create(
      OperationDescription(duration: SimulatedDuration(seconds: 1), tag: 1))
    harness.run(to: 5)
    #expect(harness.ends.isEmpty)
    harness.network.release(created, in: &harness.simulation)
    harness.run()
    #expect(harness.ended(1) == 6)
    #expect(harness.ends[0].submitted.seconds == 5)
  }

  @Test func warmUpIsCutFromStatistics() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("station")
    let pool = harness.network.addPool("memory", capacity: 100)
    _ = harness.submit(1, on: server, seconds: 4)
    _ = harness.submit(2, on: server, seconds: 4)
    #expect(harness.network.reserve(60, of: pool, at: harness.simulation.now) == true)
    #expect(harness.network.reserve(60, of: pool, at: harness.simulation.now) == false)
    harness.run(to: 2)
    harness.network.resetStatistics(at: harness.simulation.now)
    harness.network.release(60, of: pool, at: harness.simulation.now)
    #expect(harness.network.reserve(20, of: pool, at: harness.simulation.now) == true)
    harness.run(to: 12)
    let statistics = harness.network.statistics(of: server, at: harness.simulation.now)
    #expect(statistics.elapsed.seconds == 10)
    #expect(statistics.busyTime.seconds == 6)
    #expect(statistics.utilisation == 0.6)
    #expect(statistics.queueTime.seconds == 2)
    #expect(statistics.waiting.count == 1)
    #expect(statistics.completedCount == 2)
    let memory = harness.network.statistics(of: pool, at: harness.simulation.now)
    #expect(memory.highWater == 60)
    #expect(memory.meanUsed == 20)
    #expect(memory.refusedCount == 0)
    #expect(harness.network.available(in: pool) == 80)
  }
}
