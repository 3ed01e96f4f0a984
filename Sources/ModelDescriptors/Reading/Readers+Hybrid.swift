// SPDX-License-Identifier: GPL-3.0-or-later

// Decoders whose layers differ in kind: windows beside full attention, recurrences beside
// attention, mixtures in some layers.

extension Architecture {
  /// Qwen3-Next, Qwen3.5 and 3.6: Gated DeltaNet with gated full attention in between, with experts
  /// or dense.
  @Sendable
  static func readQwenHybrid(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    var attention = base.grouped(queryKeyNorm: .perHead)
    attention.hasOutputGate = text.bool("attn_output_gate", standard: true)
    let delta = GatedDeltaNet(
      keyHeads: text.requiredInt("linear_num_key_heads", in: Limits.heads),
      valueHeads: text.requiredInt("linear_num_value_heads", in: Limits.heads),
      keyWidth: text.requiredInt("linear_key_head_dim", in: Limits.width),
      valueWidth: text.requiredInt("linear_value_head_dim", in: Limits.width),
      convolution: text.int("linear_conv_kernel_dim", in: 1...1_024) ?? 4)
    let interval = text.int("full_attention_interval", in: Limits.layers) ?? 4
    let kinds = text.layerKinds(
      "layer_types", count: base.layerCount, among: ["linear_attention", "full_attention"])
    let hasExperts = text.has("num_experts")
    var mixture = hasExperts ? simpleMixture(base, widthKey: "moe_intermediate_size") : nil
    let shared = text.int("shared_expert_intermediate_size", in: Limits.optionalWidth) ?? 0
    if shared > 0 {
      mixture?.shared = DenseFeedForward(width: shared)
      mixture?.hasSharedGate = true
    }
    let sparse = hasExperts ? qwenSparseLayers(base) : base.flags(false)
    let dense = DenseFeedForward(width: denseWidth(base, sparse: sparse))
    let layers = base.layers { index in
      let isFull = kinds.map { $0[index] == "full_attention" } ?? ((index + 1) % interval == 0)
      let experts = sparse[index] ? mixture : nil
      return (
        isFull ? .grouped(attention) : .gatedDeltaNet(delta),
        experts.map { .mixture($0) } ?? .dense(dense)
      )
    }
    return base.model(family: family, layers: layers)
  }

  /// Llama 4: chunked local attention with a full layer every fourth, one expert and a shared one.
  @Sendable
  static func readLlama4(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let attention = base.grouped()
    let chunk = text.int("attention_chunk_size", in: Limits.positions) ?? 0
    let fullInterval = text.int("no_rope_layer_interval", in: Limits.layers) ?? 4
    let kinds = text.layerKinds(
      "layer_types", count: base.layerCount, among: ["chunked_attention", "full_attention"])
    let step = text.int("interleave_moe_layer_step", in: Limits.layers) ?? 1
    let listed = text.ints("moe_layers", in: Limits.optionalLayers)
    var mixture = simpleMixture(base, widthKey: "intermediate_size")
    mixture.shared = mixture.expert
    let isSparse = (0..<base.layerCount).map { index in
      listed.map { $0.contains(index) } ?? ((index + 1) % step == 0)
    }
    let denseWidth =
      isSparse.contains(false) ? text.requiredInt("intermediate_size_mlp", in: Limits.width) : 1
    let layers = base.layers { index in
      var attention = attention
      let isFull =
        kinds.map { $0[index] == "full_attention" } ?? ((index + 1) % fullInterval == 0)
      if !isFull { attention.span = AttentionSpan(chunk: chunk) }
      return (
        .grouped(attention),
        isSparse[index] ? .mixture(mixture) : .dense(DenseFeedForward(width: denseWidth))
      )
    }
    return base.model(family: family, layers: layers)
  }

