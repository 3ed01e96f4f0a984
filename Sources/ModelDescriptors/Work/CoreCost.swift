// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// The coefficients of the work between a mixer's projections: scores and weighted sums, an
/// indexer's scan, or a recurrence. All are per unit of an `AttentionLoad`'s sums.
@frozen
public struct CoreCost: Hashable, Sendable, BitwiseCopyable {
  /// FLOP per row that a decoding token attends to.
  public var decodeFlopPerRow: Double = 0
  /// Bytes per row that a decoding token attends to.
  public var decodeBytesPerRow: Double = 0
  /// FLOP per decoding token, whatever its context (a recurrence).
  public var decodeFlopPerToken: Double = 0
  /// Bytes per decoding token: queries, outputs, the new row, state read and written.
  public var decodeBytesPerToken: Double = 0
  /// FLOP per pair of a prompt token and a row it attends to.
  public var prefillFlopPerPair: Double = 0
  /// FLOP per cached row of an earlier chunk that a prompt's chunk reads (latent rows expanded anew).
  public var prefillFlopPerEarlierRow: Double = 0
  /// Bytes per row that a prompt's chunk reads.
  public var prefillBytesPerRow: Double = 0
  /// FLOP per prompt token, whatever its context.
  public var prefillFlopPerToken: Double = 0
  /// Bytes per prompt token.
  public var prefillBytesPerToken: Double = 0
  /// Bytes per prompt or chunk: a recurrent state read and written.
  public var prefillBytesPerSequence: Double = 0
  /// FLOP per row that an indexer scans.
  public var scanFlopPerRow: Double = 0
  /// Bytes per row that an indexer scans for one decoding token.
  public var scanBytesPerRow: Double = 0
  /// Heads, the parallel width of the core.
  public var heads: Double = 0
  /// Width of one head.
  public var headWidth: Double = 0
  /// Heads of keys and values.
  public var keyValueHeads: Double = 1
  /// Launches for a batch with decoding sequences, and as many again for one with prompts.
  public var kernels: Int32 = 1
  /// Whether the core is a recurrence.
  public var isRecurrent: Bool = false
  /// Whether cached rows are latent vectors that all heads share.
  public var isLatent: Bool = false
  /// The peak at which the core multiplies.
  public var computeClass: ComputeClass = .fp16

  /// Creates the cost of nothing.
  @inlinable
  public init() {}

  /// The work of the decoding sequences of a load.
  ///
  /// - Complexity: O(1), no allocation.
  @inlinable
  public func decodeWork(_ load: AttentionLoad) -> KernelWork {
    guard load.decodeSequences > 0, kernels > 0 else { return .none }
    let tokens = Double(load.decodeSequences)
    var work = KernelWork(
      family: isRecurrent ? .linearAttention : .attentionDecode,
      flop: decodeFlopPerRow * load.decodeContext + decodeFlopPerToken * tokens
        + scanFlopPerRow * load.decodeScanned,
      bytes: decodeBytesPerRow * (load.decodeContext - load.decodeShared)
        + decodeBytesPerToken * tokens
        + scanBytesPerRow * load.decodeScanned,
      rows: tokens, columns: heads, depth: headWidth, groups: keyValueHeads,
      computeClass: computeClass, kernels: Int(kernels))
    work.isLatent = isLatent
    work.sequences = tokens
    work.context = load.decodeContext / tokens
    work.longest = load.decodeLongest
    return work
  }

  /// The work of the prompt tokens of a load.
  ///
  /// - Complexity: O(1), no allocation.
  @inlinable
  public func prefillWork(_ load: AttentionLoad) -> KernelWork {
    guard load.prefillTokens > 0, kernels > 0 else { return .none }
    let tokens = Double(load.prefillTokens)
    let earlier = max(0, load.prefillContext - tokens)
    var work = KernelWork(
      family: isRecurrent ? .linearAttention : .attentionPrefill,
      flop: prefillFlopPerPair * load.prefillPairs + prefillFlopPerToken * tokens
        + prefillFlopPerEarlierRow * earlier + scanFlopPerRow * load.prefillScanned,
      bytes: prefillBytesPerRow * load.prefillContext + prefillBytesPerToken * tokens
        + prefillBytesPerSequence * Double(load.prefillSequences)
        + scanBytesPerRow * load.prefillContext,
      rows: tokens, columns: heads, depth: headWidth, groups: keyValueHeads,
      computeClass: computeClass, kernels: Int(kernels))
    work.isLatent = isLatent
    work.sequences = Double(load.prefillSequences)
    work.context = load.prefillContext / Double(load.prefillSequences)
    return work
  }
}
