// SPDX-License-Identifier: GPL-3.0-or-later

/// FlexGen's block schedule (arXiv 2303.06865, algorithm 1, and `generation_loop_overlap_multi_batch`
/// of FMInference/FlexLLMGen): layer by layer over a block of micro-batches, all of whose copies and
/// computations are synchronised after each micro-batch.
///
/// With attention on the GPU, a micro-batch's keys and values of the layer are loaded while the one
/// before is computed. With attention on the processor nothing of it overlaps the GPU. The weights
/// of the next layer are loaded whole, beside the layer's first micro-batch. Copies from pageable
/// memory pass one slot of pinned memory, so that their two stages take turns.
public struct BlockSchedule: GraphSchedulePolicy {
  /// Sequences of a micro-batch; `nil` for 64, the size that FlexGen's own planner found for Mixtral
  /// on an L4 in most settings (caoshiyi/artifacts, benchmarks/flexgen).
  public var microBatchSize: Int?
  /// Micro-batches of a block; `nil` for as many as host memory holds the keys and values of.
  public var microBatches: Int?
  /// Whether attention is computed by the processor.
  public var attendsOnHost: Bool
  /// Whether keys and values lie in pinned memory, whatever weights do.
  public var pinsKeyValues: Bool

  /// A block schedule.
  public init(
    microBatchSize: Int? = nil, microBatches: Int? = nil, attendsOnHost: Bool = false,
    pinsKeyValues: Bool = false
  ) {
    self.microBatchSize = microBatchSize
    self.microBatches = microBatches
    self.attendsOnHost = attendsOnHost
    self.pinsKeyValues = pinsKeyValues
  }

  /// Batches are closed before they begin.
  public var closesBatches: Bool { true }

  /// Plans what was asked for, with as much of the experts on the GPU as fits.
  public mutating func configure(
    _ context: GraphPlanContext
  ) throws(GraphPlanError) -> GraphPlan? {
    let size = min(microBatchSize ?? 64, context.maximumSequences)
    let buffers = attendsOnHost ? 0 : 2
    let keyValues = Double(buffers * size) * context.layerCacheBytes
    let share =
      context.residentShare ?? context.largestResidentShare(buffers: 2, beside: keyValues)
    let layers = Double(max(1, context.model.layers.count))
    let weights = (1 - share) * context.layerExpertBytes * Double(context.model.mixtureLayers.count)
    let held = (Double(context.hostBytes) - weights) / (context.layerCacheBytes * layers)
    let fitting = Int(max(0, held)) / size
    let batches = max(
      1, min(microBatches ?? fitting, context.maximumSequences / size))
    return GraphPlan(
      microBatchSize: size, microBatches: batches, residentShare: share, weightBuffers: 2,
      deviceKeyValueShare: 0, keyValueBuffers: buffers, pinnedBuffers: 0)
  }

  /// Writes a step: prompts layer by layer, output tokens by the block.
  public func write(
    _ context: StepContext, costs: borrowing some GraphCosts, into graph: inout StepGraph
  ) {
    guard context.phase == .decode else {
      LayerwisePrefill(slots: 1).write(context, costs: costs, into: &graph)
      return
    }
    var writer = BlockWriter(
      context: context, attendsOnHost: attendsOnHost, pinsKeyValues: pinsKeyValues,
      rates: costs.rates, graph: &graph)
    writer.write(costs, into: &graph)
  }
}

/// Writes a decode step of ``BlockSchedule``.
private struct BlockWriter {
  /// Pages into which a layer's weights, or a micro-batch's keys and values, are cut where they pass
  /// through pinned memory: about what FlexGen's relay buffer holds, and few enough.
  static let pages = 4

  let context: StepContext
  let attendsOnHost: Bool
  let pinsKeyValues: Bool
  let rates: GraphRates
  let stream: StepGraph.Stream
  let keyValueLoads: StepGraph.Stream
  let stores: StepGraph.Stream
  let host: StepGraph.Stream
  let relay: StepGraph.Buffer
  var weights: WeightStream
  /// What the iteration under way waits for: the end of all of the one before.
  var barrier = StepGraph.none
  /// The operations of the iteration under way that its end waits for.
  var pending: [StepGraph.Node] = []

  init(
    context: StepContext, attendsOnHost: Bool, pinsKeyValues: Bool, rates: GraphRates,
    graph: inout StepGraph
  ) {
    self.context = context
    self.attendsOnHost = attendsOnHost
    self.pinsKeyValues = pinsKeyValues
    self.rates = rates
    stream = graph.makeStream()
    keyValueLoads = graph.makeStream()
    stores = graph.makeStream()
    host = graph.makeStream()
    relay = graph.makeBuffer()
    let loads = graph.makeStream()
    weights = WeightStream(
      buffers: 2, slots: 1, load: loads, isPinned: context.isPinned, rates: rates, graph: &graph)
  }