  /// MiniMax-M3: block-sparse attention after dense first layers.
  @Sendable
  static func readMiniMaxM3(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let attention = base.grouped(
      queryKeyNorm: text.bool("use_qk_norm", standard: true) ? .perHead : .none)
    let sparseAttention = minimaxSparseAttention(base, attention)
    let mixture = sharedMixture(
      base, hasRouterBias: text.bool("use_routing_bias", standard: true))
    let sparse = sparseLayers(base)
    let denseWidth =
      sparse.contains(false)
      ? text.requiredInt("dense_intermediate_size", "intermediate_size", in: Limits.width) : 1
    let layers = base.layers { index in
      (
        .grouped(sparseAttention[index]),
        sparse[index] ? .mixture(mixture) : .dense(DenseFeedForward(width: denseWidth))
      )
    }
    return base.model(family: family, layers: layers)
  }

  /// The attention of each layer by `sparse_attention_config`.
  private static func minimaxSparseAttention(
    _ base: DecoderBase, _ attention: GroupedAttention
  ) -> [GroupedAttention] {
    let plain = Array(repeating: attention, count: base.layerCount)
    guard let keys = base.keys.child("sparse_attention_config"),
      keys.bool("use_sparse_attention", standard: true)
    else { return plain }
    let block = keys.requiredInt("sparse_block_size", in: 1...Limits.positions.upperBound)
    let blocks =
      keys.requiredInt("sparse_topk_blocks", in: 1...65_536)
      + (keys.int("sparse_local_block", in: 0...65_536) ?? 0)
      + (keys.int("sparse_init_block", in: 0...65_536) ?? 0)
    let flags =
      keys.ints("sparse_attention_freq", in: 0...1)
      ?? Array(repeating: 1, count: base.layerCount)
    guard flags.count >= base.layerCount else {
      if let node = keys.node(["sparse_attention_freq"]) {
        keys.wrong(node, "a list of \(base.layerCount) entries, one per layer")
      }
      return plain
    }
    var chosen = attention
    // The shapes of the indexer's weights are not in the configuration and are not counted.
    chosen.blockIndexer = TokenIndexer(
      heads: keys.requiredInt("sparse_num_index_heads", in: Limits.heads),
      headWidth: keys.requiredInt("sparse_index_dim", in: Limits.width), queryInput: 0,
      selection: blocks * block, countsParameters: false)
    chosen.span = AttentionSpan(selection: blocks * block, scanCompression: 1)
    return (0..<base.layerCount).map { flags[$0] == 1 ? chosen : attention }
  }

