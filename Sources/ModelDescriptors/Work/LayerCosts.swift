// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// The cost coefficients of one layer under one precision plan: made once, asked in every step.
///
/// All methods are O(1) and allocate nothing.
@frozen
public struct LayerCosts: Hashable, Sendable, BitwiseCopyable {
  /// Projections before the mixer's core.
  public var attentionInput: ProjectionCost
  /// Projections after it.
  public var attentionOutput: ProjectionCost
  /// The mixer's core.
  public var core: CoreCost
  /// Whether there is a mixer.
  public var hasMixer: Bool
  /// Query projection and output of cross-attention.
  public var crossProjections: ProjectionCost
  /// The core of cross-attention; its kernels are 0 in a decoder-only model.
  public var crossCore: CoreCost
  /// Key and value projections of cross-attention, applied to source tokens once.
  public var crossKeyValue: ProjectionCost
  /// The dense feed-forward network.
  public var dense: ProjectionCost
  /// The router's product.
  public var router: ProjectionCost
  /// One routed expert.
  public var expert: ProjectionCost
  /// Shared experts.
  public var shared: ProjectionCost
  /// A dense network beside the experts.
  public var parallelDense: ProjectionCost
  /// Projections into and out of a latent.
  public var latent: ProjectionCost
  /// Experts per token.
  public var topK: Int32
  /// Routed experts.
  public var expertCount: Int32
  /// Bytes of norms and residual additions per token.
  public var elementwiseBytesPerToken: Double
  /// Launches of norms and residual additions.
  public var elementwiseKernels: Int32
  /// Bytes of one token's activations at the experts' input.
  public var expertInputBytesPerToken: Double
}

/// The work of a layer's mixer in the order in which it runs.
@frozen
public struct AttentionWork: Hashable, Sendable, BitwiseCopyable {
  /// Projections before the core.
  public var input: KernelWork
  /// The core for prompt tokens.
  public var prefill: KernelWork
  /// The core for decoding sequences.
  public var decode: KernelWork
  /// Projections after the core.
  public var output: KernelWork

  /// No work.
  @inlinable
  public init() {
    input = .none
    prefill = .none
    decode = .none
    output = .none
  }

  /// FLOP in all.
  @inlinable
  public var flop: Double { input.flop + prefill.flop + decode.flop + output.flop }
  /// Bytes in all.
  @inlinable
  public var bytes: Double { input.bytes + prefill.bytes + decode.bytes + output.bytes }
}

extension LayerCosts {
  /// The work of the mixer over a batch; `load` must be summed for this layer's span.
  @inlinable
  public func attentionWork(_ load: AttentionLoad) -> AttentionWork {
    guard hasMixer else { return AttentionWork() }
    let tokens = Double(load.tokens)
    var work = AttentionWork()
    work.input = attentionInput.work(rows: tokens)
    work.prefill = core.prefillWork(load)
    work.decode = core.decodeWork(load)
    work.output = attentionOutput.work(rows: tokens)
    return work
  }

  /// The work of cross-attention over a batch; the load counts source tokens as attended rows.
  /// Keys and values of the source are made once, by `crossKeyValueWork(sourceTokens:)`.
  @inlinable
  public func crossAttentionWork(_ load: AttentionLoad) -> AttentionWork {
    guard crossCore.kernels > 0 else { return AttentionWork() }
    var work = AttentionWork()
    work.input = crossProjections.work(rows: Double(load.tokens))
    work.prefill = crossCore.prefillWork(load)
    work.decode = crossCore.decodeWork(load)
    return work
  }

  /// The work of projecting `sourceTokens` encoder outputs to cross-attention's keys and values.
  @inlinable
  public func crossKeyValueWork(sourceTokens: Int) -> KernelWork {
    crossKeyValue.work(rows: Double(sourceTokens))
  }

  /// The work of the router for `tokens` tokens.
  @inlinable
  public func gateWork(tokens: Int) -> KernelWork {
    var work = router.work(rows: Double(tokens))
    work.family = .gate
    return work
  }

  /// The work of one routed expert on `tokens` tokens.
  @inlinable
  public func expertWork(tokens: Int) -> KernelWork { expert.work(rows: Double(tokens)) }

  /// The work of `distinct` routed experts on `assignments` token–expert pairs in all, in one
  /// grouped launch.
  @inlinable
  public func groupedExpertWork(assignments: Int, distinct: Int) -> KernelWork {
    expert.groupedWork(rows: Double(assignments), groups: Double(distinct))
  }

  /// The work of the shared experts.
  @inlinable
  public func sharedExpertWork(tokens: Int) -> KernelWork { shared.work(rows: Double(tokens)) }

  /// The work of a dense network beside the experts.
  @inlinable
  public func parallelDenseWork(tokens: Int) -> KernelWork {
    parallelDense.work(rows: Double(tokens))
  }

  /// The work of the projections into and out of the experts' latent.
  @inlinable
  public func latentWork(tokens: Int) -> KernelWork { latent.work(rows: Double(tokens)) }

  /// The work of a dense layer's feed-forward network.
  @inlinable
  public func denseWork(tokens: Int) -> KernelWork { dense.work(rows: Double(tokens)) }

