// SPDX-License-Identifier: GPL-3.0-or-later

/// Brings the streamed weights of layers to the device, page by page: from pageable memory into a
/// slot of pinned memory by the processor, and from there over the link.
struct WeightStream {
  private let staging: StepGraph.Stream
  /// The stream of copies to the device, which copies of activations share.
  private let load: StepGraph.Stream
  /// Pinned slots, used in turn; none where host memory is pinned.
  private var slots: [StepGraph.Buffer] = []
  private var staged: [StepGraph.Node] = []
  private var stagedCount = 0
  private var loadedCount = 0
  private let buffers: [StepGraph.Buffer]
  private let rates: GraphRates

  /// A stream of weights.
  ///
  /// - Parameters:
  ///   - buffers: Layers whose streamed weights the device has room for.
  ///   - slots: Pages that pinned memory has room for; with one, the two copies take turns.
  ///   - load: The stream of copies to the device.
  init(
    buffers: Int, slots: Int, load: StepGraph.Stream, isPinned: Bool, rates: GraphRates,
    graph: inout StepGraph
  ) {
    staging = graph.makeStream()
    self.load = load
    self.rates = rates
    self.buffers = (0..<buffers).map { _ in graph.makeBuffer() }
    if !isPinned { self.slots = (0..<slots).map { _ in graph.makeBuffer() } }
  }

  /// Copies the next page into pinned memory, ahead of its copy to the device.
  mutating func stage(layer: Int, bytes: Double, graph: inout StepGraph) {
    guard !slots.isEmpty else { return }
    let node = graph.add(.stage(.weightStaging, layer: layer, bytes: bytes, rates), in: staging)
    graph.write(slots[stagedCount % slots.count], by: node)
    stagedCount += 1
  }

  /// Copies the oldest page that has not been copied to the device there.
  ///
  /// - Parameters:
  ///   - layer: The layer that it belongs to, counted on over the steps.
  ///   - bytes: Its bytes.
  @discardableResult
  mutating func load(layer: Int, bytes: Double, graph: inout StepGraph) -> StepGraph.Node {
    if !slots.isEmpty && stagedCount == loadedCount {
      stage(layer: layer, bytes: bytes, graph: &graph)
    }
    let node = graph.add(.load(.weightLoad, layer: layer, bytes: bytes, rates), in: load)
    if !slots.isEmpty { graph.read(slots[loadedCount % slots.count], by: node) }
    graph.write(buffers[layer % buffers.count], by: node)
    loadedCount += 1
    return node
  }

  /// Lets a computation use a layer's weights.
  func use(layer: Int, by node: StepGraph.Node, graph: inout StepGraph) {
    graph.read(buffers[layer % buffers.count], by: node)
  }
}

/// The prompts of a closed batch: layer by layer on the device, micro-batch by micro-batch, while the
/// next layer's weights arrive.
struct LayerwisePrefill {
  /// Pages into which a layer's streamed weights are cut.
  var pages = 8
  /// Pages that pinned memory has room for.
  var slots = 2
  /// Whether keys and values go to host memory.
  var storesKeyValues = true
  /// Whether hidden states wait in host memory between layers.
  var offloadsHidden = true
  /// Whether layer weights other than experts stream as well.
  var streamsOtherWeights = false

  func write(_ context: StepContext, costs: borrowing some GraphCosts, into graph: inout StepGraph)
  {
    let rates = costs.rates
    let stream = graph.makeStream()
    let store = graph.makeStream()
    let weightLoad = graph.makeStream()
    let hiddenLoad = graph.makeStream()
    var weights = WeightStream(
      buffers: 2, slots: slots, load: weightLoad, isPinned: context.isPinned, rates: rates,
      graph: &graph)
    let count = context.microBatches.count
    var hidden = [StepGraph.Node](repeating: StepGraph.none, count: count)
    addOverhead(costs.overheadSeconds, in: stream, to: &graph)
    loadLayer(0, context, costs, &weights, &graph)
    for layer in 0..<context.layers {
      loadLayer(layer + 1, context, costs, &weights, &graph)
      for batch in 0..<count {
        var loaded = StepGraph.none
        if layer == 0 {
          graph.add(
            .kernel(.embedding, microBatch: batch, costs.embedding(microBatch: batch)), in: stream)
        } else if offloadsHidden && count > 1 {
          loaded = graph.add(
            .load(
              .activationLoad, layer: layer, microBatch: batch,
              bytes: costs.hiddenBytes(microBatch: batch), rates), in: hiddenLoad)
          graph.wait(loaded, for: hidden[batch])
        }
        let attention = graph.add(
          .kernel(
            .attention, layer: layer, microBatch: batch,
            costs.attentionInput(layer: layer, microBatch: batch)
              + costs.attention(layer: layer, microBatch: batch)
              + costs.attentionOutput(layer: layer, microBatch: batch)), in: stream)
        graph.wait(attention, for: loaded)
        if streamsOtherWeights { weights.use(layer: layer, by: attention, graph: &graph) }
        if storesKeyValues {
          let stored = graph.add(
            .store(
              .keyValueStore, layer: layer, microBatch: batch,
              bytes: costs.newKeyValueBytes(layer: layer, microBatch: batch), rates), in: store)
          graph.wait(stored, for: attention)
        }
        let experts = graph.add(
          .kernel(
            .experts, layer: layer, microBatch: batch,
            costs.feedForward(layer: layer, microBatch: batch)), in: stream)
        weights.use(layer: layer, by: experts, graph: &graph)
        if offloadsHidden && count > 1 && layer + 1 < context.layers {
          hidden[batch] = graph.add(
            .store(
              .activationStore, layer: layer, microBatch: batch,
              bytes: costs.hiddenBytes(microBatch: batch), rates), in: store)
          graph.wait(hidden[batch], for: experts)
        }
        if layer + 1 == context.layers {
          graph.add(.kernel(.head, microBatch: batch, costs.head(microBatch: batch)), in: stream)
        }
      }
    }
  }

  /// Loads the streamed weights of a layer; the one after the last is the next step's first.
  private func loadLayer(
    _ layer: Int, _ context: StepContext, _ costs: borrowing some GraphCosts,
    _ weights: inout WeightStream, _ graph: inout StepGraph
  ) {
    let bytes =
      streamedBytes(
        layer, context, costs, withOthers: streamsOtherWeights) / Double(pages)
    guard bytes > 0 else { return }
    for _ in 0..<pages { weights.load(layer: layer, bytes: bytes, graph: &graph) }
  }
}

/// The bytes of a layer that stream, the layers of the next step following those of this one.
func streamedBytes(
  _ layer: Int, _ context: StepContext, _ costs: borrowing some GraphCosts,
  withOthers: Bool = false
) -> Double {
  let place = layer % context.layers
  return costs.expertWeightBytes(layer: place) * (1 - context.residentShare)
    + (withOthers ? costs.otherWeightBytes(layer: place) : 0)
}

/// Adds the host's part of a step, which the device waits for.
func addOverhead(
  _ seconds: Double, in stream: StepGraph.Stream, to graph: inout StepGraph
) {
  var overhead = GraphOperation(.overhead, seconds: seconds)
  overhead.hold(.stream)
  graph.add(overhead, in: stream)
}
