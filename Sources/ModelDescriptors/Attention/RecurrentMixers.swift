// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// Gated DeltaNet (arXiv 2412.06464), the linear attention of Qwen3-Next, 3.5 and 3.6.
public struct GatedDeltaNet: SequenceMixer {
  /// Heads of queries and keys.
  public var keyHeads: Int
  /// Heads of values, each with its own state.
  public var valueHeads: Int
  /// Width of a key head.
  public var keyWidth: Int
  /// Width of a value head.
  public var valueWidth: Int
  /// Taps of the short convolution.
  public var convolution: Int

  /// Creates a Gated DeltaNet mixer.
  public init(keyHeads: Int, valueHeads: Int, keyWidth: Int, valueWidth: Int, convolution: Int) {
    self.keyHeads = keyHeads
    self.valueHeads = valueHeads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
    self.convolution = convolution
  }

  /// No attention over positions.
  public var span: AttentionSpan { .recurrent }

  /// Queries, keys, values and output gate; then the write strength and decay per head.
  public func inputMatrices(hidden: Int) -> [MatrixShape] {
    [
      MatrixShape(hidden, 2 * keyHeads * keyWidth + 2 * valueHeads * valueWidth),
      MatrixShape(hidden, 2 * valueHeads),
    ]
  }

  /// The output projection.
  public func outputMatrices(hidden: Int) -> [MatrixShape] {
    [MatrixShape(valueHeads * valueWidth, hidden)]
  }

  /// The convolution over queries, keys and values, decay parameters, the output norm.
  public func vectorParameters(hidden: Int) -> Int {
    convolution * convolvedChannels + 2 * valueHeads + valueWidth
  }

  private var convolvedChannels: Int { 2 * keyHeads * keyWidth + valueHeads * valueWidth }

  /// Nothing grows with the sequence.
  public var cachedElementsPerRow: Int { 0 }

  /// One keyWidth × valueWidth matrix per value head, and the convolution's last inputs.
  public var stateElements: Int {
    valueHeads * keyWidth * valueWidth + (convolution - 1) * convolvedChannels
  }

  /// Two launches: the wide product and the two narrow ones.
  public var inputKernels: Int { 2 }

  /// The delta rule: per state element, decay (1), read by the key (2), rank-one update (2), read
  /// by the query (2).
  public func core(under plan: PrecisionPlan) -> CoreCost {
    recurrentCore(
      heads: valueHeads, keyWidth: keyWidth, valueWidth: valueWidth, flopPerElement: 7,
      stateElements: stateElements, tokenElements: 2 * convolvedChannels, plan: plan)
  }
}

/// Mamba-2 (arXiv 2405.21060), the state-space mixer of Nemotron-3 and Granite-4.
public struct Mamba2: SequenceMixer {
  /// Heads, each with its own state.
  public var heads: Int
  /// Channels per head.
  public var headWidth: Int
  /// Width of the state per channel.
  public var stateWidth: Int
  /// Groups that share their input and output maps.
  public var groups: Int
  /// Taps of the short convolution.
  public var convolution: Int
  /// Whether the convolution has a bias.
  public var hasConvolutionBias: Bool
  /// Whether the projections have biases.
  public var hasProjectionBias: Bool

  /// Creates a Mamba-2 mixer.
  public init(
    heads: Int, headWidth: Int, stateWidth: Int, groups: Int, convolution: Int,
    hasConvolutionBias: Bool = true, hasProjectionBias: Bool = false
  ) {
    self.heads = heads
    self.headWidth = headWidth
    self.stateWidth = stateWidth
    self.groups = groups
    self.convolution = convolution
    self.hasConvolutionBias = hasConvolutionBias
    self.hasProjectionBias = hasProjectionBias
  }

  /// No attention over positions.
  public var span: AttentionSpan { .recurrent }

  private var inner: Int { heads * headWidth }
  private var convolvedChannels: Int { inner + 2 * groups * stateWidth }

  /// Gate, inputs, the two maps and the step sizes in one product.
  public func inputMatrices(hidden: Int) -> [MatrixShape] {
    [MatrixShape(hidden, inner + convolvedChannels + heads)]
  }

  /// The output projection.
  public func outputMatrices(hidden: Int) -> [MatrixShape] { [MatrixShape(inner, hidden)] }

  /// Convolution, A, D and step biases per head, the gated norm.
  public func vectorParameters(hidden: Int) -> Int {
    convolvedChannels * (convolution + (hasConvolutionBias ? 1 : 0)) + 3 * heads + inner
      + (hasProjectionBias ? inner + convolvedChannels + heads + hidden : 0)
  }

