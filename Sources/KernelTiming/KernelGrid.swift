// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// Measured over predicted time on a coarse grid of shapes: what a law of a few parameters leaves over.
///
/// Factors are interpolated linearly along each axis, on the logarithm of a shape's features; beyond
/// the ends an edge's factor holds. One to three axes, a few hundred nodes.
///
/// The logarithm is that to base two, drawn as straight lines between powers of two: exact there,
/// continuous and rising between, at most 0.09 off, and a few instructions long. Fits and predictions
/// use the same.
public struct KernelGrid: Hashable, Sendable {
  /// A feature of a kernel's shape.
  public enum Feature: String, CaseIterable, Hashable, Sendable, BitwiseCopyable {
    /// Rows; of a grouped product, the mean rows per group.
    case rows
    /// Columns of a product; heads of attention.
    case columns
    /// Depth of a product; width of a head.
    case depth
    /// Groups of a product; heads of keys and values.
    case groups
    /// Columns times depth: the weights of a group.
    case weights
    /// Rows times groups: the parts of attention that are independent of each other.
    case parts
    /// Rows that a token of attention sees, on average.
    case context
    /// Sequences.
    case sequences
    /// Bytes of a collective.
    case bytes
    /// Devices of a collective.
    case devices
    /// Two to the power of a collective's place among the kinds.
    case kind
  }

  /// One axis: nodes at start, start + step, …, on the logarithm to base two.
  public struct Axis: Hashable, Sendable, BitwiseCopyable {
    /// What lies along it.
    public var feature: Feature
    /// The first node.
    public var start: Double
    /// The distance of nodes.
    public var step: Double
    /// Nodes; at least 2.
    public var count: Int

    /// An axis.
    public init(_ feature: Feature, from start: Double, step: Double, count: Int) {
      precondition(step > 0 && count >= 2, "An axis has two nodes at least, ascending.")
      self.feature = feature
      self.start = start
      self.step = step
      self.count = count
    }
  }

  /// The axes; the last varies fastest.
  public var axes: [Axis]
  /// A factor for each node.
  public var factors: [Double]

  /// A grid.
  public init(axes: [Axis], factors: [Double]) {
    precondition((1...3).contains(axes.count), "A grid has one to three axes.")
    precondition(factors.count == axes.reduce(1) { $0 * $1.count }, "Each node has a factor.")
    self.axes = axes
    self.factors = factors
  }

  /// The logarithm to base two, linear between powers of two; of positive normal numbers.
  @inlinable
  public static func binaryLogarithm(_ value: Double) -> Double {
    let bits = value.bitPattern
    let exponent = Int(truncatingIfNeeded: bits >> 52) &- 1023
    let mantissa = Double(bitPattern: bits & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000)
    return Double(exponent) + mantissa - 1
  }

  /// A feature's value.
  @inlinable
  public static func value(of feature: Feature, in work: KernelWork) -> Double {
    switch feature {
    case .rows: max(work.rows, 1)
    case .columns: max(work.columns, 1)
    case .depth: max(work.depth, 1)
    case .groups: max(work.groups, 1)
    case .weights: max(work.columns * work.depth, 1)
    case .parts: max(work.rows * work.groups, 1)
    case .context: max(work.context, 1)
    case .sequences: max(work.sequences, 1)
    case .bytes: max(work.bytes, 1)
    case .devices, .kind: 1
    }
  }

  /// The nodes around `work` and their weights, which sum to 1.
  ///
  /// - Complexity: O(2 to the power of the axes).
  public func stencil(_ work: KernelWork) -> [(node: Int, weight: Double)] {
    stencil { Self.value(of: $0, in: work) }
  }

  /// The nodes around the values of features and their weights.
  public func stencil(_ value: (Feature) -> Double) -> [(node: Int, weight: Double)] {
    var corners = [(node: 0, weight: 1.0)]
    for axis in axes {
      let (lower, part) = axis.place(value(axis.feature))
      var split: [(node: Int, weight: Double)] = []
      for corner in corners {
        let node = corner.node * axis.count + lower
        split.append((node, corner.weight * (1 - part)))
        split.append((node + 1, corner.weight * part))
      }
      corners = split
    }
    return corners
  }

