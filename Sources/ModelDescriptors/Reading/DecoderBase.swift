// SPDX-License-Identifier: GPL-3.0-or-later

/// What all decoder configurations say in the same words.
struct DecoderBase {
  let keys: ConfigKeys
  let hidden: Int
  let layerCount: Int
  let vocabulary: Int
  let tied: Bool
  let maximumPosition: Int?

  /// Reads the common keys; `tiedStandard` is what the architecture assumes when it is not said.
  init(_ keys: ConfigKeys, top: ConfigKeys, tiedStandard: Bool = false) {
    self.keys = keys
    hidden = keys.requiredInt("hidden_size", "d_model", in: Limits.width)
    layerCount = keys.requiredInt("num_hidden_layers", "n_layers", in: Limits.layers)
    vocabulary = keys.requiredInt("vocab_size", in: Limits.vocabulary)
    let outer = top.bool("tie_word_embeddings", standard: tiedStandard)
    tied = keys.bool("tie_word_embeddings", standard: outer)
    maximumPosition = keys.int("max_position_embeddings", "max_seq_len", in: Limits.positions)
  }

  /// Creates a base from parts, for architectures with other words for them.
  init(
    keys: ConfigKeys, hidden: Int, layerCount: Int, vocabulary: Int, tied: Bool,
    maximumPosition: Int?
  ) {
    self.keys = keys
    self.hidden = hidden
    self.layerCount = layerCount
    self.vocabulary = vocabulary
    self.tied = tied
    self.maximumPosition = maximumPosition
  }

  /// Query heads.
  var heads: Int { keys.requiredInt("num_attention_heads", in: Limits.heads) }

  /// Attention as most configurations describe it.
  ///
  /// - Parameters:
  ///   - queryKeyNorm: what kind of norm queries and keys have.
  ///   - bias: whether projections of queries, keys and values have biases when the file is silent.
  func grouped(
    queryKeyNorm: QueryKeyNorm = .none, bias: Bool = false, outputBias: Bool = false,
    span: AttentionSpan = .full
  ) -> GroupedAttention {
    let heads = self.heads
    let keyValueHeads = keys.int("num_key_value_heads", in: Limits.heads) ?? heads
    let headWidth = keys.int("head_dim", in: Limits.width) ?? max(1, hidden / heads)
    checkGroups(heads: heads, keyValueHeads: keyValueHeads)
    var attention = GroupedAttention(
      heads: heads, keyValueHeads: keyValueHeads, headWidth: headWidth, span: span,
      hasInputBias: keys.bool("attention_bias", standard: bias), hasOutputBias: outputBias)
    attention.extraVectorParameters = queryKeyNorm.parameters(of: attention)
    return attention
  }

  /// Reports heads that do not divide into groups.
  func checkGroups(heads: Int, keyValueHeads: Int) {
    if heads % keyValueHeads != 0, let node = keys.node(["num_key_value_heads"]) {
      keys.wrong(node, "a divisor of the \(heads) attention heads")
    }
  }

  /// The same truth for every layer.
  func flags(_ value: Bool) -> [Bool] { Array(repeating: value, count: layerCount) }

  /// The sliding window, or 0 where it is absent or switched off.
  var window: Int { keys.int("sliding_window", in: Limits.positions) ?? 0 }

  /// Which layers attend to a window only, from `layer_types`, or as `standard` says.
  func slidingLayers(standard: (Int) -> Bool) -> [Bool] {
    let kinds = keys.layerKinds(
      "layer_types", count: layerCount,
      among: ["sliding_attention", "full_attention", "chunked_attention", "linear_attention"])
    if let kinds { return kinds.map { $0 == "sliding_attention" } }
    return (0..<layerCount).map(standard)
  }

  /// A decoder of these layers.
  func model(
    family: String, layers: [LayerDescriptor], extraParameters: Int? = nil
  ) -> ModelDescriptor {
    ModelDescriptor(
      name: family, family: family, hiddenSize: hidden, vocabularySize: vocabulary,
      tiedEmbeddings: tied, maximumPosition: maximumPosition, layers: layers,
      extraParameters: extraParameters ?? hidden)
  }

  /// One layer per index with two norms of the hidden width.
  func layers(
    norms: Int = 2, _ make: (Int) -> (AttentionDescriptor, FeedForwardDescriptor)
  ) -> [LayerDescriptor] {
    (0..<layerCount).map { index in
      let (attention, feedForward) = make(index)
      return LayerDescriptor(
        index: index, hiddenSize: hidden, attention: attention, feedForward: feedForward,
        extraParameters: norms * hidden)
    }
  }
}

/// The norms of queries and keys.
enum QueryKeyNorm {
  /// None.
  case none
  /// One scale per element of a head, shared by all heads.
  case perHead
  /// One scale per element of all heads.
  case allHeads

  func parameters(of attention: GroupedAttention) -> Int {
    switch self {
    case .none: 0
    case .perHead: 2 * attention.headWidth
    case .allHeads: (attention.heads + attention.keyValueHeads) * attention.headWidth
    }
  }
}
