// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import SimulationKernel

/// Customers that go round between single-server stations at random.
struct ClosedNetwork: Model, ~Copyable {
  var network = OperationNetwork<OperationEvent>()
  var servers: [ServerID] = []
  var random: SplitMix64
  let means: [Double]
  let routing: [Double]
  let thinkTime: Double
  var cycles = 0

  /// Stations with mean services `means` are visited with probabilities `routing`; between two
  /// visits a customer thinks for an exponential time.
  init(means: [Double], routing: [Double], thinkTime: Double, seed: UInt64) {
    self.means = means
    self.routing = routing
    self.thinkTime = thinkTime
    self.random = SplitMix64(seed: seed)
    for index in means.indices { servers.append(network.addServer("station \(index)")) }
  }

  mutating func think(in simulation: inout Simulation<OperationEvent>) {
    let time = SimulatedDuration(seconds: random.exponential(mean: thinkTime))
    network.submit(OperationDescription(duration: time, tag: 0), in: &simulation)
  }

  mutating func handle(_ event: OperationEvent, in simulation: inout Simulation<OperationEvent>) {
    guard let end = network.handle(event, in: &simulation) else { return }
    if end.tag == 1 {
      cycles += 1
      think(in: &simulation)
      return
    }
    var station = 0
    var draw = random.uniform() - routing[0]
    while draw > 0, station < routing.count - 1 {
      station += 1
      draw -= routing[station]
    }
    let time = SimulatedDuration(seconds: random.exponential(mean: means[station]))
    var description = OperationDescription(duration: time, tag: 1)
    description.hold(servers[station])
    network.submit(description, in: &simulation)
  }
}

@Suite struct ClosedNetworkTests {
  /// Mean-value analysis (Reiser and Lavenberg, J. ACM 27, 1980).
  static func meanValues(
    demands: [Double], thinkTime: Double, customers: Int
  ) -> (throughput: Double, lengths: [Double]) {
    var lengths = demands.map { _ in 0.0 }
    var throughput = 0.0
    for count in 1...customers {
      let responses = zip(demands, lengths).map { $0 * (1 + $1) }
      throughput = Double(count) / (thinkTime + responses.reduce(0, +))
      lengths = responses.map { $0 * throughput }
    }
    return (throughput, lengths)
  }

  @Test(arguments: [3, 12, 40])
  func agreesWithMeanValueAnalysis(customers: Int) {
    let means = [1.0, 0.5, 2.0, 0.8]
    let routing = [0.3, 0.4, 0.1, 0.2]
    let theory = Self.meanValues(
      demands: zip(means, routing).map { $0 * $1 }, thinkTime: 2, customers: customers)
    var simulation = Simulation<OperationEvent>()
    var model = ClosedNetwork(means: means, routing: routing, thinkTime: 2, seed: 21)
    for _ in 0..<customers { model.think(in: &simulation) }
    let horizon = Double(Precision.customers) * 2 / theory.throughput
    simulation.run(&model, until: SimulatedTime(seconds: horizon / 20))
    model.network.resetStatistics(at: simulation.now)
    model.cycles = 0
    simulation.run(&model, until: SimulatedTime(seconds: horizon))
    let throughput = Double(model.cycles) / (horizon * 19 / 20)
    // A throughput varies much less than a wait.
    #expect(Precision.agrees(throughput, theory.throughput, times: 0.25))
    for index in means.indices {
      let statistics = model.network.statistics(of: model.servers[index], at: simulation.now)
      let length = statistics.timeWeightedQueueLength + statistics.utilisation
      // A tenth of the visits go to the station that varies most: standard error 1 % of 2.0.
      #expect(Precision.agrees(length, theory.lengths[index], times: 1.5))
      let load = theory.throughput * means[index] * routing[index]
      #expect(Precision.agrees(statistics.utilisation, load, times: 0.5))
    }
  }
}
