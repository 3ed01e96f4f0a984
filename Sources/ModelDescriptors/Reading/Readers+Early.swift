// SPDX-License-Identifier: GPL-3.0-or-later

// Decoders with feed-forward networks of two matrices.

extension Architecture {
  /// GPT-J: attention and feed-forward network side by side behind one layer norm; biases in the
  /// network and the head.
  @Sendable
  static func readGPTJ(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let hidden = text.requiredInt("n_embd", in: Limits.width)
    let heads = text.requiredInt("n_head", in: Limits.heads)
    let base = DecoderBase(
      keys: text, hidden: hidden, layerCount: text.requiredInt("n_layer", in: Limits.layers),
      vocabulary: text.requiredInt("vocab_size", in: Limits.vocabulary),
      tied: text.bool("tie_word_embeddings", standard: false),
      maximumPosition: text.int("n_positions", in: Limits.positions))
    let attention = GroupedAttention(
      heads: heads, keyValueHeads: heads, headWidth: max(1, hidden / heads))
    let width = text.int("n_inner", in: Limits.width) ?? 4 * hidden
    let network = DenseFeedForward(width: width, matrices: 2, hasBias: true)
    // One layer norm, scale and shift.
    let layers = base.layers(norms: 2) { _ in (.grouped(attention), .dense(network)) }
    return base.model(
      family: family, layers: layers, extraParameters: 2 * hidden + base.vocabulary)
  }

  /// DS-MoE (arXiv 2404.05567): experts without a gate matrix; the experts of attention as one mixer.
  @Sendable
  static func readDSMoE(
    _ text: ConfigKeys, _ top: ConfigKeys, _ family: String
  ) -> ModelDescriptor {
    let base = DecoderBase(text, top: top)
    let attention = base.grouped()
    var mixture = simpleMixture(base, widthKey: "intermediate_size")
    mixture.expert.matrices = 2
    let layers = base.layers { _ in (.grouped(attention), .mixture(mixture)) }
    return base.model(family: family, layers: layers)
  }
}
