// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Experts fetched ahead into staging buffers, which enter the cache when their gate chooses them.
struct BufferedCopies {
  /// Where a copy stands.
  enum State: UInt8 {
    case none, arriving, ready
  }

  private var states: [State]
  /// The blocks that have a buffer, in order of their coming.
  private(set) var blocks: [BlockID] = []

  init(blocks count: Int) { states = [State](repeating: .none, count: count) }

  /// Where the copy of a block stands.
  subscript(block: BlockID) -> State { states[block.index] }

  /// A block gets a buffer; its transfer begins.
  mutating func begin(_ block: BlockID) {
    states[block.index] = .arriving
    blocks.append(block)
  }

  /// A block stands in its buffer.
  mutating func arrived(_ block: BlockID) { states[block.index] = .ready }

  /// A block is no copy fetched ahead any more: it has been taken over or dropped.
  mutating func remove(_ block: BlockID) {
    states[block.index] = .none
    blocks.removeAll { $0 == block }
  }
}
