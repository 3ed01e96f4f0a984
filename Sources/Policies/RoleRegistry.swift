// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration

/// One implementation of a role: its name, what it does, and how to make it.
public struct RoleRegistration<Role: Sendable>: Sendable {
  /// The name in scenarios, presets and on the command line.
  public let name: String
  /// What it does, in a line.
  public let summary: String
  /// The parameters that it knows; all others are refused.
  public let parameters: [RoleParameter]
  private let build: @Sendable (RoleSettings) throws(RoleProblem) -> Role

  /// A registration of an implementation without parameters.
  public init(name: String, summary: String, make: @escaping @Sendable () -> Role) {
    self.name = name
    self.summary = summary
    parameters = []
    build = { (_) throws(RoleProblem) -> Role in make() }
  }

  /// A registration of an implementation with parameters.
  ///
  /// `make` gets values within the parameters' forms: those with a default always, the required
  /// ones always, others where they are set. It throws where values contradict each other.
  public init(
    name: String, summary: String, parameters: [RoleParameter],
    make: @escaping @Sendable (RoleSettings) throws(RoleProblem) -> Role
  ) {
    self.name = name
    self.summary = summary
    self.parameters = parameters
    build = make
  }

  /// Makes the implementation; parameters that are not set have their defaults.
  ///
  /// - Throws: `RoleProblem` when a required parameter is not set, or values contradict each other.
  public func make(_ settings: RoleSettings = RoleSettings()) throws(RoleProblem) -> Role {
    try build(try settings.completed(with: parameters, of: name))
  }
}

/// The implementations of each role, by name. A new one is a file of its own and a line here.
public enum RoleRegistry {
  /// Prefetch policies.
  public static let prefetch: [RoleRegistration<any PrefetchPolicy>] = [
    .init(name: "none", summary: "loads an expert when the gate has named it") { NoPrefetch() },
    .init(
      name: "all", summary: "fetches every expert of the next layer while a layer is computed",
      parameters: [
        RoleParameter(
          "whole", .flag, default: 0,
          summary: "whether a layer waits for all of its experts, chosen or not")
      ]
    ) { settings in PrefetchAll(awaitsWholeLayers: settings.flag("whole")) },
    PredictedPrefetch.registration,
    AdaptiveDepthPrefetch.registration,
  ]

  /// Predictors.
  public static let prediction: [RoleRegistration<any PredictionPolicy>] = [
    .init(name: "none", summary: "predicts nothing") { NoPrediction() },
    .init(name: "oracle", summary: "predicts exactly what later gates will choose") {
      OraclePrediction()
    },
    .init(
      name: "pre-gate", summary: "knows the next layer's choices, which this layer's gate makes"
    ) { PreGatePrediction() },
    RecallPrediction.registration,
    FrequencyPrediction.registration,
    RepeatPrediction.registration,
    MarkovPrediction.registration,
    ExpertMapPrediction.registration,
    ActivationMatrixPrediction.registration,
  ]

  /// Schedules.
  public static let schedule: [RoleRegistration<any SchedulePolicy>] =
    [
      .init(
        name: "compute-as-ready",
        summary: "computes resident experts first, each other one as it arrives"
      ) { ComputeAsReady() },
      .init(
        name: "load-then-compute", summary: "loads all that a layer misses, then computes the layer"
      ) { LoadThenCompute() },
      .init(
        name: "expert-by-expert",
        summary: "asks for experts in the order of their numbers, waits for and computes each"
      ) { ExpertByExpert() },
    ] + graphSchedules

  /// What becomes of activated experts.
  public static let resolve: [RoleRegistration<any ResolvePolicy>] = [
    .init(
      name: "fetch", summary: "computes every activated expert on the GPU, fetching what is missing"
    ) { FetchResolve() },
    ScoreThresholdResolve.registration, HostResolve.registration, CheapestResolve.registration,
    HotColdResolve.registration, SkipByRatio.registration, SkipByShare.registration,
  ]

  /// What starts where.
  public static let placement: [RoleRegistration<any PlacementPolicy>] = [
    .init(name: "uniform", summary: "holds as many experts of each layer") { UniformPlacement() },
    HostLayersPlacement.registration,
  ]

  /// Admission policies.
  public static let admission: [RoleRegistration<any AdmissionPolicy>] = [
    .init(
      name: "fcfs", summary: "first come, first served: continuous batching in order of arrival"
    ) { FirstComeFirstServed() },
    .init(
      name: "static-batch",
      summary: "closed batches in order of arrival, which nobody joins until the last token"
    ) { StaticBatch() },
    .init(
      name: "length-sorted",
      summary: "closed batches whose micro-batches have about as many prompt tokens each"
    ) { LengthSortedBatch() },
    .init(
      name: "expert-queues", summary: "fills the batch with requests that lean to the same expert"
    ) { ExpertQueues() },
  ]

  /// The registration with a name.
  ///
  /// - Throws: ``UnknownRole``, which lists the names and guesses what was meant.
  public static func find<Role>(
    _ name: String, role: String, in all: [RoleRegistration<Role>]
  ) throws(UnknownRole) -> RoleRegistration<Role> {
    guard let found = all.first(where: { $0.name == name }) else {
      throw UnknownRole(role: role, name: name, valid: all.map(\.name))
    }
    return found
  }
}

/// A role has no implementation of that name.
public struct UnknownRole: Error, CustomStringConvertible, Sendable {
  /// The role.
  public var role: String
  /// What was asked for.
  public var name: String
  /// What there is.
  public var valid: [String]

  /// What was found and what would be right.
  public var description: String {
    let guess = closestMatch(to: name, among: valid).map { "; did you mean '\($0)'?" } ?? ""
    return "no \(role) '\(name)'; there are \(valid.joined(separator: ", "))\(guess)"
  }
}
