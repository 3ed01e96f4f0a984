// SPDX-License-Identifier: GPL-3.0-or-later

import CxxTwins
import SimulationKernel

/// Customers that seize a random station, hold it and release it, through `OperationNetwork`:
/// cancellable events, all statistics on.
struct NetworkModel: Model, ~Copyable {
  var network = OperationNetwork<OperationEvent>()
  let increments: UnsafePointer<UInt32>
  let stations: UInt64
  /// Whether operations are transfers over their station's link and a memory common to all,
  /// which has room for them, rather than of a fixed duration.
  let transfers: Bool
  var memory = BandwidthID(index: 0)
  var random = Random()
  var totalWait: UInt64 = 0
  var left: UInt64

  init(
    stations: UInt64, cycles: UInt64, transfers: Bool, increments: UnsafePointer<UInt32>
  ) {
    self.transfers = transfers
    self.stations = stations
    self.left = cycles
    self.increments = increments
    for index in 0..<stations {
      _ = network.addServer("station \(index)")
      _ = network.addBandwidth("link \(index)", rate: 1e9)
    }
    self.memory = network.addBandwidth("memory", rate: 1e12)
  }

  mutating func join(_ customer: UInt64, in simulation: inout Simulation<OperationEvent>) {
    let place = ((random.next() &>> 32) &* stations) &>> 32
    let service = UInt64(increments[Int(random.next() &>> 50)])
    if transfers {
      var transfer = OperationDescription(work: Double(Int64(service)), tag: customer)
      transfer.hold(ServerID(index: UInt32(truncatingIfNeeded: place)))
      transfer.consume(BandwidthID(index: UInt32(truncatingIfNeeded: place)))
      transfer.consume(memory)
      network.submit(transfer, in: &simulation)
      return
    }
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
    customers: UInt64, stations: UInt64, cycles: UInt64, transfers: Bool = false,
    increments: UnsafePointer<UInt32>
  ) -> TwinResult {
    var simulation = Simulation<OperationEvent>()
    var model = NetworkModel(
      stations: stations, cycles: cycles, transfers: transfers, increments: increments)
    for customer in 0..<customers { model.join(customer, in: &simulation) }
    simulation.run(&model)
    return TwinResult(checksum: model.totalWait, endTime: simulation.now.nanoseconds)
  }
}
