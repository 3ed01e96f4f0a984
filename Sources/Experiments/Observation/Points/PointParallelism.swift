// SPDX-License-Identifier: GPL-3.0-or-later

import Serving

/// How a measured replica was really spread, from what its table says.
///
/// Tables of the public InferenceX runs write one configuration in several ways. That
/// (tensor 16, experts 4 × 4), say, is (tensor 4, expert 4) follows from the names of rows
/// ("…_tp4_ep4_…"), from the eight GPUs of the machines, and from measurements that stand in the same
/// table twice, once each way, to the last digit. Two of the ways are products:
///
/// | recorded | meant |
/// |---|---|
/// | tensor t·e, data 1, experts t × e, both above 1 | tensor t, expert e |
/// | tensor 1, data d·e, experts d × e, both above 1 | data d, expert e |
/// | tensor t, data e > 1, experts 1 × t·e (vLLM) | tensor t, expert e |
///
/// The last is not data-parallel attention: a rule of `PointRules` names the configurations that are.
public enum PointParallelism {
  /// What a record means, or why it means nothing.
  public enum Reading: Hashable, Sendable {
    /// A plan.
    case plan(ParallelPlan)
    /// Why there is none.
    case unsupported(String)
  }

  /// Reads a record.
  public static func read(_ recorded: ServingPoint.Recorded, backend: String) -> Reading {
    let pipeline = recorded.pipeline ?? 1
    guard pipeline == 1 else { return .unsupported("pipeline of \(pipeline) stages") }
    guard let tensor = recorded.tensor, tensor > 0 else {
      return .unsupported("its number of GPUs is not recorded")
    }
    let data = max(1, recorded.data ?? 1)
    let parts = max(1, recorded.expertTensor ?? 1)
    let groups = max(1, recorded.expert ?? 1)
    if recorded.data != nil, parts > 1, groups > 1, tensor * data == parts * groups {
      if data == 1 { return checked(tensor: parts, data: 1, expert: groups) }
      if tensor == 1 { return checked(tensor: 1, data: parts, expert: groups) }
    }
    if backend == "vllm", data > 1, parts == 1, groups == tensor * data {
      return checked(tensor: tensor, data: 1, expert: data)
    }
    if recorded.expertTensor ?? 0 > 0, recorded.expert ?? 0 > 0, parts * groups != tensor * data {
      return .unsupported(
        "its parallelism contradicts itself: experts on \(parts) × \(groups) GPUs, attention on"
          + " \(tensor) × \(data)")
    }
    return checked(tensor: tensor, data: data, expert: groups)
  }

  private static func checked(tensor: Int, data: Int, expert: Int) -> Reading {
    guard tensor * data % expert == 0 else {
      return .unsupported(
        "\(expert) groups of experts on \(tensor * data) GPUs, which they do not divide")
    }
    return .plan(ParallelPlan(tensor: tensor, data: data, expert: expert))
  }
}
