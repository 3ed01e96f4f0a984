// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// The small attention that chooses which rows a sparse layer attends to: DeepSeek's lightning
/// indexer (arXiv 2512.02556) and MiniMax's block indexer.
public struct TokenIndexer: Hashable, Sendable {
  /// Query heads of the indexer.
  public var heads: Int
  /// Width of a head; keys have one head.
  public var headWidth: Int
  /// Features from which queries are projected: the query latent, or 0 for the hidden state.
  public var queryInput: Int
  /// Most rows that stay.
  public var selection: Int
  /// Whether this layer runs its own indexer; otherwise it reuses a neighbour's choice.
  public var isOwn: Bool
  /// Whether the indexer's weights are counted with the model's.
  public var countsParameters: Bool

  /// Creates an indexer.
  public init(
    heads: Int, headWidth: Int, queryInput: Int, selection: Int, isOwn: Bool = true,
    countsParameters: Bool = true
  ) {
    self.heads = heads
    self.headWidth = headWidth
    self.queryInput = queryInput
    self.selection = selection
    self.isOwn = isOwn
    self.countsParameters = countsParameters
  }

  /// Queries, the single key head, and a weight per head.
  func matrices(hidden: Int) -> [MatrixShape] {
    guard isOwn, countsParameters else { return [] }
    return [
      MatrixShape(queryInput > 0 ? queryInput : hidden, heads * headWidth),
      MatrixShape(hidden, headWidth), MatrixShape(hidden, heads),
    ]
  }

  /// The key norm's scale and shift.
  var vectorParameters: Int { isOwn && countsParameters ? 2 * headWidth : 0 }

  /// Elements of keys kept per token.
  var cachedElementsPerToken: Double { isOwn ? Double(headWidth) : 0 }

  /// Adds the scan of one key row per position and query: a product per head.
  func addScan(to core: inout CoreCost, plan: PrecisionPlan) {
    guard isOwn else { return }
    core.scanFlopPerRow = Double(2 * heads * headWidth)
    core.scanBytesPerRow = Double(headWidth) * plan.keyValue.bytesPerElement
    core.kernels += 2  // the scan, and the choice of the top rows
  }
}
