// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// What a layer applies to each position alone.
public enum FeedForwardDescriptor: Hashable, Sendable {
  /// Nothing: a layer with a mixer alone.
  case none
  /// One feed-forward network for all tokens.
  case dense(DenseFeedForward)
  /// Experts chosen by a router.
  case mixture(MixtureDescriptor)

  /// The mixture, or `nil`.
  public var mixture: MixtureDescriptor? {
    if case .mixture(let mixture) = self { mixture } else { nil }
  }

  /// The dense network, or `nil`.
  public var dense: DenseFeedForward? {
    if case .dense(let dense) = self { dense } else { nil }
  }
}

/// A feed-forward network of two or three matrices.
public struct DenseFeedForward: Hashable, Sendable {
  /// Inner width.
  public var width: Int
  /// 3 with a gate (SwiGLU, GeGLU), 2 without.
  public var matrices: Int
  /// Whether each matrix has a bias.
  public var hasBias: Bool
  /// The share of the matrices' elements that is stored and multiplied: 1, or less in a network
  /// that was compressed.
  public var density = 1.0
  /// Bits beside each stored element that say where it belongs: 0 where the elements are whole
  /// matrices or factors of them, more in a sparse network.
  public var indexBits = 0.0

  /// Creates a feed-forward network.
  public init(width: Int, matrices: Int = 3, hasBias: Bool = false) {
    self.width = width
    self.matrices = matrices
    self.hasBias = hasBias
  }

  /// Whether the stored elements are scattered, so that kernels for sparse matrices multiply them.
  public var isSparse: Bool { indexBits > 0 }

  /// The matrices for inputs of width `input`.
  func shapes(input: Int) -> [MatrixShape] {
    guard width > 0 else { return [] }
    return Array(repeating: MatrixShape(input, width), count: matrices - 1)
      + [MatrixShape(width, input)]
  }

  /// Bias elements.
  func biases(input: Int) -> Int { hasBias ? (matrices - 1) * width + input : 0 }

  /// Stored elements of the matrices for inputs of width `input`.
  public func matrixParameterCount(input: Int) -> Int {
    let whole = shapes(input: input).reduce(0) { $0 + $1.elements }
    return density == 1 ? whole : Int((Double(whole) * density).rounded())
  }

  /// Stored parameters for inputs of width `input`.
  public func parameterCount(input: Int) -> Int {
    matrixParameterCount(input: input) + biases(input: input)
  }

  /// The cost of the network's products as one projection.
  public func cost(
    input: Int, format: NumberFormat, activations: NumberFormat
  ) -> ProjectionCost {
    ProjectionCost(
      shapes: shapes(input: input), biases: biases(input: input), density: density,
      indexBits: indexBits, format: format, activations: activations, kernels: kernels)
  }

  /// Launches: gate and up fused, the activation, down.
  var kernels: Int { width > 0 ? 3 : 0 }
}

/// A mixture of experts.
public struct MixtureDescriptor: Hashable, Sendable {
  /// Routed experts.
  public var experts: Int
  /// Experts per token.
  public var topK: Int
  /// One routed expert.
  public var expert: DenseFeedForward
  /// Width at which routed experts work: the hidden width, or that of a latent (LatentMoE).
  public var expertInput: Int
  /// All shared experts as one network, or `nil`.
  public var shared: DenseFeedForward?
  /// Whether a sigmoid gate of one row multiplies the shared experts (Qwen).
  public var hasSharedGate: Bool
  /// A dense network that runs beside the experts in the same layer (Arctic, gemma 4), or `nil`.
  public var parallelDense: DenseFeedForward?
  /// Whether the router has a bias or correction per expert.
  public var hasRouterBias: Bool
  /// Whether the expert is chosen by the token's id, from a table, and not by a product.
  public var isHashRouted: Bool

  /// Creates a mixture.
  public init(
    experts: Int, topK: Int, expert: DenseFeedForward, expertInput: Int,
    shared: DenseFeedForward? = nil, hasSharedGate: Bool = false,
    parallelDense: DenseFeedForward? = nil, hasRouterBias: Bool = false,
    isHashRouted: Bool = false
  ) {
    self.experts = experts
    self.topK = topK
    self.expert = expert
    self.expertInput = expertInput
    self.shared = shared
    self.hasSharedGate = hasSharedGate
    self.parallelDense = parallelDense
    self.hasRouterBias = hasRouterBias
    self.isHashRouted = isHashRouted
  }

  /// Parameters of one routed expert's matrices, without biases.
  public var expertMatrixParameters: Int {
    expert.matrixParameterCount(input: expertInput)
  }

  /// Parameters of one routed expert.
  public var parametersPerExpert: Int { expert.parameterCount(input: expertInput) }

  /// The projections into and out of the latent, none when experts see the hidden state.
  func latentShapes(hidden: Int) -> [MatrixShape] {
    expertInput == hidden
      ? [] : [MatrixShape(hidden, expertInput), MatrixShape(expertInput, hidden)]
  }

  /// Parameters of the router with its biases.
  public func routerParameters(hidden: Int) -> Int {
    hidden * experts + (hasRouterBias ? experts : 0) + (hasSharedGate ? hidden : 0)
  }

  /// Parameters outside routed experts: router, shared and parallel networks, latent projections.
  public func residentParameters(hidden: Int) -> Int {
    routerParameters(hidden: hidden)
      + (shared?.parameterCount(input: hidden) ?? 0)
      + (parallelDense?.parameterCount(input: hidden) ?? 0)
      + latentShapes(hidden: hidden).reduce(0) { $0 + $1.elements }
  }
}
