// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import SimulationKernel

/// The kernel against queueing theory (Kleinrock, Queueing Systems, volumes 1 and 2).
///
/// Service demands have a mean of one second, so that a load is an arrival rate.
@Suite struct QueueingTheoryTests {
  static func exponentialClass(_ rate: Double) -> OpenStation.CustomerClass {
    OpenStation.CustomerClass(arrivalRate: rate, demand: .exponential(mean: 1))
  }

  @Test(arguments: [0.5, 0.8])
  func oneExponentialServer(load: Double) {
    var station = OpenStation(
      [Self.exponentialClass(load)], customers: Precision.customers, seed: 11)
    let end = station.run()
    let statistics = station.network.statistics(of: station.server, at: end)
    #expect(Precision.agrees(station.classes[0].meanWait, load / (1 - load)))
    #expect(Precision.agrees(statistics.waiting.mean, load / (1 - load)))
    #expect(Precision.agrees(statistics.utilisation, load))
    #expect(Precision.agrees(statistics.timeWeightedQueueLength, load * load / (1 - load)))
    // Var(W) = ρ (2 − ρ) / (1 − ρ)² for a mean service of one.
    let deviation = (load * (2 - load)).squareRoot() / (1 - load)
    #expect(Precision.agrees(statistics.waiting.standardDeviation, deviation, times: 1.5))
  }

  @Test(arguments: [(2, 1.5), (5, 4.0)])
  func severalExponentialServers(servers: Int, load: Double) {
    var station = OpenStation(
      [Self.exponentialClass(load)], servers: servers, customers: Precision.customers, seed: 12)
    let end = station.run()
    let statistics = station.network.statistics(of: station.server, at: end)
    // Erlang's C formula by the recursion for B.
    var blocking = 1.0
    for count in 1...servers {
      blocking = load * blocking / (Double(count) + load * blocking)
    }
    let utilisation = load / Double(servers)
    let delayed = blocking / (1 - utilisation * (1 - blocking))
    let wait = delayed / (Double(servers) - load)
    #expect(Precision.agrees(station.classes[0].meanWait, wait))
    #expect(Precision.agrees(statistics.utilisation, utilisation))
    #expect(Precision.agrees(statistics.timeWeightedQueueLength, load * wait))
  }

  @Test(arguments: [0.5, 0.8])
  func constantService(load: Double) {
    var station = OpenStation(
      [OpenStation.CustomerClass(arrivalRate: load, demand: .constant(1))],
      customers: Precision.customers, seed: 13)
    _ = station.run()
    #expect(Precision.agrees(station.classes[0].meanWait, load / (2 * (1 - load))))
  }

  /// Pollaczek and Khinchine with a squared coefficient of variation of 4.
  @Test func variableService() {
    let load = 0.6
    var station = OpenStation(
      [OpenStation.CustomerClass(arrivalRate: load, demand: .hyperexponential(mean: 1))],
      customers: Precision.customers, seed: 14)
    _ = station.run()
    #expect(Precision.agrees(station.classes[0].meanWait, load * 2.5 / (1 - load), times: 1.5))
  }

  /// Cobham's formula, and Kleinrock's conservation law: the load-weighted sum of the waits is
  /// that of a server without priorities.
  @Test func prioritiesWithoutPreemption() {
    let loads = [0.2, 0.3, 0.25]
    var station = OpenStation(
      loads.map(Self.exponentialClass), customers: Precision.customers, seed: 15)
    _ = station.run()
    let load = loads.reduce(0, +)
    var before = 0.0
    var weighted = 0.0
    for (index, share) in loads.enumerated() {
      let wait = load / ((1 - before) * (1 - before - share))
      before += share
      #expect(Precision.agrees(station.classes[index].meanWait, wait))
      weighted += share * station.classes[index].meanWait
    }
    #expect(Precision.agrees(weighted, load * load / (1 - load)))
  }

  @Test func prioritiesWithPreemptionAndResumption() {
    let loads = [0.2, 0.3, 0.25]
    var station = OpenStation(
      loads.map(Self.exponentialClass), discipline: .preemptiveResume,
      customers: Precision.customers, seed: 16)
    let end = station.run()
    var before = 0.0
    for (index, share) in loads.enumerated() {
      let through = before + share
      let response = 1 / (1 - before) + through / ((1 - before) * (1 - through))
      before = through
      #expect(Precision.agrees(station.classes[index].meanResponse, response))
    }
    // Preempted or not, the work done is the work brought.
    let statistics = station.network.statistics(of: station.server, at: end)
    #expect(Precision.agrees(statistics.utilisation, 0.75))
  }

  /// The mean response under processor sharing does not depend on the law of the demand, and is
  /// proportional to the demand.
  @Test(arguments: [0, 1, 2])
  func processorSharing(law: Int) {
    let load = 0.7
    let demand: Demand = [.constant(1), .exponential(mean: 1), .hyperexponential(mean: 1)][law]
    var station = OpenStation(
      [OpenStation.CustomerClass(arrivalRate: load, demand: demand)],
      discipline: .processorSharing, customers: Precision.customers / 3, seed: 17)
    let end = station.run()
    let result = station.classes[0]
    let tolerance = law == 2 ? 2.0 : 1.5
    #expect(Precision.agrees(result.meanResponse, 1 / (1 - load), times: tolerance))
    if law > 0 {
      let slowdown = result.longResponseSum / result.longDemandSum
      #expect(Precision.agrees(slowdown, 1 / (1 - load), times: tolerance))
    }
    let statistics = station.network.statistics(of: station.bandwidth, at: end)
    #expect(Precision.agrees(statistics.utilisation, load))
    #expect(
      Precision.agrees(statistics.timeWeightedUserCount, load / (1 - load), times: tolerance))
  }

  /// Little's law as an identity: the area under the queue length is the sum of the waits, to
  /// the nanosecond, once the queue has emptied.
  @Test(arguments: [OpenStation.Discipline.firstComeFirstServed, .preemptiveResume])
  func areaUnderTheQueueIsTheSumOfTheWaits(discipline: OpenStation.Discipline) {
    var station = OpenStation(
      [0.4, 0.4].map(Self.exponentialClass), servers: 1, discipline: discipline,
      customers: 5000, seed: 18)
    station.warmUp = 0
    let end = station.run()
    let statistics = station.network.statistics(of: station.server, at: end)
    #expect(station.network.pendingOperationCount == 0)
    #expect(statistics.queueTime == statistics.waiting.total)
    #expect(statistics.completedCount == 5250)
    let work = station.classes.reduce(0) { $0 + $1.demandSum }
    #expect(abs(statistics.busyTime.seconds - work) < 5250 * 2e-9)
  }
}
