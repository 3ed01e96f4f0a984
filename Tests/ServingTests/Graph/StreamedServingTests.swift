// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Testing
import Workload

@testable import Serving

/// Whole runs under the schedules that stream weights.
@Suite("Serving with streamed weights")
struct StreamedServingTests {
  func configuration(
    _ schedule: any SchedulePolicy, admission: any AdmissionPolicy = StaticBatch(),
    pinned: Bool = true, layers: Int = 4, requests: [Request] = batch(), sequences: Int = 64,
    tokenBudget: Int = 4096, cache: CacheConfiguration = CacheConfiguration(),
    figures: MachineFigures = ServingHarness.figures()
  ) throws -> ServingConfiguration {
    var policy = ServingHarness.lru(
      schedule: schedule, transfer: TransferOptions(pinned: pinned))
    policy.admission = admission
    var configuration = ServingHarness.configuration(
      model: try ServingHarness.model(layers: layers), cache: cache, policy: policy,
      limits: BatchLimits(maximumSequences: sequences, tokenBudget: tokenBudget),
      run: RunOptions(warmUp: .automatic), figures: figures, requests: requests)
    // A processor slow enough that its attention takes longer than a page of weights.
    configuration.hostTiming = ServingHarness.timing().scaled(memory: 1e-5)
    return configuration
  }

  static func batch(_ count: Int = 8, prompt: Int32 = 32, output: Int32 = 5) -> [Request] {
    ServingHarness.requests(count: count, prompt: prompt, output: output, gapSeconds: 0)
  }

  private let cgopipe = PipelinedHostAttention(microBatchSize: 2, microBatches: 4)

  private func bytes(_ result: SimulationResult, _ link: String, _ purpose: String) -> Int64 {
    result.traffic.filter { $0.link == link && $0.purpose == purpose }.reduce(0) { $0 + $1.bytes }
  }

  /// Experts of a layer: 8 · 3 · 1024 · 3584 · 2 bytes.
  let layerBytes = Int64(8 * 3 * 1024 * 3584 * 2)

  @Test("a batch computes its prompts, then a token of each sequence a step, in lock-step")
  func steps() throws {
    let result = try ServingHarness.run(configuration(cgopipe))
    #expect(result.requests.completed == 8)
    #expect(result.steps == 5)
    #expect(result.requests.outputTokens == 40 && result.requests.promptTokens == 256)
    // All have their first token at once.
    #expect(result.ttftMs?.min == result.ttftMs?.max)
    #expect(result.measuredSeconds == result.simulatedSeconds)
  }

  @Test("bytes are conserved: weights once a layer and step, keys and values once a token")
  func conservation() throws {
    let result = try ServingHarness.run(
      configuration(cgopipe, cache: CacheConfiguration(experts: .count(0))))
    // The first layer once more, when the run begins; each step loads the next one's first layer.
    #expect(bytes(result, "gpu0.h2d", "weights") == layerBytes * (4 * 5 + 1))
    #expect(bytes(result, "host.staging", "staging") == 0)
    // 256 prompt tokens, 4 layers, keys and values of 4 heads of 64 in 2 bytes.
    let rowBytes: Int64 = 2 * 4 * 64 * 2
    #expect(bytes(result, "gpu0.d2h", "kv") == 256 * 4 * rowBytes)
    // Queries, keys and values of 8 tokens, 4 steps, 4 layers; and hidden states of the prompts
    // between layers.
    let headBytes: Int64 = 64 * 2
    let queries = 8 * 4 * 4 * (16 + 2 * 4) * headBytes
    let staged = try ServingHarness.run(
      configuration(cgopipe, pinned: false, cache: CacheConfiguration(experts: .count(0))))
    #expect(bytes(staged, "host.staging", "staging") == layerBytes * (4 * 5 + 1))
    // The four micro-batches' hidden states of 1024 in 2 bytes wait in host memory between layers.
    let hidden: Int64 = 256 * 3 * 1024 * 2
    #expect(bytes(result, "gpu0.d2h", "activations") == queries + hidden)
  }

  @Test("resident experts do not stream")
  func resident() throws {
    let all = try ServingHarness.run(
      configuration(cgopipe, cache: CacheConfiguration(experts: .all)))
    #expect(bytes(all, "gpu0.h2d", "weights") == 0)
    let half = try ServingHarness.run(
      configuration(cgopipe, cache: CacheConfiguration(experts: .share(0.5))))
    #expect(bytes(half, "gpu0.h2d", "weights") == layerBytes / 2 * 21)
    let parts = try #require(half.memory.first { $0.name == "gpu0.hbm" }).parts
    let part = { (name: String) in parts.first { $0.name == name }?.value }
    #expect(part("resident experts") == Double(layerBytes / 2 * 4))
    #expect(part("weight buffers") == Double(layerBytes))
  }

