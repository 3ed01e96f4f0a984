// SPDX-License-Identifier: GPL-3.0-or-later

/// The number of a weight block in a `BlockLayout`, from 0 to `count - 1`.
@frozen
public struct BlockID: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The block's number.
  public var rawValue: Int32

  /// Creates the identifier of the block with the given number.
  @inlinable
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// Creates the identifier of the block with the given number.
  @inlinable
  public init(_ index: Int) { rawValue = Int32(truncatingIfNeeded: index) }

  /// The block's number as an array index.
  @inlinable
  public var index: Int { Int(rawValue) }

  /// Orders blocks by number.
  @inlinable
  public static func < (left: BlockID, right: BlockID) -> Bool { left.rawValue < right.rawValue }
}
