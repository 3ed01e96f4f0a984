// SPDX-License-Identifier: GPL-3.0-or-later

public import RandomStreams

/// One replica after the other.
public struct RoundRobinRouting: RequestRoutingPolicy {
  private var next = 0

  /// A round that begins with the first replica.
  public init() {}

  /// The next replica that may serve the request, from the one after the last chosen on.
  public mutating func choose(
    for request: RoutedRequest, among replicas: Span<ReplicaLoad>, random: inout RandomStream
  ) -> Int? {
    if next >= replicas.count { next = 0 }
    let chosen = replicas.least(for: request, from: next) { _ in 0 }
    if let chosen { next = chosen + 1 }
    return chosen
  }
}
