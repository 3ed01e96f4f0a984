// SPDX-License-Identifier: GPL-3.0-or-later

import TestSupport
import Testing
import Workload

@testable import Serving

/// A prefix cache as one would write it down: lists that are searched.
private struct NaivePrefixCache {
  let blockTokens: Int
  let unit: Int
  let capacity: Int
  /// Blocks that nobody holds, the oldest first.
  private var idle: [(id: UInt64, tokens: Int)] = []
  private var held: [(id: UInt64, tokens: Int, holders: Int)] = []
  private(set) var hitBlocks = 0
  private(set) var hitTokens = 0
  private(set) var evictions = 0

  init(blockTokens: Int, unit: Int, capacity: Int) {
    self.blockTokens = blockTokens
    self.unit = unit
    self.capacity = capacity
  }

  private var size: Int {
    idle.reduce(0) { $0 + $1.tokens } + held.reduce(0) { $0 + $1.tokens }
  }

  private mutating func hold(_ id: UInt64) -> Bool {
    if let place = held.firstIndex(where: { $0.id == id }) {
      held[place].holders += 1
      return true
    }
    guard let place = idle.firstIndex(where: { $0.id == id }) else { return false }
    let block = idle.remove(at: place)
    held.append((id, block.tokens, 1))
    return true
  }

  /// Serves one request alone, from its first look to its end.
  mutating func serve(prompt: Int, blocks: [UInt64]) {
    var own: [UInt64] = []
    var covered = 0
    var isLeading = true
    for (place, id) in blocks.enumerated() {
      let tokens = max(0, min(blockTokens, prompt - place * blockTokens)) / unit * unit
      guard tokens > 0 else { break }
      if hold(id) {
        own.append(id)
        if isLeading {
          hitBlocks += 1
          covered += tokens
        }
        continue
      }
      isLeading = false
      while size + tokens > capacity, !idle.isEmpty {
        idle.removeFirst()
        evictions += 1
      }
      guard size + tokens <= capacity else { break }
      held.append((id, tokens, 1))
      own.append(id)
    }
    hitTokens += min(covered, (prompt - 1) / unit * unit)
    for id in own.reversed() {
      let place = held.firstIndex { $0.id == id }!
      held[place].holders -= 1
      if held[place].holders == 0 {
        let block = held.remove(at: place)
        idle.append((block.id, block.tokens))
      }
    }
  }
}

@Suite("The prefix cache")
struct PrefixCacheTests {
  /// Serves one request alone through the cache under test.
  private static func serve(
    _ sharing: inout PrefixSharing, slot: Int32, prompt: Int, blocks: [UInt64], capacity: Int,
    held: inout Int
  ) {
    sharing.begin(slot, blocks: blocks[...])
    let covered = sharing.take(slot, prompt: prompt, target: prompt)
    sharing.count(slot, prompt: prompt, covered: covered)
    while let next = sharing.nextComputed(slot, prompt: prompt, computed: prompt) {
      if sharing.join(slot, identity: next.identity, tokens: next.tokens) { continue }
      let missing = held + next.tokens - capacity
      if missing > 0 { held -= Int(sharing.evict(bytes: Int64(missing))) }
      guard held + next.tokens <= capacity,
        sharing.insert(slot, identity: next.identity, tokens: next.tokens)
      else {
        sharing.close(slot)
        break
      }
      held += next.tokens
    }
    sharing.letGo(slot)
  }

  /// One byte a token, so that bytes and tokens are the same number.
  private static func sharing(unit: Int, blockTokens: Int = 512) -> PrefixSharing {
    PrefixSharing(
      blockTokens: blockTokens, keyValueBlockTokens: unit, keyValueBlockBytes: Int64(unit))
  }

