// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import SimulationKernel

/// Rates under sharing against an oracle that fills by bisection, on random topologies.
@Suite struct MaxMinFairnessTests {
  struct Flow {
    var id: OperationID
    var weights: [(bandwidth: Int, weight: Double)]
    var cap: Double
    var share: Double
    var rank: UInt8
    var growth: Double { share / weights.map(\.weight).max()! }
  }

  /// Water-filling: raises the common level of a class by bisection until a bandwidth overflows,
  /// freezes whoever can rise no further, and repeats.
  static func oracle(_ flows: [Flow], _ capacities: [Double]) -> [Double] {
    var rates = flows.map { _ in 0.0 }
    func load(_ trial: [Double]) -> [Double] {
      var sums = capacities.map { _ in 0.0 }
      for (flow, rate) in zip(flows, trial) {
        for use in flow.weights { sums[use.bandwidth] += use.weight * rate }
      }
      return sums
    }
    for rank in Set(flows.map(\.rank)).sorted() {
      var open = flows.indices.filter { flows[$0].rank == rank }
      while !open.isEmpty {
        func trial(_ level: Double) -> [Double] {
          var result = rates
          for index in open { result[index] = min(flows[index].cap, flows[index].growth * level) }
          return result
        }
        func fits(_ level: Double) -> Bool {
          zip(load(trial(level)), capacities).allSatisfy { $0 <= $1 + 1e-12 * ($1 + 1) }
        }
        var low = 0.0
        var high = 1.0
        while fits(high) && high < 1e12 { high *= 2 }
        for _ in 0..<100 {
          let middle = (low + high) / 2
          if fits(middle) { low = middle } else { high = middle }
        }
        rates = trial(low)
        let sums = load(rates)
        open.removeAll { index in
          rates[index] >= flows[index].cap * (1 - 1e-9)
            || flows[index].weights.contains {
              sums[$0.bandwidth] >= capacities[$0.bandwidth] - 1e-7 * (capacities[$0.bandwidth])
            }
        }
      }
    }
    return rates
  }

  static func randomFlow(
    _ random: inout SplitMix64, bandwidths: [BandwidthID], tag: UInt64, classes: Int
  ) -> (Flow, OperationDescription) {
    let cap = random.below(3) == 0 ? 0.5 + 10 * random.uniform() : .infinity
    var description = OperationDescription(
      work: 1 + 200 * random.uniform(), maximumRate: cap, tag: tag)
    description.share = random.below(2) == 0 ? 1 : 0.5 + 3 * random.uniform()
    description.bandwidthPriority = UInt8(random.below(classes))
    var weights: [(Int, Double)] = []
    for _ in 0...random.below(min(4, bandwidths.count)) {
      let index = random.below(bandwidths.count)
      guard !weights.contains(where: { $0.0 == index }) else { continue }
      let weight = random.below(2) == 0 ? 1 : 0.2 + 3 * random.uniform()
      weights.append((index, weight))
      description.consume(bandwidths[index], weight: weight)
    }
    let flow = Flow(
      id: .none, weights: weights.map { (bandwidth: $0.0, weight: $0.1) }, cap: cap,
      share: description.share, rank: description.bandwidthPriority)
    return (flow, description)
  }

  /// Operations come, end and meet changed rates; after every event all rates are compared.
  @Test(arguments: 1...12)
  func ratesAreMaxMinFairAtEveryMoment(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var harness = NetworkHarness()
    let classes = 1 + seed % 3
    var capacities: [Double] = []
    var bandwidths: [BandwidthID] = []
    for index in 0..<1 + random.below(8) {
      capacities.append(2 + 40 * random.uniform())
      bandwidths.append(harness.network.addBandwidth("link \(index)", rate: capacities[index]))
    }
    var flows: [UInt64: Flow] = [:]
    var expectedWork = capacities.map { _ in 0.0 }
    for tag in 0..<UInt64(80) {
      var (flow, description) = Self.randomFlow(
        &random, bandwidths: bandwidths, tag: tag, classes: classes)
      for use in flow.weights { expectedWork[use.bandwidth] += use.weight * description.work }
      flow.id = harness.submit(description)
      flows[tag] = flow
      Self.compare(harness.network, flows, capacities)
      if random.below(4) == 0 {
        let index = random.below(capacities.count)
        capacities[index] = random.below(6) == 0 ? 0 : 2 + 40 * random.uniform()
        harness.network.setRate(
          of: bandwidths[index], to: capacities[index], in: &harness.simulation)
        Self.compare(harness.network, flows, capacities)
      }
      for _ in 0..<random.below(3) {
        guard let event = harness.simulation.next() else { break }
        harness.handle(event)
        if let end = harness.ends.popLast() { flows[end.tag] = nil }
        Self.compare(harness.network, flows, capacities)
      }
    }
    for index in capacities.indices {
      harness.network.setRate(of: bandwidths[index], to: 10, in: &harness.simulation)
    }
    harness.run()
    #expect(harness.network.pendingOperationCount == 0)
    for (index, bandwidth) in bandwidths.enumerated() {
      // Conservation: what went through is what was brought, and no more than was offered.
      let statistics = harness.network.statistics(of: bandwidth, at: harness.simulation.now)
      #expect(isSame(statistics.workDone, expectedWork[index], within: 1e-6))
      #expect(statistics.workDone <= statistics.workOffered * (1 + 1e-6) + 1e-6)
    }
  }

  static func compare(
    _ network: borrowing OperationNetwork<ScriptEvent>, _ flows: [UInt64: Flow],
    _ capacities: [Double]
  ) {
    let tags = flows.keys.sorted()
    let ordered = tags.map { flows[$0]! }
    let expected = oracle(ordered, capacities)
    for index in ordered.indices {
      let rate = network.currentRate(ordered[index].id)
      #expect(
        isSame(rate, expected[index], within: 1e-5 * (1 + expected[index])),
        "operation \(tags[index])")
    }
  }
}
