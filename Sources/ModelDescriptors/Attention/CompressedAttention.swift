// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// The attention of DeepSeek-V4 (arXiv 2606.19348): one key head that is also the value, low-rank
/// queries, a grouped low-rank output, a sliding window, and beside it a compressed history of one
/// row per 4 tokens with an indexer (CSA) or per 128 tokens (HCA).
public struct CompressedAttention: SequenceMixer {
  /// Query heads.
  public var heads: Int
  /// Width of a head and of the shared key–value row.
  public var headWidth: Int
  /// Width of the query latent.
  public var queryLatent: Int
  /// Groups of heads of the output projection.
  public var outputGroups: Int
  /// Width of the output latent per group.
  public var outputLatent: Int
  /// Tokens of the sliding window.
  public var window: Int
  /// Tokens per compressed row; 0 for a layer with the window alone.
  public var compression: Int
  /// Whether each compressed row overlaps its neighbour's tokens, which doubles the compressor.
  public var overlaps: Bool
  /// The selection among compressed rows (CSA), if there is one.
  public var indexer: TokenIndexer?

  /// Creates the attention of one DeepSeek-V4 layer.
  public init(
    heads: Int, headWidth: Int, queryLatent: Int, outputGroups: Int, outputLatent: Int,
    window: Int, compression: Int, overlaps: Bool, indexer: TokenIndexer?
  ) {
    self.heads = heads
    self.headWidth = headWidth
    self.queryLatent = queryLatent
    self.outputGroups = outputGroups
    self.outputLatent = outputLatent
    self.window = window
    self.compression = compression
    self.overlaps = overlaps
    self.indexer = indexer
  }

  /// The window and the compressed history.
  public var span: AttentionSpan {
    AttentionSpan(
      window: window, compression: compression, selection: indexer?.selection ?? 0,
      scanCompression: indexer == nil ? 0 : compression)
  }

  /// Queries, the shared row, the compressor's values and gates, the indexer with its compressor.
  public func inputMatrices(hidden: Int) -> [MatrixShape] {
    var shapes = [
      MatrixShape(hidden, queryLatent), MatrixShape(queryLatent, heads * headWidth),
      MatrixShape(hidden, headWidth),
    ]
    if compression > 0 {
      shapes.append(MatrixShape(hidden, 2 * (overlaps ? 2 : 1) * headWidth))
    }
    if let indexer {
      shapes += [
        MatrixShape(queryLatent, indexer.heads * indexer.headWidth),
        MatrixShape(hidden, indexer.heads),
        MatrixShape(hidden, 2 * (overlaps ? 2 : 1) * indexer.headWidth),
      ]
    }
    return shapes
  }

  /// The grouped low-rank pair.
  public func outputMatrices(hidden: Int) -> [MatrixShape] {
    [
      MatrixShape(heads * headWidth / outputGroups, outputGroups * outputLatent),
      MatrixShape(outputGroups * outputLatent, hidden),
    ]
  }

  /// Norms, sinks, and the compressors' position weights.
  public func vectorParameters(hidden: Int) -> Int {
    var count = heads + queryLatent + headWidth
    let factor = overlaps ? 2 : 1
    if compression > 0 { count += factor * headWidth * compression + headWidth }
    if let indexer {
      count += factor * indexer.headWidth * compression + indexer.headWidth
    }
    return count
  }

  /// One row serves as key and value.
  public var cachedElementsPerRow: Int { headWidth }

  /// One key of the indexer per compressed row.
  public var indexElementsPerToken: Double {
    guard let indexer, compression > 0 else { return 0 }
    return Double(indexer.headWidth) / Double(compression)
  }

  /// Queries down with the row and the compressor, queries up, the indexer.
  public var inputKernels: Int { 2 + (compression > 0 ? 1 : 0) + (indexer == nil ? 0 : 2) }
  /// The grouped product and the product back to the hidden width.
  public var outputKernels: Int { 2 }

  /// Scores and sums over rows of one head width.
  public func core(under plan: PrecisionPlan) -> CoreCost {
    let rowBytes = Double(headWidth) * plan.keyValue.bytesPerElement
    var core = CoreCost()
    core.decodeFlopPerRow = Double(4 * heads * headWidth)
    core.decodeBytesPerRow = rowBytes
    core.prefillFlopPerPair = core.decodeFlopPerRow
    core.prefillBytesPerRow = rowBytes
    let tokenBytes = Double(2 * heads * headWidth) * plan.activations.bytesPerElement + rowBytes
    core.decodeBytesPerToken = tokenBytes
    core.prefillBytesPerToken = tokenBytes
    core.heads = Double(heads)
    core.headWidth = Double(headWidth)
    core.computeClass = plan.activations.computeClass
    indexer?.addScan(to: &core, plan: plan)
    return core
  }
}
