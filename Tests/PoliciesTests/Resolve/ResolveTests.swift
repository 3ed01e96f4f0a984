// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import Testing
import Units

@testable import Policies

@Suite("Resolving activated experts")
struct ResolveTests {
  private static let layout = BlockLayout(layers: 2, experts: 40, versions: 2) { _, _, version in
    version == 0 ? 400 : 100
  }

  /// A tier of two pools in which listed experts of layer 0 are resident, by version.
  private static func tier(full: [Int] = [], low: [Int] = []) -> ResidencyTier {
    var tier = ResidencyTier(
      layout: layout, pools: PoolPlan(scope: .global, unit: .slots, capacities: [80, 80]),
      eviction: LRUEviction())
    var evicted: [BlockID] = []
    for (version, experts) in [full, low].enumerated() {
      for expert in experts {
        tier.install(layout.block(layer: 0, expert: expert, version: version), evicted: &evicted)
      }
    }
    return tier
  }

  private static func context(linkRate: Double = 32e9, hostBandwidth: Double = 512e9)
    -> ResolveContext
  {
    ResolveContext(
      layout: layout, topK: 2, linkRate: linkRate, hostBandwidth: hostBandwidth,
      fetchSeconds: [10e-3, 3e-3], deviceSeconds: [0, 1e-3, 1e-3, 1e-3, 1e-3],
      hostSeconds: [0, 4e-3, 8e-3, 12e-3, 16e-3])
  }

  private static func choices(
    _ policy: any ResolvePolicy, _ experts: [(expert: Int32, tokens: Int32, score: Float)],
    tier: ResidencyTier, queues: QueueView = QueueView(transfers: 0, hostComputations: 0),
    context: ResolveContext = context(), tokens: Int = 1
  ) -> [ExpertChoice] {
    var policy = policy
    policy.configure(context)
    var set = ActivatedSet()
    set.tokens = tokens
    set.experts = experts.map {
      ActivatedExpert(expert: $0.expert, tokens: $0.tokens, weight: 0.5, score: $0.score)
    }
    var choices = [ExpertChoice](repeating: .version(0), count: experts.count)
    policy.resolve(set, residency: tier.view, queues: queues, choices: &choices)
    return choices
  }

