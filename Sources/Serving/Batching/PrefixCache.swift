// SPDX-License-Identifier: GPL-3.0-or-later

/// Prefix blocks whose keys and values are kept for whoever has the same prefix, by identity.
///
/// A block is held by sequences, which count as references, or by nobody; those held by nobody leave,
/// least recently used first, when their room is needed. It knows tokens, not bytes: whoever owns the
/// KV cache counts those.
///
/// Identities are found by open addressing with linear probing in a table that is at most half full,
/// and taken out by moving back what follows, so that the order of all that happens depends on the
/// calls alone.
///
/// - Complexity: O(1) for each block and call, amortised.
struct PrefixCache {
  /// One block.
  private struct Entry: BitwiseCopyable {
    var identity: UInt64
    var tokens: Int32
    /// Sequences that hold it; -1 for an entry that is free.
    var references: Int32
    /// Neighbours among the blocks that nobody holds, older and younger; -1 at the ends. Of a free
    /// entry, `younger` is the next free one.
    var older: Int32 = -1
    var younger: Int32 = -1
  }

  private var entries: [Entry] = []
  private var firstFree: Int32 = -1
  /// Places of entries by hash, -1 where empty; a power of two of them.
  private var table: [Int32]
  private var oldest: Int32 = -1
  private var youngest: Int32 = -1
  /// Blocks in the cache.
  private(set) var count = 0
  /// Blocks that nobody holds.
  private(set) var idleCount = 0
  /// Tokens of the blocks that nobody holds.
  private(set) var idleTokens = 0
  /// Blocks that left to make room.
  private(set) var evictions: UInt64 = 0

  /// An empty cache.
  init() { table = [Int32](repeating: -1, count: 1024) }

  /// Tokens of a block.
  @inline(__always)
  func tokens(of block: Int32) -> Int { Int(entries[Int(block)].tokens) }

  /// The block of an identity with at least so many tokens, if it is here.
  @inline(__always)
  func find(_ identity: UInt64, tokens: Int) -> Int32? {
    let place = self.place(of: identity)
    let block = table[place]
    guard block >= 0, Int(entries[Int(block)].tokens) >= tokens else { return nil }
    return block
  }

  /// Lets a sequence hold a block.
  @inline(__always)
  mutating func hold(_ block: Int32) {
    if entries[Int(block)].references == 0 { unlink(block) }
    entries[Int(block)].references += 1
  }

  /// Lets a sequence go of a block; the last one leaves it as the most recently used.
  mutating func letGo(_ block: Int32) {
    entries[Int(block)].references -= 1
    precondition(entries[Int(block)].references >= 0, "A block is let go by those who hold it.")
    guard entries[Int(block)].references == 0 else { return }
    entries[Int(block)].older = youngest
    entries[Int(block)].younger = -1
    if youngest >= 0 { entries[Int(youngest)].younger = block } else { oldest = block }
    youngest = block
    idleCount += 1
    idleTokens += Int(entries[Int(block)].tokens)
  }

  /// Takes in a block, held by the sequence that computed it.
  ///
  /// - Returns: the block; `nil` when the identity is here with fewer tokens, which stay.
  mutating func insert(_ identity: UInt64, tokens: Int) -> Int32? {
    if (count + 1) * 2 > table.count { grow() }
    let place = self.place(of: identity)
    guard table[place] < 0 else { return nil }
    let entry = Entry(identity: identity, tokens: Int32(tokens), references: 1)
    let block: Int32
    if firstFree >= 0 {
      block = firstFree
      firstFree = entries[Int(block)].younger
      entries[Int(block)] = entry
    } else {
      block = Int32(entries.count)
      entries.append(entry)
    }
    table[place] = block
    count += 1
    return block
  }

  /// Drops the block that nobody has held for longest.
  ///
  /// - Returns: its tokens; `nil` when every block is held.
  mutating func evict() -> Int? {
    guard oldest >= 0 else { return nil }
    let block = oldest
    unlink(block)
    remove(entries[Int(block)].identity)
    entries[Int(block)].references = -1
    entries[Int(block)].younger = firstFree
    firstFree = block
    count -= 1
    evictions += 1
    return Int(entries[Int(block)].tokens)
  }

  /// Forgets how many blocks have left.
  mutating func resetCounts() { evictions = 0 }

  private mutating func unlink(_ block: Int32) {
    let entry = entries[Int(block)]
    if entry.older >= 0 {
      entries[Int(entry.older)].younger = entry.younger
    } else {
      oldest = entry.younger
    }
    if entry.younger >= 0 {
      entries[Int(entry.younger)].older = entry.older
    } else {
      youngest = entry.older
    }
    idleCount -= 1
    idleTokens -= Int(entry.tokens)
  }

  /// The place of an identity, or the empty one where it would stand.
  @inline(__always)
  private func place(of identity: UInt64) -> Int {
    let mask = table.count - 1
    var place = Self.hash(identity) & mask
    while table[place] >= 0, entries[Int(table[place])].identity != identity {
      place = (place + 1) & mask
    }
    return place
  }

  /// The finaliser of SplitMix64, a bijection (Steele, Lea and Flood, 2014).
  @inline(__always)
  private static func hash(_ identity: UInt64) -> Int {
    var mixed = identity &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
    return Int(truncatingIfNeeded: (mixed ^ (mixed &>> 31)) &>> 1)
  }

  private mutating func remove(_ identity: UInt64) {
    let mask = table.count - 1
    var hole = place(of: identity)
    var next = (hole + 1) & mask
    while table[next] >= 0 {
      // What stands behind its own place only because of the hole moves into it.
      let home = Self.hash(entries[Int(table[next])].identity) & mask
      if (next - home) & mask >= (next - hole) & mask {
        table[hole] = table[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    table[hole] = -1
  }

  private mutating func grow() {
    table = [Int32](repeating: -1, count: table.count * 2)
    for block in entries.indices where entries[block].references >= 0 {
      table[place(of: entries[block].identity)] = Int32(block)
    }
  }
}
