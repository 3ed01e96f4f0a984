// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams
import Testing

@testable import Policies

@Suite("Which replica a request goes to")
struct RequestRoutingTests {
  static let names = RoleRegistry.requestRouting.map(\.name)

  static func policy(
    _ name: String, _ values: [(String, Double)] = [], words: [(String, String)] = []
  ) throws -> any RequestRoutingPolicy {
    var settings = RoleSettings()
    for (key, value) in values { settings.set(key, to: [value]) }
    for (key, word) in words { settings.set(key, to: word) }
    return try RoleRegistry.find(name, role: "request routing", in: RoleRegistry.requestRouting)
      .make(settings)
  }

  static func stream(_ request: UInt64) -> RandomStream {
    RandomStream(seed: 7, replication: 0, purpose: .requestRouting, entity: request)
  }

  static func choose(
    _ policy: inout any RequestRoutingPolicy, _ number: UInt64, _ loads: [ReplicaLoad],
    prompt: Int32 = 160, model: Int32 = -1, user: Int32 = -1, at nanoseconds: UInt64 = 0
  ) -> Int? {
    var random = stream(number)
    let request = RoutedRequest(
      number: number, promptTokens: prompt, user: user, model: model, nanoseconds: nanoseconds)
    return policy.choose(for: request, among: loads.span, random: &random)
  }

  /// Loads drawn by a test's own stream: some replicas closed, of three models.
  static func loads(_ case: UInt64) -> [ReplicaLoad] {
    var random = RandomStream(seed: 3, replication: 0, purpose: .testing, entity: `case`)
    return (0..<(1 + random.uniformInt(below: 9))).map { _ in
      ReplicaLoad(
        isAccepting: random.bernoulli(0.7), model: Int32(random.uniformInt(below: 3)),
        runningSequences: Int32(random.uniformInt(below: 9)),
        waitingRequests: Int32(random.uniformInt(below: 4)),
        waitingPromptTokens: Int64(random.uniformInt(below: 4000)),
        outstandingTokens: Int64(random.uniformInt(below: 9000)),
        contextTokens: Int64(random.uniformInt(below: 9000)), keyValueFreeShare: random.uniform(),
        prefixHitTokens: Int32(random.uniformInt(below: 200)) - 1)
    }
  }

  @Test(
    "chosen is who may serve, somebody wherever anybody may, and the same again", arguments: names)
  func onlyThoseWhoMay(name: String) throws {
    var policy = try Self.policy(name)
    policy.configure(RequestRoutingContext(replicas: 9, modelShares: [1, 1, 1]))
    var again = policy
    for number in 0..<2000 as Range<UInt64> {
      let loads = Self.loads(number)
      let model = number % 2 == 0 ? Int32(number % 3) : -1
      let now = number * 1_000_000
      let chosen = Self.choose(&policy, number, loads, model: model, at: now)
      #expect(chosen == Self.choose(&again, number, loads, model: model, at: now))
      let assigned = policy.model(
        of: RoutedRequest(number: number, promptTokens: 160, model: model),
        random: Self.stream(number))
      let candidates = loads.indices.filter {
        loads[$0].isAccepting && (assigned < 0 || loads[$0].model == assigned)
      }
      #expect(chosen.map { candidates.contains($0) } ?? candidates.isEmpty)
    }
  }

  @Test("round robin passes over those that do not accept")
  func roundRobin() throws {
    var policy = try Self.policy("round-robin")
    var loads = [ReplicaLoad](repeating: ReplicaLoad(), count: 4)
    loads[1].isAccepting = false
    #expect((0..<5).map { Self.choose(&policy, $0, loads) } == [0, 2, 3, 0, 2])
    loads[1].isAccepting = true
    loads.append(ReplicaLoad())
    #expect((0..<3).map { Self.choose(&policy, $0, loads) } == [3, 4, 0])
  }

