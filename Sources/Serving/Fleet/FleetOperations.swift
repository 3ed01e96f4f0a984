// SPDX-License-Identifier: GPL-3.0-or-later

/// What stands before a fleet's replicas, what fails, and how the fleet grows.
public struct FleetOperations: Sendable {
  /// The delay and the limit at the entrance.
  public var gateway = GatewaySettings()
  /// Answers that need no replica; `nil` for none.
  public var responseCache: ResponseCacheSettings?
  /// What fails, degrades and comes back.
  public var failures = FailureSettings()
  /// What becomes of requests whose replica has failed.
  public var retries = RetryPolicy(attempts: 3)
  /// How replicas come and go with the load, each group for itself; `nil` for a fixed fleet.
  public var autoscaler: Autoscaler?

  /// No delay, nothing that fails, a fixed fleet.
  public init() {}
}
