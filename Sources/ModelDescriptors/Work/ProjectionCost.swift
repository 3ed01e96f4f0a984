// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// One or several matrix products by the same rows, reduced to what their work depends on.
///
/// Products that a runtime fuses or runs back to back (queries, keys and values; gate and up; a
/// low-rank pair) are one projection: their parameters, bytes and launches are summed, and the
/// shape is that of an equivalent product of `depth` × `columns` with as many parameters.
@frozen
public struct ProjectionCost: Hashable, Sendable, BitwiseCopyable {
  /// Weight elements that multiply each row.
  public var parameters: Double
  /// Bytes of the weights, scales and biases, read once per execution.
  public var weightBytes: Double
  /// Bytes of activations read and written per row.
  public var activationBytesPerRow: Double
  /// Output features of the equivalent product.
  public var columns: Double
  /// Input features.
  public var depth: Double
  /// Launches per execution.
  public var kernels: Int32
  /// The peak at which the product runs.
  public var computeClass: ComputeClass
  /// Whether the weights are unpacked to a wider format first.
  public var isWeightOnly: Bool
  /// Whether the weights are sparse.
  public var isSparse = false

  /// No projection.
  @inlinable
  public static var none: ProjectionCost {
    ProjectionCost(
      parameters: 0, weightBytes: 0, activationBytesPerRow: 0, columns: 0, depth: 0, kernels: 0,
      computeClass: .fp16, isWeightOnly: false)
  }

  @inlinable
  init(
    parameters: Double, weightBytes: Double, activationBytesPerRow: Double, columns: Double,
    depth: Double, kernels: Int32, computeClass: ComputeClass, isWeightOnly: Bool
  ) {
    self.parameters = parameters
    self.weightBytes = weightBytes
    self.activationBytesPerRow = activationBytesPerRow
    self.columns = columns
    self.depth = depth
    self.kernels = kernels
    self.computeClass = computeClass
    self.isWeightOnly = isWeightOnly
  }

  /// Creates the cost of matrices of `shapes`, (input, output) features each, stored in `format`.
  ///
  /// - Parameters:
  ///   - biases: bias elements, kept in 16 bits.
  ///   - density: the share of the matrices' elements that is stored and multiplied.
  ///   - indexBits: bits beside each stored element that say where it belongs.
  ///   - activations: the format of the rows read and written.
  ///   - kernels: launches per execution.
  public init(
    shapes: [MatrixShape], biases: Int = 0, density: Double = 1, indexBits: Double = 0,
    format: NumberFormat, activations: NumberFormat, kernels: Int
  ) {
    let parameters = shapes.reduce(0) { $0 + $1.elements }
    guard parameters > 0 else {
      self = .none
      return
    }
    let depth = shapes[0].input
    self.parameters = Double(parameters) * density
    self.weightBytes =
      shapes.reduce(0) { $0 + Double(format.bytes(elements: $1.elements)) } * density
      + Double(parameters) * density * indexBits / 8 + Double(2 * biases)
    let features = shapes.reduce(0) { $0 + $1.input + $1.output }
    self.activationBytesPerRow = Double(features) * activations.bitsPerWeight / 8
    self.columns = Double(parameters) / Double(depth)
    self.depth = Double(depth)
    self.kernels = Int32(kernels)
    self.computeClass = format.computeClass
    self.isWeightOnly = format.isWeightOnly
    self.isSparse = indexBits > 0
  }

  /// The work of multiplying `rows` rows, no work for zero rows.
  ///
  /// - Complexity: O(1), no allocation.
  @inlinable
  public func work(rows: Double) -> KernelWork {
    guard rows > 0, kernels > 0 else { return .none }
    return KernelWork(
      family: rows > 1 ? .gemm : .gemv, flop: 2 * parameters * rows,
      bytes: weightBytes + activationBytesPerRow * rows, rows: rows, columns: columns, depth: depth,
      computeClass: computeClass, isWeightOnly: isWeightOnly, isSparse: isSparse,
      kernels: Int(kernels))
  }

  /// The work of `rows` rows in all, spread over `groups` sets of weights of this shape, in one
  /// launch sequence.
  ///
  /// - Complexity: O(1), no allocation.
  @inlinable
  public func groupedWork(rows: Double, groups: Double) -> KernelWork {
    guard rows > 0, groups > 0, kernels > 0 else { return .none }
    return KernelWork(
      family: .groupedGEMM, flop: 2 * parameters * rows,
      bytes: weightBytes * groups + activationBytesPerRow * rows, rows: rows / groups,
      columns: columns, depth: depth, groups: groups, computeClass: computeClass,
      isWeightOnly: isWeightOnly, isSparse: isSparse, kernels: Int(kernels))
  }
}

/// The shape of one weight matrix.
public struct MatrixShape: Hashable, Sendable, BitwiseCopyable {
  /// Input features.
  public var input: Int
  /// Output features.
  public var output: Int

  /// Creates the shape of a matrix of `input` × `output`.
  public init(_ input: Int, _ output: Int) {
    self.input = input
    self.output = output
  }

  /// Elements of the matrix.
  public var elements: Int { input * output }
}
