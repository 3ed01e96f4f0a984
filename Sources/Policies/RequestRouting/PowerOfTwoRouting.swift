// SPDX-License-Identifier: GPL-3.0-or-later

public import RandomStreams

/// The less loaded of two replicas that are drawn (Mitzenmacher, "The power of two choices in
/// randomized load balancing", IEEE TPDS 12, 2001); the first drawn where both are alike.
public struct PowerOfTwoRouting: RequestRoutingPolicy {
  /// What is counted.
  public let measure: OutstandingMeasure

  /// A choice between two.
  public init(measure: OutstandingMeasure = .requests) { self.measure = measure }

  /// The less loaded of two different replicas that may serve the request.
  public mutating func choose(
    for request: RoutedRequest, among replicas: Span<ReplicaLoad>, random: inout RandomStream
  ) -> Int? {
    let candidates = replicas.candidates(for: request)
    guard candidates > 1 else { return replicas.candidate(0, for: request) }
    let one = random.uniformInt(below: candidates)
    var other = random.uniformInt(below: candidates - 1)
    if other >= one { other += 1 }
    guard let first = replicas.candidate(one, for: request),
      let second = replicas.candidate(other, for: request)
    else { return nil }
    return measure.load(of: replicas[second]) < measure.load(of: replicas[first]) ? second : first
  }

  static let registration = RoleRegistration<any RequestRoutingPolicy>(
    name: "power-of-two", summary: "the less loaded of two replicas that are drawn",
    parameters: [OutstandingMeasure.parameter]
  ) { PowerOfTwoRouting(measure: OutstandingMeasure($0)) }
}
