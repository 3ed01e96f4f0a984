// SPDX-License-Identifier: GPL-3.0-or-later

/// Vectors of a store, one column each, for asking which of them is most like a given one.
///
/// A component's values of all entries lie beside each other, so that a product of a given vector
/// with all entries is one pass of multiply-and-add over contiguous memory for each component that
/// is not zero.
struct SimilarityColumns: Sendable {
  /// Components of a vector.
  let components: Int
  /// Entries that there is room for.
  let capacity: Int
  /// The distance of neighbouring components in memory; whole vectors of the processor.
  let stride: Int
  private var values: [Float]

  /// Room for `capacity` vectors, all zero.
  init(components: Int, capacity: Int) {
    self.components = components
    self.capacity = capacity
    stride = (capacity + 15) / 16 * 16
    values = Array(repeating: 0, count: components * stride)
  }

  /// A component of an entry.
  subscript(component: Int, entry: Int) -> Float {
    get { values[component * stride + entry] }
    set { values[component * stride + entry] = newValue }
  }

  /// Adds the products of some components of a given vector with the same ones of every entry.
  ///
  /// - Parameters:
  ///   - vector: The given components.
  ///   - first: The number of the first of them.
  ///   - products: One sum for each entry, `stride` in all.
  /// - Complexity: O(components that are not zero × capacity).
  func addProducts(
    of vector: UnsafeBufferPointer<Float>, from first: Int, to products: inout [Float]
  ) {
    precondition(first + vector.count <= components && products.count == stride)
    values.withUnsafeBufferPointer { values in
      products.withUnsafeMutableBufferPointer { products in
        for component in 0..<vector.count where vector[component] != 0 {
          Self.add(
            vector[component], times: values.baseAddress! + (first + component) * stride,
            to: products.baseAddress!, count: stride)
        }
      }
    }
  }

  @inline(__always)
  private static func add(
    _ factor: Float, times column: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    let factors = SIMD16<Float>(repeating: factor)
    var entry = 0
    while entry < count {
      let source = UnsafeRawPointer(column + entry).loadUnaligned(as: SIMD16<Float>.self)
      let target = UnsafeMutableRawPointer(sums + entry)
      let sum = target.loadUnaligned(as: SIMD16<Float>.self) + source * factors
      target.storeBytes(of: sum, as: SIMD16<Float>.self)
      entry += 16
    }
  }

  /// The product of some components of a given vector with those of one entry, added up in the order
  /// in which `addProducts` does.
  func product(of vector: some RandomAccessCollection<Float>, from first: Int, with entry: Int)
    -> Float
  {
    var sum: Float = 0
    var place = first * stride + entry
    for component in vector {
      if component != 0 { sum += component * values[place] }
      place += stride
    }
    return sum
  }

  /// The entry with the largest product of two figures, the first of equals.
  ///
  /// - Parameters:
  ///   - count: The entries that there are; at least one.
  /// - Complexity: O(count).
  static func largest(
    of figures: [Float], times factors: UnsafeBufferPointer<Float>, count: Int
  ) -> (entry: Int, value: Float) {
    precondition(count > 0 && count <= figures.count && count <= factors.count)
    return figures.withUnsafeBufferPointer { figures in
      let whole = count / 16 * 16
      var best = -Float.infinity
      if whole > 0 {
        var most = SIMD16<Float>(repeating: -.infinity)
        var entry = 0
        while entry < whole {
          let product = load(figures, entry) * load(factors, entry)
          most.replace(with: product, where: product .> most)
          entry += 16
        }
        best = most.max()
      }
      for entry in whole..<count { best = max(best, figures[entry] * factors[entry]) }
      var found = 0
      while found < count - 1 && figures[found] * factors[found] != best { found += 1 }
      return (found, best)
    }
  }

  @inline(__always)
  private static func load(_ buffer: UnsafeBufferPointer<Float>, _ entry: Int) -> SIMD16<Float> {
    UnsafeRawPointer(buffer.baseAddress! + entry).loadUnaligned(as: SIMD16<Float>.self)
  }
}
