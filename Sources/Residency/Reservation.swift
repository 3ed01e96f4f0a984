// SPDX-License-Identifier: GPL-3.0-or-later

/// What came of asking a tier for a block's room.
@frozen
public enum Reservation: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// The block was absent; it has its room now and is loading.
  case reserved
  /// Some chunks of the block were here already; it is loading again, from
  /// `arrivedChunks(of:)` on.
  case resumed
  /// The block was on its way already: do not fetch it again.
  case inFlight
  /// All of the block is here.
  case resident
  /// The block is being written back; ask again after `finishEviction`, or `rescue` it.
  case departing
  /// The pool can not make room: what is left in it is on its way, pinned, leased, of the current
  /// set, or kept by the rule. Nothing was evicted.
  case noRoom
  /// The eviction rule gives this block no room (a static cache): it streams through.
  case refused

  /// Whether the caller has chunks to fetch.
  @inlinable
  public var needsTransfer: Bool { self == .reserved || self == .resumed }
}

/// How far a change of a pool's capacity got.
public struct CapacityChange: Hashable, Sendable {
  /// What was asked for, in the plan's unit.
  public var requested: Int64
  /// The capacity that now holds: what was asked for, or what could not be evicted.
  public var capacity: Int64
  /// What blocks that are being written back still take of the room given up.
  public var departing: Int64

  /// Whether the capacity is what was asked for.
  public var isComplete: Bool { capacity == requested }
}