  /// gemma 4: windows with wider full layers in between, a dense network beside the experts.
  @Sendable
  static func readGemma4(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top, tiedStandard: true)
    var local = base.grouped(queryKeyNorm: .perHead)
    var full = local
    local.span = AttentionSpan(window: base.window)
    full.keyValueHeads =
      text.int("num_global_key_value_heads", in: Limits.heads) ?? local.keyValueHeads
    full.headWidth = text.int("global_head_dim", in: Limits.width) ?? local.headWidth
    full.valueWidth = full.headWidth
    full.extraVectorParameters = QueryKeyNorm.perHead.parameters(of: full)
    // One projection serves as keys and values in full layers only: this fits the size of the
    // published checkpoint (51.61 GB).
    full.sharesKeyAndValue = text.bool("attention_k_eq_v", standard: false)
    let sliding = base.slidingLayers { ($0 + 1) % 6 != 0 }
    let dense = DenseFeedForward(width: text.requiredInt("intermediate_size", in: Limits.width))
    var mixture: MixtureDescriptor?
    if text.bool("enable_moe_block", standard: true) {
      mixture = simpleMixture(base, widthKey: "moe_intermediate_size")
      mixture?.parallelDense = dense
    }
    // Four norms around the parts, three more around experts and router, a scale per layer.
    let layers = base.layers(norms: mixture == nil ? 4 : 7) { index in
      (
        .grouped(sliding[index] ? local : full), mixture.map { .mixture($0) } ?? .dense(dense)
      )
    }
    return base.model(family: family, layers: layers)
  }

  /// Granite 4: Mamba-2 with attention in between, experts in every layer.
  @Sendable
  static func readGraniteHybrid(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top, tiedStandard: true)
    let attention = base.grouped()
    let expand = text.int("mamba_expand", in: 1...64) ?? 2
    let heads = text.requiredInt("mamba_n_heads", in: Limits.heads)
    let mamba = Mamba2(
      heads: heads,
      headWidth: text.int("mamba_d_head", in: Limits.width)
        ?? max(1, expand * base.hidden / heads),
      stateWidth: text.requiredInt("mamba_d_state", in: Limits.width),
      groups: text.int("mamba_n_groups", in: Limits.heads) ?? 1,
      convolution: text.int("mamba_d_conv", in: 1...1_024) ?? 4,
      hasConvolutionBias: text.bool("mamba_conv_bias", standard: true),
      hasProjectionBias: text.bool("mamba_proj_bias", standard: false))
    let kinds = text.layerKinds(
      "layer_types", count: base.layerCount, among: ["mamba", "attention"])
    if kinds == nil, text.node(["layer_types"]) == nil {
      text.missing(["layer_types"], "a list with mamba or attention per layer")
    }
    var mixture = simpleMixture(base, widthKey: "intermediate_size")
    let shared = text.int("shared_intermediate_size", in: Limits.optionalWidth) ?? 0
    if shared > 0 { mixture.shared = DenseFeedForward(width: shared) }
    let layers = base.layers { index in
      (kinds?[index] == "attention" ? .grouped(attention) : .mamba2(mamba), .mixture(mixture))
    }
    return base.model(family: family, layers: layers)
  }

  /// Nemotron-3: one part per layer, Mamba-2, attention, dense or LatentMoE.
  @Sendable
  static func readNemotronH(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let kinds = nemotronLayers(text)
    let base = DecoderBase(
      keys: text, hidden: text.requiredInt("hidden_size", in: Limits.width),
      layerCount: kinds.count, vocabulary: text.requiredInt("vocab_size", in: Limits.vocabulary),
      tied: text.bool("tie_word_embeddings", standard: false),
      maximumPosition: text.int("max_position_embeddings", in: Limits.positions))
    let attention = base.grouped()
    let mamba = Mamba2(
      heads: text.requiredInt("mamba_num_heads", in: Limits.heads),
      headWidth: text.requiredInt("mamba_head_dim", in: Limits.width),
      stateWidth: text.requiredInt("ssm_state_size", in: Limits.width),
      groups: text.int("n_groups", in: Limits.heads) ?? 1,
      convolution: text.int("conv_kernel", in: 1...1_024) ?? 4,
      hasConvolutionBias: text.bool("use_conv_bias", standard: true),
      hasProjectionBias: text.bool("mamba_proj_bias", standard: false))
    let mixture = kinds.contains("moe") ? nemotronMixture(base) : nil
    let denseWidth =
      kinds.contains("mlp") ? text.requiredInt("intermediate_size", in: Limits.width) : 1
    let layers = base.layers(norms: 1) { index in
      switch kinds[index] {
      case "mamba": (.mamba2(mamba), .none)
      case "attention": (.grouped(attention), .none)
      case "moe": (.none, mixture.map { .mixture($0) } ?? .none)
      default: (.none, .dense(DenseFeedForward(width: denseWidth, matrices: 2)))
      }
    }
    return base.model(family: family, layers: layers)
  }

  /// The kind of each layer, from either of the two forms in which configurations say it.
  private static func nemotronLayers(_ text: ConfigKeys) -> [String] {
    if let kinds = text.strings("layers_block_type") {
      let known = ["mamba", "attention", "moe", "mlp"]
      if let node = text.node(["layers_block_type"]), kinds.isEmpty || kinds.count > 4_096 {
        text.wrong(node, "a list of 1 to 4096 layers")
        return ["mamba"]
      }
      if let items = text.node(["layers_block_type"])?.sequence {
        for item in items where !known.contains(item.scalar ?? "") {
          text.wrong(item, "one of \(known.joined(separator: ", "))")
        }
      }
      return kinds
    }
    guard let node = text.node(["hybrid_override_pattern"]), let pattern = node.scalar else {
      text.missing(
        ["hybrid_override_pattern", "layers_block_type"],
        "a letter per layer (M Mamba-2, * attention, E experts, - dense)")
      return ["mamba"]
    }
    let names: [Character: String] = ["M": "mamba", "*": "attention", "E": "moe", "-": "mlp"]
    let kinds = pattern.compactMap { names[$0] }
    if kinds.count != pattern.count || kinds.isEmpty || kinds.count > 4_096 {
      text.wrong(node, "a text of the letters M (Mamba-2), * (attention), E (experts), - (dense)")
      return ["mamba"]
    }
    return kinds
  }

  /// Experts of two matrices, on a latent in the larger models.
  private static func nemotronMixture(_ base: DecoderBase) -> MixtureDescriptor {
    let text = base.keys
    let experts = expertCount(text)
    var mixture = MixtureDescriptor(
      experts: experts, topK: topK(text, experts: experts),
      expert: DenseFeedForward(
        width: text.requiredInt("moe_intermediate_size", in: Limits.width), matrices: 2),
      expertInput: text.int("moe_latent_size", in: Limits.width) ?? base.hidden,
      hasRouterBias: true)
    let count = text.int("n_shared_experts", in: Limits.optionalExperts) ?? 0
    if count > 0 {
      let width = text.requiredInt("moe_shared_expert_intermediate_size", in: Limits.width)
      mixture.shared = DenseFeedForward(width: count * width, matrices: 2)
    }
    return mixture
  }

  /// MiMo-V2: windows with sinks beside full layers of other head counts.
  @Sendable
  static func readMiMoV2(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    var full = base.grouped()
    full.valueWidth = text.int("v_head_dim", in: Limits.width) ?? full.headWidth
    var local = full
    local.heads = text.int("swa_num_attention_heads", in: Limits.heads) ?? full.heads
    local.keyValueHeads =
      text.int("swa_num_key_value_heads", in: Limits.heads) ?? full.keyValueHeads
    local.headWidth = text.int("swa_head_dim", in: Limits.width) ?? full.headWidth
    local.valueWidth = text.int("swa_v_head_dim", in: Limits.width) ?? full.valueWidth
    local.span = AttentionSpan(window: base.window)
    if text.bool("add_swa_attention_sink_bias", standard: false) {
      local.extraVectorParameters = local.heads
    }
    if text.bool("add_full_attention_sink_bias", standard: false) {
      full.extraVectorParameters = full.heads
    }
    let pattern =
      text.ints("hybrid_layer_pattern", in: 0...1)
      ?? Array(repeating: 0, count: base.layerCount)
    if pattern.count < base.layerCount, let node = text.node(["hybrid_layer_pattern"]) {
      text.wrong(node, "a list of \(base.layerCount) entries, 1 for a sliding window")
    }
    let correction = (text.string("topk_method") ?? "") == "noaux_tc"
    let mixture = sharedMixture(base, hasRouterBias: correction)
    let sparse = sparseLayers(base)
    let denseWidth = denseWidth(base, sparse: sparse)
    let layers = base.layers { index in
      (
        .grouped(index < pattern.count && pattern[index] == 1 ? local : full),
        sparse[index] ? .mixture(mixture) : .dense(DenseFeedForward(width: denseWidth))
      )
    }
    return base.model(family: family, layers: layers)
  }

  /// Step-3.7-Flash: windows in most layers, dense layers first.
  @Sendable
  static func readStep3(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let attention = base.grouped()
    let sliding = base.slidingLayers { _ in false }
    var model = denseFirstModel(
      base, family: family, attention: .grouped(attention),
      hasRouterBias: text.bool("use_moe_router_bias", standard: true))
    for index in model.layers.indices where sliding[index] {
      var local = attention
      local.span = AttentionSpan(window: base.window)
      model.layers[index].attention = .grouped(local)
    }
    return model
  }
}
