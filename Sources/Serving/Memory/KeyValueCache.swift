// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// The paged KV cache's budget: how many bytes sequences hold, in blocks of tokens.
///
/// Blocks are never fragmented across sequences, so it is enough to count bytes: a sequence of n
/// tokens holds what its blocks, the last one whole, take in every layer. Layers with a window hold
/// at most their window; layers with a recurrence hold one fixed state. The beams of a sequence share
/// the whole blocks of its prompt, and each holds blocks of its own for what comes behind. In an
/// encoder–decoder they share the keys and values that cross-attention makes of the prompt.
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
  /// A model that drafts, whose keys and values of the same tokens stand beside.
  private let draft: (descriptor: ModelDescriptor, precision: PrecisionPlan)?
  /// Beams of each sequence.
  private let beams: Int64
  /// Bytes of cross-attention's keys and values per prompt token; 0 without an encoder.
  private let crossBytesPerToken: Double
  /// Bytes by number of blocks, filled as longer sequences come.
  private var bytesByBlocks: [Int64] = [0]

  init(
    model: ModelDescriptor, precision: PrecisionPlan, blockTokens: Int, capacity: Int64,
    beams: Int = 1, draft: (descriptor: ModelDescriptor, precision: PrecisionPlan)? = nil
  ) {
    self.draft = draft
    self.beams = Int64(beams)
    crossBytesPerToken =
      model.cacheBytes(length: 0, encoderLength: 1, under: precision)
      - model.cacheBytes(length: 0, under: precision)
    self.model = model
    self.precision = precision
    self.blockTokens = blockTokens
    self.capacity = capacity
  }

  /// Bytes of one block in all layers, of a model's layers that keep every token.
  ///
  /// Layers with a window are counted as if they kept every token of the block; a recurrent state is no
  /// part of it. The keys and values of a model that drafts are.
  static func blockBytes(
    model: ModelDescriptor, precision: PrecisionPlan, blockTokens: Int,
    draft: (descriptor: ModelDescriptor, precision: PrecisionPlan)? = nil
  ) -> Int64 {
    var bytes = model.cacheBytes(length: blockTokens, under: precision)
    bytes -= model.cacheBytes(length: 0, under: precision)
    if let draft {
      bytes += draft.descriptor.cacheBytes(length: blockTokens, under: draft.precision)
      bytes -= draft.descriptor.cacheBytes(length: 0, under: draft.precision)
    }
    return Int64(bytes.rounded(.up))
  }

  /// Bytes that a sequence of `tokens` tokens holds.
  ///
  /// - Complexity: O(1), amortised over the blocks of the longest sequence.
  mutating func bytes(tokens: Int) -> Int64 {
    let blocks = (tokens + blockTokens - 1) / blockTokens
    while bytesByBlocks.count <= blocks {
      let length = bytesByBlocks.count * blockTokens
      var bytes = model.cacheBytes(length: length, under: precision)
      if let draft {
        bytes += draft.descriptor.cacheBytes(length: length, under: draft.precision)
      }
      bytesByBlocks.append(Int64(bytes.rounded(.up)))
    }
    return bytesByBlocks[blocks]
  }

  /// Bytes that a sequence holds of which `tokens` tokens have been computed, the first `prompt` of
  /// them its prompt's; of an encoder–decoder the prompt counts for cross-attention, and the decoder
  /// has computed one token more than what lies behind the prompt, its start.
  ///
  /// - Complexity: O(1), amortised over the blocks of the longest sequence.
  mutating func bytes(prompt: Int, tokens: Int) -> Int64 {
    if model.isEncoderDecoder {
      let blocks = (prompt + blockTokens - 1) / blockTokens
      let cross = (crossBytesPerToken * Double(blocks * blockTokens)).rounded(.up)
      return Int64(cross) + beams * bytes(tokens: max(0, tokens - prompt + 1))
    }
    let first = bytes(tokens: tokens)
    guard beams > 1, tokens > prompt else { return first }
    return first + (beams - 1) * bytes(tokens: tokens - prompt / blockTokens * blockTokens)
  }

  /// Lets a sequence that holds `held` bytes grow to `tokens` tokens, prompt included, of which the
  /// first `shared` stand in blocks that it does not hold alone.
  ///
  /// - Returns: the bytes that it then holds, or `nil` when the cache has no room.
  mutating func grow(held: Int64, prompt: Int, tokens: Int, shared: Int = 0) -> Int64? {
    let needed = needed(held: held, prompt: prompt, tokens: tokens, shared: shared)
    guard used + needed - held <= capacity else { return nil }
    used += needed - held
    highWater = max(highWater, used)
    return needed
  }

  /// Bytes that are missing for a sequence to grow so; 0 or less when there is room.
  mutating func shortage(held: Int64, prompt: Int, tokens: Int, shared: Int) -> Int64 {
    used + needed(held: held, prompt: prompt, tokens: tokens, shared: shared) - held - capacity
  }

  @inline(__always)
  private mutating func needed(held: Int64, prompt: Int, tokens: Int, shared: Int) -> Int64 {
    // Blocks that others have too come with one sequence of tokens for each request alone.
    max(held, shared > 0 ? bytes(tokens: tokens - shared) : bytes(prompt: prompt, tokens: tokens))
  }

  /// Takes more bytes than sequences hold, which there must be room for.
  mutating func take(_ bytes: Int64) {
    used += bytes
    precondition(used <= capacity, "What is taken of the KV cache has room.")
    highWater = max(highWater, used)
  }

  /// Takes back what a sequence held.
  mutating func release(_ bytes: Int64) { used -= bytes }

  /// Takes back everything: nothing is held any more.
  mutating func releaseAll() { used = 0 }

  /// Forgets the high-water mark.
  mutating func resetHighWater() { highWater = used }
}
