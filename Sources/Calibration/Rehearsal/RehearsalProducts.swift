// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// What computes products of matrices: OpenBLAS where it is installed.
public final class RehearsalProducts {
  private let library: OpaquePointer?
  /// What computes, for reports: "openblas SkylakeX", or "plain loops".
  public let name: String
  let pool: OpaquePointer
  /// Threads of products and attention.
  public let threads: Int

  /// Looks for OpenBLAS; plain loops stand in for it, which are slow.
  ///
  /// - Parameter plain: Whether plain loops are wanted.
  public init(threads: Int, plain: Bool = false) throws(RehearsalRefusal) {
    var message = [CChar](repeating: 0, count: 256)
    var found: OpaquePointer?
    if !plain {
      for name in ["libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"] where found == nil {
        found = ccl_openblas_open(name, &message, message.count)
      }
    }
    library = found
    if let found {
      ccl_openblas_set_threads(found, Int32(threads))
      name = "openblas \(String(cString: ccl_openblas_core(found)))"
    } else {
      name = "plain loops"
    }
    guard let pool = ccl_pool_create(Int32(threads)) else {
      throw RehearsalRefusal("no \(threads) threads can be had")
    }
    self.pool = pool
    self.threads = threads
  }

  deinit { ccl_pool_destroy(pool) }

  /// Whether plain loops stand in for OpenBLAS.
  public var isPlain: Bool { library == nil }

  /// y[rows][columns] = x[rows][depth] times the transpose of w[columns][depth].
  func product(
    rows: Int, columns: Int, depth: Int, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>
  ) {
    if let library {
      ccl_openblas_product(library, Int32(rows), Int32(columns), Int32(depth), x, w, y)
      return
    }
    for row in 0..<rows {
      for column in 0..<columns {
        var sum: Float = 0
        for index in 0..<depth { sum += x[row * depth + index] * w[column * depth + index] }
        y[row * columns + column] = sum
      }
    }
  }
}
