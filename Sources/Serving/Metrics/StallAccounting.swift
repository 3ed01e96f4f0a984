// SPDX-License-Identifier: GPL-3.0-or-later

import SimulationKernel

/// Why the compute stream stood still.
enum StallCause: Int, CaseIterable {
  case demandLoad, latePrefetch, staging, drive, linkContention, memoryFull, keyValueSwap
  case collective, computeQueue, hostCompute
}

/// The phases of one transfer, as instants [ns]; what a stall that it ended is divided by.
struct TransferPhases: BitwiseCopyable {
  /// When the block was asked for.
  var requested: UInt64 = 0
  /// When room for it was found.
  var granted: UInt64 = 0
  /// When the one worker of serial transfers took it up; 0 where there is none.
  var taken: UInt64 = 0
  /// When the drive had delivered it; equal to `granted` when no drive took part.
  var read: UInt64 = 0
  /// When it stood in pinned memory; equal to `read` when it was there from the start.
  var staged: UInt64 = 0
  /// When its copy over the link began.
  var copyStarted: UInt64 = 0
  /// When its copy over the link ended.
  var copyEnded: UInt64 = 0
  /// Whether it was first asked for by a prefetch.
  var wasPrefetched = false
}

/// Divides the time in which the compute stream stood still among its causes.
///
/// A stall begins when the stream goes idle within a step and ends when a transfer lets an
/// operation start. It is charged to that transfer, by the overlap of the stall with the phases of
/// the transfer: waiting for room is `memoryFull`, the drive's part `drive`, the staging copy's
/// part `staging`, waiting for the link or its worker behind other transfers `linkContention`, and the copy
/// itself `latePrefetch` when a prefetch had begun it, else `demandLoad`.
struct StallAccounting {
  /// Stalled time by cause [ns], indexed by ``StallCause``.
  private(set) var nanoseconds = [UInt64](repeating: 0, count: StallCause.allCases.count)

  subscript(cause: StallCause) -> UInt64 { nanoseconds[cause.rawValue] }

  mutating func add(_ duration: UInt64, to cause: StallCause) {
    nanoseconds[cause.rawValue] += duration
  }

  /// Charges the stall from `start` to `end` [ns] to the transfer that ended it.
  mutating func charge(from start: UInt64, to end: UInt64, transfer: TransferPhases) {
    guard end > start else { return }
    let own: StallCause = transfer.wasPrefetched ? .latePrefetch : .demandLoad
    charge(from: start, to: end, transfer.requested, transfer.granted, .memoryFull)
    let taken = max(transfer.granted, transfer.taken)
    charge(from: start, to: end, transfer.granted, taken, .linkContention)
    charge(from: start, to: end, taken, transfer.read, .drive)
    charge(from: start, to: end, transfer.read, transfer.staged, .staging)
    charge(from: start, to: end, transfer.staged, transfer.copyStarted, .linkContention)
    charge(from: start, to: end, transfer.copyStarted, transfer.copyEnded, own)
    // What lies outside the transfer's life (before it was asked for) is its own kind's too.
    let inside =
      overlap(start, end, transfer.requested, transfer.copyEnded)
    nanoseconds[own.rawValue] += (end - start) - inside
  }

  private mutating func charge(
    from start: UInt64, to end: UInt64, _ phaseStart: UInt64, _ phaseEnd: UInt64,
    _ cause: StallCause
  ) {
    nanoseconds[cause.rawValue] += overlap(start, end, phaseStart, phaseEnd)
  }

  private func overlap(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> UInt64 {
    let low = max(a, c)
    let high = min(b, d)
    return high > low ? high - low : 0
  }
}
