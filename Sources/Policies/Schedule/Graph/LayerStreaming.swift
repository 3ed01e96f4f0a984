// SPDX-License-Identifier: GPL-3.0-or-later

/// Layer streaming as in DeepSpeed ZeRO-Inference (arXiv 2207.00032, section 6): one batch goes
/// through the layers while the weights of those ahead arrive whole; keys and values stay on the GPU,
/// which bounds the batch.
///
/// All weights of a layer stream, attention's too.
public struct LayerStreaming: GraphSchedulePolicy {
  /// Sequences of a batch; `nil` for as many as there is room for.
  public var sequences: Int?

  /// Layer streaming.
  public init(sequences: Int? = nil) { self.sequences = sequences }

  /// Batches are closed before they begin.
  public var closesBatches: Bool { true }

  /// Plans one micro-batch, with keys and values in what is left of device memory.
  public mutating func configure(
    _ context: GraphPlanContext
  ) throws(GraphPlanError) -> GraphPlan? {
    let share = context.residentShare ?? 0
    let layers = Double(max(1, context.model.layers.count))
    let room = context.roomBesideWeights(residentShare: share, buffers: 2)
    let fitting = Int(max(0, room / max(1, context.layerCacheBytes * layers)))
    let size = min(sequences ?? max(1, fitting), context.maximumSequences)
    return GraphPlan(
      microBatchSize: size, microBatches: 1, residentShare: share, weightBuffers: 2,
      deviceKeyValueShare: 1, keyValueBuffers: 0, pinnedBuffers: 0)
  }

  /// Writes a step, prompts or not: layer after layer while the next one arrives.
  public func write(
    _ context: StepContext, costs: borrowing some GraphCosts, into graph: inout StepGraph
  ) {
    LayerwisePrefill(
      storesKeyValues: false, offloadsHidden: false, streamsOtherWeights: true
    ).write(context, costs: costs, into: &graph)
  }
}
