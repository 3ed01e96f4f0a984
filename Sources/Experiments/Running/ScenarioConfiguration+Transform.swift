// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import KernelTiming
import ModelDescriptors
import Policies
import Routing
import Serving

extension Scenario {
  /// The model that is served: the published one, changed as the policy says.
  ///
  /// - Throws: A `Diagnostic` when the change cannot be made to this model.
  func transformed(_ model: ModelDescriptor) throws -> ModelDescriptor {
    do {
      return try policy.modelTransform().transformed(model)
    } catch let problem as RoleProblem {
      throw Diagnostic(
        location: policy.transform.location,
        path: "policy.transform.\(problem.parameter)", message: problem.message)
    }
  }

  /// The kernels that the policy names.
  ///
  /// - Throws: `MissingFile`, or `Diagnostics` with everything that is wrong with them.
  func loadKernels() throws -> KernelSet {
    try policy.kernels?.read(
      inline: { try KernelSet.read($0) }, path: { try KernelSet.load(path: $0) }) ?? .none
  }

  /// What makes the routing of the changed model; sets up the roles that look at sample routing.
  func changedRouting(
    _ make: @escaping @Sendable () throws -> any RoutingSource, of model: ModelDescriptor,
    policy composition: inout PolicyComposition, seed: UInt64, replication: UInt32
  ) throws -> @Sendable () throws -> any RoutingSource {
    guard !model.isDense else { return make }
    var changed = make
    let transform = try policy.modelTransform()
    if drawsWantedChoicesAlone(of: model, transform) {
      changed = try routingMaker(
        model: transform.transformed(model), seed: seed, replication: replication)
    } else if let plan = transform.reduction(of: model) {
      let reduction = RoutingReduction(plan, sample: try RoutingSample(of: make()))
      changed = {
        ReducedRouting(
          try make(), reduction: reduction, seed: seed, replication: replication)
      }
    }
    if var skip = composition.resolve as? SkipByRatio, skip.needsMedian {
      skip.calibrate(with: try RoutingSample(of: changed()))
      composition.resolve = skip
    }
    return changed
  }

  /// Whether a generator need not draw all choices of a gate that chooses every expert, only to drop
  /// most: it draws without replacement, so that the first few are distributed as if drawn alone.
  private func drawsWantedChoicesAlone(
    of model: ModelDescriptor, _ transform: any ModelTransform
  ) -> Bool {
    guard case .generator = routing.source, let plan = transform.reduction(of: model) else {
      return false
    }
    return model.topK == model.expertCount && plan.keep == model.expertCount
  }

  /// What a reader must know of a model or kernels that are not the published ones.
  func changeNotices(
    from published: ModelDescriptor, to model: ModelDescriptor, kernels: KernelSet,
    plan: PrecisionPlan
  ) -> [String] {
    var notices: [String] = []
    if model != published {
      let billions = { (count: Int64) in "\((Double(count) / 1e8).rounded() / 10)" }
      notices.append(
        "policy.transform '\(policy.transform.name)' serves \(billions(model.parameterCount))"
          + " billion parameters of the \(billions(published.parameterCount)) billion of"
          + " \(published.name), and \(billions(model.activeParameterCount(includingInputEmbedding: false)))"
          + " of \(billions(published.activeParameterCount(includingInputEmbedding: false)))"
          + " billion for each token; what that does to answers is not simulated")
    }
    if !kernels.entries.isEmpty, !covers(kernels, model: model, plan: plan) {
      notices.append(
        "the kernels '\(kernels.name)' have no use here: no weights lie as they are for"
          + (kernels.formats.isEmpty
            ? "" : " (\(kernels.formats.map(\.name).joined(separator: ", ")))"))
    }
    return notices
  }

  /// Whether any weights of the model lie as some of the kernels want them.
  private func covers(
    _ kernels: KernelSet, model: ModelDescriptor, plan: PrecisionPlan
  ) -> Bool {
    let isSparse = model.allLayers.contains { $0.mixture?.expert.isSparse ?? false }
    if isSparse && kernels.coversSparse { return true }
    return kernels.formats.contains { format in
      [plan.experts, plan.sharedExperts, plan.attention, plan.dense, plan.head].contains {
        $0.isWeightOnly == format.isWeightOnly && $0.computeClass == format.computeClass
      }
    }
  }
}

extension ScenarioPolicy {
  /// The transform, made.
  ///
  /// - Throws: `UnknownRole`, `RoleProblem`.
  func modelTransform() throws -> any ModelTransform {
    try RoleRegistry.find(
      transform.name, role: "model transform", in: RoleRegistry.transform
    ).make(transform.parameters)
  }
}
