// SPDX-License-Identifier: GPL-3.0-or-later

// Decoders with grouped attention and one kind of layer, or dense layers first.

extension Architecture {
  /// Llama, Mistral, Qwen2, Qwen3: dense decoders, the degenerate case.
  @Sendable
  static func readDense(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let width = text.requiredInt("intermediate_size", in: Limits.width)
    let hasMLPBias = text.bool("mlp_bias", standard: false)
    let window = base.window
    let usesWindow =
      family == "mistral" ? window > 0 : text.bool("use_sliding_window", standard: false)
    let firstWindowLayer = text.int("max_window_layers", in: Limits.optionalLayers) ?? 0
    let sliding = base.slidingLayers { usesWindow && $0 >= firstWindowLayer }
    var attention = base.grouped(
      queryKeyNorm: family.hasPrefix("qwen3") ? .perHead : .none, bias: family == "qwen2")
    attention.hasOutputBias = family == "llama" && attention.hasInputBias
    let layers = base.layers { index in
      var attention = attention
      if sliding[index], window > 0 { attention.span = AttentionSpan(window: window) }
      return (
        .grouped(attention), .dense(DenseFeedForward(width: width, hasBias: hasMLPBias))
      )
    }
    return base.model(family: family, layers: layers)
  }

  /// Mixtral: every layer a mixture.
  @Sendable
  static func readMixtral(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let window = base.window
    let attention = base.grouped(span: AttentionSpan(window: window))
    let mixture = simpleMixture(base, widthKey: "intermediate_size")
    let layers = base.layers { _ in (.grouped(attention), .mixture(mixture)) }
    return base.model(family: family, layers: layers)
  }

  /// Qwen1.5-MoE, Qwen2-MoE and Qwen3-MoE.
  @Sendable
  static func readQwenMoE(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let isSecond = family == "qwen2_moe"
    var attention = base.grouped(queryKeyNorm: isSecond ? .none : .perHead)
    // Qwen2-MoE's queries, keys and values always have biases; the key belongs to Qwen3.
    if isSecond { attention.hasInputBias = text.bool("qkv_bias", standard: true) }
    var mixture = simpleMixture(base, widthKey: "moe_intermediate_size")
    if isSecond {
      let shared = text.requiredInt("shared_expert_intermediate_size", in: Limits.optionalWidth)
      if shared > 0 {
        mixture.shared = DenseFeedForward(width: shared)
        mixture.hasSharedGate = true
      }
    }
    let isSparse = qwenSparseLayers(base)
    let denseWidth =
      isSparse.contains(false) ? text.requiredInt("intermediate_size", in: Limits.width) : 1
    let layers = base.layers { index in
      (
        .grouped(attention),
        isSparse[index] ? .mixture(mixture) : .dense(DenseFeedForward(width: denseWidth))
      )
    }
    return base.model(family: family, layers: layers)
  }

  /// Which layers have experts by `mlp_only_layers` and `decoder_sparse_step`.
  static func qwenSparseLayers(_ base: DecoderBase) -> [Bool] {
    let step = base.keys.int("decoder_sparse_step", in: Limits.layers) ?? 1
    let denseOnly =
      base.keys.ints("mlp_only_layers", in: Limits.optionalLayers) ?? []
    return (0..<base.layerCount).map { ($0 + 1) % step == 0 && !denseOnly.contains($0) }
  }

  /// OLMoE: norms over all query and key heads.
  @Sendable
  static func readOLMoE(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let attention = base.grouped(queryKeyNorm: .allHeads)
    let mixture = simpleMixture(base, widthKey: "intermediate_size")
    let layers = base.layers { _ in (.grouped(attention), .mixture(mixture)) }
    return base.model(family: family, layers: layers)
  }

  /// Phi-3.5-MoE: layer norms with shifts, biases on attention and head.
  @Sendable
  static func readPhiMoE(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    var attention = base.grouped(bias: true)
    attention.hasOutputBias = attention.hasInputBias
    // `sliding_window` equals the longest context in the published model, and bounds nothing.
    if base.window > 0, base.window < base.maximumPosition ?? Int.max {
      attention.span = AttentionSpan(window: base.window)
    }
    let mixture = simpleMixture(base, widthKey: "intermediate_size")
    let layers = base.layers(norms: 4) { _ in (.grouped(attention), .mixture(mixture)) }
    let headBias = text.bool("lm_head_bias", standard: false) ? base.vocabulary : 0
    return base.model(
      family: family, layers: layers, extraParameters: 2 * base.hidden + headBias)
  }