  @Test("scores decide on misses alone")
  func thresholds() {
    let policy = ScoreThresholdResolve(
      high: 0.6, skip: 0.9, low: ExpertVersion(format: .int4, cacheShare: 0.25))
    let set: [(Int32, Int32, Float)] = [
      (1, 1, 0), (2, 1, 0.6), (3, 1, 0.7), (4, 1, 0.95), (5, 1, 0.95), (6, 1, 0.3),
    ]
    let got = Self.choices(
      policy, set.map { (expert: $0.0, tokens: $0.1, score: $0.2) },
      tier: Self.tier(full: [5], low: [3, 6]))
    // A resident less precise copy does not serve an important expert.
    #expect(
      got == [.version(0), .version(0), .version(1), .skip, .version(0), .version(0)])
  }

  @Test("with the host for misses nothing is fetched")
  func thresholdsOnHost() {
    let policy = ScoreThresholdResolve(
      high: 0.6, skip: 0.9, low: ExpertVersion(format: .int4, cacheShare: 0.25),
      computesMisses: true)
    let got = Self.choices(
      policy,
      [
        (expert: 1, tokens: 1, score: 0), (expert: 2, tokens: 1, score: 0.7),
        (expert: 3, tokens: 1, score: 0.7), (expert: 4, tokens: 1, score: 1),
      ],
      tier: Self.tier(full: [], low: [3]))
    #expect(got == [.host, .host, .version(1), .skip])
  }

  @Test("the host takes what is absent, but for large steps", arguments: [1, 31, 32, 100])
  func host(tokens: Int) {
    let got = Self.choices(
      HostResolve(fetchFromTokens: 32),
      [(expert: 1, tokens: 1, score: 0), (expert: 2, tokens: 1, score: 0)],
      tier: Self.tier(full: [2]), tokens: tokens)
    #expect(got == (tokens < 32 ? [.host, .version(0)] : [.version(0), .version(0)]))
  }

  @Test("the cheaper way is taken: few tokens by the host, many by the link")
  func cheapest() {
    let set = (1...4).map { (expert: Int32($0), tokens: Int32($0), score: Float(0)) }
    // Fetching takes 10 + 1 ms, the host 4 ms for each token.
    #expect(
      Self.choices(CheapestResolve(), set, tier: Self.tier())
        == [.host, .host, .version(0), .version(0)])
    // What waits at the host counts where loads are balanced.
    let busy = QueueView(transfers: 0, hostComputations: 3)
    let balanced = CheapestResolve(balances: true)
    #expect(
      Self.choices(balanced, set, tier: Self.tier())
        == [.version(0), .host, .host, .version(0)])
    #expect(
      Self.choices(balanced, set, tier: Self.tier(), queues: busy)
        == [.host, .host, .version(0), .version(0)])
    #expect(
      Self.choices(CheapestResolve(), set, tier: Self.tier(), queues: busy)
        == [.host, .host, .version(0), .version(0)])
  }

  @Test("balancing comes near the best division of all")
  func balance() {
    let set = [3, 1, 2, 2, 1, 1].enumerated().map {
      (expert: Int32($0.offset), tokens: Int32($0.element), score: Float(0))
    }
    func span(_ choices: [ExpertChoice]) -> Double {
      var link = 0.0
      var host = 0.0
      for (choice, entry) in zip(choices, set) {
        if choice == .host { host += 4e-3 * Double(entry.tokens) } else { link += 10e-3 }
      }
      return max(link, host)
    }
    var best = Double.infinity
    for mask in 0..<(1 << set.count) {
      best = min(best, span(set.indices.map { mask >> $0 & 1 == 1 ? .host : .version(0) }))
    }
    let got = span(Self.choices(CheapestResolve(balances: true), set, tier: Self.tier()))
    #expect(got <= 1.5 * best)
    #expect(span(Self.choices(CheapestResolve(), set, tier: Self.tier())) >= got)
  }

  @Test(
    "the share that is fetched is that of the rates",
    arguments: [(1, 1), (16, 1), (17, 1), (18, 2), (34, 2), (35, 3)])
  func hotCold(active: Int, fetched: Int) {
    // 32 of 544 GB/s: ⌈0.0588 · active⌉.
    let set = (0..<active).map { (expert: Int32($0), tokens: Int32($0 % 7), score: Float(0)) }
    let got = Self.choices(HotColdResolve(), set, tier: Self.tier())
    #expect(got.filter { $0 == .version(0) }.count == fetched)
    // The hottest.
    let least = zip(got, set).filter { $0.0 == .version(0) }.map(\.1.tokens).min() ?? 0
    #expect(zip(got, set).allSatisfy { $0.0 == .version(0) || $0.1.tokens <= least })
    let none = Self.choices(HotColdResolve(scale: 0), set, tier: Self.tier())
    #expect(none.allSatisfy { $0 == .host })
  }

  @Test("a version without a format has a quarter of the bits, INT2 at least")
  func quarter() {
    let version = ExpertVersion(format: nil, cacheShare: 0.2)
    #expect(version.format(beside: .bf16) == .int4)
    #expect(version.format(beside: .int8) == .int2)
    #expect(version.format(beside: .int4) == .int2)
    #expect(ExpertVersion(format: .int3, cacheShare: 0).format(beside: .bf16) == .int3)
  }

  @Test("layers that are left to the host hold nothing, the others all")
  func placement() {
    let slots = HostLayersPlacement(hostLayers: 2).slots(layers: 5, experts: 8)
    #expect(slots == [0, 0, 8, 8, 8])
    #expect(UniformPlacement().slots(layers: 5, experts: 8) == nil)
  }

  @Test("thresholds that contradict each other are refused")
  func contradiction() throws {
    var settings = RoleSettings()
    settings.set("high", to: [0.8])
    settings.set("skip", to: [0.5])
    #expect(throws: RoleProblem.self) {
      _ = try ScoreThresholdResolve.registration.make(settings)
    }
  }
}
