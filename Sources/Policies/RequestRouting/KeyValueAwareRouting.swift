// SPDX-License-Identifier: GPL-3.0-or-later

import Glibc
public import RandomStreams

/// Weighs the prefix that a replica holds against what it has to do.
///
/// The router of NVIDIA Dynamo (docs.nvidia.com/dynamo, "Routing Concepts"): the cost of a replica is
///
///     weight × prefill blocks + decode blocks
///
/// prefill blocks being the prompt tokens that the replica has yet to compute with those of this
/// request that it does not hold, and decode blocks those that its sequences hold with this
/// request's. The least cost wins, the first of several; with a temperature T above 0 a replica is
/// drawn with a probability ∝ exp(−cost / (T × range of costs)). A weight of 1 and a temperature of 0
/// are Dynamo's defaults. That costs are divided by their range is this project's reading of "softmax
/// over normalised costs".
public struct KeyValueAwareRouting: RequestRoutingPolicy {
  /// What a block to be computed counts beside one that is held.
  public let overlapWeight: Double
  /// How random the choice is; 0 for not at all.
  public let temperature: Double
  private let givenBlockTokens: Int?
  private var blockTokens = 16.0

  /// A choice by cost.
  ///
  /// - Parameter blockTokens: Tokens of a block; `nil` for those of the KV cache.
  public init(overlapWeight: Double = 1, temperature: Double = 0, blockTokens: Int? = nil) {
    self.overlapWeight = overlapWeight
    self.temperature = temperature
    givenBlockTokens = blockTokens
    if let blockTokens { self.blockTokens = Double(blockTokens) }
  }

  /// Prefixes are what it is about.
  public var needsPrefixHits: Bool { true }

  /// Learns the size of blocks.
  public mutating func configure(_ context: RequestRoutingContext) {
    blockTokens = Double(givenBlockTokens ?? context.keyValueBlockTokens)
  }

  /// What sending a request to a replica costs, in blocks.
  func cost(of request: RoutedRequest, on replica: ReplicaLoad) -> Double {
    let prompt = Int64(request.promptTokens)
    let held = min(prompt, Int64(max(0, replica.prefixHitTokens)))
    let prefill = Double(replica.waitingPromptTokens + prompt - held) / blockTokens
    let decode = (Double(replica.contextTokens + prompt) / blockTokens).rounded(.up)
    return overlapWeight * prefill + decode
  }

  /// The replica of least cost, or one drawn by cost.
  public mutating func choose(
    for request: RoutedRequest, among replicas: Span<ReplicaLoad>, random: inout RandomStream
  ) -> Int? {
    let policy = self
    let least = replicas.least(for: request) { policy.cost(of: request, on: $0) }
    guard temperature > 0, let least else { return least }
    let low = cost(of: request, on: replicas[least])
    var range = 0.0
    for position in 0..<replicas.count where replicas[position].mayServe(request) {
      range = max(range, cost(of: request, on: replicas[position]) - low)
    }
    // The largest of −cost/T with Gumbel noise is drawn by the softmax of the former.
    var best: (position: Int, score: Double)?
    for position in 0..<replicas.count where replicas[position].mayServe(request) {
      let relative =
        range > 0 ? (cost(of: request, on: replicas[position]) - low) / range : 0
      let score = -relative / temperature - log(random.exponential(mean: 1))
      if let known = best, known.score >= score { continue }
      best = (position, score)
    }
    return best?.position
  }

  static let registration = RoleRegistration<any RequestRoutingPolicy>(
    name: "kv-aware",
    summary: "weighs the prefix that a replica holds against its load, as NVIDIA Dynamo does",
    parameters: [
      RoleParameter(
        "overlap_weight", .number(0...1e6), default: 1,
        summary: "what a block that must be computed counts beside one that is held"),
      RoleParameter(
        "temperature", .number(0...1e6), default: 0, summary: "how random the choice is"),
      RoleParameter(
        "block", .count(1...65_536), otherwise: "that of the KV cache",
        summary: "tokens of a block"),
    ]
  ) {
    KeyValueAwareRouting(
      overlapWeight: $0.number("overlap_weight") ?? 1, temperature: $0.number("temperature") ?? 0,
      blockTokens: $0.count("block"))
  }
}
