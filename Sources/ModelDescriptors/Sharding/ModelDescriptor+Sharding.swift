// SPDX-License-Identifier: GPL-3.0-or-later

extension ModelDescriptor {
  /// The model as one of several devices sees it that cut its matrices among them.
  ///
  /// Heads, inner widths and the vocabulary are divided; heads of keys and values are too, down to
  /// one, which several devices then keep each (as vLLM and SGLang replicate them); what all heads
  /// share (the latent rows of MLA, an indexer) and routers are kept whole by every device. The number
  /// of routed experts stays: which of them a device holds is no matter of shapes.
  ///
  /// - Throws: ``IndivisibleModel`` where a number is not divided evenly.
  public func shard(_ shares: TensorShares) throws -> ModelDescriptor {
    guard shares != .whole else { return self }
    let divide = Division(model: name)
    var shard = self
    shard.vocabularySize = (vocabularySize + shares.dense - 1) / shares.dense
    shard.layers = try layers.map { try $0.shard(shares, divide) }
    shard.encoder = try encoder.map { try $0.shard(shares, divide) }
    return shard
  }
}

/// Divides the numbers of a model, or says what does not divide.
struct Division {
  let model: String

  /// `count` in `parts` equal parts.
  func callAsFunction(_ count: Int, _ parts: Int, _ what: String) throws -> Int {
    guard count % parts == 0 else {
      let divisors = (1...1024).filter { count % $0 == 0 }
      throw IndivisibleModel(
        model: model, part: "\(count) \(what)", parts: parts, divisors: divisors)
    }
    return count / parts
  }

  /// Heads of keys and values: divided, or one that several devices keep.
  func keyValue(_ count: Int, _ parts: Int) throws -> Int {
    if count >= parts { return try self(count, parts, "key-value heads") }
    guard parts % count == 0 else {
      throw IndivisibleModel(
        model: model, part: "\(count) key-value heads", parts: parts,
        divisors: (1...1024).filter { count % $0 == 0 || $0 % count == 0 })
    }
    return 1
  }
}

extension LayerDescriptor {
  fileprivate func shard(_ shares: TensorShares, _ divide: Division) throws -> LayerDescriptor {
    var layer = self
    layer.attention = try attention.shard(shares.attention, divide)
    layer.crossAttention = try crossAttention?.shard(shares.attention, divide)
    switch feedForward {
    case .none: break
    case .dense(let network):
      layer.feedForward = .dense(
        try network.shard(shares.dense, divide, "columns of a dense layer"))
    case .mixture(var mixture):
      mixture.expert = try mixture.expert.shard(
        shares.experts, divide, "columns of a routed expert")
      mixture.shared = try mixture.shared?.shard(
        shares.dense, divide, "columns of the shared experts")
      mixture.parallelDense = try mixture.parallelDense?.shard(
        shares.dense, divide, "columns of the dense part beside the experts")
      layer.feedForward = .mixture(mixture)
    }
    return layer
  }
}

extension DenseFeedForward {
  fileprivate func shard(_ parts: Int, _ divide: Division, _ what: String) throws
    -> DenseFeedForward
  {
    var network = self
    network.width = try divide(width, parts, what)
    return network
  }
}

extension AttentionDescriptor {
  fileprivate func shard(_ parts: Int, _ divide: Division) throws -> AttentionDescriptor {
    guard parts > 1 else { return self }
    switch self {
    case .none: return self
    case .grouped(let mixer): return .grouped(try mixer.shard(parts, divide))
    case .latent(var mixer):
      mixer.heads = try divide(mixer.heads, parts, "attention heads")
      return .latent(mixer)
    case .compressed(var mixer):
      mixer.heads = try divide(mixer.heads, parts, "attention heads")
      mixer.outputGroups = max(1, mixer.outputGroups / parts)
      return .compressed(mixer)
    case .gatedDeltaNet(var mixer):
      mixer.keyHeads = try divide.keyValue(mixer.keyHeads, parts)
      mixer.valueHeads = try divide(mixer.valueHeads, parts, "value heads of Gated DeltaNet")
      return .gatedDeltaNet(mixer)
    case .mamba2(var mixer):
      mixer.heads = try divide(mixer.heads, parts, "heads of Mamba-2")
      mixer.groups = max(1, mixer.groups / parts)
      return .mamba2(mixer)
    case .kimiDelta(var mixer):
      mixer.heads = try divide(mixer.heads, parts, "heads of Kimi Delta Attention")
      return .kimiDelta(mixer)
    }
  }
}

extension GroupedAttention {
  fileprivate func shard(_ parts: Int, _ divide: Division) throws -> GroupedAttention {
    guard parts > 1 else { return self }
    var mixer = self
    mixer.heads = try divide(heads, parts, "attention heads")
    mixer.keyValueHeads = try divide.keyValue(keyValueHeads, parts)
    return mixer
  }
}
