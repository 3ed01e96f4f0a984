// SPDX-License-Identifier: GPL-3.0-or-later

@testable import Policies

/// Costs that are the same for every layer and micro-batch, over a link of one byte a second.
struct FixedCosts: GraphCosts {
  var layerCount = 2
  var rates = GraphRates(link: 1, staging: 1, hostMemory: 1000)
  var overheadSeconds = 0.0
  var inputSeconds = 1.0
  var attentionSeconds = 1.0
  var hostSeconds = 2.0
  var expertSeconds = 3.0
  var weightBytes = 8.0
  var cachedBytes = 2.0
  var hidden = 0.0

  func embedding(microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func attentionInput(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: inputSeconds) }
  func attention(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: attentionSeconds) }
  func hostAttention(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: hostSeconds) }
  func attentionOutput(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func feedForward(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: expertSeconds) }
  func head(microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func experts(layer: Int, assignments: Double, distinct: Double) -> GraphWork {
    GraphWork(seconds: expertSeconds)
  }
  func expertLoad(layer: Int, microBatch: Int) -> ExpertLoad? { nil }
  func gate(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func sharedExperts(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func expertProducts(
    layer: Int, rows: Double, experts: Double, kernel: ExpertKernel, share: Double
  ) -> GraphWork { GraphWork(seconds: expertSeconds) }
  func elementwise(bytes: Double) -> GraphWork { GraphWork(seconds: 0) }
  func queryBytes(layer: Int, microBatch: Int) -> Double { 0 }
  func attentionOutputBytes(layer: Int, microBatch: Int) -> Double { hidden }
  func hiddenBytes(microBatch: Int) -> Double { hidden }
  func cachedKeyValueBytes(layer: Int, microBatch: Int) -> Double { cachedBytes }
  func newKeyValueBytes(layer: Int, microBatch: Int) -> Double { 0 }
  func expertWeightBytes(layer: Int) -> Double { weightBytes }
  func otherWeightBytes(layer: Int) -> Double { 1 }
}

/// When the operations of a graph run, by arithmetic of its own: each takes its work at its highest
/// rate, servers serve in the order in which operations become ready, and bandwidths do not matter.
struct GraphClock {
  private(set) var started: [Double]
  private(set) var ended: [Double]

  /// The end of the last operation.
  var makespan: Double { ended.max() ?? 0 }

  init(_ graph: StepGraph) {
    let count = graph.operations.count
    started = [Double](repeating: -1, count: count)
    ended = [Double](repeating: -1, count: count)
    var free: [GraphServer: Double] = [:]
    var open = Set(0..<count)
    while !open.isEmpty {
      // Of those whose predecessors have ended, the one that is ready first; ties by launch.
      var best: (ready: Double, node: Int)?
      for node in open.sorted() {
        let waits = graph.edges.filter { Int($0.operation) == node }.map { Int($0.other) }
        guard waits.allSatisfy({ !open.contains($0) }) else { continue }
        let ready = waits.map { ended[$0] }.max() ?? 0
        if best == nil || ready < best!.ready { best = (ready, node) }
      }
      guard let (ready, node) = best else { preconditionFailure("The graph has a cycle.") }
      let operation = graph.operations[node]
      var start = ready
      for index in 0..<operation.holdCount {
        start = max(start, free[operation.holds[index].server] ?? 0)
      }
      started[node] = start
      ended[node] =
        start + operation.latency
        + (operation.work == 0 ? 0 : operation.work / operation.maximumRate)
      for index in 0..<operation.holdCount {
        free[operation.holds[index].server] = ended[node]
      }
      open.remove(node)
    }
  }
}
