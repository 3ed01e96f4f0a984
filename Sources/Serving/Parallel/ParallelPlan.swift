// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors

/// How one replica of a model is spread over GPUs that compute it together.
///
/// The GPUs of a replica form `pipeline` stages of `data` ranks of `tensor` GPUs. A rank has sequences
/// and a KV cache of its own; its GPUs share heads and widths. The `tensor × data` GPUs of a stage
/// hold the routed experts of its layers together: in `expert` groups with different experts, each
/// expert cut in `tensor × data / expert` parts.
public struct ParallelPlan: Hashable, Sendable, BitwiseCopyable {
  /// GPUs that share the heads and widths of every layer.
  public var tensor: Int
  /// Stages of consecutive layers.
  public var pipeline: Int
  /// Ranks, each with its own sequences.
  public var data: Int
  /// Groups of GPUs that hold different experts.
  public var expert: Int

  /// A plan; 1 for what is not spread.
  public init(tensor: Int = 1, pipeline: Int = 1, data: Int = 1, expert: Int = 1) {
    precondition(tensor >= 1 && pipeline >= 1 && data >= 1 && expert >= 1, "No part is below 1.")
    precondition(tensor * data % expert == 0, "Experts are spread over whole groups of GPUs.")
    self.tensor = tensor
    self.pipeline = pipeline
    self.data = data
    self.expert = expert
  }

  /// One GPU for everything.
  public static let single = ParallelPlan()

  /// GPUs of a replica.
  public var devices: Int { tensor * pipeline * data }
  /// GPUs of a stage.
  public var stageDevices: Int { tensor * data }
  /// Parts in which each routed expert is cut.
  public var expertTensor: Int { tensor * data / expert }
  /// How the matrices are cut.
  public var shares: TensorShares {
    TensorShares(attention: tensor, dense: tensor, experts: expertTensor)
  }

  /// Which group of experts a GPU of a stage belongs to, by its number within the stage.
  public func expertGroup(ofDevice device: Int) -> Int { device / expertTensor }

  /// The layers of each stage: as even as can be, earlier stages the longer ones.
  public func stages(layers: Int) -> [Range<Int>] {
    var first = 0
    return (0..<pipeline).map { stage in
      let count = layers / pipeline + (stage < layers % pipeline ? 1 : 0)
      defer { first += count }
      return first..<first + count
    }
  }

  /// In words, "TP2 PP1 DP4 EP8", what is 1 left out.
  public var label: String {
    let parts = [("TP", tensor), ("PP", pipeline), ("DP", data), ("EP", expert)]
      .filter { $0.1 > 1 }.map { "\($0.0)\($0.1)" }
    return parts.isEmpty ? "one GPU" : parts.joined(separator: " ")
  }
}
