// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Routing
import Testing
import Workload

@testable import Serving

/// Eviction rules in the engine against caches written here.
@Suite("Eviction in the engine")
struct EvictionInEngineTests {
  static let layers = 3
  static let experts = 8
  static let topK = 2

  /// Skewed choices of one sequence: row 0 is the prompt's.
  static func rows(seed: UInt64, count: Int) -> [[[Int]]] {
    var random = SplitMix(seed)
    return (0..<count).map { _ in
      (0..<layers).map { layer in
        var chosen: [Int] = []
        while chosen.count < topK {
          let draw = random.uniform()
          let expert = (Int(draw * draw * Double(experts)) + layer) % experts
          if !chosen.contains(expert) { chosen.append(expert) }
        }
        return chosen
      }
    }
  }

  static func configuration(
    rule: String, rows: [[[Int]]], slots: Int, pool: PoolPlan.Scope = .perLayer,
    initial: CacheConfiguration.InitialContent = .empty
  ) throws -> ServingConfiguration {
    let shape = RoutingShape(layers: layers, experts: experts, topK: topK)
    var policy = ServingHarness.lru()
    policy.eviction = BooksTests.rule(rule)
    let decode = Array(rows.dropFirst())
    return ServingHarness.configuration(
      model: try ServingHarness.model(layers: layers, experts: experts, topK: topK),
      cache: CacheConfiguration(experts: .count(slots), pool: pool, initial: initial),
      policy: policy, limits: BatchLimits(maximumSequences: 1),
      routing: { ScriptedRouting(shape: shape, prompt: rows[0], decode: decode) },
      requests: ServingHarness.requests(count: 1, prompt: 1, output: Int32(rows.count)))
  }

  /// The hits of a cache that looks through its whole list at each choice; `worth` says how soon a
  /// block should go, the largest first.
  static func hits(
    events: [[Int]], capacity: Int, start: [Int] = [],
    worth: (_ block: Int, _ event: Int, _ lastUse: [Int: Int]) -> Int
  ) -> Int {
    var present = start
    var lastUse: [Int: Int] = [:]
    for (place, block) in start.enumerated() { lastUse[block] = place - start.count }
    var hits = 0
    var clock = 0
    for (index, event) in events.enumerated() {
      hits += event.filter { present.contains($0) }.count
      for block in event.reversed() {
        clock += 1
        if !present.contains(block) {
          if present.count == capacity {
            let victim = present.filter { !event.contains($0) }.max {
              worth($0, index, lastUse) < worth($1, index, lastUse)
            }!
            present.removeAll { $0 == victim }
          }
          present.append(block)
        }
        lastUse[block] = clock
      }
    }
    return hits
  }

  /// The sets of one pool, in order, blocks numbered over the layers.
  static func events(_ rows: [[[Int]]], layer: Int?) -> [[Int]] {
    rows.flatMap { row in
      row.indices.filter { layer == nil || layer == $0 }.map { place in
        row[place].map { place * experts + $0 }
      }
    }
  }

  static func nextUse(_ events: [[Int]]) -> (Int, Int) -> Int {
    { block, event in
      events.indices.dropFirst(event + 1).first { events[$0].contains(block) } ?? .max
    }
  }

  @Test("LRU's hits are those of a list, a pool per layer", arguments: 1...4 as ClosedRange<UInt64>)
  func lru(seed: UInt64) throws {
    let rows = Self.rows(seed: seed, count: 60)
    let result = try ServingHarness.run(
      Self.configuration(rule: "lru", rows: rows, slots: 3))
    for layer in 0..<Self.layers {
      let expected = Self.hits(events: Self.events(rows, layer: layer), capacity: 3) {
        block, _, lastUse in -lastUse[block]!
      }
      #expect(Int(result.expertCache.tiers["hbm"]!.layers[layer].hits) == expected)
    }
  }

  @Test("Belady's hits are the optimum's", arguments: 1...4 as ClosedRange<UInt64>, [true, false])
  func belady(seed: UInt64, perLayer: Bool) throws {
    let rows = Self.rows(seed: seed, count: 60)
    let slots = perLayer ? 3 : 10
    let pool: PoolPlan.Scope = perLayer ? .perLayer : .global
    let best = try ServingHarness.run(
      Self.configuration(rule: "belady", rows: rows, slots: slots, pool: pool))
    let lru = try ServingHarness.run(
      Self.configuration(rule: "lru", rows: rows, slots: slots, pool: pool))
    #expect(best.expertCache.hits >= lru.expertCache.hits)
    var expected = 0
    for layer in perLayer ? Array(0..<Self.layers).map(Optional.some) : [nil] {
      let events = Self.events(rows, layer: layer)
      let next = Self.nextUse(events)
      expected += Self.hits(events: events, capacity: slots) { block, event, _ in
        next(block, event)
      }
    }
    #expect(Int(best.expertCache.hits) == expected)
  }

