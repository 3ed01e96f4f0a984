// SPDX-License-Identifier: GPL-3.0-or-later

// The parts of mixtures that several families say in the same words.

extension Architecture {
  /// The number of routed experts, by any of its names.
  static func expertCount(_ keys: ConfigKeys) -> Int {
    keys.requiredInt(
      "num_experts", "num_local_experts", "n_routed_experts", in: Limits.experts)
  }

  /// Experts per token, by any of its names; at most `experts`.
  static func topK(_ keys: ConfigKeys, experts: Int) -> Int {
    keys.requiredInt(
      "num_experts_per_tok", "num_experts_per_token", "experts_per_token", "top_k_experts",
      in: 1...max(1, experts))
  }

  /// Routed experts alone, of the width under `widthKey`.
  static func simpleMixture(_ base: DecoderBase, widthKey: String) -> MixtureDescriptor {
    let experts = expertCount(base.keys)
    return MixtureDescriptor(
      experts: experts, topK: topK(base.keys, experts: experts),
      expert: DenseFeedForward(width: base.keys.requiredInt(widthKey, in: Limits.width)),
      expertInput: base.hidden)
  }

  /// Routed and shared experts in the words of DeepSeek and its many heirs.
  static func sharedMixture(_ base: DecoderBase, hasRouterBias: Bool) -> MixtureDescriptor {
    let keys = base.keys
    let experts = expertCount(keys)
    let width = keys.requiredInt("moe_intermediate_size", "expert_hidden_dim", in: Limits.width)
    var mixture = MixtureDescriptor(
      experts: experts, topK: topK(keys, experts: experts),
      expert: DenseFeedForward(width: width), expertInput: base.hidden,
      hasRouterBias: hasRouterBias)
    let shared = keys.int("n_shared_experts", "num_shared_experts", in: Limits.optionalExperts)
    let sharedWidth =
      keys.int("share_expert_dim", "shared_intermediate_size", in: Limits.optionalWidth)
      ?? (shared ?? 0) * width
    if sharedWidth > 0 { mixture.shared = DenseFeedForward(width: sharedWidth) }
    return mixture
  }

  /// Which layers have experts: a list, or the first k dense and then every n-th.
  static func sparseLayers(_ base: DecoderBase) -> [Bool] {
    let keys = base.keys
    if let kinds = keys.layerKinds(
      "mlp_layer_types", count: base.layerCount, among: ["dense", "sparse"])
    {
      return kinds.map { $0 == "sparse" }
    }
    if let node = keys.node(["moe_layer_freq"]), let list = node.sequence {
      guard list.count >= base.layerCount else {
        keys.wrong(node, "a list of \(base.layerCount) entries, one per layer")
        return Array(repeating: true, count: base.layerCount)
      }
      let flags = keys.ints("moe_layer_freq", in: 0...1) ?? []
      return flags.prefix(base.layerCount).map { $0 == 1 }
    }
    let frequency = keys.int("moe_layer_freq", in: Limits.layers) ?? 1
    let firstDense = keys.int("first_k_dense_replace", in: Limits.optionalLayers) ?? 0
    return (0..<base.layerCount).map { $0 >= firstDense && $0 % frequency == 0 }
  }

  /// A decoder with one kind of attention whose first layers are dense.
  static func denseFirstModel(
    _ base: DecoderBase, family: String, attention: AttentionDescriptor, hasRouterBias: Bool
  ) -> ModelDescriptor {
    let mixture = sharedMixture(base, hasRouterBias: hasRouterBias)
    let sparse = sparseLayers(base)
    let denseWidth = denseWidth(base, sparse: sparse)
    let layers = base.layers { index in
      (
        attention,
        sparse[index] ? .mixture(mixture) : .dense(DenseFeedForward(width: denseWidth))
      )
    }
    return base.model(family: family, layers: layers)
  }

  /// The width of dense layers, needed only where there are some.
  static func denseWidth(_ base: DecoderBase, sparse: [Bool]) -> Int {
    guard sparse.contains(false) else { return 1 }
    return base.keys.requiredInt("intermediate_size", in: Limits.width)
  }
}
