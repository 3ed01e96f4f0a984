// SPDX-License-Identifier: GPL-3.0-or-later

/// Writes the graph of a step of ``ExpertPipeline``.
///
///     stream       gate, shared      │ products 1 │ products 2 │ products 3 │ reduce │    │ sum
///     collectives               │ d1 │  d2  │     │ d3 │ c1 │  │ c2 │       │        │ c3 │
struct ExpertPipelineWriter {
  let pipeline: ExpertPipeline
  let context: StepContext
  let rates: GraphRates
  let stream: StepGraph.Stream
  /// Dispatches and combines, in the order in which they should run: one that is launched waits for
  /// multiprocessors alone, and never keeps products from them while it waits for another.
  let collectives: StepGraph.Stream
  /// Where the rows of a group are received, while another group's are computed.
  let received: [StepGraph.Buffer]
  /// What the next layer's attention of each micro-batch waits for, beside its stream.
  var gathered: [StepGraph.Node]

  init(
    pipeline: ExpertPipeline, context: StepContext, rates: GraphRates, graph: inout StepGraph
  ) {
    self.pipeline = pipeline
    self.context = context
    self.rates = rates
    stream = graph.makeStream()
    collectives = graph.makeStream()
    received = [graph.makeBuffer(), graph.makeBuffer()]
    gathered = Array(repeating: StepGraph.none, count: context.microBatches.count)
  }

  mutating func write(_ costs: borrowing some GraphCosts, _ graph: inout StepGraph) {
    addOverhead(costs.overheadSeconds, in: stream, to: &graph)
    for layer in 0..<context.layers {
      for batch in context.microBatches.indices {
        if layer == 0 {
          compute(.embedding, batch: batch, costs.embedding(microBatch: batch), &graph)
        }
        let mixed = attend(layer: layer, batch: batch, costs, &graph)
        if let load = costs.expertLoad(layer: layer, microBatch: batch) {
          mix(layer: layer, batch: batch, load, after: mixed, costs, &graph)
        } else {
          let dense = compute(
            .dense, layer: layer, batch: batch, costs.feedForward(layer: layer, microBatch: batch),
            &graph)
          graph.wait(dense, for: mixed)
        }
        gather(layer: layer, batch: batch, costs, &graph)
        if layer + 1 == context.layers {
          let head = compute(.head, batch: batch, costs.head(microBatch: batch), &graph)
          graph.wait(head, for: gathered[batch])
        }
      }
    }
  }

  /// A kernel on all multiprocessors, or on `multiprocessors`.
  @discardableResult
  private func compute(
    _ label: GraphLabel, layer: Int = -1, batch: Int, _ work: GraphWork,
    on multiprocessors: Int? = nil, _ graph: inout StepGraph
  ) -> StepGraph.Node {
    graph.add(
      .kernel(
        label, layer: layer, microBatch: batch, work,
        multiprocessors: multiprocessors ?? pipeline.multiprocessors), in: stream)
  }

  /// A collective behind `other`; `other` itself where nothing is to be sent.
  private func send(
    _ label: GraphLabel, layer: Int, batch: Int, bytes: Double, after other: StepGraph.Node,
    _ graph: inout StepGraph
  ) -> StepGraph.Node {
    guard bytes > 0 else { return other }
    let node = graph.add(
      .collective(
        label, layer: layer, microBatch: batch, bytes: bytes,
        multiprocessors: pipeline.collectiveMultiprocessors, share: pipeline.collectiveShare,
        rates), in: collectives)
    graph.wait(node, for: other)
    return node
  }

  /// Bytes of a reduce-scatter or an all-gather around tensor-parallel attention.
  private func scattered(_ batch: Int, _ costs: borrowing some GraphCosts) -> Double {
    guard context.group.attention == .tensor else { return 0 }
    return CollectiveVolumes(
      devices: context.group.devices, bytes: costs.hiddenBytes(microBatch: batch)
    ).scatter
  }

  /// Attention and, where it is tensor parallel, the reduce-scatter behind it.
  private mutating func attend(
    layer: Int, batch: Int, _ costs: borrowing some GraphCosts, _ graph: inout StepGraph
  ) -> StepGraph.Node {
    let attention = compute(
      .attention, layer: layer, batch: batch,
      costs.attentionInput(layer: layer, microBatch: batch)
        + costs.attention(layer: layer, microBatch: batch)
        + costs.attentionOutput(layer: layer, microBatch: batch), &graph)
    graph.wait(attention, for: gathered[batch])
    return send(
      .dispatch, layer: layer, batch: batch, bytes: scattered(batch, costs), after: attention,
      &graph)
  }

