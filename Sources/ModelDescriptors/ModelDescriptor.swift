// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// A language model as cost depends on it: its layers, their shapes, and its published formats.
///
/// Made from a Hugging Face `config.json` (`ModelDescriptor.load(configPath:)`) or from one of the
/// project's own files in `models/` (`ModelLibrary`).
public struct ModelDescriptor: Hashable, Sendable {
  /// The name by which files and reports call it.
  public var name: String
  /// The architecture as the configuration names it (`model_type`).
  public var family: String
  /// Width of the hidden state.
  public var hiddenSize: Int
  /// Tokens of the vocabulary.
  public var vocabularySize: Int
  /// Whether the input embedding also serves as the output head.
  public var tiedEmbeddings: Bool
  /// The longest sequence that the configuration allows, if it says.
  public var maximumPosition: Int?
  /// Layers of the encoder; empty in a decoder-only model.
  public var encoder: [LayerDescriptor]
  /// Layers of the decoder, in order.
  public var layers: [LayerDescriptor]
  /// Parameters outside layers, embeddings and head: final norms, position embeddings.
  public var extraParameters: Int
  /// The formats of the published checkpoint.
  public var nativePrecision: PrecisionPlan
  /// What the side file says: published figures and sources.
  public var notes: ModelNotes

  /// Creates a model.
  public init(
    name: String, family: String, hiddenSize: Int, vocabularySize: Int, tiedEmbeddings: Bool,
    maximumPosition: Int? = nil, encoder: [LayerDescriptor] = [], layers: [LayerDescriptor],
    extraParameters: Int, nativePrecision: PrecisionPlan = .bf16, notes: ModelNotes = ModelNotes()
  ) {
    self.name = name
    self.family = family
    self.hiddenSize = hiddenSize
    self.vocabularySize = vocabularySize
    self.tiedEmbeddings = tiedEmbeddings
    self.maximumPosition = maximumPosition
    self.encoder = encoder
    self.layers = layers
    self.extraParameters = extraParameters
    self.nativePrecision = nativePrecision
    self.notes = notes
  }

  /// Encoder, then decoder.
  public var allLayers: [LayerDescriptor] { encoder + layers }

  /// Indices, in `layers`, of the layers with routed experts: entry m is the decoder's m-th MoE
  /// layer. A routing counts the encoder's MoE layers before them.
  public var mixtureLayers: [Int] {
    layers.indices.filter { layers[$0].mixture != nil }
  }

  /// Indices, in `encoder`, of the layers with routed experts.
  public var encoderMixtureLayers: [Int] {
    encoder.indices.filter { encoder[$0].mixture != nil }
  }

  /// Layers with routed experts, the encoder's and then the decoder's: as many as a routing of the
  /// model has.
  public var mixtureLayerCount: Int { encoderMixtureLayers.count + mixtureLayers.count }

  /// Whether prompts pass through an encoder, to which the decoder attends.
  public var isEncoderDecoder: Bool { !encoder.isEmpty }

  /// Routed experts per MoE layer, the same in all; 0 for a dense model.
  public var expertCount: Int { firstMixture?.experts ?? 0 }

  /// Experts per token; 0 for a dense model.
  public var topK: Int { firstMixture?.topK ?? 0 }

  /// Whether there are no routed experts.
  public var isDense: Bool { firstMixture == nil }

  private var firstMixture: MixtureDescriptor? {
    for layer in layers {
      if let mixture = layer.mixture { return mixture }
    }
    for layer in encoder {
      if let mixture = layer.mixture { return mixture }
    }
    return nil
  }

  /// The distinct spans of the decoder's layers, in order of first use; an engine keeps one
  /// `AttentionLoad` for each.
  public var attentionSpans: [AttentionSpan] {
    var spans: [AttentionSpan] = []
    for layer in layers where !spans.contains(layer.span) { spans.append(layer.span) }
    return spans
  }
}

extension ModelDescriptor {
  /// Parameters of the input embedding.
  public var embeddingParameters: Int { vocabularySize * hiddenSize }

  /// All parameters; a tied embedding is counted once.
  public var parameterCount: Int64 {
    let embeddings = embeddingParameters * (tiedEmbeddings ? 1 : 2)
    return Int64(embeddings + extraParameters + allLayers.reduce(0) { $0 + $1.parameterCount })
  }

