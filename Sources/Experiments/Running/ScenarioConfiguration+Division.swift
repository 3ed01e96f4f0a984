// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Hardware
import KernelTiming
import ModelDescriptors
import Serving

extension Scenario {
  /// Whether one replica is divided among GPUs of a host and some of its experts are off them: the
  /// cache holds a part of them, and the schedule reacts to gates.
  var dividesReplica: Bool {
    let spread = serving.spread
    guard spread.isSpread, fleet.isPlain, spread.replicas == 1, spread.disaggregation == nil,
      !ScenarioRoleNames.wholeStepSchedules.contains(policy.schedule.name)
    else { return false }
    switch cache.experts {
    case .automatic, .all: return false
    case .none, .sized: return true
    }
  }

  /// How a replica with experts off its GPUs is divided among them.
  ///
  /// - Throws: `Diagnostic` where the scenario asks for what such a replica does not do.
  func gpuDivision() throws -> GPUDivision {
    guard dividesReplica else { return .single }
    let plan = serving.spread.plan
    let rest = "with a part of the experts off the GPUs; expected"
    guard plan.pipeline == 1 else {
      throw problem(
        "parallelism.pipeline", "\(plan.pipeline) stages \(rest) 1, or cache.experts: all")
    }
    // Experts alone are read as as many ranks.
    let isAlone = plan.tensor == 1 && plan.data == plan.expert
    guard plan.data == 1 || isAlone else {
      throw problem(
        "parallelism.data", "\(plan.data) ranks \(rest) 1, or cache.experts: all")
    }
    let placement: GPUDivision.Placement
    switch serving.spread.placement {
    case .contiguous: placement = .contiguous
    case .roundRobin: placement = .roundRobin
    case .balanced:
      throw problem(
        "expert_placement", "balanced, \(rest) contiguous or round-robin, or cache.experts: all")
    }
    if plan.expert > 1, serving.preemption == .swap {
      throw problem(
        "preemption", "swap, with experts dealt out to GPUs and partly off them; expected recompute"
      )
    }
    return GPUDivision(tensor: plan.tensor, expertGroups: plan.expert, placement: placement)
  }

  /// Refuses a division among GPUs that are not there, or into unequal parts.
  func check(_ division: GPUDivision, machine: MachineProfile, model: ModelDescriptor) throws {
    guard division.gpus > 1 else { return }
    let key = division.tensor >= division.gpus ? "tensor" : "expert"
    if machine.gpus.count < division.gpus {
      throw problem(
        "parallelism.\(key)",
        "\(division.gpus) GPUs, and \(machine.name) has \(machine.gpus.count): a replica with experts"
          + " off its GPUs is on one host")
    }
    let groups = division.expertGroups
    if groups > 1, model.isDense {
      throw problem(
        "parallelism.expert", "\(model.name) has no routed experts to deal out; expected 1")
    }
    if groups > 1, !model.expertCount.isMultiple(of: groups) {
      let possible = (1...machine.gpus.count).filter { model.expertCount.isMultiple(of: $0) }
      throw problem(
        "parallelism.expert",
        "\(model.expertCount) experts are not divided evenly among \(groups) GPUs; expected one of "
          + possible.map(String.init).joined(separator: ", "))
    }
    do {
      _ = try model.shard(division.shares)
    } catch let uneven as IndivisibleModel {
      throw problem("parallelism.tensor", "\(uneven)")
    }
  }

  private func problem(_ key: String, _ message: String) -> Diagnostic {
    let path = "serving.\(key)"
    return Diagnostic(location: tree.value(at: path)?.location, path: path, message: message)
  }
}
