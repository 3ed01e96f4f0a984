// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import SimulationKernel

/// Why bytes move.
enum TransferPurpose: UInt8, CaseIterable {
  case demand, prefetch, writeBack, staging, keyValueSwap, activationsUp, activationsDown
  // Of step graphs.
  case weights, keyValueLoad, keyValueStore, collective
  /// Keys and values of preempted sequences on their way to the host; ``keyValueSwap`` comes back.
  case keyValueSwapOut

  /// The purpose's name in reports.
  var name: String {
    switch self {
    case .demand: "demand"
    case .prefetch: "prefetch"
    case .writeBack: "write-back"
    case .staging: "staging"
    case .keyValueSwap, .keyValueSwapOut: "kv-swap"
    case .activationsUp, .activationsDown: "activations"
    case .weights: "weights"
    case .keyValueLoad, .keyValueStore: "kv"
    case .collective: "collective"
    }
  }
}

/// One expert on its way into the fastest tier.
struct Transfer: BitwiseCopyable {
  /// The block that moves.
  var block = BlockID(rawValue: -1)
  /// Whether a step waits for it.
  var isDemanded = false
  /// Whether it passes through a staging buffer and is not kept.
  var isTransient = false
  /// Whether the read from the drive is kept in host memory.
  var keepsInHost = false
  /// Whether nobody wants it any more: it ends at its next chunk's boundary.
  var isStale = false
  /// Whether it began as a prefetch, and counts among those under way.
  var isAhead = false
  /// Chunks that no copy has been submitted for.
  var chunksLeft: Int32 = 0
  /// Chunks and bytes of the copy under way.
  var chunksUnderWay: Int32 = 0
  var bytesUnderWay: Int64 = 0
  /// Operations of its current stage that have not ended.
  var operationsLeft: Int32 = 0
  /// When it passed each stage.
  var phases = TransferPhases()

  /// The most parts into which a drive's read is cut.
  static let maximumParts = 8
}

/// The transfers on their way, by slot; a recycled arena.
struct TransferTable {
  private(set) var transfers: [Transfer] = []
  private var free: [Int32] = []
  /// The operations of each slot's current stage, whose priority a demand raises.
  private var operations: [[OperationID]] = []
  /// The slot of the transfer that brings a block, or -1.
  private var slotOfBlock: [Int32]

  /// A table for blocks `0..<blockCount`.
  init(blockCount: Int) {
    slotOfBlock = [Int32](repeating: -1, count: blockCount)
    transfers.reserveCapacity(64)
    free.reserveCapacity(64)
  }

  /// Transfers on their way.
  var count: Int { transfers.count - free.count }

  /// The slot of the transfer that brings `block`, if one does.
  @inline(__always)
  func slot(of block: BlockID) -> Int? {
    let slot = slotOfBlock[Int(block.rawValue)]
    return slot < 0 ? nil : Int(slot)
  }

  subscript(slot: Int) -> Transfer {
    // In place: a transfer is large, and most uses read or write one field.
    @inline(__always) _read { yield transfers[slot] }
    @inline(__always) _modify { yield &transfers[slot] }
  }

  /// Takes up a transfer and returns its slot.
  mutating func insert(_ transfer: Transfer) -> Int {
    let slot: Int
    if let reused = free.popLast() {
      slot = Int(reused)
      transfers[slot] = transfer
    } else {
      slot = transfers.count
      transfers.append(transfer)
      operations.append([])
    }
    slotOfBlock[Int(transfer.block.rawValue)] = Int32(slot)
    return slot
  }

  /// The operations of a slot's current stage, some of which may have ended.
  func operations(of slot: Int) -> [OperationID] { operations[slot] }

  /// Forgets the operations of the stage before.
  mutating func beginStage(_ slot: Int) {
    operations[slot].removeAll(keepingCapacity: true)
    transfers[slot].operationsLeft = 0
  }

  /// Adds an operation to a slot's stage, which waits for its end if it is `awaited`.
  mutating func add(_ operation: OperationID, to slot: Int, awaited: Bool = true) {
    operations[slot].append(operation)
    if awaited { transfers[slot].operationsLeft += 1 }
  }

  /// Forgets a transfer that has ended.
  mutating func remove(_ slot: Int) {
    slotOfBlock[Int(transfers[slot].block.rawValue)] = -1
    free.append(Int32(slot))
  }
}
