// SPDX-License-Identifier: GPL-3.0-or-later

import Hardware
import KernelTiming
import ModelDescriptors
import Policies
import Routing
import Workload

/// Everything that a run of one replica depends on, resolved.
public struct ServingConfiguration: Sendable {
  /// The scenario's name.
  public var name: String
  /// The machine's rates and sizes.
  public var figures: MachineFigures
  /// How long kernels take on the device.
  public var timing: DeviceTiming
  /// How long kernels take on the host's processors; `nil` where they are the device themselves.
  public var hostTiming: DeviceTiming?
  /// The model.
  public var model: ModelDescriptor
  /// The formats of weights, KV cache and activations.
  public var precision: PrecisionPlan
  /// How memories are divided.
  public var cache: CacheConfiguration
  /// The policy.
  public var policy: PolicyComposition
  /// Devices over which the replica's experts are spread; more than one only with a schedule that
  /// spreads them.
  public var devices = 1
  /// GPUs of the host among which the replica is divided; for schedules that react to gates.
  public var division = GPUDivision.single
  /// How long collectives among these GPUs take; `nil` for what the machine's links and fitted laws say.
  public var collectives: (any CollectiveEstimate)?
  /// The limits of batching, those of all devices together.
  public var limits: BatchLimits
  /// What batching does beyond its limits.
  public var batching = BatchFeatures()
  /// Seeds, warm-up, end.
  public var run: RunOptions
  /// The limits for goodput.
  public var serviceLevel: ServiceLevel
  /// Published scores of the model, those that the scenario gives first.
  public var scores: [ModelScore] = []
  /// How cost is computed.
  public var cost: CostBasis
  /// Makes the routing of a run; not asked for when the model has no experts.
  public var makeRouting: @Sendable () throws -> any RoutingSource
  /// Makes the requests of a run.
  public var makeRequests: @Sendable () throws -> any RequestSource
  /// The setting in words.
  public var setting: SimulationResult.SettingSummary
  /// What a reader must know of the setting.
  public var notices: [String]
  /// Whether a step in which nothing can contend may be one operation; off in tests that compare it
  /// with the fine-grained path.
  public var mergesWholeSteps = true

  /// A resolved configuration.
  public init(
    name: String, figures: MachineFigures, timing: DeviceTiming, model: ModelDescriptor,
    precision: PrecisionPlan, cache: CacheConfiguration, policy: PolicyComposition,
    limits: BatchLimits, run: RunOptions, serviceLevel: ServiceLevel = ServiceLevel(),
    cost: CostBasis = CostBasis(), setting: SimulationResult.SettingSummary,
    notices: [String] = [], hostTiming: DeviceTiming? = nil,
    makeRouting: @escaping @Sendable () throws -> any RoutingSource,
    makeRequests: @escaping @Sendable () throws -> any RequestSource
  ) {
    self.name = name
    self.figures = figures
    self.timing = timing
    self.hostTiming = hostTiming
    self.model = model
    self.precision = precision
    self.cache = cache
    self.policy = policy
    self.limits = limits
    self.run = run
    self.serviceLevel = serviceLevel
    self.cost = cost
    self.setting = setting
    self.notices = notices
    self.makeRouting = makeRouting
    self.makeRequests = makeRequests
  }
}

extension ServingConfiguration {
  /// The same configuration with one resource faster by a factor.
  public func sped(up thing: SpeedUp, by factor: Double) -> ServingConfiguration {
    var faster = self
    faster.figures = figures.sped(up: thing, by: factor)
    switch thing {
    case .compute: faster.timing = timing.scaled(compute: factor)
    case .deviceMemory: faster.timing = timing.scaled(memory: factor)
    case .software:
      faster.timing = timing.scaled(overhead: 1 / factor)
      faster.hostTiming = hostTiming?.scaled(overhead: 1 / factor)
    case .hostMemory: faster.hostTiming = hostTiming?.scaled(memory: factor)
    case .link, .peers:
      let carries: SpeedUp = figures.peerRate > 0 ? .peers : .link
      if thing == carries {
        faster.collectives = collectives.map { FasterCollectives(base: $0, factor: factor) }
      }
    case .drive: break
    }
    return faster
  }
}
