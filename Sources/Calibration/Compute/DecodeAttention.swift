// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// Attention of one new token for each of a batch of sequences over their past keys and values.
///
/// Keys and values lie as [sequence][key head][position][value of a head], with room for `capacity`
/// positions; each is read once for all query heads of its group.
public final class DecodeAttention {
  /// Sequences.
  public let batch: Int
  /// Query heads.
  public let heads: Int
  /// Heads of keys and values.
  public let keyHeads: Int
  /// Values of a head.
  public let headSize: Int
  /// Positions for which keys and values have room.
  public let capacity: Int
  /// Whether keys and values are bfloat16; otherwise 32-bit floats.
  public let isBFloat16: Bool

  private let pool: ThreadPool
  private let scratch: LockableMemory

  /// Prepares the attention.
  public init(
    _ pool: ThreadPool, batch: Int, heads: Int, keyHeads: Int, headSize: Int, capacity: Int,
    isBFloat16: Bool
  ) throws {
    precondition(batch > 0 && headSize > 0 && capacity > 0, "Sizes of attention are positive.")
    precondition(
      keyHeads > 0 && heads > 0 && heads % keyHeads == 0,
      "Each head of keys serves the same number of query heads.")
    self.pool = pool
    self.batch = batch
    self.heads = heads
    self.keyHeads = keyHeads
    self.headSize = headSize
    self.capacity = capacity
    self.isBFloat16 = isBFloat16
    var shape = Self.shape(batch, heads, keyHeads, headSize, capacity, capacity, isBFloat16)
    scratch = try LockableMemory(bytes: ccl_attention_scratch(&shape, pool.pool))
  }

  /// Bytes of the keys of a batch, and as many of the values.
  public var keyBytes: Int { batch * keyHeads * capacity * headSize * (isBFloat16 ? 2 : 4) }

  /// Attends to the first `past` positions.
  ///
  /// - Parameters:
  ///   - queries: [batch][heads][headSize].
  ///   - output: [batch][heads][headSize].
  public func run(
    past: Int, queries: UnsafePointer<Float>, keys: UnsafeRawPointer, values: UnsafeRawPointer,
    output: UnsafeMutablePointer<Float>
  ) {
    precondition(
      (1...capacity).contains(past), "Attention is over positions that there is room for.")
    var shape = Self.shape(batch, heads, keyHeads, headSize, past, capacity, isBFloat16)
    ccl_attention_decode(pool.pool, &shape, queries, keys, values, output, scratch.base)
  }

  private static func shape(
    _ batch: Int, _ heads: Int, _ keyHeads: Int, _ headSize: Int, _ past: Int, _ capacity: Int,
    _ isBFloat16: Bool
  ) -> ccl_attention {
    ccl_attention(
      batch: Int32(batch), heads: Int32(heads), kv_heads: Int32(keyHeads),
      head_size: Int32(headSize), past: Int32(past), kv_stride: Int32(capacity),
      is_bfloat16: isBFloat16)
  }
}