  /// Nothing grows with the sequence.
  public var cachedElementsPerRow: Int { 0 }

  /// One headWidth × stateWidth matrix per head, and the convolution's last inputs.
  public var stateElements: Int {
    heads * headWidth * stateWidth + (convolution - 1) * convolvedChannels
  }

  /// Per state element: decay (1), rank-one update (2), read (2).
  public func core(under plan: PrecisionPlan) -> CoreCost {
    recurrentCore(
      heads: heads, keyWidth: stateWidth, valueWidth: headWidth, flopPerElement: 5,
      stateElements: stateElements, tokenElements: 2 * convolvedChannels + inner, plan: plan)
  }
}

/// Kimi Delta Attention (Kimi Linear, arXiv 2510.26692): a delta rule with a decay per channel.
public struct KimiDeltaAttention: SequenceMixer {
  /// Heads of queries, keys and values.
  public var heads: Int
  /// Width of a head.
  public var headWidth: Int
  /// Taps of the short convolutions.
  public var convolution: Int
  /// Whether the output gate is one full matrix (Kimi-K3) rather than a low-rank pair.
  public var hasFullRankGate: Bool

  /// Creates a Kimi Delta Attention mixer.
  public init(heads: Int, headWidth: Int, convolution: Int, hasFullRankGate: Bool) {
    self.heads = heads
    self.headWidth = headWidth
    self.convolution = convolution
    self.hasFullRankGate = hasFullRankGate
  }

  /// No attention over positions.
  public var span: AttentionSpan { .recurrent }

  private var width: Int { heads * headWidth }

  /// Queries, keys, values, output gate, write strength, and the low-rank pair of the decay.
  public func inputMatrices(hidden: Int) -> [MatrixShape] {
    var shapes = [
      MatrixShape(hidden, 3 * width), MatrixShape(hidden, heads),
      MatrixShape(hidden, headWidth), MatrixShape(headWidth, width),
    ]
    if hasFullRankGate {
      shapes.append(MatrixShape(hidden, width))
    } else {
      shapes += [MatrixShape(hidden, headWidth), MatrixShape(headWidth, width)]
    }
    return shapes
  }

  /// The output projection.
  public func outputMatrices(hidden: Int) -> [MatrixShape] { [MatrixShape(width, hidden)] }

  /// Three convolutions, decay parameters, the output norm.
  public func vectorParameters(hidden: Int) -> Int {
    3 * convolution * width + heads + width + headWidth
  }

  /// Nothing grows with the sequence.
  public var cachedElementsPerRow: Int { 0 }

  /// One headWidth × headWidth matrix per head, and the convolutions' last inputs.
  public var stateElements: Int {
    heads * headWidth * headWidth + 3 * (convolution - 1) * width
  }

  /// The wide product, the narrow ones, the decay's second factor.
  public var inputKernels: Int { 3 }

  /// The delta rule, as in Gated DeltaNet.
  public func core(under plan: PrecisionPlan) -> CoreCost {
    recurrentCore(
      heads: heads, keyWidth: headWidth, valueWidth: headWidth, flopPerElement: 7,
      stateElements: stateElements, tokenElements: 6 * width, plan: plan)
  }
}

/// The work of a recurrence: token by token when decoding, in chunks of 64 in prompts.
///
/// A chunk of c tokens costs, per head and token, c·(key + value) · 2 FLOP within the chunk and
/// 4·key·value to read and update the state, which is then read and written once per chunk.
private func recurrentCore(
  heads: Int, keyWidth: Int, valueWidth: Int, flopPerElement: Double, stateElements: Int,
  tokenElements: Int, plan: PrecisionPlan
) -> CoreCost {
  let chunk = 64.0
  let matrix = Double(heads * keyWidth * valueWidth)
  let stateBytes = Double(stateElements) * plan.state.bytesPerElement
  let tokenBytes = Double(tokenElements) * plan.activations.bytesPerElement
  var core = CoreCost()
  core.isRecurrent = true
  core.decodeFlopPerToken = flopPerElement * matrix
  core.decodeBytesPerToken = 2 * stateBytes + tokenBytes
  core.prefillFlopPerToken =
    Double(heads) * 2 * chunk * Double(keyWidth + valueWidth) + 4 * matrix
  core.prefillBytesPerToken = 2 * stateBytes / chunk + tokenBytes
  core.prefillBytesPerSequence = 2 * stateBytes
  core.heads = Double(heads)
  core.headWidth = Double(valueWidth)
  core.kernels = 2  // the convolution and the scan
  core.computeClass = plan.activations.computeClass
  return core
}
