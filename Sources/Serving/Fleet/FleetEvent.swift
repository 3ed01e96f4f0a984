// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

/// What happens in a fleet, as the kernel's queue holds it.
enum FleetEvent: OperationEventCarrier {
  /// A flow over the fleet's links starts, ends or yields.
  case resource(OperationEvent)
  /// The next request of the open workload arrives.
  case arrival
  /// A closed-loop user's next request arrives.
  case userArrival(user: Int32)
  /// A request leaves the gateway for a replica.
  case leavesGateway(ticket: Int32)
  /// A request is answered without a replica.
  case answered(ticket: Int32)
  /// An idle lane of a replica begins a step, after all that arrives at the same instant.
  case wake(replica: Int32, lane: Int32)
  /// A stage has computed its part of a lane's step.
  case stageEnded(replica: Int32, lane: Int16, stage: Int16, epoch: UInt32)
  /// Something fails, degrades or comes back.
  case fault
  /// The autoscaler looks at the fleet.
  case scaling
  /// A replica has started.
  case started(replica: Int32, epoch: UInt32)

  @inline(__always)
  static func operation(_ event: OperationEvent) -> FleetEvent { .resource(event) }
}