  /// The factor at a shape.
  public func factor(_ work: KernelWork) -> Double {
    stencil(work).reduce(0) { $0 + factors[$1.node] * $1.weight }
  }

  /// The factor at the values of features.
  public func factor(_ value: (Feature) -> Double) -> Double {
    stencil(value).reduce(0) { $0 + factors[$1.node] * $1.weight }
  }
}

extension KernelGrid.Axis {
  /// The node below a value of the axis's feature, and how far beyond it.
  @inlinable
  func place(_ value: Double) -> (lower: Int, part: Double) {
    let place = min(
      max((KernelGrid.binaryLogarithm(value) - start) / step, 0), Double(count - 1))
    let lower = min(Int(place), count - 2)
    return (lower, place - Double(lower))
  }
}

extension KernelGrid {
  /// A grid laid out for predictions: its factors stand in a table of all, so that a prediction copies no
  /// array.
  @usableFromInline
  struct Compiled: Sendable, BitwiseCopyable {
    /// An axis without divisions.
    @usableFromInline
    struct Axis: Sendable, BitwiseCopyable {
      @usableFromInline var feature: Feature
      @usableFromInline var start: Double
      @usableFromInline var perStep: Double
      @usableFromInline var last: Double

      init(_ axis: KernelGrid.Axis) {
        feature = axis.feature
        start = axis.start
        perStep = 1 / axis.step
        last = Double(axis.count - 1)
      }

      /// The node below `work`, and how far beyond it, as a share of the step.
      @inlinable
      func place(_ work: KernelWork) -> (lower: Int, part: Double) {
        let value = KernelGrid.value(of: feature, in: work)
        let place = min(max((KernelGrid.binaryLogarithm(value) - start) * perStep, 0), last)
        let lower = min(place.rounded(.down), last - 1)
        return (Int(lower), place - lower)
      }
    }

    @usableFromInline var axes: (Axis, Axis, Axis)
    @usableFromInline var firstStride: Int
    @usableFromInline var secondStride: Int
    /// The place of its first factor in the table.
    @usableFromInline var first: Int

    /// The factor at a shape.
    ///
    /// - Complexity: O(1), no allocation.
    @inlinable
    func factor(_ work: KernelWork, in table: [Double]) -> Double {
      let (first, partOfFirst) = axes.0.place(work)
      let (second, partOfSecond) = axes.1.place(work)
      let (third, partOfThird) = axes.2.place(work)
      let node = self.first + first * firstStride + second * secondStride + third
      return table.withUnsafeBufferPointer { table in
        let near = Self.plane(table, node, secondStride, partOfSecond, partOfThird)
        let far = Self.plane(table, node + firstStride, secondStride, partOfSecond, partOfThird)
        return near + partOfFirst * (far - near)
      }
    }

    @inlinable
    static func plane(
      _ table: UnsafeBufferPointer<Double>, _ node: Int, _ stride: Int, _ second: Double,
      _ third: Double
    ) -> Double {
      let near: Double = table[node] + third * (table[node + 1] - table[node])
      let next = node + stride
      let far: Double = table[next] + third * (table[next + 1] - table[next])
      return near + second * (far - near)
    }
  }

  /// The grid with three axes, its factors appended to `table`: axes that are missing have two nodes of
  /// the same factors.
  func compiled(into table: inout [Double]) -> Compiled {
    var axes = axes
    var factors = factors
    while axes.count < 3 {
      axes.append(Axis(.rows, from: 0, step: 1, count: 2))
      factors = factors.flatMap { [$0, $0] }
    }
    let first = table.count
    table += factors
    return Compiled(
      axes: (.init(axes[0]), .init(axes[1]), .init(axes[2])),
      firstStride: axes[1].count * axes[2].count, secondStride: axes[2].count, first: first)
  }
}
