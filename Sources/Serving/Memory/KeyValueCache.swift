// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// The paged KV cache's budget: how many bytes sequences hold, in blocks of tokens.
///
/// Blocks are never fragmented across sequences, so it is enough to count bytes: a sequence of n
/// tokens holds what its blocks, the last one whole, take in every layer. Layers with a window hold
/// at most their window; layers with a recurrence hold one fixed state.
struct KeyValueCache {
  /// Tokens in a block.
  let blockTokens: Int
  /// Bytes that may be held at once.
  let capacity: Int64
  /// Bytes held.
  private(set) var used: Int64 = 0
  /// The most that was ever held.
  private(set) var highWater: Int64 = 0
  private let model: ModelDescriptor
  private let precision: PrecisionPlan
  /// Bytes by number of blocks, filled as longer sequences come.
  private var bytesByBlocks: [Int64] = [0]

  init(model: ModelDescriptor, precision: PrecisionPlan, blockTokens: Int, capacity: Int64) {
    self.model = model
    self.precision = precision
    self.blockTokens = blockTokens
    self.capacity = capacity
  }

  /// Bytes that a sequence of `tokens` tokens holds.
  ///
  /// - Complexity: O(1), amortised over the blocks of the longest sequence.
  mutating func bytes(tokens: Int) -> Int64 {
    let blocks = (tokens + blockTokens - 1) / blockTokens
    while bytesByBlocks.count <= blocks {
      let length = bytesByBlocks.count * blockTokens
      bytesByBlocks.append(
        Int64(model.cacheBytes(length: length, under: precision).rounded(.up)))
    }
    return bytesByBlocks[blocks]
  }

  /// Lets a sequence that holds `held` bytes grow to `tokens` tokens.
  ///
  /// - Returns: the bytes that it then holds, or `nil` when the cache has no room.
  mutating func grow(held: Int64, tokens: Int) -> Int64? {
    let needed = max(held, bytes(tokens: tokens))
    guard used + needed - held <= capacity else { return nil }
    used += needed - held
    highWater = max(highWater, used)
    return needed
  }

  /// Takes back what a sequence held.
  mutating func release(_ bytes: Int64) { used -= bytes }

  /// Forgets the high-water mark.
  mutating func resetHighWater() { highWater = used }
}
