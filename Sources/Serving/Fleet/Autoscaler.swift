// SPDX-License-Identifier: GPL-3.0-or-later

/// How many replicas a fleet should have, from what is observed of it.
///
/// The rule of the Horizontal Pod Autoscaler (kubernetes.io, "Horizontal Pod Autoscaling"): replicas
/// are multiplied by observed over wanted, rounded up, unless the ratio is within a tolerance of 1;
/// replicas that are still starting count as idle when more are asked for, so that one burst is not
/// answered twice. Its defaults are those of the settings here: every 15 s, a tolerance of 0.1, and
/// 300 s before replicas are taken away. Where Kubernetes takes the largest recommendation of those
/// 300 s, this rule waits so long after the last change.
///
/// A pure function: it remembers nothing.
public struct Autoscaler: Hashable, Sendable {
  /// What is held at its target.
  public enum Metric: String, CaseIterable, Hashable, Sendable {
    /// Running sequences over the most that the batch takes, mean over replicas.
    case batch
    /// The share of the KV cache in use, mean over replicas.
    case kv
    /// Waiting requests for each replica, at the gateway and at replicas.
    case queue
  }

  /// What is held at its target.
  public var metric: Metric
  /// The target: a share with `batch` and `kv`, requests with `queue`. Above 0.
  public var target: Double
  /// The fewest replicas.
  public var minimum: Int
  /// The most replicas.
  public var maximum: Int
  /// The time between two observations [s].
  public var intervalSeconds: Double
  /// The time from the decision to start a replica until it accepts requests [s].
  public var startUpSeconds: Double
  /// The least time between any change and one that adds replicas [s].
  public var scaleOutCooldownSeconds: Double
  /// The least time between any change and one that takes replicas away [s].
  public var scaleInCooldownSeconds: Double
  /// By how much observed over wanted may differ from 1 without a change.
  public var tolerance: Double

  /// A rule; its defaults are those of Kubernetes, and a start-up of a minute is an assumption.
  public init(
    metric: Metric, target: Double, minimum: Int = 1, maximum: Int, intervalSeconds: Double = 15,
    startUpSeconds: Double = 60, scaleOutCooldownSeconds: Double = 0,
    scaleInCooldownSeconds: Double = 300, tolerance: Double = 0.1
  ) {
    precondition(target > 0 && minimum >= 1 && minimum <= maximum && intervalSeconds > 0)
    self.metric = metric
    self.target = target
    self.minimum = minimum
    self.maximum = maximum
    self.intervalSeconds = intervalSeconds
    self.startUpSeconds = startUpSeconds
    self.scaleOutCooldownSeconds = scaleOutCooldownSeconds
    self.scaleInCooldownSeconds = scaleInCooldownSeconds
    self.tolerance = tolerance
  }

  /// What is observed of a fleet. Replicas that drain or have failed are in none of the counts.
  public struct Observation: Hashable, Sendable {
    /// Replicas that accept requests.
    public var ready: Int
    /// Replicas that are starting.
    public var starting: Int
    /// Mean share of the batch in use over ready replicas.
    public var batchShare: Double
    /// Mean share of the KV cache in use over ready replicas.
    public var keyValueShare: Double
    /// Requests that wait, at the gateway and at replicas.
    public var waitingRequests: Int
    /// Seconds since replicas were last added or taken away; `nil` when they never were.
    public var secondsSinceChange: Double?

    /// An observation.
    public init(
      ready: Int, starting: Int = 0, batchShare: Double = 0, keyValueShare: Double = 0,
      waitingRequests: Int = 0, secondsSinceChange: Double? = nil
    ) {
      self.ready = ready
      self.starting = starting
      self.batchShare = batchShare
      self.keyValueShare = keyValueShare
      self.waitingRequests = waitingRequests
      self.secondsSinceChange = secondsSinceChange
    }
  }

  /// How many replicas to start (positive) or to drain (negative).
  ///
  /// Fewer than the minimum are made up for at once, whatever the cool-down: a failed replica does not
  /// wait.
  public func change(for observation: Observation) -> Int {
    let current = observation.ready + observation.starting
    if current < minimum { return minimum - current }
    if current > maximum { return maximum - current }
    // The sum over replicas; those that start use nothing yet.
    let used: Double
    switch metric {
    case .batch: used = observation.batchShare * Double(observation.ready)
    case .kv: used = observation.keyValueShare * Double(observation.ready)
    case .queue: used = Double(observation.waitingRequests)
    }
    let ratio = used / (target * Double(current))
    if abs(ratio - 1) <= tolerance { return 0 }
    // A product that should be whole is not rounded up for its last bit.
    let exact = (ratio * Double(current) - 1e-9).rounded(.up)
    let wanted = min(Double(maximum), max(Double(minimum), exact))
    let change = Int(wanted) - current
    let since = observation.secondsSinceChange ?? .infinity
    if change > 0 { return since >= scaleOutCooldownSeconds ? change : 0 }
    if change < 0 {
      // While replicas start, what is ready says nothing of what will be needed.
      return observation.starting == 0 && since >= scaleInCooldownSeconds ? change : 0
    }
    return 0
  }
}
