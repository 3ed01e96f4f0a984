// SPDX-License-Identifier: GPL-3.0-or-later

/// The order of events that fall on the same instant: the lower value is handled first.
///
/// Events of equal time and priority are handled in the order in which they were scheduled.
@frozen
public struct EventPriority: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The rank, 0 (first) to 15 (last).
  public let rawValue: UInt8

  /// Creates a priority of the given rank.
  ///
  /// - Precondition: `rawValue` is at most 15.
  @inlinable
  public init(rawValue: UInt8) {
    precondition(rawValue < 16, "An event's priority is at most 15.")
    self.rawValue = rawValue
  }

  @inlinable
  init(unchecked rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Before everything else at its instant.
  @inlinable public static var first: EventPriority { EventPriority(unchecked: 0) }

  /// The priority of nearly every event.
  @inlinable public static var normal: EventPriority { EventPriority(unchecked: 8) }

  /// After everything else at its instant, as for an observer that must see its outcome.
  @inlinable public static var last: EventPriority { EventPriority(unchecked: 15) }

  /// Whether the first priority is handled before the second.
  @inlinable
  public static func < (left: EventPriority, right: EventPriority) -> Bool {
    left.rawValue < right.rawValue
  }
}
