// SPDX-License-Identifier: GPL-3.0-or-later

/// The counter-based generator Philox-4×32 with ten rounds.
///
/// A block of four words is a pure function of a 128-bit counter and a 64-bit key, so that any
/// draw of any stream can be had without those before it. Source: Salmon, Moraes, Dror and Shaw,
/// "Parallel random numbers: as easy as 1, 2, 3", SC 2011, doi:10.1145/2063384.2063405. The
/// known answers of the authors' Random123 library are held by a test.
@frozen
public enum Philox4x32: Sendable {
  /// Four 32-bit words: a counter, or a block of output.
  public typealias Block = (UInt32, UInt32, UInt32, UInt32)

  /// Two 32-bit words of key.
  public typealias Key = (UInt32, UInt32)

  /// The four random words that belong to a counter under a key.
  ///
  /// - Complexity: ten rounds of two multiplications.
  @inlinable
  public static func block(counter: Block, key: Key) -> Block {
    var (c0, c1, c2, c3) = counter
    var (k0, k1) = key
    for _ in 0..<10 {
      let first = UInt64(0xD251_1F53) &* UInt64(c0)
      let second = UInt64(0xCD9E_8D57) &* UInt64(c2)
      c0 = UInt32(truncatingIfNeeded: second &>> 32) ^ c1 ^ k0
      c1 = UInt32(truncatingIfNeeded: second)
      c2 = UInt32(truncatingIfNeeded: first &>> 32) ^ c3 ^ k1
      c3 = UInt32(truncatingIfNeeded: first)
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return (c0, c1, c2, c3)
  }
}
