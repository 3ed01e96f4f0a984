// SPDX-License-Identifier: GPL-3.0-or-later

public import RandomStreams

/// What of a replica counts as outstanding.
public enum OutstandingMeasure: String, CaseIterable, Sendable {
  /// Requests, in the queue and in the batch.
  case requests
  /// Tokens, of prompts and outputs, that are yet to be computed.
  case tokens

  /// The load of a replica by this measure.
  func load(of replica: ReplicaLoad) -> Int64 {
    switch self {
    case .requests: replica.outstandingRequests
    case .tokens: replica.outstandingTokens
    }
  }

  /// The parameter by which scenarios choose one.
  static let parameter = RoleParameter(
    "measure", .choice(allCases.map(\.rawValue)), word: requests.rawValue,
    summary: "what is counted: requests, or the tokens that they have left (a router in the field"
      + " does not know outputs beforehand)")

  init(_ settings: RoleSettings) {
    self = settings.text("measure").flatMap(OutstandingMeasure.init(rawValue:)) ?? .requests
  }
}

/// The replica with the least to do; of several the one after the last chosen.
///
/// "Least outstanding requests" of load balancers (Envoy's and AWS's `least_outstanding_requests`,
/// nginx's `least_conn`).
public struct LeastOutstandingRouting: RequestRoutingPolicy {
  /// What is counted.
  public let measure: OutstandingMeasure
  private var next = 0

  /// A choice by what is outstanding.
  public init(measure: OutstandingMeasure = .requests) { self.measure = measure }

  /// The least loaded replica that may serve the request.
  public mutating func choose(
    for request: RoutedRequest, among replicas: Span<ReplicaLoad>, random: inout RandomStream
  ) -> Int? {
    if next >= replicas.count { next = 0 }
    let measure = measure
    let chosen = replicas.least(for: request, from: next) { measure.load(of: $0) }
    if let chosen { next = chosen + 1 }
    return chosen
  }

  static let registration = RoleRegistration<any RequestRoutingPolicy>(
    name: "least-outstanding",
    summary: "the replica with the fewest requests, or tokens, in queue and batch",
    parameters: [OutstandingMeasure.parameter]
  ) { LeastOutstandingRouting(measure: OutstandingMeasure($0)) }
}
