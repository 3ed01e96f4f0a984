// SPDX-License-Identifier: GPL-3.0-or-later

/// A move of a sequence's keys and values between device and host memory.
struct SwapMove: BitwiseCopyable, Sendable, Equatable {
  /// The sequence's slot.
  var sequence: Int32
  /// Bytes that move.
  var bytes: Int64
  /// Whether they go to host memory.
  var isOut: Bool
}

/// Where the keys and values of a sequence are.
enum SwapState: UInt8, BitwiseCopyable {
  /// In device memory, or nowhere.
  case none
  /// On their way to host memory; their room in device memory is not free yet.
  case leaving
  /// In host memory.
  case host
  /// On their way back; their room in device memory is taken.
  case arriving
}

/// Host memory to which preempted sequences' keys and values go, and what is on its way.
///
/// The scheduler decides and puts moves into ``moves``; whoever carries them out takes them with
/// `BatchScheduler.takeSwaps()` and tells of each end with `BatchScheduler.swapEnded(_:)`.
struct SwapSpace {
  /// Bytes of host memory.
  let capacity: Int64
  /// Bytes taken, of sequences on their way included.
  var used: Int64 = 0
  /// The most that was ever taken.
  var highWater: Int64 = 0
  /// Moves that are decided and not yet taken up.
  var moves: [SwapMove] = []
  /// Moves decided that have not ended.
  var underWay = 0
  /// Bytes of device memory that become free when what is leaving has left.
  var leavingBytes: Int64 = 0
  /// Sequences that were swapped out.
  var count = 0
  /// Preemptions by recompute for want of host memory.
  var fallbacks = 0

  init(capacity: Int64) { self.capacity = capacity }

  /// Forgets what was counted, and the high-water mark.
  mutating func resetCounts() {
    highWater = used
    count = 0
    fallbacks = 0
  }
}
