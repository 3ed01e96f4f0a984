// SPDX-License-Identifier: GPL-3.0-or-later

public import RandomStreams

/// Any replica, each as likely as the others.
public struct RandomRouting: RequestRoutingPolicy {
  /// A choice by lot.
  public init() {}

  /// A replica drawn from those that may serve the request.
  public mutating func choose(
    for request: RoutedRequest, among replicas: Span<ReplicaLoad>, random: inout RandomStream
  ) -> Int? {
    let candidates = replicas.candidates(for: request)
    guard candidates > 0 else { return nil }
    return replicas.candidate(random.uniformInt(below: candidates), for: request)
  }
}
