// SPDX-License-Identifier: GPL-3.0-or-later

/// What mixes positions in a layer: attention in one of its forms, or a recurrence.
///
/// A mixer states its weights as matrices, its cache as elements per row, and the work between its
/// projections as a `CoreCost`. Adding an attention variant is one conforming type and one case of
/// `AttentionDescriptor`.
public protocol SequenceMixer: Hashable, Sendable {
  /// Which positions a token attends to.
  var span: AttentionSpan { get }
  /// Matrices applied before the core, for a model of width `hidden`.
  func inputMatrices(hidden: Int) -> [MatrixShape]
  /// Matrices applied after the core.
  func outputMatrices(hidden: Int) -> [MatrixShape]
  /// Biases, norms, convolutions, sinks: parameters outside any matrix product.
  func vectorParameters(hidden: Int) -> Int
  /// Elements of keys and values per cached row (`AttentionSpan.stored(length:)` counts rows).
  var cachedElementsPerRow: Int { get }
  /// Elements of an indexer's keys per token.
  var indexElementsPerToken: Double { get }
  /// Elements of recurrent state per sequence, held whatever its length.
  var stateElements: Int { get }
  /// Launches of the input projections after the usual fusing.
  var inputKernels: Int { get }
  /// Launches of the output projections.
  var outputKernels: Int { get }
  /// The work between the projections.
  func core(under plan: PrecisionPlan) -> CoreCost
}

extension SequenceMixer {
  /// No indexer.
  public var indexElementsPerToken: Double { 0 }
  /// No recurrent state.
  public var stateElements: Int { 0 }
  /// One fused launch.
  public var inputKernels: Int { 1 }
  /// One launch.
  public var outputKernels: Int { 1 }

  /// Parameters of the mixer in a model of width `hidden`.
  public func parameterCount(hidden: Int) -> Int {
    inputMatrices(hidden: hidden).reduce(0) { $0 + $1.elements }
      + outputMatrices(hidden: hidden).reduce(0) { $0 + $1.elements }
      + vectorParameters(hidden: hidden)
  }
}

extension SequenceMixer {
  /// About how many parameters there are, in floating point so that nothing overflows.
  func sizeEstimate(hidden: Int) -> Double {
    (inputMatrices(hidden: hidden) + outputMatrices(hidden: hidden))
      .reduce(0) { $0 + Double($1.input) * Double($1.output) }
  }
}
