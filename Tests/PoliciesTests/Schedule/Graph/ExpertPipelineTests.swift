// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Testing

@testable import Policies

/// Costs of layers that are nothing but a mixture, by simple laws.
private struct MixtureCosts: GraphCosts {
  var layerCount = 1
  var rates = GraphRates(
    link: 1, staging: 1, hostMemory: 1, peer: 1000, peerLatency: 0.5, multiprocessors: 132,
    launch: 0.5)
  var overheadSeconds = 0.0
  /// Tokens, choices, experts.
  var load = ExpertLoad(
    tokens: 400, choices: 2, experts: 32, used: 32, rowElements: 10, elementBytes: 2)
  /// A grouped launch, a dense launch, and a row of each [s].
  var groupedLaunch = 1.0
  var groupedRow = 0.5
  var denseLaunch = 1.0
  var denseRow = 0.25

  func expertLoad(layer: Int, microBatch: Int) -> ExpertLoad? { load }
  func expertProducts(
    layer: Int, rows: Double, experts: Double, kernel: ExpertKernel, share: Double
  ) -> GraphWork {
    switch kernel {
    case .grouped: GraphWork(seconds: groupedLaunch + groupedRow * rows / share)
    case .dense: GraphWork(seconds: denseLaunch * experts + denseRow * rows / share)
    }
  }
  func gate(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: 1) }
  func sharedExperts(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func elementwise(bytes: Double) -> GraphWork { GraphWork(seconds: bytes * 1e-6, bytes: bytes) }
  func hiddenBytes(microBatch: Int) -> Double { Double(load.tokens) * 20 }
  func embedding(microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func attentionInput(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func attention(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: 1) }
  func hostAttention(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func attentionOutput(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func feedForward(layer: Int, microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func head(microBatch: Int) -> GraphWork { GraphWork(seconds: 0) }
  func experts(layer: Int, assignments: Double, distinct: Double) -> GraphWork {
    GraphWork(seconds: 0)
  }
  func queryBytes(layer: Int, microBatch: Int) -> Double { 0 }
  func attentionOutputBytes(layer: Int, microBatch: Int) -> Double { 0 }
  func cachedKeyValueBytes(layer: Int, microBatch: Int) -> Double { 0 }
  func newKeyValueBytes(layer: Int, microBatch: Int) -> Double { 0 }
  func expertWeightBytes(layer: Int) -> Double { 0 }
  func otherWeightBytes(layer: Int) -> Double { 0 }
}

@Suite("Expert pipeline")
struct ExpertPipelineTests {
  private static let data = DeviceGroup(devices: 4, attention: .data)

  private static func graph(
    _ pipeline: ExpertPipeline, _ costs: MixtureCosts, group: DeviceGroup = data
  ) -> StepGraph {
    var pipeline = pipeline
    pipeline.multiprocessors = 132
    var graph = StepGraph()
    pipeline.write(
      StepContext(
        phase: .prefill, layers: 1,
        microBatches: [MicroBatch(sequences: 1, tokens: costs.load.tokens, sampled: 1)],
        group: group), costs: costs, into: &graph)
    return graph
  }

  private static func bytes(_ graph: StepGraph, _ label: GraphLabel) -> Double {
    graph.operations.filter { $0.label == label }.reduce(0) { $0 + $1.bytes }
  }

  @Test("what is dispatched and combined follows the formulas", arguments: [1, 2, 4, 8])
  func volumes(groups: Int) {
    var pipeline = ExpertPipeline()
    pipeline.groups = groups
    let costs = MixtureCosts()
    let graph = Self.graph(pipeline, costs)
    let spread = ExpertSpread(experts: 32, choices: 2, devices: 4)
    let volumes = CollectiveVolumes(devices: 4, bytes: 8000)
    let dispatches = graph.operations.filter { $0.label == .dispatch }
    #expect(dispatches.count == groups)
    // A token goes once to each pair of device and group that has one of its experts.
    let copies = Double(groups) * spread.copies(of: 8 / groups)
    #expect(abs(Self.bytes(graph, .dispatch) - volumes.dataExpert(copies: copies)) < 1e-9)
    #expect(copies <= 2)
    // It comes back once from each device, whatever the groups.
    let combined = Self.bytes(graph, .combine)
    #expect(abs(combined - volumes.dataExpert(copies: spread.copies)) < 1e-9)
    pipeline.sendsRows = true
    let rows = Self.graph(pipeline, costs)
    #expect(abs(Self.bytes(rows, .dispatch) - volumes.dataExpert(copies: 2)) < 1e-9)
    #expect(abs(Self.bytes(rows, .combine) - combined) < 1e-9)
    pipeline.sentElementBytes = 1
    let halved = Self.graph(pipeline, costs)
    #expect(abs(Self.bytes(halved, .combine) - combined / 2) < 1e-9)
  }

  @Test("tensor-parallel attention adds a reduce-scatter and an all-gather")
  func tensorParallel() {
    var pipeline = ExpertPipeline()
    pipeline.groups = 1
    let graph = Self.graph(
      pipeline, MixtureCosts(), group: DeviceGroup(devices: 4, attention: .tensor))
    let copies = ExpertSpread(experts: 32, choices: 2, devices: 4).copies
    let volume = CollectiveVolumes(devices: 4, bytes: 8000).tensorExpert(copies: copies)
    #expect(abs(Self.bytes(graph, .dispatch) - volume) < 1e-9)
    #expect(abs(Self.bytes(graph, .combine) - volume) < 1e-9)
  }

  @Test("one device sends nothing")
  func oneDevice() {
    var pipeline = ExpertPipeline()
    pipeline.groups = 4
    let graph = Self.graph(pipeline, MixtureCosts(), group: .single)
    #expect(graph.operations.allSatisfy { $0.label != .dispatch && $0.label != .combine })
  }

  private static func work(_ pipeline: ExpertPipeline, _ costs: MixtureCosts)
    -> ExpertPipeline.Work
  {
    pipeline.work(layer: 0, load: costs.load, group: data)
  }

  @Test("groups: √(C/κ), by hand")
  func numberOfGroups() {
    var pipeline = ExpertPipeline()
    var costs = MixtureCosts()
    costs.load.tokens = 8000
    // 4000 rows of a device: products 1 + 2000 s; halving adds one launch of 1 s; V_O = 1 s.
    // g = 4·(1 − C(24,2)/C(32,2)) = 1.7742; V = 1.7742·160000·3/16 = 53226 B, 53.2 s.
    // N = √(53.2/(1 + 1)) = 5.16.
    #expect(pipeline.groups(Self.work(pipeline, costs), costs) == 5)
    // A launch of 100 s: √(53.2/101) is less than one.
    costs.groupedLaunch = 100
    #expect(pipeline.groups(Self.work(pipeline, costs), costs) == 1)
    // Free launches and messages: one group for each expert of a device.
    costs.groupedLaunch = 0
    costs.rates.launch = 0
    costs.rates.peerLatency = 0
    #expect(pipeline.groups(Self.work(pipeline, costs), costs) == 8)
    pipeline.groups = 3
    #expect(pipeline.groups(Self.work(pipeline, costs), costs) == 3)
    pipeline.groups = 100
    #expect(pipeline.groups(Self.work(pipeline, costs), costs) == 8)
  }

  @Test("splitting pays where neither part grows by more than ε0 and ε1")
  func condition() {
    var pipeline = ExpertPipeline()
    var costs = MixtureCosts()
    costs.load.tokens = 8000
    pipeline.kernel = .grouped
    // Products: (8·1 + 2000)/(1 + 2000) = 1.003. Communication: 53.2 s in parts of more than V_O.
    #expect(pipeline.pays(Self.work(pipeline, costs), groups: 8, costs))
    // 7 more launches of 9 s on 2009 s are 3.1 %; of 8.5 s on 2008.5 s 2.96 %.
    costs.groupedLaunch = 9
    #expect(!pipeline.pays(Self.work(pipeline, costs), groups: 8, costs))
    costs.groupedLaunch = 8.5
    #expect(pipeline.pays(Self.work(pipeline, costs), groups: 8, costs))
    // Communication of 53.2 s in 8 parts: 6.65 s each. With V_O = 8.8 s it grows by 32.3 %, with
    // 8.7 s by 30.8 %.
    costs.groupedLaunch = 0
    costs.rates.peerLatency = 8.3
    #expect(!pipeline.pays(Self.work(pipeline, costs), groups: 8, costs))
    costs.rates.peerLatency = 8.2
    #expect(pipeline.pays(Self.work(pipeline, costs), groups: 8, costs))
    // The condition bounds the number that is chosen.
    costs.rates.peerLatency = 0
    costs.groupedLaunch = 1
    pipeline.productSlack = 0.001
    // (N − 1)/2001 ≤ 0.001 holds up to N = 3.
    #expect(pipeline.groups(Self.work(pipeline, costs), costs) == 3)
  }

  @Test("few tokens an expert are grouped, many are not, between the faster is taken")
  func kernels() {
    let pipeline = ExpertPipeline()
    var costs = MixtureCosts()
    let seconds = { (rows: Int) in
      // As many rows of each of 32 experts.
      var costs = costs
      costs.load.tokens = rows * 16
      return pipeline.products(Self.work(pipeline, costs), count: 8, share: 1, costs).seconds
    }
    #expect(seconds(2047) == 1 + 0.5 * 2047 * 8)
    #expect(seconds(4096) == 8 + 0.25 * 4096 * 8)
    #expect(seconds(3000) == 8 + 0.25 * 3000 * 8)
    costs.denseLaunch = 10_000
    let slow = { (rows: Int) in
      costs.load.tokens = rows * 16
      return pipeline.products(Self.work(pipeline, costs), count: 8, share: 1, costs).seconds
    }
    #expect(slow(3000) == 1 + 0.5 * 3000 * 8)
    #expect(slow(4096) == 80_000 + 0.25 * 4096 * 8)
    // A group of one expert is a dense product, however few its rows.
    costs.load.tokens = 160
    costs.denseLaunch = 3
    let one = pipeline.products(Self.work(pipeline, costs), count: 1, share: 1, costs).seconds
    #expect(one == 3 + 0.25 * 10)
  }

  @Test("attention is data parallel with MLA, tensor parallel otherwise, or as set")
  func attention() {
    var pipeline = ExpertPipeline()
    let mixer = GroupedAttention(heads: 8, keyValueHeads: 2, headWidth: 64)
    let model = ModelDescriptor(
      name: "m", family: "m", hiddenSize: 512, vocabularySize: 100, tiedEmbeddings: false,
      layers: [
        LayerDescriptor(
          index: 0, hiddenSize: 512, attention: .grouped(mixer), feedForward: .none,
          extraParameters: 0)
      ], extraParameters: 0)
    #expect(pipeline.attentionSplit(of: model) == .tensor)
    pipeline.attention = .data
    #expect(pipeline.attentionSplit(of: model) == .data)
  }

  @Test("more multiprocessors than there are, thresholds out of order: refused")
  func refusals() throws {
    let registration = try RoleRegistry.find("eps-moe", role: "schedule", in: RoleRegistry.schedule)
    var settings = RoleSettings()
    settings.set("grouped_below", to: [5000])
    #expect(throws: RoleProblem.self) { _ = try registration.make(settings) }
    settings.set("dense_from", to: [5000])
    let made = try #require(try registration.make(settings) as? ExpertPipeline)
    #expect(made.groupedBelow == 5000 && made.denseFrom == 5000 && made.kernel == nil)
  }
}
