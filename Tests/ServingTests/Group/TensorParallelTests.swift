// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Policies
import Testing

@testable import Serving

/// One replica whose heads and experts are cut among GPUs, against arithmetic.
@Suite("Tensor parallelism")
struct TensorParallelTests {
  static let expert = TransferTests.expert

  static func configuration(
    tensor: Int, slots: Int = 2, prompt: [[Int]], decode: [[[Int]]] = [], layers: Int = 1,
    schedule: any SchedulePolicy = ComputeAsReady(), peerRate: Double = 20e9,
    change: (inout MachineFigures) -> Void = { _ in }
  ) throws -> ServingConfiguration {
    var figures = ServingHarness.figures()
    figures.peerRate = peerRate
    figures.peerLatencySeconds = 3e-6
    change(&figures)
    var configuration = try TransferTests.configuration(
      layers: layers, slots: slots, prompt: prompt, decode: decode, figures: figures,
      schedule: schedule)
    configuration.division = GPUDivision(tensor: tensor)
    return configuration
  }

  /// The layer of the harness's model as each of two GPUs has it, written down by hand.
  private static func halfLayer(topK: Int) -> LayerDescriptor {
    LayerDescriptor(
      index: 0, hiddenSize: 1024,
      attention: .grouped(GroupedAttention(heads: 8, keyValueHeads: 2, headWidth: 64)),
      feedForward: .mixture(
        MixtureDescriptor(
          experts: 8, topK: topK, expert: DenseFeedForward(width: 1792), expertInput: 1024)),
      extraParameters: 2048)
  }

