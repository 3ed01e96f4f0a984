// SPDX-License-Identifier: GPL-3.0-or-later

/// An event that belongs to an `OperationNetwork`.
///
/// A model hands it to `OperationNetwork.handle(_:in:)` when it comes up.
@frozen
public struct OperationEvent: Hashable, Sendable, BitwiseCopyable {
  /// The operation that the event concerns.
  public let operation: OperationID

  @inlinable
  init(operation: OperationID) {
    self.operation = operation
  }
}

/// An event enumeration with a case that carries the events of an `OperationNetwork`.
///
/// Declaring the case satisfies the protocol: `case operation(OperationEvent)`.
public protocol OperationEventCarrier: BitwiseCopyable {
  /// Wraps an event of the network.
  static func operation(_ event: OperationEvent) -> Self
}

/// A network alone in its simulation can use its events as they are.
extension OperationEvent: OperationEventCarrier {
  /// The event itself.
  @inlinable
  public static func operation(_ event: OperationEvent) -> OperationEvent { event }
}
