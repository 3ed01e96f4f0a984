// SPDX-License-Identifier: GPL-3.0-or-later

// Decoders with latent or compressed attention: DeepSeek and its heirs, Kimi.

extension Architecture {
  /// DeepSeek-V2, V3 and V3.2, Kimi-K2, GLM-5: MLA, with or without DSA.
  @Sendable
  static func readDeepSeekLatent(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let attention = latentAttention(base)
    let selection = indexerOwners(base)
    let hasCorrection = (text.string("topk_method") ?? "greedy") == "noaux_tc"
    var model = denseFirstModel(
      base, family: family, attention: .latent(attention), hasRouterBias: hasCorrection)
    for index in model.layers.indices where attention.indexer != nil {
      var own = attention
      own.indexer?.isOwn = selection[index]
      model.layers[index].attention = .latent(own)
    }
    return model
  }

  /// Latent attention in DeepSeek's words.
  static func latentAttention(_ base: DecoderBase) -> LatentAttention {
    let keys = base.keys
    let queryLatent = keys.int("q_lora_rank", in: Limits.optionalWidth) ?? 0
    var attention = LatentAttention(
      heads: base.heads, queryLatent: queryLatent,
      keyValueLatent: keys.requiredInt("kv_lora_rank", in: Limits.width),
      plainWidth: keys.requiredInt("qk_nope_head_dim", in: Limits.width),
      rotaryWidth: keys.requiredInt("qk_rope_head_dim", in: Limits.optionalWidth),
      valueWidth: keys.requiredInt("v_head_dim", in: Limits.width),
      hasOutputGate: keys.bool("mla_use_output_gate", standard: false))
    if let selection = keys.int("index_topk", in: Limits.positions), selection > 0 {
      attention.indexer = TokenIndexer(
        heads: keys.requiredInt("index_n_heads", in: Limits.heads),
        headWidth: keys.requiredInt("index_head_dim", in: Limits.width),
        queryInput: queryLatent, selection: selection)
    }
    return attention
  }

  /// Which layers run an indexer of their own (GLM-5.2 shares one among neighbours).
  static func indexerOwners(_ base: DecoderBase) -> [Bool] {
    base.keys.layerKinds("indexer_types", count: base.layerCount, among: ["full", "shared"])?
      .map { $0 == "full" } ?? Array(repeating: true, count: base.layerCount)
  }

  /// DeepSeek-V4: windows with compressed histories, hyper-connections, hash-routed first layers.
  @Sendable
  static func readDeepSeekV4(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let mixture = sharedMixture(base, hasRouterBias: true)
    let hashed = text.int("num_hash_layers", in: Limits.optionalLayers) ?? 0
    let streams = text.int("hc_mult", in: 1...64) ?? 1
    let ratios = compressionRatios(base)
    let heads = base.heads
    let hyper = hyperConnectionParameters(streams: streams, hidden: base.hidden)
    let queryLatent = text.requiredInt("q_lora_rank", in: Limits.width)
    let indexer = TokenIndexer(
      heads: text.requiredInt("index_n_heads", in: Limits.heads),
      headWidth: text.requiredInt("index_head_dim", in: Limits.width), queryInput: queryLatent,
      selection: text.requiredInt("index_topk", in: 1...Limits.positions.upperBound))
    let shape = CompressedAttention(
      heads: heads, headWidth: text.requiredInt("head_dim", in: Limits.width),
      queryLatent: queryLatent, outputGroups: text.requiredInt("o_groups", in: 1...heads),
      outputLatent: text.requiredInt("o_lora_rank", in: Limits.width),
      window: text.requiredInt("sliding_window", in: 1...Limits.positions.upperBound),
      compression: 0, overlaps: false, indexer: nil)
    let layers = (0..<base.layerCount).map { index in
      var attention = shape
      attention.compression = ratios[index]
      // The finer compression (CSA) overlaps its blocks and selects among them; the coarser (HCA)
      // does neither.
      if ratios[index] > 0, ratios[index] < 128 {
        attention.overlaps = true
        attention.indexer = indexer
      }
      var mixture = mixture
      if index < hashed {
        mixture.isHashRouted = true
        mixture.hasRouterBias = false
      }
      return LayerDescriptor(
        index: index, hiddenSize: base.hidden, attention: .compressed(attention),
        feedForward: .mixture(mixture), extraParameters: 2 * base.hidden + 2 * hyper,
        residualStreams: streams)
    }
    let headMixing = streams > 1 ? streams * base.hidden * streams + streams + 1 : 0
    return base.model(
      family: family, layers: layers, extraParameters: base.hidden + headMixing)
  }

  /// Tokens per compressed row of each layer, 0 for the window alone.
  private static func compressionRatios(_ base: DecoderBase) -> [Int] {
    let flat = Array(repeating: 0, count: base.layerCount)
    guard let list = base.keys.ints("compress_ratios", in: 0...1_048_576) else {
      base.keys.missing(["compress_ratios"], "a list of tokens per compressed row, one per layer")
      return flat
    }
    guard list.count >= base.layerCount else {
      if let node = base.keys.node(["compress_ratios"]) {
        base.keys.wrong(
          node, "a list of \(base.layerCount) entries, one per layer; it has \(list.count)")
      }
      return flat
    }
    return Array(list.prefix(base.layerCount))
  }

  /// The mixing weights of one hyper-connection: a product of all streams with (2 + n)·n outputs.
  private static func hyperConnectionParameters(streams: Int, hidden: Int) -> Int {
    guard streams > 1 else { return 0 }
    let mixed = (2 + streams) * streams
    return streams * hidden * mixed + mixed + 3
  }

  /// Kimi Linear and Kimi-K3: Kimi Delta Attention with MLA in between, LatentMoE.
  @Sendable
  static func readKimiLinear(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let latent = latentAttention(base)
    var delta = KimiDeltaAttention(heads: 1, headWidth: 1, convolution: 1, hasFullRankGate: false)
    var isFull = Array(repeating: false, count: base.layerCount)
    if let linear = text.requiredChild("linear_attn_config") {
      delta.heads = linear.requiredInt("num_heads", in: Limits.heads)
      delta.headWidth = linear.requiredInt("head_dim", in: Limits.width)
      delta.convolution = linear.int("short_conv_kernel_size", in: 1...1_024) ?? 4
      delta.hasFullRankGate = linear.bool("use_full_rank_gate", standard: false)
      // The list counts layers from 1.
      if let list = linear.ints("full_attn_layers", in: 1...base.layerCount) {
        for layer in list { isFull[layer - 1] = true }
      } else {
        linear.missing(["full_attn_layers"], "the layers with full attention, counted from 1")
      }
    }
    var mixture = sharedMixture(base, hasRouterBias: true)
    if let width = text.int("routed_expert_hidden_size", in: Limits.width) {
      mixture.expertInput = width
    }
    let sparse = sparseLayers(base)
    let denseWidth = denseWidth(base, sparse: sparse)
    let latentNorm =
      text.bool("latent_moe_use_norm", standard: false) && mixture.expertInput != base.hidden
      ? mixture.expertInput : 0
    let layers = (0..<base.layerCount).map { index in
      LayerDescriptor(
        index: index, hiddenSize: base.hidden,
        attention: isFull[index] ? .latent(latent) : .kimiDelta(delta),
        feedForward: sparse[index]
          ? .mixture(mixture) : .dense(DenseFeedForward(width: denseWidth)),
        extraParameters: 2 * base.hidden + (sparse[index] ? latentNorm : 0))
    }
    return base.model(family: family, layers: layers)
  }
}
