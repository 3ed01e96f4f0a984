// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// Threads that run loops over memory together: attention, copies, triads.
public final class ThreadPool {
  let pool: OpaquePointer
  /// Threads, the caller among them.
  public let threads: Int

  /// Starts the threads.
  ///
  /// - Throws: `ComputeError` where the system gives no more threads.
  public init(threads: Int) throws {
    precondition(threads >= 1, "A pool has at least the calling thread.")
    guard let pool = ccl_pool_create(Int32(threads)) else {
      throw ComputeError("the system gives no \(threads) threads")
    }
    self.pool = pool
    self.threads = threads
  }

  deinit { ccl_pool_destroy(pool) }

  /// Wakes all threads for nothing: what a parallel section costs.
  public func runEmpty() { ccl_pool_run_empty(pool) }

  /// Copies memory, each thread a part.
  public func copy(_ bytes: Int, from: UnsafeRawPointer, to: UnsafeMutableRawPointer) {
    ccl_parallel_copy(pool, to, from, bytes)
  }

  /// a[i] = b[i] + 3 c[i], each thread a part.
  public func triad(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>,
    count: Int
  ) {
    ccl_parallel_triad(pool, a, b, c, count)
  }

  /// Reads memory, each thread a part, and sums its words, without their overflow.
  public func read(_ bytes: Int, from: UnsafeRawPointer) -> UInt64 {
    ccl_parallel_read(pool, from, bytes)
  }
}