  @Test("a layer on two GPUs takes half of each kernel, and two sums over their links")
  func layerByHand() throws {
    let configuration = try Self.configuration(tensor: 2, slots: 8, prompt: [[0, 1]])
    let result = try ServingHarness.run(configuration)
    let timing = ServingHarness.timing()
    let costs = Self.halfLayer(topK: 2).costs(under: .bf16)
    var load = AttentionLoad()
    load.addPrefill(position: 0, count: 1, span: .full)
    let attention = timing.seconds(costs.attentionWork(load))
    let around = timing.seconds(costs.elementwiseWork(tokens: 1))
    let gate = timing.seconds(costs.gateWork(tokens: 1))
    let experts = timing.seconds(costs.groupedExpertWork(assignments: 2, distinct: 2))
    let combine = timing.seconds(costs.combineWork(tokens: 1))
    let head = timing.seconds(
      ProjectionCost(
        shapes: [MatrixShape(1024, 16_000)], format: .bf16, activations: .bf16, kernels: 2
      ).work(rows: 1))
    let embedding = timing.seconds(
      configuration.model.costs(under: .bf16).embeddingWork(tokens: 1))
    // A ring of two: two steps of half a row of 2048 bytes.
    let sum = 2 * 3e-6 + 2048 / 20e9
    let expected =
      embedding + attention + around + sum + gate + experts + combine + sum + head
    #expect(abs(result.simulatedSeconds - expected) < 10e-9)
    let collectives = try #require(
      result.timeMsPerToken.first { $0.name == "collectives" })
    #expect(abs(collectives.value * 1e-3 - 2 * sum) < 4e-9)
    let traffic = try #require(result.traffic.first { $0.purpose == "collective" })
    #expect(traffic.link == "gpu0.peer.out" && traffic.bytes == 2 * 2048)
  }

  @Test("each GPU holds its part: weights, experts, keys and values")
  func memory() throws {
    let configuration = try Self.configuration(tensor: 2, prompt: [[0, 1]])
    let shard = try configuration.shardedModel()
    let plan = try configuration.memoryPlan(of: shard)
    #expect(plan.expertBytes == Int64(Self.expert) / 2)
    // Embedding and head of 16,000 rows, attention of 8 and 2 heads, the router, norms.
    let matrices = 2 * 16_000 * 1024 + (2 * 8 + 2 * 2) * 64 * 1024 + 1024 * 8
    #expect(plan.nonExpertBytes >= Int64(2 * matrices))
    #expect(plan.nonExpertBytes < Int64(2 * matrices) + 16_384)
    #expect(plan.hostExpertBytes == 8 * Int64(Self.expert))
    let row = shard.cacheBytes(length: 1, under: .bf16)
    #expect(row == 2 * 2 * 64 * 2)
  }

  @Test(
    "a miss takes as long as its part over a GPU's own link, or all parts over what they share",
    arguments: [
      (dram: 60e9, root: nil as Double?, rate: 10e9), (dram: 12e9, root: nil, rate: 6e9),
      (dram: 60e9, root: 16e9, rate: 8e9),
    ])
  func miss(dram: Double, root: Double?, rate: Double) throws {
    let configuration = try Self.configuration(tensor: 2, prompt: [[5]]) {
      $0.hostBandwidth = dram
      $0.rootComplexRate = root
    }
    let result = try ServingHarness.run(configuration)
    #expect(abs(TransferTests.stalled(result) - Self.expert / 2 / rate) < 4e-9)
    let moved = { (name: String) in result.resources.first { $0.name == name }?.workDone ?? 0 }
    #expect(abs(moved("gpu0.link.down") - Self.expert / 2) < 1)
    #expect(abs(moved("host.dram") - Self.expert) < 1)
    if root != nil { #expect(abs(moved("host.root") - Self.expert) < 1) }
  }

  @Test("without links among GPUs sums go over the host links, through host memory")
  func sumsOverHostLinks() throws {
    let configuration = try Self.configuration(
      tensor: 4, slots: 8, prompt: [[0, 1]], peerRate: 0)
    let result = try ServingHarness.run(configuration)
    let traffic = try #require(result.traffic.first { $0.purpose == "collective" })
    #expect(traffic.link == "gpu0.link.up" && traffic.bytes == 2 * 3072)
    let moved = { (name: String) in result.resources.first { $0.name == name }?.workDone ?? 0 }
    #expect(abs(moved("gpu0.link.up") - 6144) < 1)
    // All four write and read.
    #expect(abs(moved("host.dram") - 8 * 6144) < 1)
  }

  @Test("a drive's read brings an expert whole")
  func drive() throws {
    let bytes = Int64(Self.expert)
    var configuration = try Self.configuration(tensor: 2, prompt: [[6]]) {
      $0.drive = ServingHarness.drive
    }
    configuration.cache.host = .bytes(4 * bytes)
    let result = try ServingHarness.run(configuration)
    let read = try #require(result.traffic.first { $0.link == "ssd0" })
    #expect(read.bytes == bytes)
    #expect(
      abs(TransferTests.stalled(result) - Self.expert / 6e9 - Self.expert / 2 / 10e9) < 20e-9)
  }

  @Test("tokens cross to the host once for all of its experts, and one result comes back")
  func hostExperts() throws {
    let host = DeviceTiming(
      capability: DeviceCapability(
        name: "cpu", peaks: [.fp32: .init(nominal: 1e18), .fp16: .init(nominal: 1e18)],
        bandwidth: .init(nominal: 50e9)), laws: .roofline)
    var configuration = try Self.configuration(tensor: 2, prompt: [[5, 6]]) {
      $0.linkLatencySeconds = 10e-6
    }
    configuration.policy.resolve = HostResolve()
    configuration.hostTiming = host
    let result = try ServingHarness.run(configuration)
    // The whole experts, not their halves.
    let work = configuration.model.costs(under: .bf16).layers[0].expertWork(tokens: 1)
    let expected = 2 * work.bytes / 50e9 + 2 * (10e-6 + 2048 / 10e9)
    #expect(abs(result.stallMsPerToken.hostCompute * 1e-3 - expected) < 1e-8)
    let activations = result.traffic.filter { $0.purpose == "activations" }
    #expect(activations.map(\.bytes) == [2048, 2048])
    #expect(activations.map(\.transfers) == [1, 1])
    #expect(result.resolve?.computedOnHost == 2)
  }

  @Test("a group that holds the model nowhere says so, with what would")
  func misfit() throws {
    var configuration = try Self.configuration(tensor: 2, slots: 8, prompt: [[0]]) {
      $0.deviceMemoryBytes = 130 << 20
    }
    configuration.cache.workspaceBytes = 16 << 20
    do {
      _ = try ServingHarness.run(configuration)
      Issue.record("130 MiB do not hold half of the model.")
    } catch let misfit as DoesNotFit {
      let text = "\(misfit)"
      #expect(text.contains("each of 2 GPUs"))
      #expect(text.contains("(serving.parallelism: {tensor: 4})"), "\(text)")
    }
  }
}
