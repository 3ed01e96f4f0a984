// SPDX-License-Identifier: GPL-3.0-or-later

/// The stage that an operation has reached.
@frozen
@usableFromInline
enum OperationStage: BitwiseCopyable {
  /// The place in the arena is free.
  case free
  /// Not yet released, or waiting for other operations to end.
  case suspended
  /// In the queues of its servers.
  case waiting
  /// Holds its servers; its latency passes before it consumes bandwidth.
  case starting
  /// Progresses, or would if its bandwidths were not stalled.
  case running
}

/// One place of the arena of operations.
@frozen
@usableFromInline
struct OperationRecord: BitwiseCopyable {
  @usableFromInline var work: Double = 0
  /// Work done at the instant `updated`.
  @usableFromInline var done: Double = 0
  /// The done work at which its next event fires: the whole, or a chunk boundary.
  @usableFromInline var target: Double = 0
  @usableFromInline var rate: Double = 0
  @usableFromInline var maximumRate: Double = 0
  @usableFromInline var quantum: Double = 0
  /// The instant up to which `done` counts; in the future while latency passes.
  @usableFromInline var updated: UInt64 = 0
  @usableFromInline var latency: UInt64 = 0
  /// The duration without latency of a plain operation.
  @usableFromInline var fixedNanoseconds: UInt64 = 0
  @usableFromInline var submitted: UInt64 = 0
  @usableFromInline var ready: UInt64 = 0
  @usableFromInline var started: UInt64 = 0
  /// When it joined its queues, or began to hold its servers.
  @usableFromInline var since: UInt64 = 0
  @usableFromInline var tag: UInt64 = 0
  @usableFromInline var event: EventHandle = .none
  /// Rate per unit of sharing level: its share divided by its greatest weight.
  @usableFromInline var shareRate: Double = 0
  @usableFromInline var generation: UInt32 = 0
  /// Next free place; while active, the mark of the last sharing pass that met it.
  @usableFromInline var link: UInt32 = 0
  @usableFromInline var firstDependent: UInt32 = .max
  @usableFromInline var lastDependent: UInt32 = .max
  /// Operations for which it waits, plus one until it is released.
  @usableFromInline var missing: UInt32 = 0
  @usableFromInline var stage: OperationStage = .free
  @usableFromInline var priority: UInt8 = 0
  @usableFromInline var bandwidthPriority: UInt8 = 0
  @usableFromInline var holdCount: UInt8 = 0
  @usableFromInline var useCount: UInt8 = 0
  /// Whether it holds one server for a fixed time and no more: the cheap case.
  @usableFromInline var isPlain: Bool = false
  @usableFromInline var hasStarted: Bool = false
  @usableFromInline var isYielding: Bool = false
  @usableFromInline var isCancelling: Bool = false

  @inlinable
  init() {}

  /// The work done at an instant.
  @inlinable
  func completedWork(at now: UInt64) -> Double {
    guard stage == .running, now > updated else { return done }
    return min(target, done + rate * secondsOf(now &- updated))
  }

  /// The instant at which `target` is reached, or `nil` if it never is at the present rate.
  @inlinable
  var arrival: UInt64? {
    let left = target - done
    if left <= 0 { return updated }
    let nanoseconds = rate == 1 ? left * 1e9 : left / rate * 1e9
    guard nanoseconds < 9.2e18 else { return nil }
    return updated + roundedToNanoseconds(nanoseconds)
  }
}

/// One server that an operation holds or for which it waits, and its neighbours in the list there.
@frozen
@usableFromInline
struct HoldRecord: BitwiseCopyable {
  @usableFromInline var server: UInt32 = 0
  @usableFromInline var units: Int32 = 0
  @usableFromInline var previous: UInt32 = .max
  @usableFromInline var next: UInt32 = .max

  @inlinable
  init() {}
}

/// One bandwidth that an operation consumes, and its neighbours among that bandwidth's users.
@frozen
@usableFromInline
struct UseRecord: BitwiseCopyable {
  @usableFromInline var weight: Double = 0
  @usableFromInline var bandwidth: UInt32 = 0
  @usableFromInline var previous: UInt32 = .max
  @usableFromInline var next: UInt32 = .max

  @inlinable
  init() {}
}

/// An operation that waits for another one to end.
@frozen
@usableFromInline
struct DependentRecord: BitwiseCopyable {
  @usableFromInline var operation: OperationID = .none
  @usableFromInline var next: UInt32 = .max

  @inlinable
  init() {}
}
