// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import SimulationKernel

/// The cheap path for operations that hold one server for a fixed time.
@Suite struct PlainOperationTests {
  /// Runs a random mix on three servers; `isPlain` says whether the operations are described by
  /// a duration, or by twice the work at twice the rate, which takes the general path.
  static func run(isPlain: Bool, seed: Int) -> (
    ends: [OperationEnd], statistics: [ServerStatistics]
  ) {
    var random = SplitMix64(seed: UInt64(seed))
    var harness = NetworkHarness()
    var servers: [ServerID] = []
    for index in 0..<3 {
      servers.append(harness.network.addServer("server \(index)", units: 1 + index))
    }
    var last = OperationID.none
    for tag in 0..<300 {
      let duration = SimulatedDuration(nanoseconds: UInt64(random.below(1000)))
      var description = OperationDescription(
        duration: duration, tag: UInt64(tag), priority: UInt8(random.below(3)))
      if !isPlain {
        description.work *= 2
        description.maximumRate = 2
      }
      let index = random.below(3)
      description.hold(servers[index], units: 1 + random.below(1 + index))
      if random.below(4) == 0 {
        description.latency = SimulatedDuration(nanoseconds: UInt64(random.below(100)))
      }
      switch random.below(6) {
      case 0:
        last = harness.network.submit(description, after: last, in: &harness.simulation)
      case 1:
        description.quantum = isPlain ? 1e-7 : 2e-7  // in units of work
        last = harness.submit(description)
      default:
        last = harness.submit(description)
      }
      if random.below(5) == 0 {
        harness.network.setPriority(last, UInt8(random.below(3)), in: &harness.simulation)
      }
      if random.below(20) == 0 { harness.network.cancel(last, in: &harness.simulation) }
      harness.run(to: harness.simulation.now.seconds + Double(random.below(300)) * 1e-9)
    }
    harness.run()
    let now = harness.simulation.now
    return (harness.ends, servers.map { harness.network.statistics(of: $0, at: now) })
  }

  @Test(arguments: 1...8)
  func agreesWithTheGeneralPath(seed: Int) {
    let plain = Self.run(isPlain: true, seed: seed)
    let general = Self.run(isPlain: false, seed: seed)
    #expect(plain.ends.count == general.ends.count)
    for (left, right) in zip(plain.ends, general.ends) {
      #expect(left.tag == right.tag)
      #expect(left.ready == right.ready)
      #expect(left.started == right.started)
      #expect(left.ended == right.ended)
    }
    #expect(plain.statistics == general.statistics)
    #expect(plain.statistics[0].queueTime.nanoseconds > 0)
  }

  @Test func aChangedDescriptionIsNoLongerPlain() {
    var harness = NetworkHarness()
    let server = harness.network.addServer("server")
    var description = OperationDescription(duration: SimulatedDuration(seconds: 2), tag: 1)
    description.hold(server)
    #expect(description.isPlain)
    description.work = 6
    #expect(!description.isPlain)
    _ = harness.submit(description)
    harness.run()
    #expect(harness.ended(1) == 6)
  }
}