  @Test("busy is never more than elapsed, and time is computed, or charged to a cause")
  func books() throws {
    for schedule in schedules {
      for pinned in [true, false] {
        let result = try ServingHarness.run(configuration(schedule, pinned: pinned))
        for resource in result.resources {
          #expect(resource.utilization <= 1 + 1e-9, "\(resource.name)")
        }
        let stalls = result.stallMsPerToken
        let stalled =
          stalls.demandLoad + stalls.latePrefetch + stalls.staging + stalls.drive
          + stalls.linkContention + stalls.memoryFull + stalls.kvSwap + stalls.collective
          + stalls.computeQueue + stalls.hostCompute
        let computed = result.timeMsPerToken.filter { !$0.name.hasSuffix("on the host") }
          .reduce(0) { $0 + $1.value }
        let all = (stalled + computed) * Double(result.requests.outputTokens)
        #expect(abs(all - result.simulatedSeconds * 1e3) < 1e-3 * result.simulatedSeconds * 1e3)
      }
    }
  }

  private var schedules: [any SchedulePolicy] {
    [
      cgopipe, PipelinedHostAttention(microBatchSize: 2, microBatches: 4, pages: 1),
      PipelinedHostAttention(microBatchSize: 2, microBatches: 4, ahead: 0),
      BlockSchedule(microBatchSize: 2, microBatches: 4),
      BlockSchedule(microBatchSize: 2, microBatches: 4, attendsOnHost: true),
      LayerStreaming(sequences: 8),
    ]
  }

  @Test("every schedule differs from the others, and answers all")
  func different() throws {
    var seconds: [Double] = []
    for schedule in schedules {
      let result = try ServingHarness.run(
        configuration(schedule, pinned: false, cache: CacheConfiguration(experts: .count(0))))
      #expect(result.requests.completed == 8)
      seconds.append(result.simulatedSeconds)
    }
    #expect(Set(seconds).count == seconds.count, "\(seconds)")
  }

  @Test("who does not fit into a batch waits for the next")
  func batches() throws {
    let result = try ServingHarness.run(configuration(cgopipe, requests: Self.batch(11)))
    #expect(result.requests.completed == 11)
    #expect(result.steps == 10)
    let bounded = try ServingHarness.run(configuration(cgopipe, sequences: 4))
    #expect(bounded.steps == 10)
  }

  @Test("a request that comes while a batch runs waits for its end")
  func closed() throws {
    var requests = Self.batch(4)
    requests.append(
      Request(number: 4, arrivalNanoseconds: 1_000_000, promptTokens: 32, outputTokens: 5))
    let result = try ServingHarness.run(configuration(cgopipe, requests: requests))
    #expect(result.steps == 10)
    #expect(try #require(result.queueMs).max > 0)
  }

  @Test("sequences that end sooner leave the others alone")
  func uneven() throws {
    var requests = Self.batch(4)
    requests[0].outputTokens = 2
    let result = try ServingHarness.run(configuration(cgopipe, requests: requests))
    #expect(result.requests.completed == 4 && result.steps == 5)
    #expect(result.requests.outputTokens == 2 + 3 * 5)
  }

  @Test("the token budget cuts prompts into micro-batches, which the device then holds one by one")
  func budget() throws {
    let whole = try ServingHarness.run(configuration(cgopipe))
    let cut = try ServingHarness.run(configuration(cgopipe, tokenBudget: 32))
    #expect(bytes(cut, "gpu0.d2h", "activations") >= bytes(whole, "gpu0.d2h", "activations"))
    #expect(cut.eventsProcessed > whole.eventsProcessed)
    #expect(bytes(cut, "gpu0.d2h", "kv") == bytes(whole, "gpu0.d2h", "kv"))
  }

  @Test("closed batches without a graph: nobody joins")
  func plain() throws {
    let result = try ServingHarness.run(
      configuration(ComputeAsReady(), requests: Self.batch(6), sequences: 4))
    #expect(result.requests.completed == 6 && result.steps == 10)
    #expect(result.requests.preemptions == 0)
  }

