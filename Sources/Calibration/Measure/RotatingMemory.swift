// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries

/// Copies of the same bytes that take turns, so that caches have lost one before it comes again.
final class RotatingMemory {
  let memory: LockableMemory
  /// Bytes from one copy to the next.
  let stride: Int
  let copies: Int
  private var at = 0

  init(bytes: Int, copies: Int) throws {
    stride = (bytes + 4095) / 4096 * 4096
    self.copies = copies
    memory = try LockableMemory(bytes: stride * copies)
  }

  /// Enough copies to fill `cold` bytes.
  convenience init(bytes: Int, cold: Int) throws {
    try self.init(bytes: bytes, copies: max(1, (cold + bytes - 1) / bytes))
  }

  /// The copy whose turn it is.
  func next() -> UnsafeMutableRawPointer {
    at = at + 1 == copies ? 0 : at + 1
    return memory.base + at * stride
  }

  func values(_ copy: Int) -> UnsafeMutablePointer<Float> {
    memory.values(of: Float.self, at: copy * stride)
  }

  /// Makes all copies like the first.
  func spread() {
    for copy in 1..<max(1, copies) {
      (memory.base + copy * stride).copyMemory(from: memory.base, byteCount: stride)
    }
  }
}

/// Values that look random and are the same each time, for buffers whose content matters little.
enum RandomValues {
  static func fill(
    _ values: UnsafeMutablePointer<Float>, count: Int, seed: UInt64, scale: Float = 1
  ) {
    ccl_fill_float(values, count, seed, scale)
  }
}