  mutating func write(_ costs: borrowing some GraphCosts, into graph: inout StepGraph) {
    let count = context.microBatches.count
    addOverhead(costs.overheadSeconds, in: stream, to: &graph)
    if !attendsOnHost { loadKeyValues(0, costs, &graph) }
    sync(&graph)
    for place in 0..<context.layers * count {
      let layer = place / count
      let batch = place % count
      if batch == 0 { loadWeights(layer + 1, costs, &graph) }
      if !attendsOnHost, place + 1 < context.layers * count {
        loadKeyValues(place + 1, costs, &graph)
      }
      compute(layer: layer, batch: batch, costs, &graph)
      sync(&graph)
    }
  }

  private mutating func add(
    _ operation: GraphOperation, in stream: StepGraph.Stream, _ graph: inout StepGraph
  ) -> StepGraph.Node {
    let node = graph.add(operation, in: stream)
    graph.wait(node, for: barrier)
    pending.append(node)
    return node
  }

  /// Everything behind waits for everything before.
  private mutating func sync(_ graph: inout StepGraph) {
    let node = graph.add(GraphOperation(.overhead, seconds: 0))
    for other in pending { graph.wait(node, for: other) }
    pending.removeAll(keepingCapacity: true)
    barrier = node
  }

  private mutating func loadWeights(
    _ layer: Int, _ costs: borrowing some GraphCosts, _ graph: inout StepGraph
  ) {
    let bytes = streamedBytes(layer, context, costs) / Double(Self.pages)
    guard bytes > 0 else { return }
    for _ in 0..<Self.pages {
      let first = StepGraph.Node(graph.operations.count)
      let node = weights.load(layer: layer, bytes: bytes, graph: &graph)
      for added in first...node {
        graph.wait(added, for: barrier)
        pending.append(added)
      }
    }
  }

  private mutating func loadKeyValues(
    _ place: Int, _ costs: borrowing some GraphCosts, _ graph: inout StepGraph
  ) {
    let layer = place / context.microBatches.count
    let batch = place % context.microBatches.count
    let bytes = costs.cachedKeyValueBytes(layer: layer, microBatch: batch)
    if context.isPinned || pinsKeyValues {
      _ = add(
        .load(.keyValueLoad, layer: layer, microBatch: batch, bytes: bytes, rates),
        in: keyValueLoads, &graph)
      return
    }
    for _ in 0..<Self.pages {
      let part = bytes / Double(Self.pages)
      let staged = add(
        .stage(.keyValueStaging, layer: layer, microBatch: batch, bytes: part, rates),
        in: keyValueLoads, &graph)
      graph.write(relay, by: staged)
      let loaded = add(
        .load(.keyValueLoad, layer: layer, microBatch: batch, bytes: part, rates),
        in: keyValueLoads, &graph)
      graph.read(relay, by: loaded)
    }
  }

  private mutating func compute(
    layer: Int, batch: Int, _ costs: borrowing some GraphCosts, _ graph: inout StepGraph
  ) {
    if layer == 0 {
      _ = add(
        .kernel(.embedding, microBatch: batch, costs.embedding(microBatch: batch)), in: stream,
        &graph)
    }
    let input = add(
      .kernel(
        .attentionInput, layer: layer, microBatch: batch,
        costs.attentionInput(layer: layer, microBatch: batch)), in: stream, &graph)
    var attended = StepGraph.none
    if attendsOnHost {
      let stored = add(
        .store(
          .activationStore, layer: layer, microBatch: batch,
          bytes: costs.queryBytes(layer: layer, microBatch: batch), rates), in: stores, &graph)
      graph.wait(stored, for: input)
      let computed = add(
        .hostKernel(
          .hostAttention, layer: layer, microBatch: batch,
          costs.hostAttention(layer: layer, microBatch: batch)), in: host, &graph)
      graph.wait(computed, for: stored)
      attended = add(
        .load(
          .activationLoad, layer: layer, microBatch: batch,
          bytes: costs.attentionOutputBytes(layer: layer, microBatch: batch), rates),
        in: keyValueLoads, &graph)
      graph.wait(attended, for: computed)
    } else {
      let computed = add(
        .kernel(
          .attention, layer: layer, microBatch: batch,
          costs.attention(layer: layer, microBatch: batch)), in: stream, &graph)
      let stored = add(
        .store(
          .keyValueStore, layer: layer, microBatch: batch,
          bytes: costs.newKeyValueBytes(layer: layer, microBatch: batch), rates), in: stores,
        &graph)
      graph.wait(stored, for: computed)
    }
    let output = add(
      .kernel(
        .attentionOutput, layer: layer, microBatch: batch,
        costs.attentionOutput(layer: layer, microBatch: batch)), in: stream, &graph)
    graph.wait(output, for: attended)
    let experts = add(
      .kernel(
        .experts, layer: layer, microBatch: batch,
        costs.feedForward(layer: layer, microBatch: batch)), in: stream, &graph)
    weights.use(layer: layer, by: experts, graph: &graph)
    if layer + 1 == context.layers {
      _ = add(
        .kernel(.head, microBatch: batch, costs.head(microBatch: batch)), in: stream, &graph)
    }
  }
}
