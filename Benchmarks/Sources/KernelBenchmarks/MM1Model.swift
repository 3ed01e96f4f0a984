// SPDX-License-Identifier: GPL-3.0-or-later

import CxxTwins
import SimulationKernel

/// M/M/1 at a load of 0.75: one server of an `OperationNetwork`, all statistics on.
struct MM1Model: Model, ~Copyable {
  enum Event: OperationEventCarrier {
    case operation(OperationEvent)
    case arrival
  }

  var network = OperationNetwork<Event>()
  let server: ServerID
  let increments: UnsafePointer<UInt32>
  let customers: UInt64
  var random = Random()
  var arrived: UInt64 = 0
  var totalWait: UInt64 = 0

  init(customers: UInt64, increments: UnsafePointer<UInt32>) {
    self.customers = customers
    self.increments = increments
    self.server = network.addServer("server")
  }

  mutating func draw() -> UInt64 {
    UInt64(increments[Int(random.next() &>> 50)])
  }

  mutating func handle(_ event: Event, in simulation: inout Simulation<Event>) {
    switch event {
    case .arrival:
      arrived &+= 1
      if arrived < customers {
        let delay = SimulatedDuration(nanoseconds: draw() &* 4 / 3)
        simulation.schedule(.arrival, after: delay)
      }
      var operation = OperationDescription(duration: SimulatedDuration(nanoseconds: draw()))
      operation.hold(server)
      network.submit(operation, in: &simulation)
    case .operation(let event):
      guard let end = network.handle(event, in: &simulation) else { return }
      totalWait &+= (end.started - end.submitted).nanoseconds
    }
  }

  static func run(customers: UInt64, increments: UnsafePointer<UInt32>) -> TwinResult {
    var simulation = Simulation<Event>()
    var model = MM1Model(customers: customers, increments: increments)
    simulation.schedule(
      .arrival, after: SimulatedDuration(nanoseconds: model.draw() &* 4 / 3))
    simulation.run(&model)
    return TwinResult(checksum: model.totalWait, endTime: simulation.now.nanoseconds)
  }
}
