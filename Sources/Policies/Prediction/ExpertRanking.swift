// SPDX-License-Identifier: GPL-3.0-or-later

/// Puts experts in order of a figure, the largest first and of equals the smallest number; a buffer
/// that is used again.
struct ExpertRanking: Sendable {
  private var keys: [UInt64] = []

  /// An empty buffer.
  init() {}

  /// Orders the experts whose figure is above zero.
  ///
  /// - Parameter figures: One figure for each expert, not negative.
  /// - Complexity: O(n log n) comparisons of whole numbers.
  mutating func rank(_ figures: some RandomAccessCollection<Float>) {
    keys.removeAll(keepingCapacity: true)
    var expert: UInt64 = 0
    for figure in figures {
      if figure > 0 { keys.append(UInt64(~figure.bitPattern) << 32 | expert) }
      expert += 1
    }
    keys.sort()
  }

  /// How many there are.
  var count: Int { keys.count }

  /// The expert at a place.
  subscript(place: Int) -> Int { Int(truncatingIfNeeded: keys[place] & 0xFFFF_FFFF) }
}