  /// Norms and residual additions of the whole layer.
  @inlinable
  public func elementwiseWork(tokens: Int) -> KernelWork {
    guard tokens > 0, elementwiseKernels > 0 else { return .none }
    return KernelWork(
      family: .elementwise, flop: 0, bytes: elementwiseBytesPerToken * Double(tokens),
      rows: Double(tokens), kernels: Int(elementwiseKernels))
  }

  /// The weighted sum of expert outputs back into token order.
  @inlinable
  public func combineWork(tokens: Int) -> KernelWork {
    guard tokens > 0, topK > 0 else { return .none }
    return KernelWork(
      family: .elementwise, flop: 0,
      bytes: expertInputBytesPerToken * Double(topK + 1) * Double(tokens), rows: Double(tokens))
  }
}

extension LayerDescriptor {
  /// The cost coefficients of this layer under `plan`.
  public func costs(under plan: PrecisionPlan) -> LayerCosts {
    let part = { (network: DenseFeedForward?, input: Int, format: NumberFormat) in
      guard let network else { return ProjectionCost.none }
      return network.cost(input: input, format: format, activations: plan.activations)
    }
    let mixer = attention.mixer
    let input = mixer?.inputMatrices(hidden: hiddenSize) ?? []
    let output = mixer?.outputMatrices(hidden: hiddenSize) ?? []
    let mixture = self.mixture
    let latentShapes = mixture?.latentShapes(hidden: hiddenSize) ?? []
    let sublayers =
      (mixer == nil ? 0 : 1) + (crossAttention == nil ? 0 : 1) + (feedForward == .none ? 0 : 1)
    let activation = plan.activations.bytesPerElement
    return LayerCosts(
      attentionInput: ProjectionCost(
        shapes: input, biases: mixer?.vectorParameters(hidden: hiddenSize) ?? 0,
        format: plan.attention, activations: plan.activations, kernels: mixer?.inputKernels ?? 0),
      attentionOutput: ProjectionCost(
        shapes: output, format: plan.attention, activations: plan.activations,
        kernels: mixer?.outputKernels ?? 0),
      core: mixer?.core(under: plan) ?? CoreCost(), hasMixer: mixer != nil,
      crossProjections: crossProjectionCost(plan), crossCore: crossCoreCost(plan),
      crossKeyValue: crossKeyValueCost(plan),
      dense: part(feedForward.dense, hiddenSize, plan.dense),
      router: ProjectionCost(
        shapes: mixture.map { [MatrixShape(hiddenSize, $0.experts)] } ?? [],
        format: plan.router, activations: plan.activations, kernels: 2),
      expert: part(mixture?.expert, mixture?.expertInput ?? 0, plan.experts),
      shared: part(mixture?.shared, hiddenSize, plan.sharedExperts),
      parallelDense: part(mixture?.parallelDense, hiddenSize, plan.sharedExperts),
      latent: ProjectionCost(
        shapes: latentShapes, format: plan.sharedExperts, activations: plan.activations,
        kernels: 2),
      topK: Int32(mixture?.topK ?? 0), expertCount: Int32(mixture?.experts ?? 0),
      // Each part reads the residual and its own output, writes the residual and the normed input.
      elementwiseBytesPerToken: Double(4 * sublayers * hiddenSize * residualStreams) * activation,
      elementwiseKernels: Int32(sublayers),
      expertInputBytesPerToken: Double(mixture?.expertInput ?? 0) * activation)
  }

  private func crossProjectionCost(_ plan: PrecisionPlan) -> ProjectionCost {
    guard let cross = crossAttention else { return .none }
    return ProjectionCost(
      shapes: [
        MatrixShape(hiddenSize, cross.heads * cross.headWidth),
        MatrixShape(cross.heads * cross.valueWidth, hiddenSize),
      ],
      biases: (cross.hasInputBias ? cross.heads * cross.headWidth : 0)
        + (cross.hasOutputBias ? hiddenSize : 0),
      format: plan.attention, activations: plan.activations, kernels: 2)
  }

  private func crossKeyValueCost(_ plan: PrecisionPlan) -> ProjectionCost {
    guard let cross = crossAttention else { return .none }
    var cost = ProjectionCost(
      shapes: [MatrixShape(hiddenSize, cross.cachedElementsPerRow)],
      biases: cross.hasInputBias ? cross.cachedElementsPerRow : 0, format: plan.attention,
      activations: plan.activations, kernels: 1)
    // What it makes goes into the cache, in the cache's format.
    cost.activationBytesPerRow =
      Double(hiddenSize) * plan.activations.bytesPerElement
      + Double(cross.cachedElementsPerRow) * plan.keyValue.bytesPerElement
    return cost
  }

  private func crossCoreCost(_ plan: PrecisionPlan) -> CoreCost {
    guard let cross = crossAttention else {
      var core = CoreCost()
      core.kernels = 0
      return core
    }
    var core = cross.core(under: plan)
    // Queries and outputs only: an output token adds no row to the source's keys and values.
    let tokenBytes =
      Double(cross.heads * (cross.headWidth + cross.valueWidth)) * plan.activations.bytesPerElement
    core.decodeBytesPerToken = tokenBytes
    core.prefillBytesPerToken = tokenBytes
    return core
  }

  /// The work of the mixer over a batch, for occasional use; a loop keeps `costs(under:)`.
  public func attentionWork(_ load: AttentionLoad, under plan: PrecisionPlan) -> AttentionWork {
    costs(under: plan).attentionWork(load)
  }
}
