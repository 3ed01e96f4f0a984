// SPDX-License-Identifier: GPL-3.0-or-later

/// What is known of an operation when it has ended.
@frozen
public struct OperationEnd: Sendable, BitwiseCopyable {
  /// The tag with which the operation was described.
  public let tag: UInt64
  /// The operation. The name is stale: nothing can be asked of it any more.
  public let id: OperationID
  /// When the operation was submitted, or, if it was created suspended, released.
  public let submitted: SimulatedTime
  /// When the last of the operations for which it waited had ended; not before `submitted`.
  public let ready: SimulatedTime
  /// When it first held all that it needs.
  public let started: SimulatedTime
  /// When it ended.
  public let ended: SimulatedTime
  /// The work done; less than described only for a cancelled operation.
  public let completedWork: Double
  /// Whether it was cancelled and stopped at a chunk boundary.
  public let isCancelled: Bool

  @inlinable
  init(
    tag: UInt64, id: OperationID, submitted: UInt64, ready: UInt64, started: UInt64,
    ended: UInt64, completedWork: Double, isCancelled: Bool
  ) {
    self.tag = tag
    self.id = id
    self.submitted = SimulatedTime(nanoseconds: submitted)
    self.ready = SimulatedTime(nanoseconds: ready)
    self.started = SimulatedTime(nanoseconds: started)
    self.ended = SimulatedTime(nanoseconds: ended)
    self.completedWork = completedWork
    self.isCancelled = isCancelled
  }
}

/// What became of a request to cancel an operation.
@frozen
public enum CancelOutcome: Hashable, Sendable, BitwiseCopyable {
  /// The operation is gone, with this much work done. No end is reported for it.
  case cancelled(completedWork: Double)
  /// The operation will stop at its next chunk boundary and report its end then.
  case atBoundary
  /// The operation is running and has no chunk boundary: it will run to its end.
  case running
  /// There is no such operation: it has ended.
  case notFound
}

/// A contiguous interval in which an operation held a server.
@frozen
public struct OperationSegment: Hashable, Sendable, BitwiseCopyable {
  /// The server held.
  public let server: ServerID
  /// The units of it held.
  public let units: Int32
  /// The tag of the operation.
  public let tag: UInt64
  /// When it began to hold the server.
  public let start: SimulatedTime
  /// When it gave the server back.
  public let end: SimulatedTime

  @inlinable
  init(server: ServerID, units: Int32, tag: UInt64, start: UInt64, end: UInt64) {
    self.server = server
    self.units = units
    self.tag = tag
    self.start = SimulatedTime(nanoseconds: start)
    self.end = SimulatedTime(nanoseconds: end)
  }
}
