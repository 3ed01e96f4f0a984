// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Routing
import Testing
import Workload

@testable import Serving

/// Experts dealt out to GPUs that have each its pool, its link and its stream.
@Suite("Expert parallelism with experts off the GPUs")
struct ExpertParallelTests {
  static let expert = TransferTests.expert

  /// Eight experts on two GPUs, of each GPU's four two resident: 0, 1 and 4, 5 when contiguous.
  static func configuration(
    slots: Int = 2, prompt: [[Int]], decode: [[[Int]]] = [], layers: Int = 1,
    division: GPUDivision = GPUDivision(tensor: 1, expertGroups: 2),
    schedule: any SchedulePolicy = ComputeAsReady(), transfer: TransferOptions = TransferOptions(),
    change: (inout MachineFigures) -> Void = { _ in }
  ) throws -> ServingConfiguration {
    var figures = ServingHarness.figures()
    figures.peerRate = 20e9
    change(&figures)
    var configuration = try TransferTests.configuration(
      layers: layers, slots: slots, prompt: prompt, decode: decode, figures: figures,
      transfer: transfer, schedule: schedule)
    configuration.division = division
    return configuration
  }

  private static func moved(_ result: SimulationResult, _ name: String) -> Double {
    result.resources.first { $0.name == name }?.workDone ?? 0
  }

  @Test(
    "two GPUs load at once, each over its own link; what they share makes it the sum",
    arguments: [
      (root: nil as Double?, seconds: 1.0), (root: 10e9, seconds: 2.0), (root: 20e9, seconds: 1.0),
    ])
  func contention(root: Double?, seconds: Double) throws {
    // 2 is missing on the first GPU, 6 on the second.
    let configuration = try Self.configuration(prompt: [[2, 6]], schedule: LoadThenCompute()) {
      $0.rootComplexRate = root
    }
    let result = try ServingHarness.run(configuration)
    #expect(result.expertCache.misses == 2)
    #expect(abs(TransferTests.stalled(result) - seconds * Self.expert / 10e9) < 10e-9)
    #expect(abs(Self.moved(result, "gpu0.link.down") - Self.expert) < 1)
    #expect(abs(Self.moved(result, "gpu1.link.down") - Self.expert) < 1)
    #expect(abs(Self.moved(result, "host.dram") - 2 * Self.expert) < 1)
  }

  @Test("host memory is shared: below the links' sum it makes the time")
  func hostMemory() throws {
    let configuration = try Self.configuration(prompt: [[2, 6]]) { $0.hostBandwidth = 12e9 }
    let result = try ServingHarness.run(configuration)
    // The second copy ends when the first has: both at half of 12 GB/s.
    let end = Self.expert / 6e9
    let report = try #require(result.devices)
    for device in report { #expect(abs(device.waitingForExpertsSeconds - end) < 10e-9) }
  }

  @Test("a layer ends when the last GPU has computed its experts, and the others wait for it")
  func straggler() throws {
    // The first GPU has both of its experts, the second has to load one.
    let configuration = try Self.configuration(prompt: [[0, 1, 6]])
    let result = try ServingHarness.run(configuration)
    let costs = configuration.model.costs(under: .bf16).layers[0]
    let timing = ServingHarness.timing()
    let two = timing.seconds(costs.groupedExpertWork(assignments: 2, distinct: 2))
    let one = timing.seconds(costs.expertWork(tokens: 1))
    let load = Self.expert / 10e9
    let report = try #require(result.devices)
    #expect(report.map(\.name) == ["gpu0", "gpu1"] && report.map(\.gpus) == [1, 1])
    #expect(abs(report[0].waitingForOthersSeconds - (load + one - two)) < 10e-9)
    #expect(report[0].waitingForExpertsSeconds == 0)
    #expect(report[1].waitingForOthersSeconds == 0)
    #expect(abs(report[1].waitingForExpertsSeconds - load) < 10e-9)
    #expect(report.map(\.bytesLoaded) == [0, Int64(Self.expert)])
    // What is no expert both have done at the same time.
    #expect(abs(report[0].busySeconds - two - (report[1].busySeconds - one)) < 10e-9)
    #expect(result.utilization["gpu1.compute"] != nil)
  }

  @Test("where experts lie decides who is the straggler", arguments: GPUDivision.Placement.allCases)
  func placement(_ placement: GPUDivision.Placement) throws {
    let configuration = try Self.configuration(
      slots: 4, prompt: [[0, 2]],
      division: GPUDivision(tensor: 1, expertGroups: 2, placement: placement))
    let report = try #require(try ServingHarness.run(configuration).devices)
    // Both on the first GPU in either case.
    #expect(report[1].waitingForOthersSeconds > 0 && report[0].waitingForOthersSeconds == 0)
    let apart = try Self.configuration(
      slots: 4, prompt: [placement == .contiguous ? [0, 4] : [0, 1]],
      division: GPUDivision(tensor: 1, expertGroups: 2, placement: placement))
    for device in try #require(try ServingHarness.run(apart).devices) {
      #expect(device.waitingForOthersSeconds == 0)
    }
  }