  @Test("hits and evicts as lists that are searched do", arguments: [64, 200, 640, 5000], [1, 16])
  func likeNaive(capacity: Int, unit: Int) {
    var random = SplitMix(UInt64(capacity + unit))
    var sharing = Self.sharing(unit: unit, blockTokens: 32)
    var naive = NaivePrefixCache(blockTokens: 32, unit: unit, capacity: capacity)
    var held = 0
    // Prompts are paths through a tree of identities, so that they begin alike.
    for round in 0..<3000 {
      let blocks = 1 + Int(random.next() % 6)
      var path: UInt64 = 0
      var identities: [UInt64] = []
      for _ in 0..<blocks {
        path = path &* 7 &+ 1 &+ random.next() % 3
        identities.append(path)
      }
      let prompt = (blocks - 1) * 32 + 1 + Int(path % 32)
      // A block that is not full is another than the full one that begins like it.
      if prompt % 32 != 0 { identities[blocks - 1] |= 1 << 62 }
      Self.serve(
        &sharing, slot: Int32(round % 5), prompt: prompt, blocks: identities, capacity: capacity,
        held: &held)
      naive.serve(prompt: prompt, blocks: identities)
      #expect(held <= capacity)
    }
    #expect(sharing.counts.hitBlocks == Int64(naive.hitBlocks))
    #expect(sharing.counts.hitTokens == Int64(naive.hitTokens))
    #expect(sharing.cache.evictions == UInt64(naive.evictions))
    #expect(sharing.cache.idleTokens == held)
    #expect(naive.hitBlocks > 0)
    if capacity < 5000 { #expect(naive.evictions > 0) }
  }

  @Test("finds of the recorded conversation what its description says")
  func conversation() throws {
    guard let path = SharedData.path("mooncake_fast25/conversation_trace.jsonl") else {
      print(SharedData.absence)
      return
    }
    let reader = try RequestTraceReader(path: path)
    var record = RequestRecord()
    var unlimited = Self.sharing(unit: 1)
    var limited = Self.sharing(unit: 16)
    let capacity = 1_000_000
    var naive = NaivePrefixCache(blockTokens: 512, unit: 16, capacity: capacity)
    var (all, some) = (0, 0)
    var number = 0
    while try reader.next(into: &record) {
      let prompt = Int(record.promptTokens)
      Self.serve(
        &unlimited, slot: 0, prompt: prompt, blocks: record.prefixBlocks, capacity: .max / 2,
        held: &all)
      number += 1
      guard number <= 2500 else { continue }
      Self.serve(
        &limited, slot: 0, prompt: prompt, blocks: record.prefixBlocks, capacity: capacity,
        held: &some)
      naive.serve(prompt: prompt, blocks: record.prefixBlocks)
    }
    // The trace's description: 0.366 of its blocks were seen before.
    let rate =
      Double(unlimited.counts.hitBlocks) / Double(unlimited.counts.askedBlocks)
    #expect(abs(rate - 0.366) < 0.0005, "\(rate)")
    #expect(limited.counts.hitBlocks == Int64(naive.hitBlocks))
    #expect(limited.counts.hitTokens == Int64(naive.hitTokens))
    #expect(limited.cache.evictions == UInt64(naive.evictions))
    #expect(naive.evictions > 0)
  }

  @Test("identities that share a place in the table are found, and stay found as others leave")
  func table() {
    var cache = PrefixCache()
    var random = SplitMix(5)
    var known: [(id: UInt64, block: Int32)] = []
    for _ in 0..<20_000 {
      let id = random.next() % 3000
      if let block = cache.find(id, tokens: 1) {
        #expect(known.contains { $0.id == id && $0.block == block })
      } else {
        #expect(!known.contains { $0.id == id })
        let block = cache.insert(id, tokens: 1 + Int(id % 3))!
        known.append((id, block))
        cache.letGo(block)
      }
      if known.count > 1500 {
        // Nobody holds any: the first to have come leaves.
        #expect(cache.evict() == 1 + Int(known[0].id % 3))
        known.removeFirst()
      }
      #expect(cache.count == known.count && cache.idleCount == known.count)
    }
  }
}
