// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies
import Testing
import Workload

@testable import Serving

/// The expert pipeline in the engine: when its operations run, on what, and what they need.
@Suite("Expert pipeline in the engine")
struct ExpertPipelineServingTests {
  /// Eight experts each on two devices; 16 in all, of which a token chooses two.
  static func configuration(
    peerRate: Double = 50e9, prompt: Int32 = 4096, output: Int32 = 1, devices: Int = 2,
    deviceGiB: Double = 24, _ change: (inout ExpertPipeline) -> Void = { _ in }
  ) throws -> ServingConfiguration {
    var pipeline = ExpertPipeline()
    pipeline.attention = .data
    pipeline.kernel = .grouped
    change(&pipeline)
    var figures = ServingHarness.figures(deviceGiB: deviceGiB)
    figures.multiprocessors = 132
    figures.peerRate = peerRate
    var configuration = ServingHarness.configuration(
      model: try ServingHarness.model(layers: 1, experts: 16), cache: CacheConfiguration(),
      policy: ServingHarness.lru(schedule: pipeline),
      limits: BatchLimits(maximumSequences: 4, tokenBudget: 8192, chunkedPrefill: false),
      figures: figures,
      requests: ServingHarness.requests(count: 1, prompt: prompt, output: output))
    configuration.devices = devices
    return configuration
  }

  /// The slices of the mixture, in order of their starts.
  static func slices(_ configuration: ServingConfiguration) throws -> [TimelineSlice] {
    let (_, sink) = try RecordingSink.record(configuration)
    return sink.slices.filter { ["gate", "dispatch", "experts", "combine"].contains($0.name) }
      .sorted { ($0.start, $0.end) < ($1.start, $1.end) }
  }

  /// From the gate's end to the end of the last combine [s].
  static func makespan(_ slices: [TimelineSlice]) throws -> Double {
    let gate = try #require(slices.first { $0.name == "gate" })
    let last = try #require(slices.last { $0.name == "combine" })
    return Double(last.end - gate.end) * 1e-9
  }

  /// What the parts take, by the roofline of 100 TFLOP/s and 1 TB/s with its tiles and ramps.
  struct Parts {
    /// 4096 tokens of two choices on two devices: 4096 rows of a device, 512 of an expert.
    static let rows = 4096.0
    /// An expert: three matrices of 1024 × 3584.
    static let parameters = 3 * 1024.0 * 3584

    static func products(groups: Int, units: Double) -> Double {
      2 * parameters * rows / Double(groups) / 100e12 * (512 + 16) / 512 * 132 / units
    }
    /// Copies that go to an eighth, a quarter … of a device's experts.
    static func copies(_ count: Int) -> Double {
      let rest = Double(16 - count)
      return 2 * (1 - rest * (rest - 1) / (16 * 15))
    }
    /// One of so many dispatches: half of a token's copies goes to the other device.
    static func dispatch(groups: Int, rate: Double) -> Double {
      copies(8 / groups) * 4096 * 2048 / 2 / 2 / rate
    }
    static func complete(_ group: Int, of groups: Int) -> Double {
      let count = Double(16 / groups * group)
      return count * (count - 1) / (16 * 15)
    }
    static func combine(_ share: Double, rate: Double) -> Double {
      share * copies(8) * 4096 * 2048 / 2 / 2 / rate
    }
    /// LocalReduce: of 2048 tokens two rows are read and a copy for each device is written.
    static func reduce(_ share: Double) -> Double {
      (share * 2048 * (2 + copies(8)) * 2048 + 1e6) / 1e12
    }
  }

  @Test("one group: dispatch, products on all multiprocessors, LocalReduce, combine")
  func oneGroup() throws {
    let slices = try Self.slices(Self.configuration { $0.groups = 1 })
    let expected =
      Parts.dispatch(groups: 1, rate: 50e9) + Parts.products(groups: 1, units: 132)
      + Parts.reduce(1) + Parts.combine(1, rate: 50e9)
    #expect(abs(try Self.makespan(slices) - expected) < 5e-9)
    #expect(slices.filter { $0.name == "dispatch" }.count == 1)
  }

  @Test(
    "N groups, products the longer part: the first dispatch and the last combine show",
    arguments: [2, 4, 8])
  func productsLonger(groups: Int) throws {
    let slices = try Self.slices(Self.configuration { $0.groups = groups })
    var expected = Parts.dispatch(groups: groups, rate: 50e9)
    var sent = 0.0
    for group in 1...groups {
      let complete = Parts.complete(group, of: groups)
      expected += Parts.products(groups: groups, units: 116) + Parts.reduce(complete - sent)
      if group == groups { expected += Parts.combine(complete - sent, rate: 50e9) }
      sent = complete
    }
    #expect(abs(try Self.makespan(slices) - expected) < 5e-8)
    #expect(slices.filter { $0.name == "dispatch" }.count == groups)
  }

  @Test("N groups, communication the longer part: it is never idle", arguments: [2, 4, 8])
  func communicationLonger(groups: Int) throws {
    let slices = try Self.slices(Self.configuration(peerRate: 2e9) { $0.groups = groups })
    // After the dispatches, only combines are left; the last waits for the last products.
    let dispatched = Double(groups) * Parts.dispatch(groups: groups, rate: 2e9)
    let before = Parts.complete(groups - 1, of: groups)
    let tail =
      Parts.products(groups: groups, units: 116) + Parts.reduce(1 - before)
      + Parts.combine(1 - before, rate: 2e9)
    let all = dispatched + Parts.combine(1, rate: 2e9)
    let makespan = try Self.makespan(slices)
    #expect(makespan >= max(all, dispatched + tail) - 1e-7)
    // Combines of earlier groups either fit beside the last products, or delay the last one.
    #expect(makespan <= all + Parts.products(groups: groups, units: 116) + Parts.reduce(1) + 1e-7)
  }

