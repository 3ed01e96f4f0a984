// SPDX-License-Identifier: GPL-3.0-or-later

@testable import SimulationKernel

/// Events of the little scenarios: those of the network, and numbered steps of the test.
enum ScriptEvent: OperationEventCarrier {
  case operation(OperationEvent)
  case step(Int)
}

/// A network in its simulation, run step by step.
struct NetworkHarness: ~Copyable {
  var simulation = Simulation<ScriptEvent>()
  var network = OperationNetwork<ScriptEvent>()
  var ends: [OperationEnd] = []

  mutating func submit(_ description: OperationDescription) -> OperationID {
    network.submit(description, in: &simulation)
  }

  /// Submits an operation on one server, with seconds of work.
  mutating func submit(
    _ tag: UInt64, on server: ServerID, seconds: Double, units: Int = 1, priority: UInt8 = 0,
    quantum: Double = 0
  ) -> OperationID {
    var description = OperationDescription(
      duration: SimulatedDuration(seconds: seconds), tag: tag, priority: priority)
    description.quantum = quantum
    description.hold(server, units: units)
    return submit(description)
  }

  /// Handles events up to and at an instant, and moves the clock there.
  mutating func run(to seconds: Double) {
    let limit = SimulatedTime(seconds: seconds)
    simulation.schedule(.step(0), at: limit, priority: .last)
    while let event = simulation.next(until: limit) { handle(event) }
  }

  /// Handles all events.
  mutating func run() {
    while let event = simulation.next() { handle(event) }
  }

  mutating func handle(_ event: ScriptEvent) {
    guard case .operation(let event) = event else { return }
    if let end = network.handle(event, in: &simulation) { ends.append(end) }
  }

  /// The tags in the order in which their operations ended.
  var order: [UInt64] { ends.map(\.tag) }

  /// When the operation with a tag ended, in seconds.
  func ended(_ tag: UInt64) -> Double? {
    ends.first { $0.tag == tag }?.ended.seconds
  }

  func started(_ tag: UInt64) -> Double? {
    ends.first { $0.tag == tag }?.started.seconds
  }
}

/// Whether two instants in seconds are the same up to rounding to nanoseconds.
func isSame(_ left: Double?, _ right: Double, within tolerance: Double = 2.1e-9) -> Bool {
  guard let left else { return false }
  return abs(left - right) <= tolerance
}
