// SPDX-License-Identifier: GPL-3.0-or-later

public import RandomStreams

/// Follows prefixes as long as replicas are about equally busy.
///
/// The `cache_aware` policy of SGLang's router (sgl-project/sglang; thresholds of its gateway 0.3.1):
/// while the busiest replica has more than ``absoluteThreshold`` requests over the idlest and more
/// than ``relativeThreshold`` times as many, the least busy one is chosen. Otherwise the replica with
/// the longest prefix, if it holds more than ``hitThreshold`` of the prompt; else the one with the
/// least history, here the largest share of free KV cache. Prefixes are those in the replicas'
/// caches, where SGLang's router keeps a tree of what it sent.
public struct CacheAwareRouting: RequestRoutingPolicy {
  /// The share of a prompt that a replica must hold to be followed.
  public let hitThreshold: Double
  /// Requests between the busiest and the idlest replica up to which they count as balanced.
  public let absoluteThreshold: Int64
  /// How many times as busy the busiest may be to count as balanced.
  public let relativeThreshold: Double

  /// A choice by prefix or by load.
  public init(
    hitThreshold: Double = 0.3, absoluteThreshold: Int64 = 64, relativeThreshold: Double = 1.5
  ) {
    self.hitThreshold = hitThreshold
    self.absoluteThreshold = absoluteThreshold
    self.relativeThreshold = relativeThreshold
  }

  /// Prefixes are what it is about.
  public var needsPrefixHits: Bool { true }

  /// The replica that the rule says, the first of several that are alike.
  public mutating func choose(
    for request: RoutedRequest, among replicas: Span<ReplicaLoad>, random: inout RandomStream
  ) -> Int? {
    guard
      let idlest = replicas.least(for: request, by: \.outstandingRequests),
      let busiest = replicas.least(for: request, by: { -$0.outstandingRequests }),
      let longest = replicas.least(for: request, by: { -$0.prefixHitTokens })
    else { return nil }
    let (low, high) = (
      replicas[idlest].outstandingRequests, replicas[busiest].outstandingRequests
    )
    if high - low > absoluteThreshold, Double(high) > relativeThreshold * Double(low) {
      return idlest
    }
    let hit = Double(replicas[longest].prefixHitTokens)
    if hit > hitThreshold * Double(request.promptTokens) { return longest }
    return replicas.least(for: request) { -$0.keyValueFreeShare }
  }

  static let registration = RoleRegistration<any RequestRoutingPolicy>(
    name: "cache-aware",
    summary: "follows prefixes while replicas are about equally busy, as SGLang's router does",
    parameters: [
      RoleParameter(
        "hit_threshold", .number(0...1), default: 0.3,
        summary: "share of the prompt that a replica must hold to be followed"),
      RoleParameter(
        "absolute_threshold", .count(0...1_000_000), default: 64,
        summary: "requests between the busiest and the idlest replica that count as balanced"),
      RoleParameter(
        "relative_threshold", .number(1...1e6), default: 1.5,
        summary: "how many times as busy the busiest may be to count as balanced"),
    ]
  ) {
    CacheAwareRouting(
      hitThreshold: $0.number("hit_threshold") ?? 0.3,
      absoluteThreshold: Int64($0.count("absolute_threshold") ?? 64),
      relativeThreshold: $0.number("relative_threshold") ?? 1.5)
  }
}
