// SPDX-License-Identifier: GPL-3.0-or-later

import Residency

/// Drops the block with the fewest uses since the last reset, and of equals the least recent.
///
/// Uses are counted for every block, present or not: a block that returns still has its count. The
/// present blocks of a pool stand in buckets of equal count, each in order of recency, and the
/// buckets in order of count (K. Shah, A. Mitra, D. Matani, "An O(1) algorithm for implementing the
/// LFU cache eviction scheme", 2010).
///
/// - Complexity: O(1) for a use and a choice, which passes over blocks that may not be dropped now;
///   a block that gets room passes over the buckets with smaller counts. O(n log n) for a reset.
@frozen
public struct LFUEviction: EvictionPolicy {
  /// The blocks of one pool with one count; a ring of them for each pool, ascending.
  @frozen
  @usableFromInline
  struct Bucket: Sendable, BitwiseCopyable {
    @usableFromInline var count: UInt32
    @usableFromInline var previous: Int32
    @usableFromInline var next: Int32

    @usableFromInline
    init(count: UInt32, previous: Int32, next: Int32) {
      self.count = count
      self.previous = previous
      self.next = next
    }
  }

  /// What is known of one block.
  @frozen
  @usableFromInline
  struct Record: Sendable, BitwiseCopyable {
    /// When it was used last, or got its room, in events of this rule.
    @usableFromInline var stamp: UInt64 = 0
    @usableFromInline var uses: UInt32 = 0
    /// The bucket it is in, or -1.
    @usableFromInline var bucket: Int32 = -1
    @usableFromInline var pool: Int32

    @usableFromInline
    init(pool: Int) { self.pool = Int32(pool) }
  }

  @usableFromInline var lists = BlockLists(blocks: 0, lists: 0)
  @usableFromInline var records: [Record] = []
  @usableFromInline var clock: UInt64 = 0
  /// First a bucket for each block at most and one to spare, then the ring's node of each pool.
  @usableFromInline var buckets: [Bucket] = []
  @usableFromInline var firstRing: Int32 = 0
  @usableFromInline var freeBuckets: [Int32] = []
  @usableFromInline var scratch: [BlockID] = []

  /// Creates the rule.
  public init() {}

  /// Sizes the rule's storage.
  public mutating func configure(for view: borrowing ResidencyView) {
    let blocks = view.blockCount
    let bucketCount = blocks + 1
    lists = BlockLists(blocks: blocks, lists: bucketCount)
    records = (0..<blocks).map { Record(pool: view.pool(of: BlockID($0))) }
    clock = 0
    firstRing = Int32(bucketCount)
    buckets = (0..<bucketCount + view.poolCount).map {
      Bucket(count: 0, previous: Int32($0), next: Int32($0))
    }
    freeBuckets = (0..<Int32(bucketCount)).reversed()
    scratch = []
    scratch.reserveCapacity(blocks)
  }

  /// Counts a use.
  @inlinable
  public mutating func accessed(_ block: BlockID, weight: Float) {
    var record = records[block.index]
    if record.uses < .max { record.uses += 1 }
    clock &+= 1
    record.stamp = clock
    let bucket = record.bucket
    if bucket >= 0 {
      lists.remove(block)
      let next = buckets[Int(bucket)].next
      if next < firstRing && buckets[Int(next)].count == record.uses {
        if lists.isEmpty(list: Int(bucket)) { free(bucket) }
        record.bucket = next
      } else if lists.isEmpty(list: Int(bucket)) {
        buckets[Int(bucket)].count = record.uses
      } else {
        record.bucket = makeBucket(count: record.uses, after: bucket)
      }
      lists.append(block, toList: Int(record.bucket))
    }
    records[block.index] = record
  }

  /// Puts a block behind those with the same count.
  @inlinable
  public mutating func admitted(_ block: BlockID) {
    clock &+= 1
    records[block.index].stamp = clock
    insert(block)
  }

  /// Takes a block out of its bucket; its count stays.
  @inlinable
  public mutating func evicted(_ block: BlockID) {
    let bucket = records[block.index].bucket
    guard bucket >= 0 else { return }
    lists.remove(block)
    records[block.index].bucket = -1
    if lists.isEmpty(list: Int(bucket)) { free(bucket) }
  }

  /// Takes a pinned block out of its bucket.
  public mutating func pinned(_ block: BlockID) { evicted(block) }

  /// Puts a block back with its count, as the most recent.
  public mutating func unpinned(_ block: BlockID) {
    if records[block.index].bucket < 0 { admitted(block) }
  }

  /// Sets all counts to zero; the order of recency remains.
  public mutating func reset() {
    scratch.removeAll(keepingCapacity: true)
    for index in records.indices {
      records[index].uses = 0
      guard records[index].bucket >= 0 else { continue }
      evicted(BlockID(index))
      scratch.append(BlockID(index))
    }
    scratch.sort { records[$0.index].stamp < records[$1.index].stamp }
    for block in scratch { insert(block) }
  }

  /// The least used block that may be dropped, and of equals the least recently used.
  @inlinable
  public mutating func victim(in pool: Int, view: borrowing ResidencyView) -> BlockID? {
    var bucket = buckets[Int(firstRing) + pool].next
    while bucket < firstRing {
      if let block = lists.firstEvictable(ofList: Int(bucket), view: view) { return block }
      bucket = buckets[Int(bucket)].next
    }
    return nil
  }

  @inlinable
  mutating func insert(_ block: BlockID) {
    let record = records[block.index]
    let ring = firstRing + record.pool
    var before = ring
    var next = buckets[Int(ring)].next
    while next < firstRing && buckets[Int(next)].count < record.uses {
      before = next
      next = buckets[Int(next)].next
    }
    let isThere = next < firstRing && buckets[Int(next)].count == record.uses
    let bucket = isThere ? next : makeBucket(count: record.uses, after: before)
    records[block.index].bucket = bucket
    lists.append(block, toList: Int(bucket))
  }

  @inlinable
  mutating func makeBucket(count: UInt32, after before: Int32) -> Int32 {
    let made = freeBuckets.removeLast()
    let next = buckets[Int(before)].next
    buckets[Int(made)] = Bucket(count: count, previous: before, next: next)
    buckets[Int(before)].next = made
    buckets[Int(next)].previous = made
    return made
  }

  @inlinable
  mutating func free(_ bucket: Int32) {
    let gone = buckets[Int(bucket)]
    buckets[Int(gone.previous)].next = gone.next
    buckets[Int(gone.next)].previous = gone.previous
    freeBuckets.append(bucket)
  }

  static let registration = EvictionRegistration(
    name: "lfu", summary: "drops the expert with the fewest uses since the last reset"
  ) { _ in LFUEviction() }
}
