// SPDX-License-Identifier: GPL-3.0-or-later

internal import CGSL
import KernelTiming
import ModelDescriptors
import RandomStreams

/// Fits the factors of a grid to measured over predicted times.
///
/// Weighted ridge regression: relative errors of points, rounds of Cauchy's weights against outliers,
/// and two penalties: neighbouring nodes differ little, and nodes without points stay near 1.
enum GridFit {
  /// The size of an error that counts half.
  static let scale = 0.1
  /// The penalty of a difference between neighbours.
  static let smoothness = 0.1
  /// The penalty of a departure from 1.
  static let ridge = 0.03

  /// The axes for a family, over the shapes of `points`.
  static func axes(for family: KernelFamily, over points: [TimedWork]) -> [KernelGrid.Axis] {
    let features: [(KernelGrid.Feature, Double)] =
      switch family {
      case .gemm: [(.rows, 1), (.columns, 1.5), (.depth, 1.5)]
      case .groupedGEMM: [(.rows, 1), (.weights, 1.5), (.groups, 1.5)]
      case .gate: [(.rows, 2), (.columns, 2)]
      case .gemv: [(.columns, 2), (.depth, 2)]
      case .attentionPrefill: [(.parts, 2), (.context, 2), (.depth, 1)]
      case .attentionDecode: [(.parts, 2), (.context, 2), (.depth, 1)]
      default: []
      }
    return axes(features) { feature in
      points.map { KernelGrid.value(of: feature, in: $0.work) }
    }
  }

  /// The axes along some features at distances of nodes, over the features' values.
  static func axes(
    _ features: [(KernelGrid.Feature, Double)], values: (KernelGrid.Feature) -> [Double]
  ) -> [KernelGrid.Axis] {
    features.compactMap { feature, step in
      let places = values(feature).map(KernelGrid.binaryLogarithm)
      guard let low = places.min(), let high = places.max(), high - low >= step / 2 else {
        return nil
      }
      let count = max(2, Int(((high - low) / step).rounded(.up)) + 1)
      return KernelGrid.Axis(feature, from: low.rounded(.down), step: step, count: count)
    }
  }

  /// The grid that brings `predicted` nearest to the points' times; `nil` where there are too few.
  static func fit(
    axes: [KernelGrid.Axis], points: [TimedWork], predicted: [Double]
  ) throws -> KernelGrid? {
    guard !axes.isEmpty, points.count >= 30 else { return nil }
    return try fit(
      axes: axes, ratios: zip(points, predicted).map { $0.seconds / $1 }
    ) { grid in points.map { grid.stencil($0.work) } }
  }

  /// The grid that brings factors nearest to measured over predicted times, `ratios`.
  ///
  /// - Parameter locate: the nodes around each point and their weights.
  static func fit(
    axes: [KernelGrid.Axis], ratios: [Double],
    locate: (KernelGrid) -> [[(node: Int, weight: Double)]]
  ) throws -> KernelGrid {
    let nodes = axes.reduce(1) { $0 * $1.count }
    var grid = KernelGrid(axes: axes, factors: [Double](repeating: 1, count: nodes))
    let stencils = locate(grid)
    var weights = [Double](repeating: 1, count: ratios.count)
    let penalty = Self.penalty(axes)
    for _ in 0..<4 {
      grid.factors = try solve(
        nodes: nodes, stencils: stencils, ratios: ratios, weights: weights, penalty: penalty)
      for index in ratios.indices {
        let factor = stencils[index].reduce(0) { $0 + grid.factors[$1.node] * $1.weight }
        let error = (factor / ratios[index] - 1) / scale
        weights[index] = 1 / (1 + error * error)
      }
    }
    grid.factors = grid.factors.map { min(max($0, 0.05), 20) }
    return grid
  }

  /// Pairs of neighbouring nodes.
  private static func penalty(_ axes: [KernelGrid.Axis]) -> [(Int, Int)] {
    var pairs: [(Int, Int)] = []
    let nodes = axes.reduce(1) { $0 * $1.count }
    var stride = nodes
    for axis in axes {
      stride /= axis.count
      for node in 0..<nodes where node / stride % axis.count + 1 < axis.count {
        pairs.append((node, node + stride))
      }
    }
    return pairs
  }

  /// Solves the normal equations by Cholesky's method.
  private static func solve(
    nodes: Int, stencils: [[(node: Int, weight: Double)]], ratios: [Double], weights: [Double],
    penalty: [(Int, Int)]
  ) throws(GSLError) -> [Double] {
    GSL.prepare()
    var matrix = [Double](repeating: 0, count: nodes * nodes)
    var right = [Double](repeating: 0, count: nodes)
    for index in stencils.indices {
      // Relative errors: both sides over the ratio.
      let weight = weights[index] / (ratios[index] * ratios[index])
      for one in stencils[index] {
        right[one.node] += weight * one.weight * ratios[index]
        for other in stencils[index] {
          matrix[one.node * nodes + other.node] += weight * one.weight * other.weight
        }
      }
    }
    for (one, other) in penalty {
      matrix[one * nodes + one] += smoothness
      matrix[other * nodes + other] += smoothness
      matrix[one * nodes + other] -= smoothness
      matrix[other * nodes + one] -= smoothness
    }
    for node in 0..<nodes {
      matrix[node * nodes + node] += ridge
      right[node] += ridge
    }
    var status: Int32 = 0
    matrix.withUnsafeMutableBufferPointer { matrix in
      right.withUnsafeMutableBufferPointer { right in
        var view = gsl_matrix_view_array(matrix.baseAddress, nodes, nodes)
        var vector = gsl_vector_view_array(right.baseAddress, nodes)
        status = gsl_linalg_cholesky_decomp1(&view.matrix)
        if status == 0 { status = gsl_linalg_cholesky_svx(&view.matrix, &vector.vector) }
      }
    }
    try GSLError.check(status, "gsl_linalg_cholesky")
    return right
  }
}
