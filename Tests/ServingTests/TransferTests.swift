// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Routing
import Testing
import Workload

@testable import Serving

/// How long experts take on their way, by arithmetic.
@Suite("Transfers")
struct TransferTests {
  static let experts = 8
  static let expert = 22_020_096.0  // 3 matrices of 1024 × 3584 in 16 bits

  /// One layer, one prompt token, one output token that is fed back: what the gates name, in order.
  static func configuration(
    layers: Int = 1, slots: Int = 2, prompt: [[Int]], decode: [[[Int]]] = [],
    figures: MachineFigures = ServingHarness.figures(),
    transfer: TransferOptions = TransferOptions(), buffers: Int = 2,
    schedule: any SchedulePolicy = ComputeAsReady(), host: CacheConfiguration.HostCapacity = .all
  ) throws -> ServingConfiguration {
    let topK = prompt[0].count
    let model = try ServingHarness.model(layers: layers, experts: experts, topK: topK)
    let shape = RoutingShape(layers: layers, experts: experts, topK: topK)
    return ServingHarness.configuration(
      model: model,
      cache: CacheConfiguration(experts: .count(slots), host: host, stagingBuffers: buffers),
      policy: ServingHarness.lru(schedule: schedule, transfer: transfer),
      limits: BatchLimits(maximumSequences: 1), figures: figures,
      routing: { ScriptedRouting(shape: shape, prompt: prompt, decode: decode) },
      requests: ServingHarness.requests(count: 1, prompt: 1, output: Int32(1 + decode.count)))
  }

  /// The time in which the compute stream stood still [s].
  static func stalled(_ result: SimulationResult) -> Double {
    let stall = result.stallMsPerToken
    return Double(result.requests.outputTokens) * 1e-3
      * (stall.demandLoad + stall.latePrefetch + stall.staging + stall.drive
        + stall.linkContention + stall.memoryFull)
  }

  /// The time in which the compute stream computed [s].
  static func computed(_ result: SimulationResult) -> Double {
    result.resources.first { $0.name == "gpu0.compute" }!.busySeconds
  }

  @Test("one miss stalls for its copy")
  func oneMiss() throws {
    // Experts 0 and 1 are there; 5 is not.
    let configuration = try Self.configuration(prompt: [[5]])
    let result = try ServingHarness.run(configuration)
    #expect(result.expertCache.misses == 1)
    #expect(abs(Self.stalled(result) - Self.expert / 10e9) < 2e-9)
    #expect(abs(result.stallMsPerToken.demandLoad - Self.expert / 10e9 * 1e3) < 2e-6)
    #expect(abs(result.simulatedSeconds - Self.computed(result) - Self.stalled(result)) < 2e-9)
  }

  @Test("copies run one after the other, at the slower of link and host memory")
  func boundByHostMemory() throws {
    var figures = ServingHarness.figures()
    figures.hostBandwidth = 4e9
    let result = try ServingHarness.run(
      Self.configuration(
        prompt: [[4, 5]], figures: figures, schedule: LoadThenCompute()))
    #expect(abs(Self.stalled(result) - 2 * Self.expert / 4e9) < 4e-9)
    // The step needs both: neither is in the other's way.
    #expect(result.stallMsPerToken.linkContention == 0)
  }

  @Test("the latency of the link is paid for each copy")
  func latency() throws {
    var figures = ServingHarness.figures()
    figures.linkLatencySeconds = 1e-3
    let result = try ServingHarness.run(
      Self.configuration(prompt: [[4, 5]], figures: figures, schedule: LoadThenCompute()))
    #expect(abs(Self.stalled(result) - 2 * (1e-3 + Self.expert / 10e9)) < 4e-9)
  }

  @Test(
    "a copy from pageable memory is a pipeline of two stages",
    arguments: [
      (staging: 8e9, link: 10e9), (staging: 5e9, link: 25e9), (staging: 30e9, link: 10e9),
    ]
  )
  func pageable(staging: Double, link: Double) throws {
    var figures = ServingHarness.figures(linkRate: link)
    figures.stagingRate = staging
    figures.hostBandwidth = 1e12
    let result = try ServingHarness.run(
      Self.configuration(
        prompt: [[5]], figures: figures, transfer: TransferOptions(pinned: false)))
    // Parts of at most 8 MiB: the first passes both stages, the others the slower one.
    let parts = (Self.expert / (8 * 1024 * 1024)).rounded(.up)
    let part = Self.expert / parts
    let slower = part / min(staging, link)
    let expected = part / staging + part / link + (parts - 1) * slower
    #expect(abs(Self.stalled(result) - expected) < 20e-9)
    // At least as long as the slower stage alone, and longer than pinned memory.
    #expect(Self.stalled(result) > Self.expert / min(staging, link))
    let staged = result.traffic.first { $0.purpose == "staging" }
    #expect(abs(Double(staged?.bytes ?? 0) - Self.expert) <= parts)
  }