  @Test(
    "Belady is the optimum for the sequence that runs", arguments: 1...24 as ClosedRange<UInt64>)
  func beladyOfTheSecond(seed: UInt64) throws {
    let rows = [Self.rows(seed: seed, count: 40), Self.rows(seed: seed + 50, count: 40)]
    var configuration = try Self.configuration(rule: "belady", rows: rows[0], slots: 3)
    let shape = RoutingShape(layers: Self.layers, experts: Self.experts, topK: Self.topK)
    var base = ScriptedRouting(shape: shape)
    base.choose = { _, key, position, layer in
      rows[Int(key)][position >= 100_000 ? 0 : position + 1][layer]
    }
    let routing = base
    configuration.makeRouting = { routing }
    let requests = ServingHarness.requests(count: 2, prompt: 1, output: 40, gapSeconds: 1000)
    configuration.makeRequests = { ListedRequests(requests) }
    // What the first sequence leaves behind, and its hits.
    var left: [[Int]] = []
    var before: [UInt64] = []
    let result = try ServingHarness.probe(configuration) { engine, _ in
      guard engine.progress.completions == 1, engine.batch.isIdle, left.isEmpty else { return }
      before = engine.counters.fast.hits
      left = (0..<Self.layers).map { layer in
        (0..<Self.experts).filter {
          engine.tier.isResident(engine.tier.layout.block(layer: layer, expert: $0))
        }.map { layer * Self.experts + $0 }
      }
    }
    for layer in 0..<Self.layers {
      let events = Self.events(rows[1], layer: layer)
      let next = Self.nextUse(events)
      let expected = Self.hits(events: events, capacity: 3, start: left[layer]) {
        block, event, _ in next(block, event)
      }
      let hits = result.expertCache.tiers["hbm"]!.layers[layer].hits - before[layer]
      #expect(Int(hits) == expected)
    }
  }

  @Test("Belady is not below LRU over sequences one after the other", arguments: [1, 2, 3])
  func beladyOverSequences(seed: UInt64) throws {
    func run(_ rule: String) throws -> SimulationResult {
      var configuration = try Self.configuration(
        rule: rule, rows: Self.rows(seed: seed, count: 30), slots: 3, initial: .filled)
      let shape = RoutingShape(layers: Self.layers, experts: Self.experts, topK: Self.topK)
      let base = ScriptedRouting(shape: shape)
      configuration.makeRouting = { base }
      let requests = (0..<6).map {
        Request(
          number: UInt64($0) + seed * 100, arrivalNanoseconds: 0, promptTokens: 2,
          outputTokens: 25)
      }
      configuration.makeRequests = { ListedRequests(requests) }
      return try ServingHarness.run(configuration)
    }
    let belady = try run("belady")
    let lru = try run("lru")
    #expect(belady.expertCache.hits >= lru.expertCache.hits)
    #expect(
      belady.expertCache.hits + belady.expertCache.misses
        == lru.expertCache.hits + lru.expertCache.misses)
  }

  @Test("a static cache never evicts, and all others stream")
  func pinned() throws {
    let rows = Self.rows(seed: 5, count: 40)
    let result = try ServingHarness.probe(
      Self.configuration(rule: "static", rows: rows, slots: 3, initial: .filled)
    ) { engine, _ in
      // What streams takes no room.
      for pool in 0..<Self.layers { #expect(engine.tier.view.used(inPool: pool) == 3) }
    }
    #expect(result.expertCache.tiers["hbm"]?.evictions == 0)
    #expect(result.expertCache.hits + result.expertCache.misses == 40 * 3 * 2)
    // The most popular of the script stay: popularity is that of the script itself, whose decoding
    // rows come round again and again.
    for layer in 0..<Self.layers {
      var uses = [Int](repeating: 0, count: Self.experts)
      for token in 0..<64 {
        for expert in rows[1 + token % 39][layer] { uses[expert] += 1 }
      }
      let kept = (0..<Self.experts).sorted { (-uses[$0], $0) < (-uses[$1], $1) }.prefix(3)
      let expected = rows.reduce(0) { $0 + $1[layer].filter { kept.contains($0) }.count }
      #expect(Int(result.expertCache.tiers["hbm"]!.layers[layer].hits) == expected)
    }
  }

  @Test("host memory's hits are those of a list of what the device misses", arguments: [1, 2, 3])
  func hostTier(seed: UInt64) throws {
    let rows = Self.rows(seed: seed, count: 60)
    var configuration = try Self.configuration(rule: "lru", rows: rows, slots: 2, initial: .filled)
    let slots = 10
    configuration.figures.drive = ServingHarness.drive
    configuration.cache.host = .bytes(
      configuration.model.bytes(under: .bf16).perExpert * Int64(slots))
    let result = try ServingHarness.run(configuration)
    // The device's misses, layer by layer in order, are host memory's accesses: the heaviest is
    // fetched first, and each is an event of its own.
    var present = [[Int]](repeating: [0, 1], count: Self.layers)
    var host: [Int] = []
    for expert in 0..<Self.experts {
      for layer in 0..<Self.layers where host.count < slots {
        host.append(layer * Self.experts + expert)
      }
    }
    var hits = 0
    var misses = 0
    for row in rows {
      for (layer, chosen) in row.enumerated() {
        let missing = chosen.filter { !present[layer].contains($0) }
        for expert in chosen.reversed() {
          if let place = present[layer].firstIndex(of: expert) {
            present[layer].remove(at: place)
          } else {
            present[layer].remove(at: present[layer].firstIndex { !chosen.contains($0) }!)
          }
          present[layer].append(expert)
        }
        for expert in missing {
          let block = layer * Self.experts + expert
          if let place = host.firstIndex(of: block) {
            host.remove(at: place)
            hits += 1
          } else {
            host.removeFirst()
            misses += 1
          }
          host.append(block)
        }
      }
    }
    let tier = try #require(result.expertCache.tiers["dram"])
    #expect(Int(tier.hits) == hits)
    #expect(Int(tier.misses) == misses)
    #expect(misses > 0 && hits > 0)
  }
}
