// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

/// What happens in an engine, as the kernel's queue holds it.
enum EngineEvent: OperationEventCarrier {
  /// An operation of the machine starts, ends or yields.
  case resource(OperationEvent)
  /// The next request of the open workload arrives.
  case arrival
  /// A closed-loop user's next request arrives.
  case userArrival(user: Int32)
  /// Predictions that were being computed are known.
  case predictionsReady
  /// An idle engine begins a step, after all that arrives at the same instant.
  case wake

  @inline(__always)
  static func operation(_ event: OperationEvent) -> EngineEvent { .resource(event) }
}
