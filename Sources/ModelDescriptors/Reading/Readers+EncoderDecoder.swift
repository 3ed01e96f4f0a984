// SPDX-License-Identifier: GPL-3.0-or-later

// Encoder–decoders with experts: Switch Transformers and NLLB-MoE.

extension Architecture {
  /// Switch Transformers (arXiv 2101.03961): T5 with one expert per token in every n-th layer.
  @Sendable
  static func readSwitch(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let hidden = text.requiredInt("d_model", in: Limits.width)
    let heads = text.requiredInt("num_heads", in: Limits.heads)
    let attention = GroupedAttention(
      heads: heads, keyValueHeads: heads, headWidth: text.requiredInt("d_kv", in: Limits.width))
    let matrices = text.bool("is_gated_act", standard: false) ? 3 : 2
    let network = DenseFeedForward(
      width: text.requiredInt("d_ff", in: Limits.width), matrices: matrices)
    let experts = text.requiredInt("num_experts", in: Limits.experts)
    let mixture = MixtureDescriptor(
      experts: experts,
      topK: text.int("num_selected_experts", in: 1...max(1, experts)) ?? 1,
      expert: network, expertInput: hidden,
      hasRouterBias: text.bool("router_bias", standard: false))
    let encoderCount = text.requiredInt("num_layers", in: Limits.layers)
    let decoderCount = text.int("num_decoder_layers", in: Limits.layers) ?? encoderCount
    // Layers 1, 1 + step, 1 + 2·step … are sparse; every layer for a step of 1.
    let stack = { (count: Int, sparseKey: String, isDecoder: Bool) -> [LayerDescriptor] in
      let sparse = text.requiredInt(sparseKey, in: Limits.optionalLayers)
      let step = sparse > 0 ? max(1, count / sparse) : 0
      return (0..<count).map { index in
        let isSparse = step > 0 && (step == 1 || index % step == 1)
        return LayerDescriptor(
          index: index, hiddenSize: hidden, attention: .grouped(attention),
          crossAttention: isDecoder ? attention : nil,
          feedForward: isSparse ? .mixture(mixture) : .dense(network),
          extraParameters: (isDecoder ? 3 : 2) * hidden)
      }
    }
    let encoder = stack(encoderCount, "num_sparse_encoder_layers", false)
    let decoder = stack(decoderCount, "num_sparse_decoder_layers", true)
    // A final norm and a table of relative positions per stack.
    let buckets = text.int("relative_attention_num_buckets", in: 0...65_536) ?? 32
    return ModelDescriptor(
      name: family, family: family, hiddenSize: hidden,
      vocabularySize: text.requiredInt("vocab_size", in: Limits.vocabulary),
      tiedEmbeddings: text.bool("tie_word_embeddings", standard: true),
      maximumPosition: text.int("n_positions", in: Limits.positions), encoder: encoder,
      layers: decoder, extraParameters: 2 * hidden + 2 * buckets * heads)
  }

  /// NLLB-MoE (arXiv 2207.04672): biases throughout, two experts per token in every n-th layer.
  @Sendable
  static func readNLLB(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let hidden = text.requiredInt("d_model", in: Limits.width)
    let experts = text.requiredInt("num_experts", in: Limits.experts)
    let stack = { (prefix: String) -> [LayerDescriptor] in
      let isDecoder = prefix == "decoder"
      let heads = text.requiredInt("\(prefix)_attention_heads", in: Limits.heads)
      let attention = GroupedAttention(
        heads: heads, keyValueHeads: heads, headWidth: max(1, hidden / heads), hasInputBias: true,
        hasOutputBias: true)
      let network = DenseFeedForward(
        width: text.requiredInt("\(prefix)_ffn_dim", in: Limits.width), matrices: 2, hasBias: true)
      let mixture = MixtureDescriptor(
        experts: experts, topK: min(2, experts), expert: network, expertInput: hidden,
        hasRouterBias: text.bool("router_bias", standard: false))
      let step = text.int("\(prefix)_sparse_step", in: Limits.optionalLayers) ?? 4
      return (0..<text.requiredInt("\(prefix)_layers", in: Limits.layers)).map { index in
        LayerDescriptor(
          index: index, hiddenSize: hidden, attention: .grouped(attention),
          crossAttention: isDecoder ? attention : nil,
          feedForward: step > 0 && (index + 1) % step == 0 ? .mixture(mixture) : .dense(network),
          extraParameters: (isDecoder ? 6 : 4) * hidden)
      }
    }
    let encoder = stack("encoder")
    let decoder = stack("decoder")
    return ModelDescriptor(
      name: family, family: family, hiddenSize: hidden,
      vocabularySize: text.requiredInt("vocab_size", in: Limits.vocabulary),
      tiedEmbeddings: text.bool("tie_word_embeddings", standard: true),
      maximumPosition: text.int("max_position_embeddings", in: Limits.positions),
      encoder: encoder, layers: decoder, extraParameters: 4 * hidden)
  }
}
