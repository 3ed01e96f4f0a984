// SPDX-License-Identifier: GPL-3.0-or-later

/// A length of simulated time in whole nanoseconds, never negative.
@frozen
public struct SimulatedDuration: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The length in nanoseconds.
  public var nanoseconds: UInt64

  /// Creates a duration of the given number of nanoseconds.
  @inlinable
  public init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// Creates a duration of `seconds`, rounded to the nearest nanosecond.
  ///
  /// - Precondition: `seconds` is finite, not negative and below 2⁶³ ns (292 years).
  @inlinable
  public init(seconds: Double) {
    let nanoseconds = seconds * 1e9
    precondition(
      nanoseconds >= 0 && nanoseconds < 9.2e18,
      "A duration is finite, not negative and shorter than 292 years.")
    self.nanoseconds = roundedToNanoseconds(nanoseconds)
  }

  /// No time at all.
  @inlinable public static var zero: SimulatedDuration { SimulatedDuration(nanoseconds: 0) }

  /// The length in seconds.
  @inlinable public var seconds: Double { secondsOf(nanoseconds) }

  /// Whether the first duration is shorter than the second.
  @inlinable
  public static func < (left: SimulatedDuration, right: SimulatedDuration) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The sum of two durations. Traps on overflow.
  @inlinable
  public static func + (left: SimulatedDuration, right: SimulatedDuration) -> SimulatedDuration {
    SimulatedDuration(nanoseconds: left.nanoseconds + right.nanoseconds)
  }

  /// Adds a duration to another. Traps on overflow.
  @inlinable
  public static func += (left: inout SimulatedDuration, right: SimulatedDuration) {
    left.nanoseconds += right.nanoseconds
  }

  /// The difference of two durations. Traps when it would be negative.
  @inlinable
  public static func - (left: SimulatedDuration, right: SimulatedDuration) -> SimulatedDuration {
    SimulatedDuration(nanoseconds: left.nanoseconds - right.nanoseconds)
  }

  /// A whole multiple of a duration. Traps on overflow.
  @inlinable
  public static func * (count: UInt64, duration: SimulatedDuration) -> SimulatedDuration {
    SimulatedDuration(nanoseconds: count * duration.nanoseconds)
  }
}

extension SimulatedDuration: CustomStringConvertible {
  /// The duration in seconds with the unit, such as `0.25 s`.
  public var description: String { "\(seconds) s" }
}

/// The integer nearest to a number of nanoseconds that is known to be in [0, 2⁶³).
///
/// Adding one half and truncating avoids the library call that `rounded()` costs on a processor
/// baseline without a rounding instruction. Below 1 the sum is compared rather than rounded up.
@inlinable
@inline(__always)
func roundedToNanoseconds(_ nanoseconds: Double) -> UInt64 {
  let truncated = Int64(nanoseconds)
  return UInt64(truncated &+ (nanoseconds - Double(truncated) >= 0.5 ? 1 : 0))
}

/// A number of nanoseconds in seconds.
///
/// Below 2⁶³ ns (292 years) by the conversion of a signed integer, which is a single instruction.
@inlinable
@inline(__always)
func secondsOf(_ nanoseconds: UInt64) -> Double {
  let signed = Int64(truncatingIfNeeded: nanoseconds)
  return (signed >= 0 ? Double(signed) : Double(nanoseconds)) * 1e-9
}