  @Test("a batch is as large as host memory lets it be; without room it says by how much")
  func hostMemory() throws {
    // Experts 4 · 176 MB; a sequence's cache: 37 tokens in blocks of 16, 48 · 4 KiB.
    let fitting = try ServingHarness.run(
      configuration(cgopipe, figures: ServingHarness.figures(hostGiB: 0.95)))
    #expect(fitting.requests.completed == 8)
    let error = #expect(throws: DoesNotFit.self) {
      try ServingHarness.run(
        configuration(
          cgopipe, cache: CacheConfiguration(experts: .count(0)),
          figures: ServingHarness.figures(hostGiB: 0.7)))
    }
    #expect(error?.memory == "host.dram")
    #expect(error?.parts.first?.bytes == layerBytes * 4)
    let device = #expect(throws: DoesNotFit.self) {
      try ServingHarness.run(
        configuration(
          cgopipe, cache: CacheConfiguration(experts: .count(0), workspaceBytes: 1 << 30),
          figures: ServingHarness.figures(deviceGiB: 1.3)))
    }
    #expect(device?.memory == "gpu0.hbm" && (device?.suggestions.count ?? 0) >= 2)
  }

  @Test("contradictions are refused")
  func refused() throws {
    #expect(throws: GraphPlanError.self) {
      try ServingHarness.run(configuration(cgopipe, admission: FirstComeFirstServed()))
    }
    // Without a plan, every expert must be in device memory.
    #expect(throws: GraphPlanError.self) {
      try ServingHarness.run(
        configuration(
          ScriptedSchedule { $0.add(GraphOperation(.overhead, seconds: 1)) },
          cache: CacheConfiguration(experts: .count(2))))
    }
  }

  @Test("length-sorted micro-batches even out the work")
  func sorted() throws {
    var requests = Self.batch(8)
    for index in 0..<4 { requests[index].promptTokens = 400 }
    let inOrder = try ServingHarness.run(configuration(cgopipe, requests: requests))
    let sorted = try ServingHarness.run(
      configuration(cgopipe, admission: LengthSortedBatch(), requests: requests))
    #expect(inOrder.simulatedSeconds != sorted.simulatedSeconds)
    #expect(inOrder.requests.completed == 8 && sorted.requests.completed == 8)
  }

  @Test("the same run twice, and with a timeline")
  func repeated() throws {
    let first = try ServingHarness.run(configuration(cgopipe))
    let second = try ServingHarness.run(configuration(cgopipe))
    #expect(first.simulatedSeconds == second.simulatedSeconds)
    #expect(first.eventsProcessed == second.eventsProcessed)
    let (recorded, sink) = try RecordingSink.record(configuration(cgopipe))
    #expect(recorded.simulatedSeconds == first.simulatedSeconds)
    // What a slice is called, and where it stands.
    let hosts = sink.slices.filter {
      sink.tracks[$0.track].process == "host" && $0.name == "attention"
    }
    #expect(hosts.count == 4 * 4 * 4)
    for (index, track) in sink.tracks.enumerated() {
      let own = sink.slices.filter { $0.track == index }.sorted { $0.start < $1.start }
      for (earlier, later) in zip(own, own.dropFirst()) {
        #expect(earlier.end <= later.start, "\(track.thread)")
      }
    }
  }
}

extension StreamedServingTests {
  @Test("parameters of schedules change runs")
  func parameters() throws {
    func seconds(
      _ schedule: any SchedulePolicy, pinned: Bool = true, deviceGiB: Double = 24
    ) throws -> Double {
      try ServingHarness.run(
        configuration(
          schedule, pinned: pinned,
          cache: CacheConfiguration(
            experts: deviceGiB < 24 ? .automatic : .count(0), workspaceBytes: 64 << 20),
          figures: ServingHarness.figures(deviceGiB: deviceGiB))
      ).simulatedSeconds
    }
    // About 0.6 of the experts fit: half of them as whole ones of eight, or all that fit.
    let whole = PipelinedHostAttention(microBatchSize: 2, microBatches: 4)
    let parts = PipelinedHostAttention(
      microBatchSize: 2, microBatches: 4, keepsWholeExperts: false)
    #expect(try seconds(whole, deviceGiB: 1.0) > seconds(parts, deviceGiB: 1.0))
    // The optimiser with other constants chooses other micro-batches.
    let own = try seconds(PipelinedHostAttention(microBatches: 2))
    let sized = try seconds(PipelinedHostAttention(microBatchSize: 1, microBatches: 2))
    #expect(own != sized)
    let block = try seconds(BlockSchedule(microBatchSize: 2), pinned: false)
    let smaller = try seconds(BlockSchedule(microBatchSize: 1, microBatches: 8), pinned: false)
    #expect(block != smaller)
    let keyValues = try seconds(
      BlockSchedule(microBatchSize: 2, pinsKeyValues: true), pinned: false)
    #expect(block != keyValues)
    #expect(try seconds(LayerStreaming()) != seconds(LayerStreaming(sequences: 3)))
  }

  @Test("the optimiser's constants choose the plan")
  func constants() throws {
    func plan(_ machine: HierarchicalRoofline.Machine?) throws -> GraphPlan? {
      let made = try configuration(PipelinedHostAttention(constants: machine))
      return try GraphState(made)?.plan
    }
    var little = HierarchicalRoofline.Machine.publishedL4
    // All weights fit on the GPU; host memory holds eleven sequences: of 37 tokens, keys and values of
    // 256 in 2 bytes each over 4 layers, and hidden states of 32 tokens.
    little.hostBytes = 11 * Double(37 * 4 * 256 * 4 + 32 * 1024 * 2)
    let less = try #require(try plan(little))
    let more = try #require(try plan(.publishedL4))
    #expect(less.sequences <= 11 && less.sequences < more.sequences)
    #expect(more.sequences <= 64)
  }
}
