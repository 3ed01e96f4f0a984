// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Units

/// Why something cannot be rehearsed, in words that say what would.
public struct RehearsalRefusal: Error, CustomStringConvertible, Sendable, Equatable {
  /// What stands in the way.
  public var description: String

  /// A refusal.
  public init(_ description: String) { self.description = description }
}

/// The shapes of a model that is executed: decoder layers with grouped attention, dense networks and
/// mixtures, all in 32-bit floating point.
public struct RehearsalModel: Sendable {
  /// A decoder layer.
  public struct Layer: Sendable {
    /// Its attention.
    public var attention: GroupedAttention
    /// The inner width of its dense network; 0 of a mixture.
    public var denseWidth: Int
    /// The inner width of its shared experts together; 0 for none.
    public var sharedWidth: Int
    /// Its number among the MoE layers; -1 of a dense one.
    public var mixture: Int
  }

  /// The alignment of experts in a file, and of reads past the page cache [bytes].
  public static let alignment = 4096

  /// The model's name.
  public let name: String
  /// The size of a token's vector.
  public let hidden: Int
  /// Tokens of the vocabulary.
  public let vocabulary: Int
  /// The layers.
  public let layers: [Layer]
  /// Experts of a MoE layer.
  public let experts: Int
  /// Experts that a token uses.
  public let topK: Int
  /// The inner width of an expert.
  public let width: Int
  /// Matrices of a feed-forward network: 3 where it is gated, else 2.
  public let matrices: Int

  /// MoE layers.
  public var mixtureLayers: Int { layers.reduce(0) { $0 + ($1.mixture >= 0 ? 1 : 0) } }
  /// The size of an expert [bytes].
  public var expertBytes: Int { matrices * hidden * width * MemoryLayout<Float>.size }
  /// What an expert takes in a file or a slot [bytes].
  public var expertStride: Int {
    (expertBytes + Self.alignment - 1) / Self.alignment * Self.alignment
  }

  /// The shapes of a model.
  ///
  /// - Throws: ``RehearsalRefusal`` where the model has parts that are not executed.
  public init(_ model: ModelDescriptor, precision: PrecisionPlan) throws(RehearsalRefusal) {
    guard model.encoder.isEmpty else {
      throw RehearsalRefusal(
        "\(model.name) has an encoder; models with decoders alone are executed")
    }
    guard !model.isDense else {
      throw RehearsalRefusal("\(model.name) has no experts to load")
    }
    let formats: [(String, NumberFormat)] = [
      ("experts", precision.experts), ("shared_experts", precision.sharedExperts),
      ("attention", precision.attention), ("dense", precision.dense), ("router", precision.router),
      ("head", precision.head), ("kv", precision.keyValue), ("activations", precision.activations),
    ]
    for (name, format) in formats where format != .fp32 {
      throw RehearsalRefusal(
        "precision.\(name) is \(format); what is executed is fp32 throughout")
    }
    var layers: [Layer] = []
    var mixture: MixtureDescriptor?
    var count = 0
    for layer in model.layers {
      guard let attention = layer.attention.mixer as? GroupedAttention, !attention.hasOutputGate,
        !attention.sharesKeyAndValue, attention.blockIndexer == nil,
        attention.valueWidth == attention.headWidth, attention.span.chunk == 0,
        attention.span.compression == 0, attention.span.selection == 0
      else {
        throw RehearsalRefusal(
          "layer \(layer.index) of \(model.name) has another attention than grouped queries over"
            + " all or the last tokens")
      }
      var own = Layer(attention: attention, denseWidth: 0, sharedWidth: 0, mixture: -1)
      if let dense = layer.feedForward.dense { own.denseWidth = dense.width }
      if let part = layer.mixture {
        if part.expert.hasBias || part.expert.isSparse || part.parallelDense != nil
          || part.expertInput != model.hiddenSize
        {
          throw RehearsalRefusal(
            "experts of \(model.name) have biases, or more than plain matrices of the hidden size")
        }
        mixture = mixture ?? part
        own.sharedWidth = part.shared?.width ?? 0
        own.mixture = count
        count += 1
      }
      layers.append(own)
    }
    guard let mixture else { throw RehearsalRefusal("\(model.name) has no experts to load") }
    name = model.name
    hidden = model.hiddenSize
    vocabulary = model.vocabularySize
    self.layers = layers
    experts = mixture.experts
    topK = mixture.topK
    width = mixture.expert.width
    matrices = mixture.expert.matrices
  }

  /// The bytes of all weights that are not experts.
  public var otherBytes: Int {
    var elements = 2 * vocabulary * hidden
    for layer in layers {
      let rows = layer.attention.heads + 2 * layer.attention.keyValueHeads
      elements += (rows + layer.attention.heads) * layer.attention.headWidth * hidden
      elements += matrices * hidden * (layer.denseWidth + layer.sharedWidth)
      if layer.mixture >= 0 { elements += experts * hidden }
    }
    return elements * MemoryLayout<Float>.size
  }

  /// The bytes of keys and values of so many sequences of so many tokens.
  public func keyValueBytes(sequences: Int, tokens: Int) -> Int {
    layers.reduce(0) { sum, layer in
      sum + 2 * layer.attention.keyValueHeads * layer.attention.headWidth
    } * sequences * tokens * MemoryLayout<Float>.size
  }
}
