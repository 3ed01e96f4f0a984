// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// One layer of a model.
public struct LayerDescriptor: Hashable, Sendable {
  /// Its place in its stack, from 0.
  public var index: Int
  /// Width of the hidden state.
  public var hiddenSize: Int
  /// What mixes positions.
  public var attention: AttentionDescriptor
  /// Attention of a decoder to its encoder's output, or `nil`.
  public var crossAttention: GroupedAttention?
  /// What is applied to each position alone.
  public var feedForward: FeedForwardDescriptor
  /// Norms and other small parameters of the layer outside its two parts.
  public var extraParameters: Int
  /// How many copies of the hidden state run side by side (hyper-connections); 1 for a residual.
  public var residualStreams: Int

  /// Creates a layer.
  public init(
    index: Int, hiddenSize: Int, attention: AttentionDescriptor,
    crossAttention: GroupedAttention? = nil, feedForward: FeedForwardDescriptor,
    extraParameters: Int, residualStreams: Int = 1
  ) {
    self.index = index
    self.hiddenSize = hiddenSize
    self.attention = attention
    self.crossAttention = crossAttention
    self.feedForward = feedForward
    self.extraParameters = extraParameters
    self.residualStreams = residualStreams
  }

  /// The routed experts and what belongs to them, or `nil` in a layer without.
  public var mixture: MixtureDescriptor? { feedForward.mixture }

  /// Which positions a token attends to.
  public var span: AttentionSpan { attention.span }

  /// Parameters outside routed experts.
  public var residentParameters: Int {
    var count = extraParameters
    count += attention.mixer?.parameterCount(hidden: hiddenSize) ?? 0
    count += crossAttention?.parameterCount(hidden: hiddenSize) ?? 0
    switch feedForward {
    case .none: break
    case .dense(let dense): count += dense.parameterCount(input: hiddenSize)
    case .mixture(let mixture): count += mixture.residentParameters(hidden: hiddenSize)
    }
    return count
  }

  /// All parameters.
  public var parameterCount: Int {
    residentParameters + (mixture.map { $0.experts * $0.parametersPerExpert } ?? 0)
  }

  /// Parameters that one token uses.
  public var activeParameterCount: Int {
    residentParameters + (mixture.map { $0.topK * $0.parametersPerExpert } ?? 0)
  }

  /// Bytes of the layer's weights under `plan`.
  public func bytes(under plan: PrecisionPlan) -> LayerBytes {
    var bytes = LayerBytes()
    let vector = { (count: Int) in plan.vectors.bytes(elements: count) }
    bytes.attention += vector(extraParameters)
    for mixer in [attention.mixer, crossAttention].compactMap({ $0 }) as [any SequenceMixer] {
      let shapes =
        mixer.inputMatrices(hidden: hiddenSize) + mixer.outputMatrices(hidden: hiddenSize)
      bytes.attention += Self.bytes(shapes, in: plan.attention)
      bytes.attention += vector(mixer.vectorParameters(hidden: hiddenSize))
    }
    switch feedForward {
    case .none: break
    case .dense(let dense):
      bytes.dense = Self.bytes(dense, input: hiddenSize, in: plan.dense, vectors: plan.vectors)
    case .mixture(let mixture):
      bytes.router = plan.router.bytes(elements: mixture.routerParameters(hidden: hiddenSize))
      bytes.latent = Self.bytes(mixture.latentShapes(hidden: hiddenSize), in: plan.sharedExperts)
      for part in [mixture.shared, mixture.parallelDense].compactMap({ $0 }) {
        bytes.shared += Self.bytes(
          part, input: hiddenSize, in: plan.sharedExperts, vectors: plan.vectors)
      }
      bytes.expert = mixture.bytesPerExpert(in: plan)
      bytes.expertCount = mixture.experts
    }
    return bytes
  }

  private static func bytes(_ shapes: [MatrixShape], in format: NumberFormat) -> Int64 {
    shapes.reduce(0) { $0 + format.bytes(elements: $1.elements) }
  }

  fileprivate static func bytes(
    _ network: DenseFeedForward, input: Int, in format: NumberFormat, vectors: NumberFormat
  ) -> Int64 {
    let biases = vectors.bytes(elements: network.biases(input: input))
    guard network.density < 1 || network.isSparse else {
      return bytes(network.shapes(input: input), in: format) + biases
    }
    let stored = network.matrixParameterCount(input: input)
    let places = (Double(stored) * network.indexBits / 8).rounded(.up)
    return format.bytes(elements: stored) + Int64(places) + biases
  }
}

extension MixtureDescriptor {
  /// Bytes of one routed expert under `plan`, its scales and biases included.
  public func bytesPerExpert(in plan: PrecisionPlan) -> Int64 {
    LayerDescriptor.bytes(expert, input: expertInput, in: plan.experts, vectors: plan.vectors)
  }
}

/// Bytes of one layer's weights by part.
public struct LayerBytes: Hashable, Sendable {
  /// The mixer with the layer's norms, and cross-attention.
  public var attention: Int64 = 0
  /// The feed-forward part of a dense layer.
  public var dense: Int64 = 0
  /// The router.
  public var router: Int64 = 0
  /// Shared experts and a parallel dense network.
  public var shared: Int64 = 0
  /// Projections into and out of a latent.
  public var latent: Int64 = 0
  /// One routed expert; 0 in a layer without.
  public var expert: Int64 = 0
  /// Routed experts.
  public var expertCount: Int = 0

  /// Everything but routed experts.
  public var resident: Int64 { attention + dense + router + shared + latent }
  /// All routed experts.
  public var experts: Int64 { expert * Int64(expertCount) }
  /// The whole layer.
  public var total: Int64 { resident + experts }
}