  @Test("by lot each is as likely")
  func random() throws {
    var policy = try Self.policy("random")
    var loads = [ReplicaLoad](repeating: ReplicaLoad(), count: 6)
    loads[2].isAccepting = false
    var counts = [Int](repeating: 0, count: 6)
    for number in 0..<10_000 as Range<UInt64> {
      counts[try #require(Self.choose(&policy, number, loads))] += 1
    }
    #expect(counts[2] == 0)
    // Chi squared of 4 degrees of freedom exceeds 18.5 once in a thousand.
    let chi = [0, 1, 3, 4, 5].reduce(0.0) {
      $0 + (Double(counts[$1]) - 2000) * (Double(counts[$1]) - 2000) / 2000
    }
    #expect(chi < 18.5)
  }

  @Test("the least outstanding, by requests or tokens", arguments: ["requests", "tokens"])
  func leastOutstanding(measure: String) throws {
    var policy = try Self.policy("least-outstanding", words: [("measure", measure)])
    for number in 0..<500 as Range<UInt64> {
      let loads = Self.loads(number)
      let work = loads.map {
        measure == "tokens"
          ? Int($0.outstandingTokens) : Int($0.runningSequences) + Int($0.waitingRequests)
      }
      let least = loads.indices.filter { loads[$0].isAccepting }.map { work[$0] }.min()
      #expect(Self.choose(&policy, number, loads).map { work[$0] } == least)
    }
    // Of several that are alike the one after the last chosen.
    let idle = [ReplicaLoad](repeating: ReplicaLoad(), count: 3)
    var fresh = try Self.policy("least-outstanding")
    #expect((0..<4).map { Self.choose(&fresh, $0, idle) } == [0, 1, 2, 0])
  }

  @Test("of two that are drawn the less loaded: rank k of n with probability 2(n−1−k)/(n(n−1))")
  func powerOfTwo() throws {
    var policy = try Self.policy("power-of-two")
    let order = [3, 0, 4, 1, 2]
    let loads = order.map { ReplicaLoad(runningSequences: Int32($0)) }
    var counts = [Int](repeating: 0, count: 5)
    let draws = 20_000
    for number in 0..<UInt64(draws) {
      counts[order[try #require(Self.choose(&policy, number, loads))]] += 1
    }
    for rank in 0..<5 {
      let expected = Double(2 * (4 - rank)) / 20
      let deviation = (expected * (1 - expected) / Double(draws)).squareRoot()
      #expect(abs(Double(counts[rank]) / Double(draws) - expected) <= 4 * deviation)
    }
    #expect(Self.choose(&policy, 0, [ReplicaLoad()]) == 0)
  }

  @Test("the least score of counts as last reported, with what was sent since")
  func leastLoaded() throws {
    var policy = try Self.policy("least-loaded")
    var loads = [
      ReplicaLoad(runningSequences: 9), ReplicaLoad(waitingRequests: 2),
      ReplicaLoad(runningSequences: 3, waitingRequests: 1),
    ]
    // Scores 9, 8, 7: each request sent adds 4.
    #expect(Self.choose(&policy, 0, loads, at: 0) == 2)
    #expect(Self.choose(&policy, 1, loads, at: 10) == 1)
    #expect(Self.choose(&policy, 2, loads, at: 20) == 0)
    // Nothing is known of a change before the next report.
    loads[0].runningSequences = 0
    #expect(Self.choose(&policy, 3, loads, at: 99_999_999) == 2)
    #expect(Self.choose(&policy, 4, loads, at: 100_000_000) == 0)
    // Without a delay counts are as they are.
    var eager = try Self.policy("least-loaded", [("refresh", 0), ("waiting_weight", 1)])
    #expect((0..<3).map { Self.choose(&eager, $0, loads, at: $0) } == [0, 0, 0])
    loads[1].isAccepting = false
    loads[0].waitingRequests = 5
    #expect(Self.choose(&eager, 9, loads, at: 9) == 2)
  }
}
