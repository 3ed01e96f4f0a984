// SPDX-License-Identifier: GPL-3.0-or-later

import Configuration
import Hardware
import ModelDescriptors
import Serving

extension Scenario {
  /// Whether the schedule decides whole steps, and spreads experts itself.
  var spreadsWholeSteps: Bool {
    ScenarioRoleNames.wholeStepSchedules.contains(policy.schedule.name)
  }

  /// How a replica whose schedule reacts to gates is divided among GPUs.
  var gpuDivision: GPUDivision {
    guard !spreadsWholeSteps else { return .single }
    return GPUDivision(
      tensor: serving.tensorDevices, expertGroups: serving.expertDevices,
      placement: serving.expertPlacement)
  }

  /// Refuses a division among GPUs that are not there, or into unequal parts.
  func check(_ division: GPUDivision, machine: MachineProfile, model: ModelDescriptor) throws {
    guard division.gpus > 1 else { return }
    let key = division.tensor >= division.gpus ? "tensor" : "expert"
    if machine.gpus.count < division.gpus {
      throw problem(key, "\(division.gpus) GPUs; \(machine.name) has \(machine.gpus.count)")
    }
    let groups = division.expertGroups
    if groups > 1, model.isDense {
      throw problem("expert", "\(model.name) has no routed experts to deal out; expected 1")
    }
    if groups > 1, model.expertCount % groups != 0 {
      let possible = (1...machine.gpus.count).filter { model.expertCount % $0 == 0 }
      throw problem(
        "expert",
        "\(model.expertCount) experts are not divided evenly among \(groups) GPUs; expected one of "
          + possible.map(String.init).joined(separator: ", "))
    }
    do {
      _ = try model.shard(division.weights)
    } catch let uneven as UnevenDivision {
      throw problem("tensor", "\(model.name): \(uneven)")
    }
  }

  private func problem(_ key: String, _ message: String) -> Diagnostic {
    let path = "serving.parallelism.\(key)"
    return Diagnostic(location: tree.value(at: path)?.location, path: path, message: message)
  }
}