  /// The all-gather that ends a layer whose attention is tensor parallel.
  private mutating func gather(
    layer: Int, batch: Int, _ costs: borrowing some GraphCosts, _ graph: inout StepGraph
  ) {
    gathered[batch] = send(
      .combine, layer: layer, batch: batch, bytes: scattered(batch, costs),
      after: graph.last(of: stream), &graph)
  }

  /// A mixture: gate, what every token gets, and the experts group by group.
  private func mix(
    layer: Int, batch: Int, _ load: ExpertLoad, after mixed: StepGraph.Node,
    _ costs: borrowing some GraphCosts, _ graph: inout StepGraph
  ) {
    let gate = compute(
      .gate, layer: layer, batch: batch, costs.gate(layer: layer, microBatch: batch), &graph)
    graph.wait(gate, for: mixed)
    let shared = costs.sharedExperts(layer: layer, microBatch: batch)
    if shared.seconds > 0 {
      compute(.sharedExperts, layer: layer, batch: batch, shared, &graph)
    }
    let work = pipeline.work(layer: layer, load: load, group: context.group)
    let groups = pipeline.groups(work, costs)
    let units = pipeline.productMultiprocessors(groups: groups)
    let share = Double(units) / Double(pipeline.multiprocessors)
    let routed = graph.last(of: stream)
    let own = work.spread.own
    let first = { (group: Int) in own * group / groups }
    var returned = StepGraph.none
    var sent = 0.0
    var arrivals = [StepGraph.none, StepGraph.none]
    if pipeline.overlaps {
      for group in 0..<min(2, groups) {
        arrivals[group] = dispatch(
          group, first(group + 1) - first(group), work, batch, after: routed, &graph)
      }
    }
    for group in 0..<groups {
      let count = first(group + 1) - first(group)
      if !pipeline.overlaps {
        arrivals[group % 2] = dispatch(
          group, count, work, batch, after: graph.last(of: stream), &graph)
      }
      let products = compute(
        .experts, layer: layer, batch: batch,
        pipeline.products(work, count: Double(count), share: share, costs), on: units, &graph)
      graph.wait(products, for: arrivals[group % 2])
      graph.read(received[group % 2], by: products)
      if pipeline.overlaps && group + 2 < groups {
        arrivals[group % 2] = dispatch(
          group + 2, first(group + 3) - first(group + 2), work, batch, after: routed, &graph)
      }
      let isLast = group + 1 == groups
      guard context.group.devices > 1, isLast || pipeline.overlaps else { continue }
      let complete = isLast ? 1 : work.spread.complete(of: first(group + 1))
      guard isLast || (complete - sent) * Double(load.tokens) >= 1 else { continue }
      returned = combine(complete - sent, work, batch, on: units, costs, &graph)
      sent = complete
    }
    let sum = compute(
      .experts, layer: layer, batch: batch, costs.elementwise(bytes: summed(work)), &graph)
    graph.wait(sum, for: returned)
  }

  /// The all-to-all that brings a group's tokens to its experts.
  private func dispatch(
    _ group: Int, _ count: Int, _ work: ExpertPipeline.Work, _ batch: Int,
    after other: StepGraph.Node, _ graph: inout StepGraph
  ) -> StepGraph.Node {
    let node = send(
      .dispatch, layer: work.layer, batch: batch, bytes: work.dispatched(to: count), after: other,
      &graph)
    if node != other { graph.write(received[group % 2], by: node) }
    return node
  }

  /// LocalReduce and the all-to-all back, for a share of the tokens.
  private func combine(
    _ share: Double, _ work: ExpertPipeline.Work, _ batch: Int, on units: Int,
    _ costs: borrowing some GraphCosts, _ graph: inout StepGraph
  ) -> StepGraph.Node {
    let copies = work.spread.copies
    let rowBytes = work.load.rowElements * work.load.elementBytes
    let tokens = share * Double(work.load.tokens) / Double(work.spread.devices)
    let reduced = compute(
      .experts, layer: work.layer, batch: batch,
      costs.elementwise(bytes: tokens * (Double(work.load.choices) + copies) * rowBytes),
      on: units, &graph)
    return send(
      .combine, layer: work.layer, batch: batch,
      bytes: share * work.volumes.dataExpert(copies: copies) * work.sentShare, after: reduced,
      &graph)
  }

  /// What the last sum reads and writes: of each token what came back, and the result [bytes].
  private func summed(_ work: ExpertPipeline.Work) -> Double {
    let parts = work.spread.devices > 1 ? work.spread.copies : Double(work.load.choices)
    return Double(work.load.tokens) / Double(work.spread.devices) * (parts + 1)
      * work.load.rowElements * work.load.elementBytes
  }
}
