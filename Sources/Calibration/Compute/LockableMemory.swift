// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// Memory at a 2 MiB boundary, touched so that every page is there, in huge pages where the system
/// grants them. Fit for reads by O_DIRECT.
public final class LockableMemory {
  /// Where it begins.
  public let base: UnsafeMutableRawPointer
  /// Bytes asked for.
  public let count: Int
  /// Whether it is locked against paging.
  public private(set) var isLocked = false

  /// Allocates memory, zeroed.
  ///
  /// - Throws: `ComputeError` where the system has none left.
  public init(bytes: Int, hugePages: Bool = true) throws {
    precondition(bytes >= 0, "Memory has a size.")
    guard let base = ccl_allocate(bytes, hugePages) else {
      throw ComputeError("the system gives no \(bytes) bytes of memory")
    }
    self.base = base
    count = bytes
  }

  deinit { ccl_free(base, count) }

  /// Locks it against paging.
  ///
  /// - Throws: `ComputeError` where the limit on locked memory is too low.
  public func lock() throws {
    let error = ccl_lock(base, count)
    guard error == 0 else {
      throw ComputeError(
        "\(count) bytes cannot be locked in memory (\(ComputeError.name(of: error))); raise the "
          + "limit by 'ulimit -l unlimited' or run as root")
    }
    isLocked = true
  }

  /// Unlocks it.
  public func unlock() {
    if isLocked { _ = ccl_unlock(base, count) }
    isLocked = false
  }

  /// It as values of a type.
  public func values<T>(of type: T.Type, at byteOffset: Int = 0) -> UnsafeMutablePointer<T> {
    (base + byteOffset).assumingMemoryBound(to: type)
  }
}
