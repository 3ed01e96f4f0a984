// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import SimulationKernel

/// Operations that consume bandwidths.
@Suite struct SharingTests {
  static func transfer(
    _ tag: UInt64, _ work: Double, _ bandwidths: [BandwidthID], maximumRate: Double = .infinity
  ) -> OperationDescription {
    var description = OperationDescription(work: work, maximumRate: maximumRate, tag: tag)
    for bandwidth in bandwidths { description.consume(bandwidth) }
    return description
  }

  @Test func aloneItGetsTheLeastRate() {
    var harness = NetworkHarness()
    let link = harness.network.addBandwidth("link", rate: 25)
    let memory = harness.network.addBandwidth("memory", rate: 80)
    _ = harness.submit(Self.transfer(1, 100, [link, memory]))
    harness.run()
    #expect(harness.ended(1) == 4)
    let statistics = harness.network.statistics(of: memory, at: harness.simulation.now)
    #expect(statistics.workDone == 100)
    #expect(statistics.workOffered == 320)
    #expect(statistics.busyTime.seconds == 4)
  }

  @Test func twoShareAndTheRestGoesToTheLonger() {
    var harness = NetworkHarness()
    let link = harness.network.addBandwidth("link", rate: 10)
    _ = harness.submit(Self.transfer(1, 10, [link]))
    _ = harness.submit(Self.transfer(2, 30, [link]))
    harness.run()
    #expect(isSame(harness.ended(1), 2))
    #expect(isSame(harness.ended(2), 4))
  }

  @Test func unitsOfWorkDoNotMatterForTheShare() {
    var harness = NetworkHarness()
    let memory = harness.network.addBandwidth("memory", rate: 100)
    // One expert that reads 50 units of memory for its single unit of work.
    var expert = OperationDescription(work: 1, tag: 1)
    expert.consume(memory, weight: 50)
    let first = harness.submit(expert)
    let second = harness.submit(Self.transfer(2, 100, [memory]))
    #expect(harness.network.currentRate(first) == 1)
    #expect(harness.network.currentRate(second) == 50)
    harness.run()
    #expect(isSame(harness.ended(1), 1))
    #expect(isSame(harness.ended(2), 1.5))
  }

  @Test func sharesAndCapsAndClasses() {
    var harness = NetworkHarness()
    let link = harness.network.addBandwidth("link", rate: 12)
    var heavy = Self.transfer(1, 1000, [link])
    heavy.share = 3
    let first = harness.submit(heavy)
    let second = harness.submit(Self.transfer(2, 1000, [link]))
    #expect(harness.network.currentRate(first) == 9)
    #expect(harness.network.currentRate(second) == 3)
    let capped = harness.submit(Self.transfer(3, 1000, [link], maximumRate: 1))
    #expect(isSame(harness.network.currentRate(first), 8.25, within: 1e-12))
    #expect(harness.network.currentRate(capped) == 1)
    var background = Self.transfer(4, 1000, [link])
    background.bandwidthPriority = 1
    let last = harness.submit(background)
    #expect(harness.network.currentRate(last) == 0)
    #expect(isSame(harness.network.currentRate(second), 2.75, within: 1e-12))
  }

  /// Four GPUs behind one host: each has a link of 25, the memory gives 80.
  @Test func multiLinkFlowsShareWhatTheyCross() {
    var harness = NetworkHarness()
    let memory = harness.network.addBandwidth("memory", rate: 80)
    var transfers: [OperationID] = []
    for index in 0..<4 {
      let link = harness.network.addBandwidth("link \(index)", rate: index == 0 ? 10 : 25)
      transfers.append(harness.submit(Self.transfer(UInt64(index), 100, [link, memory])))
    }
    let rates = transfers.map { harness.network.currentRate($0) }
    #expect(isSame(rates[0], 10, within: 1e-9))
    for rate in rates[1...] { #expect(isSame(rate, 70.0 / 3, within: 1e-9)) }
  }

  @Test func latencyComesBeforeConsumption() {
    var harness = NetworkHarness()
    let link = harness.network.addBandwidth("link", rate: 10)
    let engine = harness.network.addServer("copy engine")
    _ = harness.submit(Self.transfer(1, 20, [link]))
    var late = Self.transfer(2, 10, [link])
    late.latency = SimulatedDuration(seconds: 1)
    late.hold(engine)
    _ = harness.submit(late)
    var timed = OperationDescription(
      work: 3, maximumRate: 1, latency: SimulatedDuration(seconds: 2), tag: 3)
    timed.hold(engine)
    _ = harness.submit(timed)
    harness.run()
    #expect(isSame(harness.ended(1), 3))
    #expect(isSame(harness.ended(2), 3))
    #expect(isSame(harness.ended(3), 8))
  }

  @Test func stalledBandwidthResumes() {
    var harness = NetworkHarness()
    let link = harness.network.addBandwidth("link", rate: 0)
    let first = harness.submit(Self.transfer(1, 10, [link]))
    harness.run(to: 5)
    #expect(harness.ends.isEmpty)
    harness.network.setRate(of: link, to: 5, in: &harness.simulation)
    harness.run(to: 6)
    #expect(harness.network.completedWork(first, at: harness.simulation.now) == 5)
    harness.network.setRate(of: link, to: 0, in: &harness.simulation)
    harness.run(to: 7)
    harness.network.setRate(of: link, to: 1, in: &harness.simulation)
    harness.run()
    #expect(isSame(harness.ended(1), 12))
    let statistics = harness.network.statistics(of: link, at: harness.simulation.now)
    #expect(isSame(statistics.workDone, 10, within: 1e-9))
    #expect(isSame(statistics.workOffered, 10, within: 1e-9))
  }

  @Test func chunkedTransferYieldsItsEngineAndItsBandwidth() {
    var harness = NetworkHarness()
    let engine = harness.network.addServer("copy engine")
    let link = harness.network.addBandwidth("link", rate: 10)
    var prefetch = Self.transfer(1, 100, [link])
    prefetch.hold(engine)
    prefetch.quantum = 20
    prefetch.priority = 4
    let first = harness.submit(prefetch)
    harness.run(to: 3)
    var demand = Self.transfer(2, 20, [link])
    demand.hold(engine)
    _ = harness.submit(demand)
    harness.run(to: 5)
    #expect(harness.network.completedWork(first, at: harness.simulation.now) == 40)
    #expect(harness.network.isRunning(first) == false)
    harness.run()
    #expect(isSame(harness.started(2), 4))
    #expect(isSame(harness.ended(2), 6))
    #expect(isSame(harness.ended(1), 12))
    let statistics = harness.network.statistics(of: link, at: harness.simulation.now)
    #expect(isSame(statistics.workDone, 120, within: 1e-9))
    #expect(isSame(statistics.utilisation, 1, within: 1e-9))
  }
}
