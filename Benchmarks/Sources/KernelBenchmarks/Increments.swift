// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// xorshift64* (Vigna 2016), the same in the C++ programs.
struct Random {
  var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func next() -> UInt64 {
    state ^= state &>> 12
    state ^= state &<< 25
    state ^= state &>> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

/// Exponential increments of mean 1 ms, drawn from 16,384 equally probable values in nanoseconds.
///
/// A table keeps the cost of random numbers small and equal in both languages. It lives as long
/// as the program.
func makeIncrements() -> UnsafePointer<UInt32> {
  let table = UnsafeMutablePointer<UInt32>.allocate(capacity: 16_384)
  for index in 0..<16_384 {
    table[index] = UInt32(-1e6 * log((Double(index) + 0.5) / 16_384))
  }
  return UnsafePointer(table)
}
