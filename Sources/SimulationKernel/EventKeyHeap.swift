// SPDX-License-Identifier: GPL-3.0-or-later

/// The keys of the pending events in a 4-ary minimum heap of 16-byte integers.
///
/// A key packs, from the most significant bit: time (64), priority (4), sequence (36), slot (24).
/// One 128-bit comparison orders two events. The four children of a node share a cache line, and
/// the places beyond the end hold the greatest key, so that the least of four children is found
/// without a check of the end. Removing the least key leaves the root vacant; the next key that
/// is pushed falls into it, which saves the most common pair of operations half of its work.
@frozen
@usableFromInline
struct EventKeyHeap: ~Copyable {
  @usableFromInline typealias Key = UInt128

  /// The first byte of the allocation; `base` lies 48 bytes behind it to align the children.
  @usableFromInline var storage: UnsafeMutableRawPointer
  @usableFromInline var base: UnsafeMutablePointer<Key>
  /// Places in use, the vacant root included.
  @usableFromInline var count: Int
  @usableFromInline var capacity: Int
  @usableFromInline var hasVacantRoot: Bool

  @usableFromInline
  init(capacity: Int) {
    self.capacity = max(capacity, 16)
    self.count = 0
    self.hasVacantRoot = false
    (self.storage, self.base) = Self.allocate(self.capacity)
  }

  @inlinable
  deinit {
    storage.deallocate()
  }

  /// Memory for `capacity` keys and four sentinels, the children of each node on one line.
  @usableFromInline
  static func allocate(
    _ capacity: Int
  ) -> (UnsafeMutableRawPointer, UnsafeMutablePointer<Key>) {
    let stride = MemoryLayout<Key>.stride
    let raw = UnsafeMutableRawPointer.allocate(byteCount: (capacity + 8) * stride, alignment: 64)
    let base = (raw + 3 * stride).bindMemory(to: Key.self, capacity: capacity + 4)
    base.initialize(repeating: .max, count: capacity + 4)
    return (raw, base)
  }

  /// Adds a key. O(log₄ count) comparisons.
  @inlinable
  @inline(__always)
  mutating func push(_ key: Key) {
    if hasVacantRoot {
      hasVacantRoot = false
      siftDown(key)
      return
    }
    if count == capacity { grow() }
    var hole = count
    count &+= 1
    while hole > 0 {
      let parent = (hole &- 1) &>> 2
      let above = base[parent]
      if above <= key { break }
      base[hole] = above
      hole = parent
    }
    base[hole] = key
  }

  /// Puts the last key into the vacant root, if the root is vacant.
  @inlinable
  @inline(__always)
  mutating func fillVacantRoot() {
    guard hasVacantRoot else { return }
    hasVacantRoot = false
    count &-= 1
    let last = base[count]
    base[count] = .max
    if count > 0 { siftDown(last) }
  }

  /// Moves a key from the root down to its place. O(log₄ count), four comparisons a level.
  @inlinable
  @inline(__always)
  mutating func siftDown(_ key: Key, from start: Int = 0) {
    let base = self.base
    let count = self.count
    var hole = start
    var child = 4 &* start &+ 1
    while child < count {
      let left = child &+ (base[child &+ 1] < base[child] ? 1 : 0)
      let right = child &+ (base[child &+ 3] < base[child &+ 2] ? 3 : 2)
      let least = base[right] < base[left] ? right : left
      let leastKey = base[least]
      if key <= leastKey { break }
      base[hole] = leastKey
      hole = least
      child = 4 &* least &+ 1
    }
    base[hole] = key
  }

  @inline(never)
  @usableFromInline
  mutating func grow() {
    let (newStorage, newBase) = Self.allocate(2 * capacity)
    newBase.update(from: base, count: count)
    storage.deallocate()
    storage = newStorage
    base = newBase
    capacity *= 2
  }

  /// Restores the order of the first `count` keys after arbitrary changes. O(count).
  @usableFromInline
  mutating func reorder() {
    guard count > 1 else { return }
    for start in stride(from: (count - 2) / 4, through: 0, by: -1) {
      siftDown(base[start], from: start)
    }
  }
}
