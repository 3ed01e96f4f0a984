// SPDX-License-Identifier: GPL-3.0-or-later

import Units

/// The cost coefficients of a whole model under one precision plan.
public struct ModelCosts: Hashable, Sendable {
  /// One entry per decoder layer.
  public var layers: [LayerCosts]
  /// One entry per encoder layer.
  public var encoder: [LayerCosts]
  /// The output head.
  public var head: ProjectionCost
  /// Bytes read and written per embedded token.
  public var embeddingBytesPerToken: Double
  /// The distinct spans of the decoder's layers.
  public var spans: [AttentionSpan]
  /// For each decoder layer, the index of its span in `spans`.
  public var spanOfLayer: [Int32]

  /// Makes the coefficients of `model` under `plan`.
  public init(model: ModelDescriptor, plan: PrecisionPlan) {
    layers = model.layers.map { $0.costs(under: plan) }
    encoder = model.encoder.map { $0.costs(under: plan) }
    head = ProjectionCost(
      shapes: [MatrixShape(model.hiddenSize, model.vocabularySize)],
      format: model.tiedEmbeddings ? plan.embeddings : plan.head, activations: plan.activations,
      kernels: 2)  // the final norm, the product
    embeddingBytesPerToken =
      Double(model.hiddenSize)
      * (plan.embeddings.bytesPerElement + plan.activations.bytesPerElement)
    let spans = model.attentionSpans
    self.spans = spans
    spanOfLayer = model.layers.map { layer in
      Int32(spans.firstIndex(of: layer.span) ?? 0)
    }
  }

  /// The work of the output head for `tokens` positions (those that sample, not all of a prompt).
  @inlinable
  public func headWork(tokens: Int) -> KernelWork { head.work(rows: Double(tokens)) }

  /// The work of looking up `tokens` input embeddings.
  @inlinable
  public func embeddingWork(tokens: Int) -> KernelWork {
    guard tokens > 0 else { return .none }
    return KernelWork(
      family: .embedding, flop: 0, bytes: embeddingBytesPerToken * Double(tokens),
      rows: Double(tokens))
  }
}

extension ModelDescriptor {
  /// The cost coefficients of this model under `plan`.
  public func costs(under plan: PrecisionPlan) -> ModelCosts { ModelCosts(model: self, plan: plan) }
}
