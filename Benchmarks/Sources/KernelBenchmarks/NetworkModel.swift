// SPDX-License-Identifier: GPL-3.0-or-later

import CxxTwins
import SimulationKernel

/// Customers that seize a random station, hold it and release it, through `OperationNetwork`:
/// cancellable events, all statistics on.
struct NetworkModel: Model, ~Copyable {
  var network = OperationNetwork<OperationEvent>()
  let increments: UnsafePointer<UInt32>
  let stations: UInt64
  var random = Random()
  var totalWait: UInt64 = 0
  var left: UInt64

  init(stations: UInt64, cycles: UInt64, increments: UnsafePointer<UInt32>) {
    self.stations = stations
    self.left = cycles
    self.increments = increments
    for index in 0..<stations { _ = network.addServer("station \(index)") }
  }

  mutating func join(_ customer: UInt64, in simulation: inout Simulation<OperationEvent>) {
    let place = ((random.next() &>> 32) &* stations) &>> 32
    let service = UInt64(increments[Int(random.next() &>> 50)])
    var operation = OperationDescription(
      duration: SimulatedDuration(nanoseconds: service), tag: customer)
    operation.hold(ServerID(index: UInt32(truncatingIfNeeded: place)))
    network.submit(operation, in: &simulation)
  }

  mutating func handle(_ event: OperationEvent, in simulation: inout Simulation<OperationEvent>) {
    guard let end = network.handle(event, in: &simulation) else { return }
    totalWait &+= (end.started - end.submitted).nanoseconds
    join(end.tag, in: &simulation)
    left &-= 1
    if left == 0 { simulation.stop() }
  }

  static func run(
    customers: UInt64, stations: UInt64, cycles: UInt64, increments: UnsafePointer<UInt32>
  ) -> TwinResult {
    var simulation = Simulation<OperationEvent>()
    var model = NetworkModel(stations: stations, cycles: cycles, increments: increments)
    for customer in 0..<customers { model.join(customer, in: &simulation) }
    simulation.run(&model)
    return TwinResult(checksum: model.totalWait, endTime: simulation.now.nanoseconds)
  }
}
