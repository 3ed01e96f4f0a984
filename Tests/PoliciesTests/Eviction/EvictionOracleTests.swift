// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Residency
import Testing

/// Every rule against a naive simulation, hit for hit, on random traces.
@Suite struct EvictionOracleTests {
  #if DEBUG
    static let seeds: ClosedRange<UInt64> = 1...60
  #else
    static let seeds: ClosedRange<UInt64> = 1...1500
  #endif

  struct Case {
    var trace: RandomTrace
    var layout: BlockLayout
    var plan: PoolPlan
    var sizes: [Int]
    var resets: Bool

    init(seed: UInt64) {
      var generator = TestGenerator(seed: seed &+ 7777)
      let made = RandomTrace(seed: seed, passes: 60)
      trace = made
      let unequal = Bool.random(using: &generator)
      let sizes = (0..<made.layers * made.experts).map { _ in
        unequal ? Int.random(in: 1...5, using: &generator) : 1
      }
      self.sizes = sizes
      layout = BlockLayout(layers: made.layers, experts: made.experts) { layer, expert, _ in
        Int64(sizes[layer * made.experts + expert])
      }
      let perLayer = Bool.random(using: &generator)
      let members = perLayer ? made.experts : made.experts * made.layers
      let capacity = Int.random(in: 0...(unequal ? 3 * members : members), using: &generator)
      plan = PoolPlan(
        scope: perLayer ? .perLayer : .global, unit: unequal ? .bytes : .slots,
        capacities: [Int64(capacity)])
      resets = Bool.random(using: &generator)
    }

    var blockNumbers: [[Int]] { trace.events.map { $0.map { $0.block.index } } }

    /// What a predictor says behind each event: experts of any layer, with probabilities.
    func predictions(behind event: Int) -> [(block: Int, probability: Float)] {
      var generator = TestGenerator(seed: UInt64(event) &* 31 &+ UInt64(layout.count))
      return (0..<Int.random(in: 0...4, using: &generator)).map { _ in
        (
          Int.random(in: 0..<layout.count, using: &generator),
          Float(Int.random(in: 1...16, using: &generator)) / 16
        )
      }
    }

    /// A rule by its name, which may be followed by a variant.
    func rule(_ text: String) throws -> any EvictionPolicy {
      let words = text.split(separator: " ").map(String.init)
      let name = words[0]
      var settings = RoleSettings()
      if words.count > 1 { settings.set("variant", to: words[1]) }
      var builder = RecordedNextUse.Builder(layout: layout)
      for event in trace.events {
        builder.beginEvent()
        for member in event { builder.add(member.block) }
      }
      let context = EvictionContext(layout: layout, pools: plan, future: builder.build())
      return try EvictionRegistry.named(name).make(context, settings: settings)
    }

    /// The hits of the real code, event by event; checks the tier's invariants on the way.
    func play(_ name: String) throws -> [[Bool]] {
      var tier = ResidencyTier(layout: layout, pools: plan, eviction: try rule(name))
      var access = SetAccess()
      var hits: [[Bool]] = []
      for (index, members) in trace.events.enumerated() {
        if resets && trace.sequenceStarts.contains(index) {
          tier.clear(evicted: &access.evicted)
          tier.resetEviction()
        }
        if index % trace.layers == 0 { tier.beginStep() }
        tier.beginLayer(index % trace.layers)
        access.replay(members, in: &tier)
        hits.append(access.outcomes.map { $0 == .hit })
        let problems = tier.inconsistencies()
        #expect(problems.isEmpty, "event \(index): \(problems)")
        for (block, probability) in predictions(behind: index) {
          tier.predict(BlockID(block), probability: probability)
        }
      }
      return hits
    }

    func playNaively(_ rule: NaiveCache.Rule) -> [[Bool]] {
      let numbers = blockNumbers
      var cache = NaiveCache(
        rule: rule,
        capacity: Array(
          repeating: Int(plan.capacities[0]), count: plan.poolCount(for: layout)),
        poolOf: (0..<layout.count).map {
          plan.pool(layer: layout.layer(of: BlockID($0)), version: 0, in: layout)
        },
        size: plan.unit == .slots ? sizes.map { _ in 1 } : sizes, trace: numbers,
        layerOf: (0..<layout.count).map { layout.layer(of: BlockID($0)) })
      return trace.events.enumerated().map { index, members in
        if resets && trace.sequenceStarts.contains(index) {
          cache.clear()
          cache.resetUses()
        }
        cache.begin(layer: index % trace.layers)
        let hits = cache.play(
          event: index, members: numbers[index], weights: members.map(\.weight))
        for (block, probability) in predictions(behind: index) {
          cache.predict(block, probability: probability)
        }
        return hits
      }
    }
  }

  @Test(arguments: seeds)
  func agreesWithNaiveSimulation(seed: UInt64) throws {
    let sample = Case(seed: seed)
    for rule in NaiveCache.Rule.allCases {
      let real = try sample.play(rule.rawValue)
      let naive = sample.playNaively(rule)
      let first = zip(real, naive).enumerated().first { $0.element.0 != $0.element.1 }
      #expect(first == nil, "\(rule) differs first at event \(first?.offset ?? -1)")
    }
  }

  @Test(arguments: seeds)
  func furthestNextUseIsNeverBelowAnyOther(seed: UInt64) throws {
    var sample = Case(seed: seed &+ 100_000)
    if sample.plan.unit == .bytes {
      sample.plan.unit = .slots
      sample.plan.capacities = [sample.plan.capacities[0] / 3]
    }
    func count(_ name: String) throws -> Int {
      try sample.play(name).joined().filter { $0 }.count
    }
    let bound = try count("belady")
    for name in NaiveCache.Rule.allCases.map(\.rawValue) {
      #expect(try count(name) <= bound, "\(name)")
    }
  }

  /// The bound is tight: no sequence of victims whatever has more hits, on tiny cases.
  @Test(arguments: UInt64(1)...UInt64(25))
  func furthestNextUseIsBestOfAllChoices(seed: UInt64) throws {
    var generator = TestGenerator(seed: seed)
    let trace = (0..<8).map { _ in
      Array((0..<5).shuffled(using: &generator).prefix(Int.random(in: 1...2, using: &generator)))
    }
    let layout = BlockLayout(layers: 1, experts: 5, bytesPerExpert: 1)
    var builder = RecordedNextUse.Builder(layout: layout)
    for event in trace {
      builder.beginEvent()
      for member in event { builder.add(BlockID(member)) }
    }
    var tier = ResidencyTier(
      layout: layout, pools: .global(slots: 3), eviction: BeladyEviction(oracle: builder.build()))
    var access = SetAccess()
    var hits = 0
    for event in trace {
      access.replay(event.map { SetMember(block: BlockID($0), weight: 1) }, in: &tier)
      hits += access.hits
    }
    #expect(hits == Self.mostHits(trace[...], resident: [], capacity: 3))
  }

  static func mostHits(_ trace: ArraySlice<[Int]>, resident: Set<Int>, capacity: Int) -> Int {
    guard let members = trace.first else { return 0 }
    let all = resident.union(members)
    let others = resident.subtracting(members).sorted()
    var best = 0
    let room = capacity - members.count
    for choice in 0..<(1 << others.count) where choice.nonzeroBitCount <= room {
      if choice.nonzeroBitCount < min(room, others.count) { continue }
      let kept = others.indices.filter { choice & (1 << $0) != 0 }.map { others[$0] }
      best = max(
        best,
        mostHits(
          trace.dropFirst(), resident: all.subtracting(others).union(kept), capacity: capacity))
    }
    return best + resident.intersection(members).count
  }
}