  /// gpt-oss: alternating windows, sinks, biases everywhere.
  @Sendable
  static func readGPTOSS(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    var attention = base.grouped(bias: true)
    attention.hasOutputBias = attention.hasInputBias
    attention.extraVectorParameters += attention.heads  // one sink per head
    let window = base.window
    let sliding = base.slidingLayers { $0 % 2 == 0 }
    var mixture = simpleMixture(base, widthKey: "intermediate_size")
    mixture.hasRouterBias = true
    mixture.expert.hasBias = true
    let layers = base.layers { index in
      var attention = attention
      if sliding[index] { attention.span = AttentionSpan(window: window) }
      return (.grouped(attention), .mixture(mixture))
    }
    return base.model(family: family, layers: layers)
  }

  /// GLM-4.5 to 4.7: grouped attention, dense layers first, shared experts.
  @Sendable
  static func readGLM4MoE(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let attention = base.grouped(
      queryKeyNorm: text.bool("use_qk_norm", standard: false) ? .perHead : .none)
    return denseFirstModel(
      base, family: family, attention: .grouped(attention), hasRouterBias: true)
  }

  /// DeepSeek-MoE-16b: multi-head attention, dense layers first, shared experts.
  @Sendable
  static func readDeepSeekMoE(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    return denseFirstModel(
      base, family: family, attention: .grouped(base.grouped()), hasRouterBias: false)
  }

  /// Hunyuan V3.
  @Sendable
  static func readHunyuanV3(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let attention = base.grouped(
      queryKeyNorm: text.bool("qk_norm", standard: true) ? .perHead : .none)
    return denseFirstModel(
      base, family: family, attention: .grouped(attention), hasRouterBias: true)
  }

  /// MiniMax-M2: norms over all query and key heads, a correction per expert.
  @Sendable
  static func readMiniMaxM2(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let norm: QueryKeyNorm =
      !text.bool("use_qk_norm", standard: true)
      ? .none : text.string("qk_norm_type") == "per_head" ? .perHead : .allHeads
    let attention = base.grouped(queryKeyNorm: norm)
    var mixture = simpleMixture(base, widthKey: "intermediate_size")
    mixture.hasRouterBias = text.bool("use_routing_bias", standard: true)
    let shared = text.int("shared_intermediate_size", in: Limits.optionalWidth) ?? 0
    if shared > 0 { mixture.shared = DenseFeedForward(width: shared) }
    let layers = base.layers { _ in (.grouped(attention), .mixture(mixture)) }
    return base.model(family: family, layers: layers)
  }

  /// Grok-1: four norms per layer, tied embeddings.
  @Sendable
  static func readGrok1(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top, tiedStandard: true)
    let attention = base.grouped()
    let mixture = simpleMixture(base, widthKey: "intermediate_size")
    let layers = base.layers(norms: 4) { _ in (.grouped(attention), .mixture(mixture)) }
    return base.model(family: family, layers: layers)
  }

  /// Snowflake Arctic: a dense network of the hidden width beside the experts.
  @Sendable
  static func readArctic(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let attention = base.grouped()
    var mixture = simpleMixture(base, widthKey: "intermediate_size")
    let frequency = text.int("moe_layer_frequency", in: Limits.layers) ?? 1
    let width = mixture.expert.width
    if text.bool("parallel_attn_mlp_res", standard: false) {
      mixture.parallelDense = DenseFeedForward(width: base.hidden)
    }
    let layers = base.layers(norms: mixture.parallelDense == nil ? 2 : 3) { index in
      (
        .grouped(attention),
        (index + 1) % frequency == 0
          ? .mixture(mixture) : .dense(DenseFeedForward(width: width))
      )
    }
    return base.model(family: family, layers: layers)
  }

  /// DBRX: its own words for everything.
  @Sendable
  static func readDBRX(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let heads = text.requiredInt("n_heads", in: Limits.heads)
    let keyValueHeads =
      text.requiredChild("attn_config")?.requiredInt("kv_n_heads", in: Limits.heads) ?? 1
    let attention = GroupedAttention(
      heads: heads, keyValueHeads: keyValueHeads, headWidth: max(1, base.hidden / heads))
    var mixture = MixtureDescriptor(
      experts: 1, topK: 1, expert: DenseFeedForward(width: 1), expertInput: base.hidden)
    if let ffn = text.requiredChild("ffn_config") {
      mixture.experts = ffn.requiredInt("moe_num_experts", in: Limits.experts)
      mixture.topK = ffn.requiredInt("moe_top_k", in: 1...max(1, mixture.experts))
      mixture.expert.width = ffn.requiredInt("ffn_hidden_size", in: Limits.width)
    }
    let layers = base.layers { _ in (.grouped(attention), .mixture(mixture)) }
    return base.model(family: family, layers: layers)
  }
}