  /// Parameters that one token uses, encoder and decoder both.
  ///
  /// The output head always counts. The input embedding, of which a token reads one row, counts on
  /// request, and always when it is the head.
  public func activeParameterCount(includingInputEmbedding: Bool) -> Int64 {
    let counted = tiedEmbeddings || !includingInputEmbedding ? 1 : 2
    return Int64(
      embeddingParameters * counted + extraParameters
        + allLayers.reduce(0) { $0 + $1.activeParameterCount })
  }

  /// Bytes of the weights under `plan`.
  public func bytes(under plan: PrecisionPlan) -> ModelBytes {
    var bytes = ModelBytes()
    bytes.embedding = plan.embeddings.bytes(elements: embeddingParameters)
    bytes.head = tiedEmbeddings ? 0 : plan.head.bytes(elements: embeddingParameters)
    bytes.otherResident = plan.vectors.bytes(elements: extraParameters)
    for layer in allLayers {
      let part = layer.bytes(under: plan)
      bytes.otherResident += part.resident
      bytes.experts += part.experts
      bytes.perExpert = max(bytes.perExpert, part.expert)
    }
    return bytes
  }

  /// Bytes by which the decoder's cache grows per token while no window is full: every attention
  /// layer counted whole, compressed histories at their rate, without indexer keys.
  public func keyValueBytesPerToken(under plan: PrecisionPlan) -> Double {
    var elements = 0.0
    for layer in layers {
      guard let mixer = layer.attention.mixer else { continue }
      let compression = mixer.span.compression
      let isWindowAlone = mixer is CompressedAttention
      if compression > 0 {
        elements += Double(mixer.cachedElementsPerRow) / Double(compression)
      } else if !isWindowAlone {
        elements += Double(mixer.cachedElementsPerRow)
      }
    }
    return elements * plan.keyValue.bytesPerElement
  }

  /// Bytes of indexer keys per token.
  public func indexerBytesPerToken(under plan: PrecisionPlan) -> Double {
    layers.reduce(0) { $0 + ($1.attention.mixer?.indexElementsPerToken ?? 0) }
      * plan.keyValue.bytesPerElement
  }

  /// Bytes that a sequence of `length` tokens holds: keys and values within their windows, indexer
  /// keys and recurrent state; of an encoder–decoder, the decoder's own and those of its
  /// cross-attention over `encoderLength` source tokens.
  ///
  /// - Complexity: O(layers).
  public func cacheBytes(length: Int, encoderLength: Int = 0, under plan: PrecisionPlan) -> Double {
    var bytes = stateBytesPerSequence(under: plan)
    bytes += indexerBytesPerToken(under: plan) * Double(length)
    let element = plan.keyValue.bytesPerElement
    for layer in layers {
      if let mixer = layer.attention.mixer {
        let rows = mixer.span.stored(length: length)
        bytes += Double(mixer.cachedElementsPerRow) * Double(rows) * element
      }
      if let cross = layer.crossAttention {
        bytes += Double(cross.cachedElementsPerRow) * Double(encoderLength) * element
      }
    }
    return bytes
  }

  /// Bytes of recurrent state per sequence, whatever its length.
  public func stateBytesPerSequence(under plan: PrecisionPlan) -> Double {
    layers.reduce(0) { $0 + Double($1.attention.mixer?.stateElements ?? 0) }
      * plan.state.bytesPerElement
  }
}

/// Bytes of a model's weights by part.
public struct ModelBytes: Hashable, Sendable {
  /// One routed expert (the largest, were they to differ); 0 in a dense model.
  public var perExpert: Int64 = 0
  /// All routed experts of all layers.
  public var experts: Int64 = 0
  /// The input embedding, with the head when tied.
  public var embedding: Int64 = 0
  /// The output head; 0 when tied.
  public var head: Int64 = 0
  /// Attention, routers, shared experts, dense layers, norms.
  public var otherResident: Int64 = 0

  /// Everything but routed experts.
  public var nonExpert: Int64 { embedding + head + otherResident }
  /// The whole checkpoint.
  public var total: Int64 { experts + nonExpert }
}

/// What a model's side file says that its configuration does not.
public struct ModelNotes: Hashable, Sendable {
  /// The repository on the Hugging Face hub.
  public var repository: String?
  /// Published total parameters, in units of 10⁹.
  public var publishedTotalBillions: Double?
  /// Published active parameters per token, in units of 10⁹.
  public var publishedActiveBillions: Double?
  /// Where the published figures stand.
  public var publishedSource: String?
  /// Where the dimensions come from.
  public var dimensionsSource: String?
  /// What a reader of the figures should know.
  public var remarks: String?
  /// Published scores.
  public var scores: [ModelScore] = []

  /// Creates empty notes.
  public init() {}
}
