// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import RandomStreams

/// Which combinations of the axes' values a study runs.
public enum StudyDesign: String, Sendable, CaseIterable {
  /// Every value with every other.
  case grid
  /// So many points of which each axis has one in each of as many equal parts, joined at random
  /// (McKay, Beckman and Conover, Technometrics 21, 1979).
  case latinHypercube = "latin-hypercube"
  /// The first points of the Sobol sequence.
  case sobol

  /// The settings of each point, in the order of the axes.
  ///
  /// - Parameters:
  ///   - axes: What is varied.
  ///   - points: How many points, of designs other than the grid.
  ///   - seed: The seed of a Latin hypercube.
  /// - Throws: A `Diagnostic` where an axis does not suit the design.
  func settings(of axes: [StudyAxis], points: Int, seed: UInt64) throws(Diagnostic) -> [[String]] {
    switch self {
    case .grid: return try Self.grid(axes)
    case .latinHypercube:
      return Self.cube(points: points, dimensions: axes.count, seed: seed).map { place in
        zip(axes, place).map { Self.value($0, at: $1) }
      }
    case .sobol:
      guard axes.count <= SobolSequence.maximumDimensions else {
        throw Diagnostic(
          location: nil, path: "vary.over",
          message: "\(axes.count) keys; a Sobol design has at most"
            + " \(SobolSequence.maximumDimensions)")
      }
      guard !axes.isEmpty else { return [[]] }
      var sequence = SobolSequence(dimensions: axes.count)
      return (0..<points).map { _ in
        zip(axes, sequence.next()).map { Self.value($0, at: $1) }
      }
    }
  }

  private static func grid(_ axes: [StudyAxis]) throws(Diagnostic) -> [[String]] {
    var result: [[String]] = [[]]
    for axis in axes {
      guard case .list(let values) = axis.values else {
        throw Diagnostic(
          location: nil, path: "vary.over.\(axis.key)",
          message: "a range without a step leaves the values to a design; expected +step or *factor"
            + " in a grid, or design: latin-hypercube or sobol")
      }
      result = result.flatMap { head in values.map { head + [$0] } }
    }
    return result
  }

  /// The value at a place between 0 and 1.
  private static func value(_ axis: StudyAxis, at place: Double) -> String {
    switch axis.values {
    case .list(let values): values[min(values.count - 1, Int(place * Double(values.count)))]
    case .range(let range): range.value(at: place)
    }
  }

  /// The places of a Latin hypercube's points.
  static func cube(points: Int, dimensions: Int, seed: UInt64) -> [[Double]] {
    var columns: [[Double]] = []
    for dimension in 0..<dimensions {
      var stream = RandomStream(
        seed: seed, replication: 0, purpose: .search, entity: UInt64(dimension))
      var order = Array(0..<points)
      for index in stride(from: points - 1, to: 0, by: -1) {
        order.swapAt(index, stream.uniformInt(below: index + 1))
      }
      columns.append(order.map { (Double($0) + stream.uniform()) / Double(points) })
    }
    return (0..<points).map { point in columns.map { $0[point] } }
  }
}