  @Test(
    "every token is answered and every byte accounted for, by link",
    arguments: [
      GPUDivision(tensor: 1, expertGroups: 2), GPUDivision(tensor: 4, expertGroups: 4),
      GPUDivision(tensor: 4, expertGroups: 2, placement: .roundRobin), GPUDivision(tensor: 4),
    ], [0, 1, 2])
  func books(_ division: GPUDivision, schedule: Int) throws {
    let schedules: [any SchedulePolicy] = [ComputeAsReady(), LoadThenCompute(), ExpertByExpert()]
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 6, gapSeconds: 0.02)
    var figures = ServingHarness.figures()
    figures.rootComplexRate = 15e9
    var configuration = ServingHarness.configuration(
      model: model, cache: CacheConfiguration(experts: .count(1)),
      policy: ServingHarness.lru(
        prefetch: PredictedPrefetch(), schedule: schedules[schedule],
        transfer: TransferOptions(chunks: 2, writeBack: true)),
      figures: figures, requests: requests)
    configuration.policy.prediction = OraclePrediction()
    configuration.division = division
    let result = try ServingHarness.probe(configuration, stride: 97) { engine, _ in
      #expect(engine.tier.inconsistencies().isEmpty)
    }
    #expect(result.requests.completed == 6 && result.requests.unfinished == 0)
    #expect(result.requests.outputTokens == 6 * 16)
    let shards = Double(division.shards)
    var shared = 0.0
    for gpu in stride(from: 0, to: division.gpus, by: division.shards) {
      func bytes(_ names: [String], _ purposes: Set<String>? = nil) -> Double {
        Double(
          result.traffic.filter {
            names.contains($0.link) && (purposes?.contains($0.purpose) ?? true)
          }.reduce(0) { $0 + $1.bytes })
      }
      let down = bytes(["gpu\(gpu).h2d"])
      let up = bytes(["gpu\(gpu).d2h"])
      let sums = bytes(["gpu\(gpu).link.up"])
      #expect(sums > 0)
      #expect(abs(Self.moved(result, "gpu\(gpu).link.down") - down - sums) < 1 + 1e-9 * down)
      #expect(abs(Self.moved(result, "gpu\(gpu).link.up") - up - sums) < 1 + 1e-9 * up)
      shared += shards * (down + up + 2 * sums)
    }
    for name in ["host.dram", "host.root"] {
      #expect(abs(Self.moved(result, name) - shared) < 1 + 1e-9 * shared, "\(name)")
    }
    let loaded = result.traffic.filter { ["demand", "prefetch"].contains($0.purpose) }
      .reduce(0) { $0 + $1.bytes }
    #expect(loaded == result.expertCache.bytesLoaded)
    let again = try ServingHarness.probe(configuration) { _, _ in }
    #expect(try ServingHarness.record(again) == ServingHarness.record(result))
  }

  @Test("hits are those of a cache for each GPU's experts, replayed by themselves")
  func hits() throws {
    let decode: [[[Int]]] = (0..<40).map { step in
      let first = step * 3 % 8
      let second = (step * 5 + 1) % 8
      return [[first, second == first ? (second + 1) % 8 : second]]
    }
    let configuration = try Self.configuration(prompt: [[0, 4]], decode: decode)
    let result = try ServingHarness.run(configuration)
    // An LRU list for each GPU, the most recent last; members of a set are touched by weight,
    // the heaviest last.
    var lists = [[0, 1], [4, 5]]
    var hits = 0
    var accesses = 0
    // The last output token is not fed back.
    for set in [[0, 4]] + decode.map({ $0[0] }) {
      var touched = lists
      for expert in set.reversed() {
        accesses += 1
        let gpu = expert / 4
        if lists[gpu].contains(expert) { hits += 1 }
        if let place = touched[gpu].firstIndex(of: expert) {
          touched[gpu].remove(at: place)
        } else {
          // No member of the set makes room for another.
          touched[gpu].remove(at: touched[gpu].firstIndex { !set.contains($0) }!)
        }
        touched[gpu].append(expert)
      }
      lists = touched
    }
    let fed = result.expertCache.tiers["hbm"]!.layers[0]
    #expect(Int(fed.accesses) == accesses)
    #expect(Int(fed.hits) == hits)
  }

  @Test("one GPU is the same with and without a division")
  func single() throws {
    var configuration = try Self.configuration(prompt: [[2, 6]], division: .single)
    let first = try ServingHarness.record(ServingHarness.run(configuration))
    configuration.figures.rootComplexRate = 1e9
    #expect(try ServingHarness.record(ServingHarness.run(configuration)) == first)
    #expect(!first.contains("waitingForOthers"))
  }
}
