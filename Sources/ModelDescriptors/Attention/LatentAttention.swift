// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): keys and values are cached as one
/// latent row and a shared rotary part.
///
/// Decoding multiplies in the latent space ("absorbed"): per attended row 2·(latent + rotary) FLOP
/// for the score and 2·latent for the sum, per head. Prompts expand the rows first, except where a
/// selection makes the absorbed form the cheaper one.
public struct LatentAttention: SequenceMixer {
  /// Query heads.
  public var heads: Int
  /// Width of the query latent; 0 where queries are projected directly.
  public var queryLatent: Int
  /// Width of the latent of keys and values.
  public var keyValueLatent: Int
  /// Width per head without rotary embedding.
  public var plainWidth: Int
  /// Width of the rotary part, shared by all heads of the keys.
  public var rotaryWidth: Int
  /// Width of a value head.
  public var valueWidth: Int
  /// Whether a gate of the width of all value heads multiplies the output (Kimi-K3).
  public var hasOutputGate: Bool
  /// Sparse selection (DSA), if there is one.
  public var indexer: TokenIndexer?

  /// Creates latent attention.
  public init(
    heads: Int, queryLatent: Int, keyValueLatent: Int, plainWidth: Int, rotaryWidth: Int,
    valueWidth: Int, hasOutputGate: Bool = false, indexer: TokenIndexer? = nil
  ) {
    self.heads = heads
    self.queryLatent = queryLatent
    self.keyValueLatent = keyValueLatent
    self.plainWidth = plainWidth
    self.rotaryWidth = rotaryWidth
    self.valueWidth = valueWidth
    self.hasOutputGate = hasOutputGate
    self.indexer = indexer
  }

  /// All positions, or the indexer's selection of them.
  public var span: AttentionSpan {
    guard let indexer else { return .full }
    return AttentionSpan(selection: indexer.selection, scanCompression: indexer.isOwn ? 1 : 0)
  }

  /// The low-rank pairs of queries and of keys and values, the gate, the indexer.
  public func inputMatrices(hidden: Int) -> [MatrixShape] {
    let queryWidth = heads * (plainWidth + rotaryWidth)
    var shapes: [MatrixShape] = []
    if queryLatent > 0 {
      shapes += [MatrixShape(hidden, queryLatent), MatrixShape(queryLatent, queryWidth)]
    } else {
      shapes.append(MatrixShape(hidden, queryWidth))
    }
    shapes.append(MatrixShape(hidden, keyValueLatent + rotaryWidth))
    shapes.append(MatrixShape(keyValueLatent, heads * (plainWidth + valueWidth)))
    if hasOutputGate { shapes.append(MatrixShape(hidden, heads * valueWidth)) }
    if let indexer { shapes += indexer.matrices(hidden: hidden) }
    return shapes
  }

  /// The output projection.
  public func outputMatrices(hidden: Int) -> [MatrixShape] {
    [MatrixShape(heads * valueWidth, hidden)]
  }

  /// The norms of the latents and of the indexer's keys.
  public func vectorParameters(hidden: Int) -> Int {
    queryLatent + keyValueLatent + (indexer?.vectorParameters ?? 0)
  }

  /// One latent row and one rotary part.
  public var cachedElementsPerRow: Int { keyValueLatent + rotaryWidth }

  /// The indexer's key.
  public var indexElementsPerToken: Double { indexer?.cachedElementsPerToken ?? 0 }

  /// Down, up, latent down and up: three launches when the two downward products are fused.
  public var inputKernels: Int { 3 + (hasOutputGate ? 1 : 0) + (indexer?.isOwn == true ? 2 : 0) }

  /// Scores and sums in the latent space when decoding, over expanded heads in prompts.
  public func core(under plan: PrecisionPlan) -> CoreCost {
    let rowBytes = Double(cachedElementsPerRow) * plan.keyValue.bytesPerElement
    let absorbed = Double(2 * heads * (2 * keyValueLatent + rotaryWidth))
    let expanded = Double(2 * heads * (plainWidth + rotaryWidth + valueWidth))
    var core = CoreCost()
    core.decodeFlopPerRow = absorbed
    core.decodeBytesPerRow = rowBytes
    core.prefillFlopPerPair = indexer == nil ? expanded : absorbed
    core.prefillBytesPerRow = rowBytes
    if indexer == nil {
      core.prefillFlopPerEarlierRow = Double(
        2 * keyValueLatent * heads * (plainWidth + valueWidth))
    }
    let activation = plan.activations.bytesPerElement
    core.decodeBytesPerToken =
      Double(heads * (2 * keyValueLatent + rotaryWidth)) * activation + rowBytes
    core.prefillBytesPerToken =
      Double(heads * (2 * plainWidth + rotaryWidth + 2 * valueWidth)) * activation + rowBytes
    core.heads = Double(heads)
    core.headWidth = Double(keyValueLatent)
    core.isLatent = true
    core.computeClass = plan.activations.computeClass
    indexer?.addScan(to: &core, plan: plan)
    return core
  }
}
