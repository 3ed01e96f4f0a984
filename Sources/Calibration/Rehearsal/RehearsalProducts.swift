// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// What computes products of matrices: OpenBLAS where it is installed.
public final class RehearsalProducts {
  private let library: ComputeLibrary?
  let threadPool: ThreadPool
  /// What computes, for reports: the library and its kernels, or "plain loops".
  public let name: String
  /// Threads of products and attention.
  public let threads: Int

  /// Loads OpenBLAS, or computes by plain loops, which need no library and are slow.
  ///
  /// - Parameter plain: Whether plain loops are wanted.
  /// - Throws: `ComputeError` where OpenBLAS is wanted and absent, or no threads can be had.
  public init(threads: Int, plain: Bool = false) throws {
    library = plain ? nil : try ComputeLibrary(precision: .float32, threads: threads)
    name = library?.detail ?? "plain loops"
    threadPool = try ThreadPool(threads: threads)
    self.threads = threads
  }

  /// Whether plain loops compute.
  var isPlain: Bool { library == nil }

  /// y[rows][columns] = x[rows][depth] times the transpose of w[columns][depth].
  func product(
    rows: Int, columns: Int, depth: Int, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>
  ) {
    if let openBLAS = library?.openBLAS {
      ccl_openblas_product(openBLAS, Int32(rows), Int32(columns), Int32(depth), x, w, y)
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
