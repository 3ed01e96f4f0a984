// SPDX-License-Identifier: GPL-3.0-or-later

public import SimulationKernel

/// What becomes of requests whose replica has failed.
public struct RetryPolicy: Hashable, Sendable {
  /// How often a request is sent again at most; 0 for never, so that it is lost.
  public var attempts: Int
  /// The delay before the first repetition [s].
  public var delaySeconds: Double
  /// What each further delay is multiplied by; at least 1.
  public var backoff: Double

  /// A policy.
  public init(attempts: Int, delaySeconds: Double = 0, backoff: Double = 1) {
    precondition(attempts >= 0 && delaySeconds >= 0 && backoff >= 1)
    self.attempts = attempts
    self.delaySeconds = delaySeconds
    self.backoff = backoff
  }

  /// The delay before a request is sent again that has failed so often, from 1; `nil` when it is lost.
  public func delay(afterFailure failure: Int) -> SimulatedDuration? {
    precondition(failure >= 1, "Failures are counted from 1.")
    guard failure <= attempts else { return nil }
    var seconds = delaySeconds
    for _ in 1..<max(1, failure) { seconds = min(seconds * backoff, 1e9) }
    return SimulatedDuration(seconds: seconds)
  }
}
