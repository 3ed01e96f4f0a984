// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Policies
import Routing

/// Replicas that are alike: one model on one kind of machine, spread in one way.
public struct ReplicaGroup: Sendable {
  /// What a group does for a request.
  public enum Part: String, Sendable, CaseIterable {
    /// Prompts and outputs.
    case whole
    /// Prompts alone; keys and values then move to a replica that decodes.
    case prefill
    /// Outputs alone.
    case decode
  }

  /// The group's name.
  public var name: String
  /// One host's rates and sizes.
  public var figures: MachineFigures
  /// GPUs of a host.
  public var devicesPerHost: Int
  /// How long kernels take on a GPU.
  public var timing: DeviceTiming
  /// The model.
  public var model: ModelDescriptor
  /// The formats of weights, KV cache and activations.
  public var precision: PrecisionPlan
  /// How a GPU's memory is divided.
  public var cache: CacheConfiguration
  /// How a replica is spread over its GPUs.
  public var plan: ParallelPlan
  /// Which group of GPUs holds which experts.
  public var placement: ExpertPlacement.Rule
  /// How tokens reach experts on other ranks.
  public var dispatch: ExpertDispatch
  /// The limits of batching of each rank.
  public var limits: BatchLimits
  /// Prefix sharing, and what becomes of preempted sequences.
  public var batching = BatchFeatures()
  /// Who joins a batch.
  public var admission: any AdmissionPolicy
  /// Replicas that serve from the beginning.
  public var replicas: Int
  /// What it does for a request.
  public var part = Part.whole
  /// The share of requests that is meant for its model.
  public var share = 1.0
  /// The number of its model: groups with one number serve the same requests.
  public var modelNumber: Int32 = 0
  /// Makes the routing whose statistics the loads of experts follow.
  public var makeRouting: @Sendable () throws -> any RoutingSource
  /// What was drawn of this routing before, by runs that share it; `nil` where the group draws for itself.
  public var draws: ExpertDraws?
  /// Makes the times of collectives of a replica whose GPUs have these numbers in the group's hosts.
  public var makeCollectives: @Sendable (ParallelPlan) throws -> ReplicaCollectives

  /// A group.
  public init(
    name: String, figures: MachineFigures, devicesPerHost: Int, timing: DeviceTiming,
    model: ModelDescriptor, precision: PrecisionPlan, cache: CacheConfiguration,
    plan: ParallelPlan, placement: ExpertPlacement.Rule, dispatch: ExpertDispatch,
    limits: BatchLimits, admission: any AdmissionPolicy, replicas: Int,
    makeRouting: @escaping @Sendable () throws -> any RoutingSource,
    makeCollectives: @escaping @Sendable (ParallelPlan) throws -> ReplicaCollectives
  ) {
    self.name = name
    self.figures = figures
    self.devicesPerHost = devicesPerHost
    self.timing = timing
    self.model = model
    self.precision = precision
    self.cache = cache
    self.plan = plan
    self.placement = placement
    self.dispatch = dispatch
    self.limits = limits
    self.admission = admission
    self.replicas = replicas
    self.makeRouting = makeRouting
    self.makeCollectives = makeCollectives
  }

  /// Hosts that so many replicas take: a replica of less than a host shares it with others.
  public func hosts(replicas: Int) -> Int {
    if plan.devices >= devicesPerHost {
      return replicas * ((plan.devices + devicesPerHost - 1) / devicesPerHost)
    }
    let perHost = devicesPerHost / plan.devices
    return (replicas + perHost - 1) / perHost
  }

  /// The first GPU of a replica, counted through the group's hosts.
  public func firstDevice(ofReplica number: Int) -> Int {
    if plan.devices >= devicesPerHost { return hosts(replicas: number) * devicesPerHost }
    let perHost = devicesPerHost / plan.devices
    return number / perHost * devicesPerHost + number % perHost * plan.devices
  }
}
