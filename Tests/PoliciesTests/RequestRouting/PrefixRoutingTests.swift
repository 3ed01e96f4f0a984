// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Policies

@Suite("Routing by prefixes and categories")
struct PrefixRoutingTests {
  typealias Common = RequestRoutingTests

  /// The example of Dynamo's documentation ("Routing Concepts"): a request of 10 blocks, of which the
  /// workers hold 2, 5 and 8, and who decode 10, 5 and 9 blocks.
  private let example = [(2, 10), (5, 5), (8, 9)].map { held, decoding in
    ReplicaLoad(contextTokens: Int64(decoding * 16), prefixHitTokens: Int32(held * 16))
  }

  @Test("costs are those of the published example")
  func costs() throws {
    let policy = KeyValueAwareRouting()
    let request = RoutedRequest(number: 0, promptTokens: 160)
    // 18, 10 and 11 there; the request's own 10 blocks are decoded everywhere.
    #expect(example.map { policy.cost(of: request, on: $0) } == [28, 20, 21])
    var any = try Common.policy("kv-aware")
    #expect(any.needsPrefixHits)
    #expect(Common.choose(&any, 0, example) == 1)
    var loadAlone = try Common.policy("kv-aware", [("overlap_weight", 0)])
    var busy = example
    busy[1].contextTokens = 4096
    #expect(Common.choose(&loadAlone, 0, busy) == 2)
    var prefixAlone = try Common.policy("kv-aware", [("overlap_weight", 1000)])
    #expect(Common.choose(&prefixAlone, 0, example) == 2)
    // Prompts in the queue are prefill as well; a hit never exceeds the prompt.
    busy[2].waitingPromptTokens = 32
    #expect(policy.cost(of: request, on: busy[2]) == 23)
    busy[2].prefixHitTokens = 1000
    #expect(policy.cost(of: request, on: busy[2]) == 2 + 19)
  }

  @Test("with a temperature replicas are drawn by the softmax of their costs")
  func softmax() throws {
    let temperature = 0.7
    var policy = try Common.policy("kv-aware", [("temperature", temperature)])
    let weights = [28.0, 20, 21].map { exp(-($0 - 20) / 8 / temperature) }
    let sum = weights.reduce(0, +)
    var counts = [0, 0, 0]
    let draws = 20_000
    for number in 0..<UInt64(draws) {
      counts[try #require(Common.choose(&policy, number, example))] += 1
    }
    for index in 0..<3 {
      let expected = weights[index] / sum
      let deviation = (expected * (1 - expected) / Double(draws)).squareRoot()
      #expect(abs(Double(counts[index]) / Double(draws) - expected) <= 4 * deviation)
    }
  }

  @Test("blocks are those of the KV cache unless they are given")
  func blocks() {
    var policy = KeyValueAwareRouting()
    policy.configure(RequestRoutingContext(replicas: 1, keyValueBlockTokens: 64))
    let request = RoutedRequest(number: 0, promptTokens: 640)
    #expect(policy.cost(of: request, on: ReplicaLoad(prefixHitTokens: 128)) == 8 + 10)
    var given = KeyValueAwareRouting(blockTokens: 128)
    given.configure(RequestRoutingContext(replicas: 1, keyValueBlockTokens: 64))
    #expect(given.cost(of: request, on: ReplicaLoad(prefixHitTokens: 128)) == 4 + 5)
  }

  @Test("prefixes are followed while replicas are about equally busy")
  func cacheAware() throws {
    var policy = try Common.policy("cache-aware")
    var loads = [
      ReplicaLoad(runningSequences: 100, prefixHitTokens: 49),
      ReplicaLoad(runningSequences: 40, keyValueFreeShare: 0.5),
      ReplicaLoad(runningSequences: 60, keyValueFreeShare: 0.9),
    ]
    // 49 of 160 tokens are more than 0.3; 60 requests between the busiest and the idlest are balanced.
    #expect(Common.choose(&policy, 0, loads) == 0)
    loads[0].keyValueFreeShare = 0.1
    #expect(Common.choose(&policy, 0, loads) == 0)
    loads[0].prefixHitTokens = 48
    #expect(Common.choose(&policy, 0, loads) == 2)
    // 65 between them, and more than 1.5 times as many: the idlest.
    loads[0] = ReplicaLoad(runningSequences: 105, prefixHitTokens: 160)
    #expect(Common.choose(&policy, 0, loads) == 1)
    // 65 between them alone is still balanced.
    loads[1].runningSequences = 400
    loads[2].runningSequences = 400
    loads[0].runningSequences = 465
    #expect(Common.choose(&policy, 0, loads) == 0)
  }

  @Test("categories have the shares of the groups, and are waited for")
  func categories() throws {
    var policy = try Common.policy("categorical")
    policy.configure(RequestRoutingContext(replicas: 4, modelShares: [3, 0, 1]))
    var loads = [2, 0, 1, 0].map { ReplicaLoad(model: Int32($0)) }
    var counts = [0, 0, 0]
    let draws = 10_000
    for number in 0..<UInt64(draws) {
      let chosen = try #require(Common.choose(&policy, number, loads))
      let model = policy.model(
        of: RoutedRequest(number: number, promptTokens: 1), random: Common.stream(number))
      #expect(loads[chosen].model == model)
      counts[Int(model)] += 1
    }
    #expect(counts[1] == 0)
    // Four deviations of a binomial with p = 3/4.
    #expect(abs(Double(counts[0]) - 7500) < 4 * (10_000 * 0.75 * 0.25).squareRoot())
    // Nobody stands in for a model that does not accept.
    loads[0].isAccepting = false
    let chosen = (0..<200).map { Common.choose(&policy, $0, loads) }
    #expect(chosen.contains(nil) && chosen.contains { $0 != nil })
    // A request that asks for a model gets it.
    #expect(Common.choose(&policy, 0, loads, model: 1) == 2)
  }

  @Test("categories by number and by user")
  func assignments() throws {
    let context = RequestRoutingContext(replicas: 5, modelShares: [1, 1, 1, 1, 1])
    var byNumber = CategoricalRouting(assignment: .number)
    byNumber.configure(context)
    let models = (0..<7).map { number in
      byNumber.model(
        of: RoutedRequest(number: number, promptTokens: 1), random: Common.stream(number))
    }
    #expect(models == [0, 1, 2, 3, 4, 0, 1])
    var byUser = CategoricalRouting(assignment: .user)
    byUser.configure(context)
    var found: [Int32] = []
    for user in 0..<40 as Range<Int32> {
      let own = (0..<5).map { round in
        let number = UInt64(round * 40) + UInt64(user)
        return byUser.model(
          of: RoutedRequest(number: number, promptTokens: 1, user: user),
          random: Common.stream(number))
      }
      #expect(Set(own).count == 1)
      found.append(own[0])
    }
    #expect(Set(found).count == 5)
  }
}
