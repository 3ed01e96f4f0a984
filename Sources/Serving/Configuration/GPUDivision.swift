// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies

/// How one replica is divided among GPUs of one host, experts off the GPUs included.
///
/// Attention, dense networks and shared experts are cut among `tensor` GPUs, or are whole on each where
/// that is 1. Experts are dealt out to `expertGroups` groups of GPUs; the GPUs of a group cut each of
/// their experts among them. All GPUs of a group do the same at the same time, so that one of them is
/// simulated and stands for all.
public struct GPUDivision: Sendable, Hashable {
  /// Which experts a group of GPUs has.
  public enum Placement: String, Sendable, CaseIterable {
    /// The first group the first experts of each layer, and so on.
    case contiguous
    /// One after the other.
    case roundRobin = "round-robin"
  }

  /// GPUs among which all that is no routed expert is cut.
  public let tensor: Int
  /// Groups of GPUs to which experts are dealt out.
  public let expertGroups: Int
  /// Which experts each has.
  public let placement: Placement

  /// A division. With both numbers above 1, the first is a multiple of the second.
  public init(tensor: Int, expertGroups: Int = 1, placement: Placement = .contiguous) {
    precondition(tensor >= 1 && expertGroups >= 1, "A replica has at least one GPU.")
    precondition(
      tensor == 1 || tensor % expertGroups == 0, "Groups of experts have as many GPUs each.")
    self.tensor = tensor
    self.expertGroups = expertGroups
    self.placement = placement
  }

  /// One GPU.
  public static let single = GPUDivision(tensor: 1)

  /// GPUs in all.
  public var gpus: Int { max(tensor, expertGroups) }
  /// GPUs of a group, among which each of its experts is cut; one of them is simulated.
  public var shards: Int { gpus / expertGroups }
  /// How the model's weights are cut.
  public var shares: TensorShares {
    TensorShares(attention: tensor, dense: tensor, experts: shards)
  }

  /// The group of each expert; empty with one group.
  func groups(experts: Int) -> [Int32] {
    guard expertGroups > 1 else { return [] }
    let own = experts / expertGroups
    return (0..<experts).map {
      Int32(placement == .contiguous ? $0 / max(1, own) : $0 % expertGroups)
    }
  }
}

extension ServingConfiguration {
  /// The model as one GPU sees it.
  ///
  /// - Throws: `IndivisibleModel`.
  func shardedModel() throws -> ModelDescriptor { try model.shard(division.shares) }

  /// Divides the memory of each GPU for its part of the model, and that of the host for all experts.
  ///
  /// - Throws: ``DoesNotFit``, with the number of GPUs that would do where more GPUs would.
  func memoryPlan(of shard: ModelDescriptor) throws -> MemoryPlan {
    do {
      return try MemoryPlan(
        model: shard, precision: precision, figures: figures, cache: cache,
        division: expertDivision(of: shard), gpus: division)
    } catch var misfit as DoesNotFit {
      guard division.gpus > 1, misfit.memory == "gpu0.hbm" else { throw misfit }
      misfit.memory = "each of \(division.gpus) GPUs, as gpu0.hbm,"
      if let more = smallestTensor() {
        misfit.suggestions.append(
          "\(more) GPUs, each with 1/\(more) of attention, dense networks and every expert"
            + " (serving.parallelism: {tensor: \(more)})")
      } else {
        misfit.suggestions.append(
          "no number of these GPUs up to 64 holds the model under these settings"
            + " (serving.parallelism.tensor)")
      }
      throw misfit
    }
  }

  /// The least number of GPUs above the present one on which the settings fit with tensor parallelism.
  private func smallestTensor() -> Int? {
    (1...64).first { parts in
      guard parts > division.gpus,
        let shard = try? model.shard(GPUDivision(tensor: parts).shares)
      else { return false }
      return MemoryPlan.fitsDevice(
        model: shard, precision: precision, figures: figures, cache: cache,
        division: expertDivision(of: shard, groups: 1), gpus: GPUDivision(tensor: parts))
    }
  }

  /// How the policy divides the expert cache of each simulated GPU.
  ///
  /// - Parameter groups: Groups of GPUs to which experts are dealt out; `nil` for the configuration's.
  func expertDivision(of shard: ModelDescriptor, groups: Int? = nil) -> ExpertDivision {
    var experts = ExpertDivision()
    guard shard.mixtureLayerCount > 0 else { return experts }
    experts.versions = policy.resolve.versions.map { version in
      var plan = precision
      plan.experts = version.format(beside: precision.experts)
      return .init(bytes: shard.bytes(under: plan).perExpert, cacheShare: version.cacheShare)
    }
    experts.layerSlots = policy.placement.slots(
      layers: shard.mixtureLayerCount,
      experts: shard.expertCount / (groups ?? division.expertGroups))
    return experts
  }
}
