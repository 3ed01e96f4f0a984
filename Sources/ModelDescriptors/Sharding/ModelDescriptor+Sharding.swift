// SPDX-License-Identifier: GPL-3.0-or-later

extension ModelDescriptor {
  /// The model as one of the GPUs sees it among which it is cut: its heads, its columns of dense
  /// networks, shared and routed experts, its part of the vocabulary.
  ///
  /// Costs, weights and caches of the result are those of one GPU. Norms, routers, indexers,
  /// projections into a latent, and the latent rows of MLA are on each GPU whole; so are heads of
  /// keys and values where there are fewer than GPUs. The vocabulary is padded to equal parts.
  ///
  /// - Throws: ``UnevenDivision`` when something is not cut into equal parts.
  public func shard(_ division: ModelDivision) throws -> ModelDescriptor {
    guard division != .whole else { return self }
    try check(division)
    var shard = self
    shard.vocabularySize = (vocabularySize + division.tensor - 1) / division.tensor
    shard.layers = layers.map { $0.shard(division) }
    shard.encoder = encoder.map { $0.shard(division) }
    return shard
  }

  /// The numbers up to 64 among which heads and networks can be cut evenly.
  public var tensorDivisions: [Int] { Self.possible(divisibleCounts) }

  private static func possible(_ counts: [DivisibleCount]) -> [Int] {
    (1...64).filter { parts in counts.allSatisfy { $0.allows(parts) } }
  }

  private func check(_ division: ModelDivision) throws {
    for (parts, counts) in [
      (division.tensor, divisibleCounts), (division.expertShards, expertCounts),
    ] {
      for entry in counts where !entry.allows(parts) {
        throw UnevenDivision(
          part: entry.name, count: entry.count, parts: parts, possible: Self.possible(counts))
      }
    }
  }

  /// What tensor parallelism cuts beside routed experts, each kind once.
  private var divisibleCounts: [DivisibleCount] { distinct { $0.divisibleCounts } }

  /// What is cut of routed experts.
  private var expertCounts: [DivisibleCount] {
    distinct { layer in
      layer.mixture.map { [DivisibleCount(name: "columns of an expert", count: $0.expert.width)] }
        ?? []
    }
  }

  private func distinct(_ counts: (LayerDescriptor) -> [DivisibleCount]) -> [DivisibleCount] {
    var found: [DivisibleCount] = []
    for layer in allLayers {
      for entry in counts(layer) where !found.contains(entry) { found.append(entry) }
    }
    return found
  }
}

extension LayerDescriptor {
  fileprivate var divisibleCounts: [DivisibleCount] {
    var counts = attention.mixer?.divisibleCounts ?? []
    counts += crossAttention?.divisibleCounts ?? []
    let networks: [(String, DenseFeedForward?)] = [
      ("columns of a dense network", feedForward.dense),
      ("columns of the shared experts", mixture?.shared),
      ("columns of the network beside the experts", mixture?.parallelDense),
    ]
    for (name, network) in networks {
      if let network { counts.append(DivisibleCount(name: name, count: network.width)) }
    }
    return counts
  }

  fileprivate func shard(_ division: ModelDivision) -> LayerDescriptor {
    var layer = self
    let parts = division.tensor
    layer.attention = attention.shard(of: parts)
    layer.crossAttention = crossAttention?.shard(of: parts)
    switch feedForward {
    case .none: break
    case .dense(let network): layer.feedForward = .dense(network.shard(of: parts))
    case .mixture(var mixture):
      mixture.expert = mixture.expert.shard(of: division.expertShards)
      mixture.shared = mixture.shared?.shard(of: parts)
      mixture.parallelDense = mixture.parallelDense?.shard(of: parts)
      layer.feedForward = .mixture(mixture)
    }
    return layer
  }
}

extension DenseFeedForward {
  fileprivate func shard(of parts: Int) -> DenseFeedForward {
    var network = self
    network.width /= parts
    return network
  }
}

extension AttentionDescriptor {
  /// One of so many equal parts of the heads.
  fileprivate func shard(of parts: Int) -> AttentionDescriptor {
    switch self {
    case .none: .none
    case .grouped(let mixer): .grouped(mixer.shard(of: parts))
    case .latent(let mixer): .latent(mixer.shard(of: parts))
    case .compressed(let mixer): .compressed(mixer.shard(of: parts))
    case .gatedDeltaNet(let mixer): .gatedDeltaNet(mixer.shard(of: parts))
    case .mamba2(let mixer): .mamba2(mixer.shard(of: parts))
    case .kimiDelta(let mixer): .kimiDelta(mixer.shard(of: parts))
    }
  }
}
