// SPDX-License-Identifier: GPL-3.0-or-later

@testable import SimulationKernel

/// The law of the service demand, in seconds.
enum Demand {
  case constant(Double)
  case exponential(mean: Double)
  /// Two exponentials with balanced means and a squared coefficient of variation of 4.
  case hyperexponential(mean: Double)

  func draw(_ random: inout SplitMix64) -> Double {
    switch self {
    case .constant(let value): return value
    case .exponential(let mean): return random.exponential(mean: mean)
    case .hyperexponential(let mean):
      // p = (1 + sqrt((c² − 1) / (c² + 1))) / 2 with c² = 4.
      let share = (1 + (3.0 / 5).squareRoot()) / 2
      let isFirst = random.uniform() < share
      return random.exponential(mean: mean / (2 * (isFirst ? share : 1 - share)))
    }
  }
}

enum StationEvent: OperationEventCarrier {
  case operation(OperationEvent)
  case arrival(Int)
}

/// A station with Poisson arrivals of several classes; class *k* has priority *k*.
struct OpenStation: Model, ~Copyable {
  struct CustomerClass {
    var arrivalRate: Double
    var demand: Demand
    var count = 0.0
    var waitSum = 0.0
    var responseSum = 0.0
    var demandSum = 0.0
    /// Sums over customers whose demand exceeds the mean twice, for conditional response.
    var longResponseSum = 0.0
    var longDemandSum = 0.0

    init(arrivalRate: Double, demand: Demand) {
      self.arrivalRate = arrivalRate
      self.demand = demand
    }

    var meanWait: Double { waitSum / count }
    var meanResponse: Double { responseSum / count }
  }

  enum Discipline {
    case firstComeFirstServed
    case preemptiveResume
    case processorSharing
  }

  var network = OperationNetwork<StationEvent>()
  var classes: [CustomerClass]
  var random: SplitMix64
  let discipline: Discipline
  let server: ServerID
  let bandwidth: BandwidthID
  var arrivalsLeft: Int
  var warmUp: Int

  init(
    _ classes: [CustomerClass], servers: Int = 1, discipline: Discipline = .firstComeFirstServed,
    customers: Int, seed: UInt64
  ) {
    self.classes = classes
    self.discipline = discipline
    self.random = SplitMix64(seed: seed)
    self.server = network.addServer("station", units: servers)
    self.bandwidth = network.addBandwidth("processor", rate: 1)
    self.warmUp = customers / 20
    self.arrivalsLeft = customers + customers / 20
  }

  /// Simulates all customers and returns the instant of the last departure.
  mutating func run() -> SimulatedTime {
    var simulation = Simulation<StationEvent>()
    for index in classes.indices { scheduleArrival(of: index, in: &simulation) }
    simulation.run(&self)
    return simulation.now
  }

  mutating func scheduleArrival(of index: Int, in simulation: inout Simulation<StationEvent>) {
    let delay = random.exponential(mean: 1 / classes[index].arrivalRate)
    simulation.schedule(.arrival(index), after: SimulatedDuration(seconds: delay))
  }

  mutating func handle(_ event: StationEvent, in simulation: inout Simulation<StationEvent>) {
    switch event {
    case .arrival(let index):
      guard arrivalsLeft > 0 else { return }
      arrivalsLeft -= 1
      if warmUp > 0 {
        warmUp -= 1
        if warmUp == 0 { network.resetStatistics(at: simulation.now) }
      }
      scheduleArrival(of: index, in: &simulation)
      let demand = classes[index].demand.draw(&random)
      let counts: UInt64 = warmUp == 0 ? 1 : 0
      var description = OperationDescription(
        work: demand, maximumRate: 1, tag: UInt64(index) << 1 | counts, priority: UInt8(index))
      switch discipline {
      case .firstComeFirstServed: description.hold(server)
      case .preemptiveResume:
        description.hold(server)
        description.quantum = .leastNonzeroMagnitude
      case .processorSharing: description.consume(bandwidth)
      }
      network.submit(description, in: &simulation)
    case .operation(let event):
      guard let end = network.handle(event, in: &simulation), end.tag & 1 == 1 else { return }
      record(end)
    }
  }

  mutating func record(_ end: OperationEnd) {
    let index = Int(end.tag >> 1)
    let response = (end.ended - end.submitted).seconds
    classes[index].count += 1
    classes[index].waitSum += (end.started - end.submitted).seconds
    classes[index].responseSum += response
    classes[index].demandSum += end.completedWork
    if end.completedWork > 2 {
      classes[index].longResponseSum += response
      classes[index].longDemandSum += end.completedWork
    }
  }
}

/// How many customers are simulated, and how far their means may then be from theory.
///
/// The tolerances are at least three standard errors of the most variable case (M/M/1 at a load
/// of 0.8: the asymptotic variance of the mean wait is about 1976 s² for a mean of 4 s).
enum Precision {
  #if DEBUG
    static let customers = 25_000
    static let tolerance = 0.2
  #else
    static let customers = 3_000_000
    static let tolerance = 0.02
  #endif

  static func agrees(_ value: Double, _ theory: Double, times: Double = 1) -> Bool {
    abs(value - theory) <= tolerance * times * theory
  }
}
