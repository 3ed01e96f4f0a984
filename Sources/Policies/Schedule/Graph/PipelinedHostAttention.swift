// SPDX-License-Identifier: GPL-3.0-or-later

/// CGOPipe of MoE-Lightning (arXiv 2411.11217, algorithm 1): attention of a micro-batch on the
/// processor while the GPU computes others, and a page of the next layer's weights with each.
///
/// In order of launch, j counting micro-batches on through the layers:
///
///     for j in 1, 2: PreAttn(j); OffloadQKV(j); CPUAttn(j); stage page j
///     for each j:    LoadH(j); load page j; PostAttn(j)
///                    PreAttn(j+2); OffloadQKV(j+2); CPUAttn(j+2); stage page j+2
///
/// Copies to the device are one queue in this order, as are those to the host, the processor's
/// attention, and its copies into pinned memory (so is the authors' code, caoshiyi/artifacts, branch
/// asplos25). All experts stream, whatever the gates choose. Prompts are computed on the GPU, layer
/// by layer.
public struct PipelinedHostAttention: GraphSchedulePolicy {
  /// Sequences of a micro-batch; `nil` for as the optimiser finds.
  public var microBatchSize: Int?
  /// Micro-batches of a batch; `nil` for as the optimiser finds.
  public var microBatches: Int?
  /// Pages of a layer's streamed weights; `nil` for one with each micro-batch. One page is the
  /// whole layer, behind which activations wait.
  public var pages: Int?
  /// Micro-batches whose attention is launched ahead.
  public var ahead: Int
  /// Whether the share of experts in device memory is rounded down to whole experts of each layer.
  public var keepsWholeExperts: Bool
  /// The constants of the optimiser; `nil` for those of the machine.
  public var constants: HierarchicalRoofline.Machine?

  /// CGOPipe.
  public init(
    microBatchSize: Int? = nil, microBatches: Int? = nil, pages: Int? = nil, ahead: Int = 2,
    keepsWholeExperts: Bool = true, constants: HierarchicalRoofline.Machine? = nil
  ) {
    self.microBatchSize = microBatchSize
    self.microBatches = microBatches
    self.pages = pages
    self.ahead = ahead
    self.keepsWholeExperts = keepsWholeExperts
    self.constants = constants
  }

  /// Batches are closed before they begin.
  public var closesBatches: Bool { true }

  /// Finds micro-batches, and the share of the experts that stays on the GPU.
  public mutating func configure(
    _ context: GraphPlanContext
  ) throws(GraphPlanError) -> GraphPlan? {
    let roofline = HierarchicalRoofline(context, machine: constants)
    let found = roofline.search(
      microBatchSize: microBatchSize, microBatches: microBatches,
      mostSequences: context.maximumSequences)
    var size = microBatchSize ?? found?.microBatchSize
    var count = microBatches ?? found?.microBatches
    if let most = size, most > context.maximumSequences { size = context.maximumSequences }
    if let micro = size, let batches = count {
      count = max(1, min(batches, context.maximumSequences / micro))
    }
    guard let size, let count else {
      throw GraphPlanError(roofline.misfit)
    }
    let share = context.residentShare ?? residentShare(found, context)
    return GraphPlan(
      microBatchSize: size, microBatches: count, residentShare: share, weightBuffers: 2,
      deviceKeyValueShare: 0, keyValueBuffers: 0, pinnedBuffers: 2)
  }

  /// The optimiser's share, as far as device memory holds it beside the buffers.
  private func residentShare(
    _ found: HierarchicalRoofline.Policy?, _ context: GraphPlanContext
  ) -> Double {
    var share = min(found?.residentShare ?? 1, context.largestResidentShare(buffers: 2))
    if keepsWholeExperts {
      let experts = Double(max(1, context.model.expertCount))
      share = (share * experts + 1e-9).rounded(.down) / experts
    }
    return max(0, share)
  }

  /// Writes a step: prompts layer by layer, output tokens by the pipeline.
  public func write(
    _ context: StepContext, costs: borrowing some GraphCosts, into graph: inout StepGraph
  ) {
    guard context.phase == .decode else {
      LayerwisePrefill().write(context, costs: costs, into: &graph)
      return
    }
    var writer = HostAttentionWriter(
      context: context, pages: pages ?? context.microBatches.count, ahead: ahead,
      rates: costs.rates, graph: &graph)
    writer.write(costs, into: &graph)
  }
}

/// Writes a decode step of ``PipelinedHostAttention``.
private struct HostAttentionWriter {
  let context: StepContext
  let pages: Int
  let ahead: Int
  let rates: GraphRates
  let stream: StepGraph.Stream
  let loads: StepGraph.Stream
  let stores: StepGraph.Stream
  let host: StepGraph.Stream
  var weights: WeightStream
  /// The processor's attention of each micro-batch, the last one launched.
  var attended: [StepGraph.Node]
  /// Pages staged, counted on through the layers.
  var stagedPages = 0

