// SPDX-License-Identifier: GPL-3.0-or-later

public import RandomStreams

/// Which replica a request goes to.
///
/// It is asked once for each request that the gateway lets through, and again for one that found
/// nobody when a replica becomes free. A decision allocates nothing and depends on what it is given
/// and on earlier decisions alone.
public protocol RequestRoutingPolicy: Sendable {
  /// Whether it looks at ``ReplicaLoad/prefixHitTokens``, which somebody must find out for each
  /// replica; false by default.
  var needsPrefixHits: Bool { get }

  /// Learns how large the fleet is before the first decision. Nothing by default.
  mutating func configure(_ context: RequestRoutingContext)

  /// The model that is to serve a request, or -1 where any will do. What the request asks for, by
  /// default.
  ///
  /// The gateway asks once, puts the answer into ``RoutedRequest/model``, and keeps a queue for each
  /// model: a request that waits for one model is in no other's way.
  ///
  /// - Parameter random: The stream of the request's draws; the copy that is drawn from is forgotten.
  func model(of request: RoutedRequest, random: RandomStream) -> Int32

  /// The position of the replica that gets the request; `nil` when none of them may.
  ///
  /// - Parameters:
  ///   - request: What is to be served.
  ///   - replicas: The replicas. Only those for which `mayServe` holds may be chosen.
  ///   - random: The stream of the request's draws, from its beginning.
  /// - Complexity: O(n) for n replicas.
  mutating func choose(
    for request: RoutedRequest, among replicas: Span<ReplicaLoad>, random: inout RandomStream
  ) -> Int?
}

extension RequestRoutingPolicy {
  /// Prefixes make no difference.
  public var needsPrefixHits: Bool { false }

  /// The size of the fleet makes no difference.
  public mutating func configure(_ context: RequestRoutingContext) {}

  /// What the request asks for.
  public func model(of request: RoutedRequest, random: RandomStream) -> Int32 { request.model }
}

/// What a request router may know of the fleet before it begins.
public struct RequestRoutingContext: Sendable {
  /// Replicas, running or not; those that an autoscaler may add among them.
  public var replicas: Int
  /// The share of requests that is meant for each model, by its number; positive in sum.
  public var modelShares: [Double]
  /// Tokens in a block of the KV cache.
  public var keyValueBlockTokens: Int

  /// A fleet of one model by default.
  public init(replicas: Int, modelShares: [Double] = [1], keyValueBlockTokens: Int = 16) {
    self.replicas = replicas
    self.modelShares = modelShares
    self.keyValueBlockTokens = keyValueBlockTokens
  }
}

/// What a router may know of a request.
public struct RoutedRequest: BitwiseCopyable, Hashable, Sendable {
  /// The request's number in its workload.
  public var number: UInt64
  /// The closed-loop user who sent it; -1 in an open workload.
  public var user: Int32
  /// The model that it must be served by; -1 where any will do.
  public var model: Int32
  /// Tokens of its prompt.
  public var promptTokens: Int32
  /// When the decision is made [ns].
  public var nanoseconds: UInt64

  /// A request; any model may serve it by default.
  public init(
    number: UInt64, promptTokens: Int32, user: Int32 = -1, model: Int32 = -1,
    nanoseconds: UInt64 = 0
  ) {
    self.number = number
    self.promptTokens = promptTokens
    self.user = user
    self.model = model
    self.nanoseconds = nanoseconds
  }
}

extension ReplicaLoad {
  /// Whether this replica may be given a request.
  @inline(__always)
  public func mayServe(_ request: RoutedRequest) -> Bool {
    isAccepting && (request.model < 0 || request.model == model)
  }
}

extension Span<ReplicaLoad> {
  /// The position of the replica with the least score among those that may serve a request, the first
  /// from `start` on where several have it; `nil` when there is none.
  func least<Score: Comparable>(
    for request: RoutedRequest, from start: Int = 0, by score: (ReplicaLoad) -> Score
  ) -> Int? {
    var best: (position: Int, score: Score)?
    for offset in 0..<count {
      let position = start + offset < count ? start + offset : start + offset - count
      let replica = self[position]
      guard replica.mayServe(request) else { continue }
      let value = score(replica)
      if let known = best, known.score <= value { continue }
      best = (position, value)
    }
    return best?.position
  }

  /// How many replicas may serve a request.
  func candidates(for request: RoutedRequest) -> Int {
    var number = 0
    for position in 0..<count where self[position].mayServe(request) { number += 1 }
    return number
  }

  /// The position of the candidate with a number, from 0.
  func candidate(_ number: Int, for request: RoutedRequest) -> Int? {
    var left = number
    for position in 0..<count where self[position].mayServe(request) {
      if left == 0 { return position }
      left -= 1
    }
    return nil
  }
}
