// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Policies

@Suite("Step graphs")
struct StepGraphTests {
  private func waits(_ graph: StepGraph, _ node: StepGraph.Node) -> [StepGraph.Node] {
    graph.edges.filter { $0.operation == node }.map(\.other)
  }

  private func operation(_ seconds: Double = 1) -> GraphOperation {
    GraphOperation(.experts, seconds: seconds)
  }

  @Test("a stream is a queue in order")
  func streams() {
    var graph = StepGraph()
    let first = graph.makeStream()
    let second = graph.makeStream()
    let a = graph.add(operation(), in: first)
    let b = graph.add(operation(), in: second)
    let c = graph.add(operation(), in: first)
    #expect(waits(graph, a).isEmpty && waits(graph, b).isEmpty)
    #expect(waits(graph, c) == [a])
    #expect(graph.last(of: first) == c && graph.last(of: second) == b)
  }

  @Test("readers wait for the writer, a writer for it and for all readers since")
  func buffers() {
    var graph = StepGraph()
    let buffer = graph.makeBuffer()
    let nodes = (0..<5).map { _ in graph.add(operation()) }
    graph.write(buffer, by: nodes[0])
    graph.read(buffer, by: nodes[1])
    graph.read(buffer, by: nodes[2])
    graph.write(buffer, by: nodes[3])
    graph.read(buffer, by: nodes[4])
    #expect(waits(graph, nodes[1]) == [nodes[0]] && waits(graph, nodes[2]) == [nodes[0]])
    #expect(waits(graph, nodes[3]) == [nodes[0], nodes[1], nodes[2]])
    #expect(waits(graph, nodes[4]) == [nodes[3]])
  }

  @Test("an emptied graph remembers nothing")
  func emptied() {
    var graph = StepGraph()
    let buffer = graph.makeBuffer()
    let stream = graph.makeStream()
    graph.write(buffer, by: graph.add(operation(), in: stream))
    graph.removeAll()
    let fresh = graph.makeBuffer()
    let node = graph.add(operation(), in: graph.makeStream())
    graph.write(fresh, by: node)
    #expect(graph.operations.count == 1 && graph.edges.isEmpty)
  }
}

@Suite("Schedules over whole steps, by hand")
struct GraphSchedulesByHandTests {
  private func context(_ phase: StepContext.Phase = .decode, isPinned: Bool = true) -> StepContext {
    StepContext(
      phase: phase, layers: 2,
      microBatches: Array(
        repeating: MicroBatch(sequences: 1, tokens: 1, sampled: 1), count: 2),
      residentShare: 0, isPinned: isPinned)
  }

  private func graph(
    _ schedule: some GraphSchedulePolicy, _ context: StepContext, _ costs: FixedCosts = FixedCosts()
  ) -> StepGraph {
    var graph = StepGraph()
    schedule.write(context, costs: costs, into: &graph)
    return graph
  }

  private func bytes(_ graph: StepGraph, _ label: GraphLabel) -> Double {
    graph.operations.filter { $0.label == label }.reduce(0) { $0 + $1.bytes }
  }

  // Two layers of 8 bytes, two micro-batches; input 1 s, attention on the host 2 s, experts 3 s.
  // Loads: hidden at 3, page 3–7; hidden 7, page 7–11; hidden 11, page 11–15; hidden 15, page 15–19.
  // Experts: 3–6, 7–10, 11–14, 15–18.
  @Test("CGOPipe: pages let activations through")
  func paged() {
    let made = graph(PipelinedHostAttention(), context())
    let clock = GraphClock(made)
    #expect(clock.makespan == 19)
    let experts = made.operations.indices.filter { made.operations[$0].label == .experts }
    #expect(experts.map { clock.started[$0] } == [3, 7, 11, 15])
    #expect(bytes(made, .weightLoad) == 16)
  }

