// SPDX-License-Identifier: GPL-3.0-or-later

/// A set of at most so many 64-bit identities, of which the least recently used gives way.
///
/// A hash table of chains and a list of recency, in arrays that grow to the capacity and no further.
struct RecentIdentities: Sendable {
  /// What became of an insertion.
  enum Insertion {
    /// It was there, and is now the most recent.
    case present
    /// It was added.
    case added
    /// It was added in the place of the least recent.
    case replaced
  }

  private struct Entry {
    var identity: UInt64
    var nextInBucket: Int32
    var newer: Int32
    var older: Int32
  }

  /// The most identities.
  let capacity: Int
  private var entries: [Entry] = []
  private var buckets: [Int32]
  private var newest: Int32 = -1
  private var oldest: Int32 = -1

  /// An empty set.
  ///
  /// - Precondition: `capacity` is from 1 to 2³⁰.
  init(capacity: Int) {
    precondition((1...(1 << 30)).contains(capacity), "A cache holds 1 to 2^30 entries.")
    self.capacity = capacity
    buckets = [Int32](repeating: -1, count: 16)
  }

  /// Identities in the set.
  var count: Int { entries.count }

  /// Whether an identity is in the set; if so it becomes the most recent.
  mutating func touch(_ identity: UInt64) -> Bool {
    let found = find(identity)
    guard found >= 0 else { return false }
    if found != newest {
      unlink(found)
      linkAsNewest(found)
    }
    return true
  }

  /// Puts an identity into the set as the most recent.
  mutating func insert(_ identity: UInt64) -> Insertion {
    if touch(identity) { return .present }
    if entries.count < capacity {
      if entries.count == buckets.count { grow() }
      entries.append(Entry(identity: identity, nextInBucket: -1, newer: -1, older: -1))
      place(Int32(entries.count - 1))
      return .added
    }
    let victim = oldest
    unlink(victim)
    removeFromBucket(victim)
    entries[Int(victim)].identity = identity
    place(victim)
    return .replaced
  }

  private func bucket(of identity: UInt64) -> Int {
    // Fibonacci hashing: the upper bits of a product with the golden ratio.
    let bits = UInt64(buckets.count.trailingZeroBitCount)
    return Int((identity &* 0x9E37_79B9_7F4A_7C15) &>> (64 - bits))
  }

  private func find(_ identity: UInt64) -> Int32 {
    var index = buckets[bucket(of: identity)]
    while index >= 0, entries[Int(index)].identity != identity {
      index = entries[Int(index)].nextInBucket
    }
    return index
  }

  /// Enters a place into its bucket and as the most recent.
  private mutating func place(_ index: Int32) {
    let bucket = bucket(of: entries[Int(index)].identity)
    entries[Int(index)].nextInBucket = buckets[bucket]
    buckets[bucket] = index
    linkAsNewest(index)
  }

  private mutating func grow() {
    buckets = [Int32](repeating: -1, count: 2 * buckets.count)
    for index in entries.indices {
      let bucket = bucket(of: entries[index].identity)
      entries[index].nextInBucket = buckets[bucket]
      buckets[bucket] = Int32(index)
    }
  }

  private mutating func removeFromBucket(_ index: Int32) {
    let bucket = bucket(of: entries[Int(index)].identity)
    let following = entries[Int(index)].nextInBucket
    if buckets[bucket] == index {
      buckets[bucket] = following
      return
    }
    var before = buckets[bucket]
    while entries[Int(before)].nextInBucket != index {
      before = entries[Int(before)].nextInBucket
    }
    entries[Int(before)].nextInBucket = following
  }

  private mutating func linkAsNewest(_ index: Int32) {
    entries[Int(index)].newer = -1
    entries[Int(index)].older = newest
    if newest >= 0 { entries[Int(newest)].newer = index } else { oldest = index }
    newest = index
  }

  private mutating func unlink(_ index: Int32) {
    let (newer, older) = (entries[Int(index)].newer, entries[Int(index)].older)
    if newer >= 0 { entries[Int(newer)].older = older } else { newest = older }
    if older >= 0 { entries[Int(older)].newer = newer } else { oldest = newer }
  }
}
