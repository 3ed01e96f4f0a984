// SPDX-License-Identifier: GPL-3.0-or-later

import CxxTwins
import SimulationKernel

/// Takes the earliest event and schedules it anew, `count` times.
struct HoldModel: Model, ~Copyable {
  let increments: UnsafePointer<UInt32>
  var random = Random()
  var checksum: UInt64 = 0
  var left: UInt64

  mutating func handle(_ event: UInt32, in simulation: inout Simulation<UInt32>) {
    checksum = checksum &* 31 &+ UInt64(event)
    let increment = UInt64(increments[Int(random.next() &>> 50)])
    simulation.schedule(event, after: SimulatedDuration(nanoseconds: increment))
    left &-= 1
    if left == 0 { simulation.stop() }
  }

  static func run(
    pending: UInt64, count: UInt64, increments: UnsafePointer<UInt32>
  ) -> TwinResult {
    var simulation = Simulation<UInt32>()
    var model = HoldModel(increments: increments, left: count)
    for index in 0..<pending {
      let increment = UInt64(increments[Int(model.random.next() &>> 50)])
      simulation.schedule(UInt32(index), after: SimulatedDuration(nanoseconds: increment))
    }
    simulation.run(&model)
    return TwinResult(checksum: model.checksum, endTime: simulation.now.nanoseconds)
  }
}
