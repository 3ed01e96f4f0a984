// SPDX-License-Identifier: GPL-3.0-or-later

/// Names a server of an `OperationNetwork`: something that operations hold.
@frozen
public struct ServerID: Hashable, Sendable, BitwiseCopyable {
  /// The position in the order in which servers were added.
  public let index: UInt32

  /// Creates the name of the server at a position.
  @inlinable
  public init(index: UInt32) {
    self.index = index
  }
}

/// Names a shared bandwidth of an `OperationNetwork`: something that operations consume at a rate.
@frozen
public struct BandwidthID: Hashable, Sendable, BitwiseCopyable {
  /// The position in the order in which bandwidths were added.
  public let index: UInt32

  /// Creates the name of the bandwidth at a position.
  @inlinable
  public init(index: UInt32) {
    self.index = index
  }
}

/// Names a capacity pool of an `OperationNetwork`.
@frozen
public struct PoolID: Hashable, Sendable, BitwiseCopyable {
  /// The position in the order in which pools were added.
  public let index: UInt32

  /// Creates the name of the pool at a position.
  @inlinable
  public init(index: UInt32) {
    self.index = index
  }
}

/// Names an operation from its creation to its end.
///
/// Places in the arena are reused; the generation tells a new operation from an old one, so a
/// stale name is harmless.
@frozen
public struct OperationID: Hashable, Sendable, BitwiseCopyable {
  @usableFromInline let slot: UInt32
  @usableFromInline let generation: UInt32

  @inlinable
  init(slot: UInt32, generation: UInt32) {
    self.slot = slot
    self.generation = generation
  }

  /// A name that no operation has.
  @inlinable public static var none: OperationID { OperationID(slot: .max, generation: .max) }
}
