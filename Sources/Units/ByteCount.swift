// SPDX-License-Identifier: GPL-3.0-or-later

/// An exact amount of data.
@frozen
public struct ByteCount: Hashable, Comparable, Sendable, BitwiseCopyable, AdditiveArithmetic,
  CustomStringConvertible
{
  /// The amount [B].
  public var bytes: Int64

  /// Creates an amount of `bytes` bytes.
  @inlinable
  public init(_ bytes: Int64) { self.bytes = bytes }

  /// Reads an amount such as "24 GiB"; a fraction of a byte is rounded to the nearest.
  /// - Throws: `QuantityError` when the text is no amount of data, or is beyond 2⁶² bytes.
  public init(parsing text: String) throws(QuantityError) {
    let value = try Quantity(parsing: text, as: .bytes).value.rounded()
    guard abs(value) < 4_611_686_018_427_387_904 else { throw .notFinite(text: text) }
    self.init(Int64(value))
  }

  /// No data.
  @inlinable
  public static var zero: ByteCount { ByteCount(0) }

  /// `count` × 2¹⁰ bytes.
  @inlinable
  public static func kibibytes(_ count: Int64) -> ByteCount { ByteCount(count << 10) }
  /// `count` × 2²⁰ bytes.
  @inlinable
  public static func mebibytes(_ count: Int64) -> ByteCount { ByteCount(count << 20) }
  /// `count` × 2³⁰ bytes.
  @inlinable
  public static func gibibytes(_ count: Int64) -> ByteCount { ByteCount(count << 30) }

  /// The sum; traps on overflow.
  @inlinable
  public static func + (lhs: ByteCount, rhs: ByteCount) -> ByteCount {
    ByteCount(lhs.bytes + rhs.bytes)
  }

  /// The difference, which may be negative; traps on overflow.
  @inlinable
  public static func - (lhs: ByteCount, rhs: ByteCount) -> ByteCount {
    ByteCount(lhs.bytes - rhs.bytes)
  }

  /// `lhs` taken `rhs` times; traps on overflow.
  @inlinable
  public static func * (lhs: ByteCount, rhs: Int64) -> ByteCount { ByteCount(lhs.bytes * rhs) }

  /// Whether `lhs` is the smaller amount.
  @inlinable
  public static func < (lhs: ByteCount, rhs: ByteCount) -> Bool { lhs.bytes < rhs.bytes }

  /// The amount in a binary unit that suits it: "24 GiB".
  public var description: String { QuantityFormat().string(Double(bytes), .bytes) }
}
