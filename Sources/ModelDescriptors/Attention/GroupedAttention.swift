// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// Multi-head attention whose query heads share keys and values in groups (MHA, GQA, MQA).
public struct GroupedAttention: SequenceMixer {
  /// Query heads.
  public var heads: Int
  /// Heads of keys and values; equal to `heads` in multi-head attention.
  public var keyValueHeads: Int
  /// Width of a query or key head.
  public var headWidth: Int
  /// Width of a value head.
  public var valueWidth: Int
  /// Which positions are attended to.
  public var span: AttentionSpan
  /// Whether the query, key and value projections have biases.
  public var hasInputBias: Bool
  /// Whether the output projection has a bias.
  public var hasOutputBias: Bool
  /// Whether one projection serves as keys and values (gemma 4's full layers).
  public var sharesKeyAndValue: Bool
  /// Whether the query projection also makes a gate for the output (Qwen3-Next).
  public var hasOutputGate: Bool
  /// Norms, sinks and other vectors beside the biases, in parameters.
  public var extraVectorParameters: Int
  /// The block selection of MiniMax sparse attention, if there is one.
  public var blockIndexer: TokenIndexer?

  /// Creates attention of `heads` query heads over `keyValueHeads` heads of keys and values.
  public init(
    heads: Int, keyValueHeads: Int, headWidth: Int, valueWidth: Int? = nil,
    span: AttentionSpan = .full, hasInputBias: Bool = false, hasOutputBias: Bool = false,
    sharesKeyAndValue: Bool = false, hasOutputGate: Bool = false, extraVectorParameters: Int = 0,
    blockIndexer: TokenIndexer? = nil
  ) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headWidth = headWidth
    self.valueWidth = valueWidth ?? headWidth
    self.span = span
    self.hasInputBias = hasInputBias
    self.hasOutputBias = hasOutputBias
    self.sharesKeyAndValue = sharesKeyAndValue
    self.hasOutputGate = hasOutputGate
    self.extraVectorParameters = extraVectorParameters
    self.blockIndexer = blockIndexer
  }

  /// Queries (with their gate), keys and values.
  public func inputMatrices(hidden: Int) -> [MatrixShape] {
    var shapes = [
      MatrixShape(hidden, heads * headWidth * (hasOutputGate ? 2 : 1)),
      MatrixShape(hidden, keyValueHeads * headWidth),
    ]
    if !sharesKeyAndValue { shapes.append(MatrixShape(hidden, keyValueHeads * valueWidth)) }
    if let blockIndexer { shapes += blockIndexer.matrices(hidden: hidden) }
    return shapes
  }

  /// The output projection.
  public func outputMatrices(hidden: Int) -> [MatrixShape] {
    [MatrixShape(heads * valueWidth, hidden)]
  }

  /// Biases, norms and sinks.
  public func vectorParameters(hidden: Int) -> Int {
    var count = extraVectorParameters
    if hasInputBias { count += heads * headWidth + keyValueHeads * (headWidth + valueWidth) }
    if hasOutputBias { count += hidden }
    return count
  }

  /// Keys and values of one position; both are cached even where one projection makes them.
  public var cachedElementsPerRow: Int { keyValueHeads * (headWidth + valueWidth) }

  /// Keys of the block indexer.
  public var indexElementsPerToken: Double { blockIndexer?.cachedElementsPerToken ?? 0 }

  /// Scores and weighted sums: 2 FLOP per element of key and of value, per query head.
  public func core(under plan: PrecisionPlan) -> CoreCost {
    let flop = Double(2 * heads * (headWidth + valueWidth))
    let rowBytes = Double(cachedElementsPerRow) * plan.keyValue.bytesPerElement
    var core = CoreCost()
    core.decodeFlopPerRow = flop
    core.decodeBytesPerRow = rowBytes
    core.prefillFlopPerPair = flop
    core.prefillBytesPerRow = rowBytes
    let tokenBytes =
      Double(heads * (headWidth + valueWidth)) * plan.activations.bytesPerElement + rowBytes
    core.decodeBytesPerToken = tokenBytes
    core.prefillBytesPerToken = tokenBytes
    core.heads = Double(heads)
    core.headWidth = Double(headWidth)
    core.keyValueHeads = Double(keyValueHeads)
    core.computeClass = plan.activations.computeClass
    blockIndexer?.addScan(to: &core, plan: plan)
    return core
  }
}
