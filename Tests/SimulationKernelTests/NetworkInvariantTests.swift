// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import SimulationKernel

/// Everything at once, at random, against what must always hold.
@Suite struct NetworkInvariantTests {
  struct Plant {
    var servers: [ServerID] = []
    var bandwidths: [BandwidthID] = []
    var weights: [UInt64: [Double]] = [:]
    var expected: [Double] = []
  }

  static func build(_ harness: inout NetworkHarness) -> Plant {
    var plant = Plant()
    for index in 0..<4 {
      plant.servers.append(harness.network.addServer("server \(index)", units: 1 + index % 2))
    }
    for index in 0..<3 {
      plant.bandwidths.append(
        harness.network.addBandwidth("link \(index)", rate: Double(10 + 5 * index)))
      plant.expected.append(0)
    }
    return plant
  }

  static func describe(
    _ tag: UInt64, _ random: inout SplitMix64, _ plant: inout Plant
  ) -> OperationDescription {
    var description = OperationDescription(
      work: Double(random.below(100)) * 1e-7, maximumRate: random.below(2) == 0 ? 4 : 1000,
      latency: SimulatedDuration(nanoseconds: UInt64(random.below(3) * 40)), tag: tag,
      priority: UInt8(random.below(4)))
    description.quantum = [0, 0, 1e-6, .leastNonzeroMagnitude][random.below(4)]
    description.share = 1 + random.uniform()
    description.bandwidthPriority = UInt8(random.below(2))
    let first = random.below(4)
    description.hold(plant.servers[first])
    if random.below(3) == 0 { description.hold(plant.servers[(first + 1) % 4]) }
    var weights = [0.0, 0, 0]
    for index in 0..<3 where random.below(2) == 0 {
      weights[index] = 0.5 + random.uniform()
      description.consume(plant.bandwidths[index], weight: weights[index])
    }
    plant.weights[tag] = weights
    return description
  }

  static func credit(_ tag: UInt64, _ work: Double, _ plant: inout Plant) {
    for index in 0..<3 { plant.expected[index] += plant.weights[tag]![index] * work }
  }

  @Test(arguments: 1...10)
  func nothingIsLostAndNothingOverflows(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed) &* 77)
    var harness = NetworkHarness()
    var plant = Self.build(&harness)
    harness.network.recordsSegments = true
    var cancelled = 0
    var recent: [(id: OperationID, tag: UInt64)] = []
    for tag in 0..<UInt64(500) {
      let description = Self.describe(tag, &random, &plant)
      if random.below(5) == 0, let other = recent.last {
        recent.append(
          (harness.network.submit(description, after: other.id, in: &harness.simulation), tag))
      } else {
        recent.append((harness.submit(description), tag))
      }
      let chosen = recent[random.below(recent.count)]
      switch random.below(6) {
      case 0:
        harness.network.setPriority(
          chosen.id, UInt8(random.below(4)), in: &harness.simulation)
      case 1:
        let outcome = harness.network.cancel(chosen.id, in: &harness.simulation)
        if case .cancelled(let work) = outcome {
          cancelled += 1
          Self.credit(chosen.tag, work, &plant)
        }
      case 2:
        harness.network.setRate(
          of: plant.bandwidths[random.below(3)], to: Double(random.below(4)) * 7,
          in: &harness.simulation)
      default: break
      }
      if recent.count > 30 { recent.removeFirst() }
      harness.run(to: harness.simulation.now.seconds + Double(random.below(1500)) * 1e-9)
      for server in plant.servers {
        #expect(harness.network.busyUnits(server) <= 2)
        #expect(harness.network.busyUnits(server) >= 0)
      }
    }
    for bandwidth in plant.bandwidths {
      harness.network.setRate(of: bandwidth, to: 20, in: &harness.simulation)
    }
    harness.run()
    #expect(harness.network.pendingOperationCount == 0)
    #expect(harness.ends.count + cancelled == 500)
    #expect(Set(harness.order).count == harness.ends.count)
    for end in harness.ends { Self.credit(end.tag, end.completedWork, &plant) }
    Self.check(&harness, plant)
  }

  static func check(_ harness: inout NetworkHarness, _ plant: Plant) {
    let now = harness.simulation.now
    var segments: [OperationSegment] = []
    harness.network.drainSegments(into: &segments)
    for (index, bandwidth) in plant.bandwidths.enumerated() {
      let statistics = harness.network.statistics(of: bandwidth, at: now)
      #expect(harness.network.userCount(bandwidth) == 0)
      #expect(isSame(statistics.workDone, plant.expected[index], within: 1e-12))
    }
    for server in plant.servers {
      let statistics = harness.network.statistics(of: server, at: now)
      #expect(harness.network.queueLength(server) == 0)
      #expect(harness.network.busyUnits(server) == 0)
      let held = segments.filter { $0.server == server }.reduce(UInt64(0)) {
        $0 + UInt64($1.units) * ($1.end - $1.start).nanoseconds
      }
      #expect(statistics.busyTime.nanoseconds == held)
      #expect(statistics.utilisation <= 1)
    }
  }
}