  init(
    context: StepContext, pages: Int, ahead: Int, rates: GraphRates, graph: inout StepGraph
  ) {
    let count = context.microBatches.count
    self.context = context
    self.pages = max(1, min(pages, count))
    self.ahead = max(0, min(ahead, count))
    self.rates = rates
    stream = graph.makeStream()
    loads = graph.makeStream()
    stores = graph.makeStream()
    host = graph.makeStream()
    // Pinned memory for the pages of two layers, as the authors' memory model has it.
    weights = WeightStream(
      buffers: 2, slots: 2 * self.pages, load: loads, isPinned: context.isPinned, rates: rates,
      graph: &graph)
    attended = [StepGraph.Node](repeating: StepGraph.none, count: count)
  }

  mutating func write(_ costs: borrowing some GraphCosts, into graph: inout StepGraph) {
    let count = context.microBatches.count
    let total = context.layers * count
    addOverhead(costs.overheadSeconds, in: stream, to: &graph)
    for place in 0..<min(ahead, total) { attend(place, costs, &graph) }
    for _ in 0..<min(2, pages) { stage(costs, &graph) }
    for place in 0..<total {
      if ahead == 0 { attend(place, costs, &graph) }
      finish(place, costs, &graph)
      if ahead > 0, place + ahead < total { attend(place + ahead, costs, &graph) }
    }
  }

  /// PreAttn, OffloadQKV, CPUAttn.
  private mutating func attend(
    _ place: Int, _ costs: borrowing some GraphCosts, _ graph: inout StepGraph
  ) {
    let count = context.microBatches.count
    let layer = place / count
    let batch = place % count
    if layer == 0 {
      graph.add(
        .kernel(.embedding, microBatch: batch, costs.embedding(microBatch: batch)), in: stream)
    }
    let input = graph.add(
      .kernel(
        .attentionInput, layer: layer, microBatch: batch,
        costs.attentionInput(layer: layer, microBatch: batch)), in: stream)
    let stored = graph.add(
      .store(
        .activationStore, layer: layer, microBatch: batch,
        bytes: costs.queryBytes(layer: layer, microBatch: batch), rates), in: stores)
    graph.wait(stored, for: input)
    attended[batch] = graph.add(
      .hostKernel(
        .hostAttention, layer: layer, microBatch: batch,
        costs.hostAttention(layer: layer, microBatch: batch)), in: host)
    graph.wait(attended[batch], for: stored)
  }

  /// LoadH, the pages that go with it, PostAttn, and the staging of a later page.
  private mutating func finish(
    _ place: Int, _ costs: borrowing some GraphCosts, _ graph: inout StepGraph
  ) {
    let count = context.microBatches.count
    let layer = place / count
    let batch = place % count
    let loaded = graph.add(
      .load(
        .activationLoad, layer: layer, microBatch: batch,
        bytes: costs.attentionOutputBytes(layer: layer, microBatch: batch), rates), in: loads)
    graph.wait(loaded, for: attended[batch])
    // Page k of `pages` goes with the first micro-batch at or behind its share of them.
    let first = (batch * pages + count - 1) / count
    let end = ((batch + 1) * pages + count - 1) / count
    let bytes = streamedBytes(layer + 1, context, costs) / Double(pages)
    if bytes > 0 {
      for _ in first..<end { weights.load(layer: layer + 1, bytes: bytes, graph: &graph) }
    }
    let output = graph.add(
      .kernel(
        .attentionOutput, layer: layer, microBatch: batch,
        costs.attentionOutput(layer: layer, microBatch: batch)), in: stream)
    graph.wait(output, for: loaded)
    let experts = graph.add(
      .kernel(
        .experts, layer: layer, microBatch: batch,
        costs.feedForward(layer: layer, microBatch: batch)), in: stream)
    weights.use(layer: layer, by: experts, graph: &graph)
    if layer + 1 == context.layers {
      graph.add(.kernel(.head, microBatch: batch, costs.head(microBatch: batch)), in: stream)
    }
    for _ in first..<end { stage(costs, &graph) }
  }

  /// Stages the next page, if the step has one left.
  private mutating func stage(_ costs: borrowing some GraphCosts, _ graph: inout StepGraph) {
    let layer = stagedPages / pages + 1
    guard layer <= context.layers else { return }
    stagedPages += 1
    let bytes = streamedBytes(layer, context, costs) / Double(pages)
    if bytes > 0 { weights.stage(layer: layer, bytes: bytes, graph: &graph) }
  }
}