  @Test(
    "a drive delivers at the rate of its lanes or its own, the lesser", arguments: [1, 2, 4, 8])
  func drive(lanes: Int) throws {
    var figures = ServingHarness.figures()
    figures.drive = MachineFigures.Drive(
      capacityBytes: 1 << 40, bandwidth: 7e9, lanes: lanes, latencySeconds: 0, laneRate: 2e9,
      requestBytes: 1_048_576)
    // Host memory holds experts 0–3 only, of which two are in device memory.
    let bytes = Int64(Self.expert)
    let result = try ServingHarness.run(
      Self.configuration(prompt: [[6]], figures: figures, host: .bytes(4 * bytes)))
    let rate = min(Double(lanes) * 2e9, 7e9)
    #expect(abs(Self.stalled(result) - Self.expert / rate - Self.expert / 10e9) < 20e-9)
    #expect(abs(result.stallMsPerToken.drive - Self.expert / rate * 1e3) < 20e-6)
    let host = try #require(result.expertCache.tiers["dram"])
    #expect(host.misses == 1 && host.hits == 0)
    // One that host memory holds does not touch the drive.
    let warm = try ServingHarness.run(
      Self.configuration(prompt: [[3]], figures: figures, host: .bytes(4 * bytes)))
    #expect(warm.stallMsPerToken.drive == 0)
    #expect(warm.expertCache.tiers["dram"]?.hits == 1)
  }

  @Test("unified memory is filled from the drive, without a copy")
  func unified() throws {
    let result = try ServingHarness.run(
      Self.configuration(
        prompt: [[6]],
        figures: ServingHarness.figures(drive: ServingHarness.drive, isUnified: true)))
    #expect(abs(Self.stalled(result) - Self.expert / 6e9) < 20e-9)
    #expect(result.traffic.map(\.link) == ["ssd0"])
  }

  @Test("evicted experts go back over the other direction", arguments: [true, false])
  func writeBack(fullDuplex: Bool) throws {
    var figures = ServingHarness.figures()
    figures.linkIsFullDuplex = fullDuplex
    let decode = (0..<40).map { [[$0 % 8, ($0 + 3) % 8]] }
    let options = TransferOptions(writeBack: true)
    let swapping = try ServingHarness.run(
      Self.configuration(
        prompt: [[0, 1]], decode: decode, figures: figures, transfer: options))
    let plain = try ServingHarness.run(
      Self.configuration(prompt: [[0, 1]], decode: decode, figures: figures))
    let up = swapping.traffic.first { $0.link == "gpu0.d2h" }
    #expect(up?.purpose == "write-back")
    #expect(up?.transfers == swapping.expertCache.tiers["hbm"]?.evictions)
    #expect(up?.bytes == Int64(up?.transfers ?? 0) * Int64(Self.expert))
    #expect(plain.traffic.allSatisfy { $0.link != "gpu0.d2h" })
    if fullDuplex {
      #expect(swapping.tpotMs?.mean == plain.tpotMs?.mean)
    } else {
      // The two directions share one: nearly twice as long.
      let ratio = try #require(swapping.tpotMs?.mean) / #require(plain.tpotMs?.mean)
      #expect(ratio > 1.5 && ratio < 2.05)
    }
  }

  @Test(
    "a set larger than its pool streams through the staging buffers",
    arguments: [1, 2, 3], [1, 2, 5])
  func overflow(slots: Int, buffers: Int) throws {
    let order = [6, 2, 0, 7, 1, 5, 3, 4]
    let configuration = try Self.configuration(
      slots: slots, prompt: [order], buffers: buffers)
    var streaming = 0
    let result = try ServingHarness.probe(configuration) { engine, _ in
      let busy = buffers - engine.freeBuffers[0]
      streaming = max(streaming, busy)
      #expect(busy >= 0 && busy <= buffers)
      #expect(engine.tier.view.used(inPool: 0) <= Int64(slots))
    }
    // The first experts are resident; those of them that are not among the heaviest are computed
    // before their room is given away.
    #expect(Int(result.expertCache.hits) == slots)
    #expect(Int(result.expertCache.misses) == 8 - slots)
    let kept = Set(order.prefix(slots))
    let dropped = (0..<slots).filter { !kept.contains($0) }.count
    #expect(streaming == min(buffers, 8 - slots - dropped))
    #expect(Int(result.expertCache.tiers["hbm"]?.evictions ?? 0) == dropped)
    // The link is never idle for longer than one expert is computed: with one buffer each copy
    // waits for the computation before.
    let copies = Double(8 - slots) * Self.expert / 10e9
    let slack = 9 * Self.expert / 1e12 * 1.5 + 1e-6
    #expect(Self.stalled(result) <= copies + 1e-8)
    #expect(Self.stalled(result) >= copies - slack)
  }
}