  @Test("without overlap, everything takes turns")
  func turns() throws {
    for groups in [1, 4] {
      let slices = try Self.slices(
        Self.configuration {
          $0.groups = groups
          $0.overlaps = false
        })
      for (earlier, later) in zip(slices, slices.dropFirst()) {
        #expect(earlier.end <= later.start)
      }
      let expected =
        Double(groups)
        * (Parts.dispatch(groups: groups, rate: 50e9) + Parts.products(groups: groups, units: 132))
        + Parts.reduce(1) + Parts.combine(1, rate: 50e9)
      #expect(abs(try Self.makespan(slices) - expected) < 5e-8)
    }
  }

  @Test(
    "multiprocessors are never held twice",
    arguments: [(nil, 16), (132, 16), (100, 40), (60, 16), (116, 17)] as [(Int?, Int)])
  func multiprocessors(products: Int?, collective: Int) throws {
    let slices = try Self.slices(
      Self.configuration(peerRate: 10e9) {
        $0.groups = 4
        $0.productMultiprocessors = products
        $0.collectiveMultiprocessors = collective
      })
    let sum = try #require(slices.last { $0.name == "experts" })
    let last = try #require(slices.last { $0.name == "combine" })
    #expect(sum.start >= last.end)
    var overlaps = false
    for slice in slices where slice.end > slice.start {
      // Whatever runs when a slice begins.
      let running = slices.filter { $0.start <= slice.start && $0.end > slice.start }
      let held = running.reduce(0) { held, other in
        switch other.name {
        case "experts":
          held + (other.start == sum.start ? 132 : products ?? 132 - collective)
        case "gate": held + 132
        default: held + collective
        }
      }
      #expect(held <= 132)
      overlaps = overlaps || running.count > 1
    }
    #expect(overlaps == ((products ?? 132 - collective) + collective <= 132))
  }

  @Test("decoding serves every token, and few rows are drawn")
  func decoding() throws {
    var configuration = try Self.configuration(prompt: 64, output: 20)
    configuration.mergesWholeSteps = true
    let result = try ServingHarness.run(configuration)
    #expect(result.requests.completed == 1)
    #expect(result.requests.outputTokens == 20)
    #expect(result.utilization["gpu0.peer.out"] ?? 0 > 0)
    #expect(result.utilization["gpu0.peer.out"] == result.utilization["gpu0.peer.in"])
    let traffic = try #require(result.traffic.first { $0.purpose == "collective" })
    #expect(traffic.bytes > 0 && traffic.link == "gpu0.peer.out")
    #expect(result.stallMsPerToken.collective > 0)
  }

  @Test("a device holds its share of the experts and all of the rest")
  func memory() throws {
    let configuration = try Self.configuration()
    let result = try ServingHarness.run(configuration)
    let memory = try #require(result.memory.first { $0.name == "gpu0.hbm" })
    let part = { (name: String) in memory.parts.first { $0.name == name }?.value ?? -1 }
    let expert = 3 * 1024.0 * 3584 * 2
    #expect(part("expert cache") == 8 * expert)
    let bytes = configuration.model.bytes(under: .bf16)
    #expect(part("non-expert weights") == Double(bytes.nonExpert))
    #expect(memory.highWaterBytes <= memory.capacityBytes)
    // With tensor parallelism, half of attention's weights.
    let tensor = try ServingHarness.run(Self.configuration { $0.attention = .tensor })
    let held = tensor.memory.first { $0.name == "gpu0.hbm" }?.parts
      .first { $0.name == "non-expert weights" }?.value
    let attention = configuration.model.layers[0].bytes(under: .bf16).attention
    #expect(held == Double(bytes.nonExpert - attention / 2))
  }

  @Test("a share that does not fit is told with numbers; one that would fit, fits")
  func misfit() throws {
    var configuration = try Self.configuration(deviceGiB: 0.3)
    configuration.cache.workspaceBytes = 0
    let error = #expect(throws: DoesNotFit.self) { _ = try ServingHarness.run(configuration) }
    let misfit = try #require(error)
    #expect(misfit.neededBytes > misfit.capacityBytes)
    #expect(misfit.parts.contains { $0.name == "a share of the experts" && $0.bytes > 0 })
    let words = try #require(
      misfit.suggestions.first { $0.hasPrefix("serving.parallelism.expert: ") })
    configuration.devices = try #require(Int(words.split(separator: " ").last ?? ""))
    #expect(configuration.devices > 2)
    #expect(try ServingHarness.run(configuration).requests.completed == 1)
    // One device less does not do.
    var fewer = configuration
    fewer.devices /= 2
    #expect(throws: DoesNotFit.self) { _ = try ServingHarness.run(fewer) }
  }

  @Test("experts that are not all resident are refused")
  func residency() throws {
    var configuration = try Self.configuration()
    configuration.cache.experts = .share(0.5)
    #expect(throws: GraphPlanError.self) { _ = try ServingHarness.run(configuration) }
    configuration.cache.experts = .all
    configuration.cache.keyValue = .elastic(minimumExpertBytes: 1 << 20)
    #expect(throws: GraphPlanError.self) { _ = try ServingHarness.run(configuration) }
  }

  @Test("a GPU with too few multiprocessors is refused")
  func tooFew() throws {
    var configuration = try Self.configuration()
    configuration.figures.multiprocessors = 16
    #expect(throws: GraphPlanError.self) { _ = try ServingHarness.run(configuration) }
    configuration.figures.multiprocessors = 17
    #expect(try ServingHarness.run(configuration).requests.completed == 1)
  }
}
