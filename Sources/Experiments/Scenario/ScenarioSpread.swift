// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

/// How replicas are spread over GPUs, and how many there are.
public struct ScenarioSpread: Sendable {
  /// Replicas at the beginning.
  public var replicas = 1
  /// The GPUs of a replica.
  public var plan = ParallelPlan.single
  /// Whether a schedule of whole steps spreads the experts, over `plan.expert` devices.
  public var isBySchedule = false
  /// Which GPUs hold which experts.
  public var placement = ExpertPlacement.Rule.contiguous
  /// How tokens reach experts on other ranks.
  public var dispatch = ExpertDispatch.allToAll
  /// Replicas that compute prompts, and those that decode; `nil` where each does both.
  public var disaggregation: Disaggregation?

  /// Prompts and outputs computed apart.
  public struct Disaggregation: Sendable {
    /// Replicas that compute prompts, and how each is spread.
    public var prefill: (replicas: Int, plan: ParallelPlan)
    /// Replicas that decode.
    public var decode: (replicas: Int, plan: ParallelPlan)
  }

  /// Whether there is more than one GPU or replica.
  public var isSpread: Bool {
    !isBySchedule && (replicas > 1 || plan.devices > 1 || disaggregation != nil)
  }
}
