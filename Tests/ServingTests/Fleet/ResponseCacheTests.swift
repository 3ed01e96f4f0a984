// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Testing

@testable import Serving

@Suite("Answers given before")
struct ResponseCacheTests {
  @Test(
    "hits by identity are those of a plain list kept by recency", arguments: [1, 2, 7, 50, 400])
  func leastRecentlyUsed(capacity: Int) {
    var cache = ResponseCache(
      ResponseCacheSettings(.identity(capacity: capacity), lookupSeconds: 0), seed: 1,
      replication: 0)
    var recent: [UInt64] = []
    var random = RandomStream(seed: 5, replication: 0, purpose: .testing, entity: UInt64(capacity))
    var hits: UInt64 = 0
    var evictions: UInt64 = 0
    for request in 0..<6000 as Range<UInt64> {
      // Skewed, so that small caches hit as well; multiples of 2^40 collide in weak hashes.
      let identity = UInt64(Double(300) * random.uniform() * random.uniform()) << 40
      let isHit = recent.contains(identity)
      #expect(cache.lookUp(request: request, identity: identity) == isHit)
      if isHit { hits += 1 }
      recent.removeAll { $0 == identity }
      // Some answers are never completed.
      if isHit || random.bernoulli(0.8) {
        recent.append(identity)
        if !isHit { cache.store(identity: identity) }
        if recent.count > capacity {
          recent.removeFirst()
          evictions += 1
        }
      }
      #expect(cache.entryCount == recent.count)
    }
    #expect(cache.counts.hits == hits && cache.counts.lookups == 6000)
    #expect(cache.counts.evictions == evictions)
    #expect(cache.counts.insertions == UInt64(recent.count) + evictions)
  }

  @Test("hits are drawn with their probability, for each request by itself")
  func probability() {
    let settings = ResponseCacheSettings(.probability(0.5134), lookupSeconds: 0.002)
    var cache = ResponseCache(settings, seed: 1, replication: 0)
    var backwards = ResponseCache(settings, seed: 1, replication: 0)
    let draws = 20_000
    let forth = (0..<UInt64(draws)).map { cache.lookUp(request: $0, identity: nil) }
    let back = (0..<UInt64(draws)).reversed().map { backwards.lookUp(request: $0, identity: 9) }
    #expect(forth == back.reversed())
    let deviation = (0.5134 * (1 - 0.5134) / Double(draws)).squareRoot()
    #expect(abs(cache.counts.hitRate - 0.5134) < 4 * deviation)
    cache.store(identity: 4)
    #expect(cache.entryCount == 0 && cache.lookupTime.nanoseconds == 2_000_000)
  }

  @Test(
    "a prompt is known by its blocks, their order and its length; one without blocks by nothing")
  func identities() {
    let identity = { (blocks: [UInt64], tokens: Int32) in
      ResponseCache.identity(ofBlocks: blocks, promptTokens: tokens)
    }
    #expect(identity([1, 2, 3], 40) == identity([1, 2, 3], 40))
    let others = [
      identity([1, 2, 3], 40), identity([1, 3, 2], 40), identity([1, 2], 40),
      identity([1, 2, 3], 41), identity([0, 1, 2, 3], 40), identity([3, 2, 1], 40),
    ]
    #expect(Set(others).count == others.count)
    #expect(identity([], 40) == nil)
    var cache = ResponseCache(
      ResponseCacheSettings(.identity(capacity: 3), lookupSeconds: 0), seed: 1, replication: 0)
    cache.store(identity: nil)
    let isHit = cache.lookUp(request: 0, identity: nil)
    #expect(!isHit)
    #expect(cache.counts.unidentified == 1 && cache.entryCount == 0)
  }
}