  // The layer whole, 3–11: the second micro-batch's hidden states arrive behind it. Experts: 3–6,
  // 11–14, 15–18. The next layer takes the place of the first one's weights, 14–22, and hidden states
  // behind it let the last experts begin: 22–25.
  @Test("a layer in one page makes activations wait")
  func whole() {
    let made = graph(PipelinedHostAttention(pages: 1), context())
    #expect(GraphClock(made).makespan == 25)
    #expect(bytes(made, .weightLoad) == 16)
  }

  // Nothing launched ahead: input 1, host 2, experts 3 in turn, and the last page behind hidden
  // states at 21.
  @Test("without launching ahead, processor and GPU take turns")
  func inTurn() {
    #expect(GraphClock(graph(PipelinedHostAttention(ahead: 0), context())).makespan == 25)
  }

  // Staged first, at one byte a second as well: pages of layer 1 are staged 0–4 and 4–8, those of
  // the next step from 8 and 12 on, always before the link wants them.
  @Test("pageable weights are staged ahead of the link")
  func staged() {
    let made = graph(PipelinedHostAttention(), context(isPinned: false))
    let clock = GraphClock(made)
    let staging = made.operations.indices.filter { made.operations[$0].label == .weightStaging }
    #expect(staging.map { clock.ended[$0] } == [4, 8, 12, 16])
    // The first page is there at 4 and not at 3.
    #expect(clock.makespan == 20)
    #expect(bytes(made, .weightStaging) == 16)
  }

  // Keys and values of the first micro-batch 0–2. Then, each behind the end of the one before:
  // weights 8 and the next keys and values 2 beside 5 of computing; keys and values 2 beside 5;
  // 10; 5.
  @Test("the block schedule synchronises after each micro-batch")
  func block() {
    let made = graph(BlockSchedule(), context())
    #expect(GraphClock(made).makespan == 2 + 10 + 5 + 10 + 5)
    #expect(bytes(made, .keyValueLoad) == 8)
  }

  // Computing takes 1 + 2 + 3 and loads no keys and values; weights 8 beside the first.
  @Test("attention on the processor adds to the block's computing")
  func blockOnHost() {
    let made = graph(BlockSchedule(attendsOnHost: true), context())
    #expect(GraphClock(made).makespan == 8 + 6 + 8 + 6)
    #expect(bytes(made, .keyValueLoad) == 0)
  }

  // One slot of pinned memory: staging and link take turns, 2 × 8 for a layer's weights. The four
  // pages of keys and values, 2 × 2, share both; together 20 beside 5 of computing.
  @Test("with one slot of pinned memory the two copies take turns")
  func blockStaged() {
    var costs = FixedCosts()
    costs.cachedBytes = 0.000_001
    let made = graph(BlockSchedule(), context(isPinned: false), costs)
    #expect(abs(GraphClock(made).makespan - (16 + 5 + 16 + 5)) < 0.001)
    #expect(bytes(made, .weightStaging) == 16)
    let pinned = graph(BlockSchedule(pinsKeyValues: true), context(isPinned: false), costs)
    #expect(bytes(pinned, .keyValueStaging) == 0 && bytes(made, .keyValueStaging) > 0)
  }

  // Layers of 8 bytes of experts and 1 of the rest arrive at 9 and 18, the next step's first at 27;
  // micro-batches of 1 + 1 + 3 each behind them: 9–19, 19–29.
  @Test("layer streaming waits for each layer, attention's weights with it")
  func streaming() {
    let made = graph(LayerStreaming(), context())
    #expect(GraphClock(made).makespan == 29)
    #expect(bytes(made, .weightLoad) == 27)
  }

  // Prompts: layer 0 arrives at 8, layer 1 at 16, the first of the next step at 24; attention does
  // not wait for experts: 0–2, experts 8–11, attention 11–13, experts 13–16; then layer 1's:
  // attention 16–18, experts 18–21, 21–23, 23–26.
  @Test("prompts are computed layer by layer")
  func prefill() {
    let made = graph(PipelinedHostAttention(), context(.prefill))
    #expect(GraphClock(made).makespan == 26)
    #expect(made.operations.filter { $0.label == .keyValueStore }.count == 4)
  }
}
