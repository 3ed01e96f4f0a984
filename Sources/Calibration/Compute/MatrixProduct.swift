// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// A product of a fixed shape: `rows` vectors of `depth` values by the transpose of a matrix of
/// `columns` rows of `depth` weights.
///
/// Inputs are in the library's precision, results 32-bit floats, or of bytes 32-bit integers. Weights
/// are packed once into the order that the library likes best; OpenBLAS takes them as they are.
public final class MatrixProduct {
  /// Vectors.
  public let rows: Int
  /// Values of a result.
  public let columns: Int
  /// Values of a vector.
  public let depth: Int
  /// Bytes of packed weights.
  public let weightBytes: Int
  /// The library's own name of the routine.
  public let routine: String

  private let library: ComputeLibrary
  private let product: OpaquePointer?

  /// Prepares a product.
  ///
  /// - Parameter packing: A product of the same columns and depth whose packed weights are used.
  /// - Throws: `ComputeError` where the library has no such product.
  public init(
    _ library: ComputeLibrary, rows: Int, columns: Int, depth: Int, packing: MatrixProduct? = nil
  ) throws {
    precondition(rows > 0 && columns > 0 && depth > 0, "A product's sizes are positive.")
    self.library = library
    self.rows = rows
    self.columns = columns
    self.depth = depth
    guard let oneDNN = library.oneDNN else {
      product = nil
      weightBytes = columns * depth * library.precision.weightBytes
      routine = rows == 1 ? "sgemv" : "sgemm"
      return
    }
    var message = [CChar](repeating: 0, count: 256)
    // OpenMP's number of threads belongs to the calling thread, which may be another than before.
    try library.setThreads(library.threads)
    guard
      let made = ccl_matmul_create(
        oneDNN, library.precision.library, Int32(rows), Int32(columns), Int32(depth),
        packing?.product, &message, message.count)
    else { throw ComputeError(ComputeLibrary.text(message)) }
    product = made
    weightBytes = ccl_matmul_weight_bytes(made)
    routine = String(cString: ccl_matmul_implementation(made))
  }

  deinit { ccl_matmul_destroy(product) }

  /// Puts plain weights (`columns` rows of `depth`) in the order of the library.
  public func pack(_ plain: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) throws {
    guard let product else {
      packed.copyMemory(from: plain, byteCount: weightBytes)
      return
    }
    let status = ccl_matmul_pack(product, plain, packed)
    guard status == 0 else { throw ComputeError("oneDNN cannot pack weights (status \(status))") }
  }

  /// Runs the product.
  ///
  /// - Parameters:
  ///   - input: `rows` vectors in the library's precision; of bytes, unsigned.
  ///   - weights: Packed weights.
  ///   - output: `rows` results of `columns` 32-bit values.
  public func run(
    input: UnsafeRawPointer, weights: UnsafeRawPointer, output: UnsafeMutableRawPointer
  ) throws {
    if let openBLAS = library.openBLAS {
      ccl_openblas_product(
        openBLAS, Int32(rows), Int32(columns), Int32(depth),
        input.assumingMemoryBound(to: Float.self), weights.assumingMemoryBound(to: Float.self),
        output.assumingMemoryBound(to: Float.self))
      return
    }
    let status = ccl_matmul_run(product, input, weights, output)
    guard status == 0 else { throw ComputeError("oneDNN cannot run a product (status \(status))") }
  }
}
