// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Hardware
import TestSupport
import Testing

@testable import KernelTiming

/// Collectives in closed form against published algorithms and recorded times.
@Suite struct CollectiveTimingTests {
  static func isNear(_ value: Double, _ expected: Double) -> Bool {
    abs(value - expected) <= 1e-9 * abs(expected)
  }

  /// 2(n − 1)/n · S/B + 2(n − 1)α + L for an all-reduce, half of it otherwise (Patarasuk and Yuan).
  @Test(arguments: [2, 3, 4, 5, 8])
  func ringsTakeThePublishedTime(members: Int) throws {
    let topology = try CollectiveSupport.topology("{base: h100-sxm-server}")
    let timing = try CollectiveTiming(
      topology: topology, devices: Array(0..<members), laws: nil)
    let (rate, latency, launch) = (371.5e9, 1e-6, 10e-6)
    let n = Double(members)
    for bytes in [1e7, 3e8, 4e9] {
      let half = (n - 1) / n * bytes / rate + (n - 1) * latency
      #expect(timing.algorithm(for: .allReduce, bytes: bytes) == .ring)
      #expect(Self.isNear(timing.seconds(.allReduce, bytes: bytes), launch + 2 * half))
      #expect(Self.isNear(timing.seconds(.allGather, bytes: bytes), launch + half))
      #expect(Self.isNear(timing.seconds(.reduceScatter, bytes: bytes), launch + half))
      let exchange = launch + latency + (n - 1) / n * bytes / rate
      #expect(Self.isNear(timing.seconds(.allToAll, bytes: bytes), exchange))
      #expect(
        Self.isNear(
          timing.allToAllSeconds(sentPerDevice: (n - 1) / n * bytes, imbalance: 1), exchange))
      #expect(
        Self.isNear(
          timing.pointToPointSeconds(from: 0, to: members - 1, bytes: bytes),
          launch + latency + bytes / rate))
    }
    // Small: everybody reads all of the others' buffers, or a part of them twice.
    #expect(
      Self.isNear(
        timing.seconds(.allReduce, bytes: 1_024), launch + latency + 1_024 * (n - 1) / rate))
    let twice = launch + 2 * (latency + 4e6 / n * (n - 1) / rate)
    #expect(timing.seconds(.allReduce, bytes: 4e6) <= twice * (1 + 1e-9))
  }

  /// Two hosts of g members and a card for each: reduce-scatter, all-reduce of S/g over a card, all-gather.
  @Test func hostsAreJoinedByRails() throws {
    let topology = try CollectiveSupport.topology(
      "{base: h100-sxm-server, topology: {nics: 8}}", hosts: 2)
    let timing = try CollectiveTiming(topology: topology, devices: Array(0..<16), laws: nil)
    let bytes = 1e9
    let inside = 2 * (7 * 1e-6 + 7.0 / 8 * bytes / 371.5e9) + 10e-6
    let step = 0.8e-6 * 2 + 6e-6
    // Everybody sends and receives at once: both directions of its PCIe link together carry less than two
    // cards would.
    let rate = min(43e9, 0.72 * 55.4e9)
    let between = 2 * (step + bytes / 8 / 2 / rate) + 5.2e-6
    #expect(timing.algorithm(for: .allReduce, bytes: bytes) == .hierarchical)
    #expect(Self.isNear(timing.seconds(.allReduce, bytes: bytes), inside + between))
    // A card for all: the same bytes over an eighth of the rate.
    let single = try CollectiveTiming(
      topology: try CollectiveSupport.topology(
        "{base: h100-sxm-server, topology: {nics: 1}}", hosts: 2), devices: Array(0..<16), laws: nil
    )
    let shared = 2 * (step + bytes / 2 / 43e9) + 5.2e-6
    #expect(Self.isNear(single.seconds(.allReduce, bytes: bytes), inside + shared))
    // Members that are spread unevenly form one ring, whose slowest step is that between the hosts.
    let uneven = try CollectiveTiming(topology: topology, devices: [0, 1, 2, 8], laws: nil)
    #expect(uneven.algorithm(for: .allGather, bytes: bytes) == .ring)
    #expect(
      Self.isNear(
        uneven.seconds(.allGather, bytes: bytes), 10e-6 + 3 * (step + bytes / 4 / rate)))
  }

  @Test func oneReceiverMakesAnExchangeAsLong() throws {
    let topology = try CollectiveSupport.topology("{base: h100-sxm-server}")
    let timing = try CollectiveTiming(topology: topology, devices: Array(0..<8), laws: nil)
    for imbalance in [1, 1.5, 4, 8.0] {
      // Behind a switch the receiver's port decides.
      #expect(
        Self.isNear(
          timing.allToAllSeconds(sentPerDevice: 7e7, imbalance: imbalance),
          11e-6 + 7e7 * imbalance / 371.5e9))
    }
    #expect(timing.allToAllSeconds(sentPerDevice: 7e7, imbalance: 0.2) == 11e-6 + 7e7 / 371.5e9)
  }

  @Test func nothingTakesNoTime() throws {
    let topology = try CollectiveSupport.topology("{base: h100-sxm-server}")
    let one = try CollectiveTiming(topology: topology, devices: [3], laws: nil)
    let two = try CollectiveTiming(topology: topology, devices: [3, 5], laws: nil)
    for kind in CollectiveLaw.Kind.allCases {
      #expect(one.seconds(kind, bytes: 1e6) == 0)
      #expect(two.seconds(kind, bytes: 0) == 0)
    }
    #expect(two.pointToPointSeconds(from: 1, to: 1, bytes: 1e6) == 0)
    #expect(two.allToAllSeconds(sentPerDevice: 0, imbalance: 2) == 0)
  }

  @Test(
    arguments: [
      ([], "has no members"), ([0, 1, 0], "stands twice"), ([0, 8], "there is no GPU 8"),
      ([0, 4], "no route from GPU 0 of host 1"),
    ] as [([Int], String)])
  func groupsThatCannotBeAreRefused(devices: [Int], part: String) throws {
    let topology = try CollectiveSupport.topology("{base: rtx-4090x4-server}", hosts: 2)
    let error = #expect(throws: TopologyError.self) {
      try CollectiveTiming(topology: topology, devices: devices, laws: nil)
    }
    #expect(error?.description.contains(part) == true, "\(String(describing: error))")
  }

  /// More bytes, members or contention never take less time.
  @Test(arguments: CollectiveSupport.clusters.indices)
  func timesGrowWithBytes(cluster: Int) throws {
    let (_, yaml, hosts) = CollectiveSupport.clusters[cluster]
    let topology = try CollectiveSupport.topology(yaml, hosts: hosts)
    let timing = try CollectiveTiming(
      topology: topology, devices: Array(0..<topology.gpuCount), laws: nil)
    for kind in CollectiveLaw.Kind.allCases {
      var last = 0.0
      for power in 0..<34 {
        let bytes = Double(1 << power)
        let seconds = timing.seconds(kind, bytes: bytes)
        // Above the limit of small buffers an all-reduce changes its algorithm.
        #expect(seconds >= last || bytes > CollectiveAlgorithm.smallBytes)
        last = seconds
      }
    }
    var slower = topology
    for index in slower.links.indices { slower.links[index].rate /= 2 }
    let degraded = try CollectiveTiming(
      topology: slower, devices: Array(0..<topology.gpuCount), laws: nil)
    for kind in CollectiveLaw.Kind.allCases {
      let ratio = degraded.seconds(kind, bytes: 1e12) / timing.seconds(kind, bytes: 1e12)
      #expect(abs(ratio - 2) < 0.01)
    }
  }
}
