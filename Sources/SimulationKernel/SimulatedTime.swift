// SPDX-License-Identifier: GPL-3.0-or-later

/// An instant of simulated time, counted in whole nanoseconds from the start of the simulation.
///
/// Integer time makes coincident events coincide: 0.1 s added three times is exactly 0.3 s. The
/// horizon is 2⁶⁴ − 1 ns, about 584 years; arithmetic that would pass it traps.
@frozen
public struct SimulatedTime: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// Nanoseconds since the start of the simulation.
  public var nanoseconds: UInt64

  /// Creates the instant that lies the given number of nanoseconds after the start.
  @inlinable
  public init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// Creates the instant that lies `seconds` after the start, rounded to the nearest nanosecond.
  ///
  /// - Precondition: `seconds` is finite, not negative and within the horizon.
  @inlinable
  public init(seconds: Double) {
    self.nanoseconds = SimulatedDuration(seconds: seconds).nanoseconds
  }

  /// The start of the simulation.
  @inlinable public static var zero: SimulatedTime { SimulatedTime(nanoseconds: 0) }

  /// The last instant that can be represented; stands for "never".
  @inlinable public static var distantFuture: SimulatedTime { SimulatedTime(nanoseconds: .max) }

  /// Seconds since the start of the simulation.
  @inlinable public var seconds: Double { secondsOf(nanoseconds) }

  /// Whether the first instant is earlier than the second.
  @inlinable
  public static func < (left: SimulatedTime, right: SimulatedTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The instant that lies `duration` after `time`. Traps past the horizon.
  @inlinable
  public static func + (time: SimulatedTime, duration: SimulatedDuration) -> SimulatedTime {
    SimulatedTime(nanoseconds: time.nanoseconds + duration.nanoseconds)
  }

  /// Moves an instant later by `duration`. Traps past the horizon.
  @inlinable
  public static func += (time: inout SimulatedTime, duration: SimulatedDuration) {
    time.nanoseconds += duration.nanoseconds
  }

  /// The time that passes from `earlier` to `later`. Traps when it would be negative.
  @inlinable
  public static func - (later: SimulatedTime, earlier: SimulatedTime) -> SimulatedDuration {
    SimulatedDuration(nanoseconds: later.nanoseconds - earlier.nanoseconds)
  }
}

extension SimulatedTime: CustomStringConvertible {
  /// The instant in seconds with the unit, such as `1.5 s`.
  public var description: String { "\(seconds) s" }
}
