// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation
import Policies
import Residency
import Routing
import TestSupport
import Testing

/// The replay against caches that really ran, and against published figures.
@Suite(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
struct RecordedCacheTests {
  /// A phone's run of Qwen3-30B-A3B with 4000 MiB for experts: every access was recorded with
  /// whether it was resident (github.com/Helldez/BigMoeOnEdge, docs/bench-data).
  static func phone() throws -> any RoutingTraceReader {
    try RoutingTraceFile(path: #require(SharedData.path("bigmoeonedge/qwen.route.csv"))).reader()
  }

  static func options(
    _ evictions: [String], _ capacities: [CacheCapacity], _ phase: CacheReplayOptions.Phase = .all
  ) -> CacheReplayOptions {
    var options = CacheReplayOptions(evictions: evictions, capacities: capacities)
    options.pool = .global
    options.touchOrder = .recorded
    options.phase = phase
    return options
  }

  @Test func phoneRunIsReproduced() throws {
    let capacity = try CacheCapacity(parsing: "4000 MiB")
    var reader = try Self.phone()
    var (agreeing, differing) = (0, 0)
    var bytes: [Int: Int64] = [:]
    let all = try CacheReplayStudy(options: Self.options(["lru"], [capacity])).run(&reader) {
      event, members, run in
      guard event.phase == .decode else { return }
      for (member, outcome) in zip(members, run.access.outcomes) {
        let expert = Int32(run.tier.layout.expert(of: member.block))
        let place = event.experts.firstIndex(of: expert)!
        if (event.recordedResidency[place] == 1) == (outcome == .hit) {
          agreeing += 1
        } else {
          differing += 1
        }
        if outcome != .hit {
          bytes[event.step, default: 0] += run.tier.layout.bytes(of: member.block)
        }
      }
    }
    #expect((agreeing, differing) == (36_864, 0))
    #expect(all.results[0].accesses == 39_526)
    #expect(abs(all.results[0].hitRate! - 0.7488) < 0.00005)
    var again = try Self.phone()
    let decode = try CacheReplayStudy(options: Self.options(["lru"], [capacity], .decode))
      .run(&again)
    #expect(decode.results[0].accesses == 36_864)
    #expect(abs(decode.results[0].hitRate! - 0.80287) < 0.000005)
    try Self.compareBytes(bytes)
  }

  /// The bytes of each step against those that the device's own counter saw.
  static func compareBytes(_ bytes: [Int: Int64]) throws {
    let text = try String(
      contentsOfFile: #require(SharedData.path("bigmoeonedge/qwen.metrics")), encoding: .utf8)
    let measured = text.split(whereSeparator: \.isNewline).filter { $0.first?.isNumber == true }.map
    {
      Double($0.split(separator: ",")[5])!
    }
    let steps = bytes.keys.sorted()
    #expect(measured.count == steps.count)
    var worst = 0.0
    for (step, expected) in zip(steps, measured) {
      worst = max(worst, abs(Double(bytes[step]!) - expected) / max(expected, 1))
    }
    let total = Double(bytes.values.reduce(0, +)) / measured.reduce(0, +) - 1
    #expect(worst < 0.005)
    #expect(abs(total) < 0.005)
  }

  /// Another's simulation of the same trace, for budgets from 250 to 8000 MiB: the rules that have
  /// the same definition agree to all published digits.
  @Test(arguments: [CacheReplayOptions.Phase.all, .decode])
  func publishedCurveIsReproduced(phase: CacheReplayOptions.Phase) throws {
    let text = try String(
      contentsOfFile: #require(SharedData.path("bigmoeonedge/qwen-curve.csv")), encoding: .utf8)
    var published: [String: [Int: Double]] = [:]
    for line in text.split(whereSeparator: \.isNewline).dropFirst() {
      let fields = line.split(separator: ",")
      let percent = Double(fields[phase == .all ? 2 : 3])!
      published[String(fields[1]), default: [:]][Int(fields[0])!] = percent
    }
    #if DEBUG
      let budgets = [250, 1500, 6000]
    #else
      let budgets = published["lru"]!.keys.sorted()
    #endif
    var reader = try Self.phone()
    let report = try CacheReplayStudy(
      options: Self.options(
        ["lru", "lfu", "belady"], budgets.map { .bytes(Int64($0) << 20) }, phase)
    ).run(&reader)
    #expect(report.results.count == 3 * budgets.count)
    for (index, result) in report.results.enumerated() {
      let budget = budgets[index % budgets.count]
      let expected = published[result.eviction]![budget]!
      #expect(
        abs(100 * result.hitRate! - expected) < 0.00051,
        "\(result.eviction) at \(budget) MiB: \(100 * result.hitRate!), published \(expected)")
    }
  }

  /// A fixture of another's cache evaluation, said to have 12 hits and 18 misses
  /// (moe-cache-eval). Its last expert is never asked for, so the number of experts is given.
  @Test(arguments: EvictionRegistry.names)
  func fixtureHasItsHits(eviction: String) throws {
    let file = try RoutingTraceFile(
      path: #require(SharedData.path("moe_cache_eval/toy_events.csv")),
      options: .init(shape: RoutingShape(layers: 3, experts: 4, topK: 2)))
    var reader = try file.reader()
    let options = CacheReplayOptions(evictions: [eviction], capacities: [.share(0.5)])
    let result = try CacheReplayStudy(options: options).run(&reader).results[0]
    #expect(result.accesses == 30)
    if eviction == "lru" { #expect(result.hits == 12) }
    if eviction == "belady" { #expect(result.hits >= 12) }
  }

  /// Every decode token of 494 sequences of gpt-oss-20b, batch 1
  /// (github.com/AmanPriyanshu/GPT-OSS-MoE-ExpertFingerprinting).
  @Test func hitRatesOfManySequencesAreReproduced() throws {
    #if DEBUG
      let sequences = 3
    #else
      let sequences = Int.max
    #endif
    let file = try RoutingTraceFile(
      path: #require(SharedData.path("gptoss20b_routing/decode_topk_norepeat.bin")),
      options: .init(shape: RoutingShape(layers: 24, experts: 32, topK: 4)))
    var reader = FirstSequences(of: try file.reader(), count: sequences)
    var options = CacheReplayOptions(
      evictions: ["lru", "lfu", "fifo", "belady"],
      capacities: [.share(0.25), .share(0.5), .share(0.75)])
    options.reset = .request
    let results = try CacheReplayStudy(options: options).run(&reader).results
    #expect(results.map(\.capacityExperts) == [8, 16, 24, 8, 16, 24, 8, 16, 24, 8, 16, 24])
    let rates = results.map { $0.hitRate! }
    for (index, result) in results.enumerated() {
      let bound = results[9 + index % 3]
      #expect(result.hits <= bound.hits, "\(result.eviction)")
      for layer in 0..<24 { #expect(result.layers[layer].hits <= bound.layers[layer].hits) }
    }
    #if !DEBUG
      #expect(results[0].accesses == 162_219 * 24 * 4)
      for (rate, published) in zip(rates, [0.660, 0.892, 0.967]) {
        #expect(abs(rate - published) <= 0.002)
      }
    #else
      #expect(rates.allSatisfy { $0 > 0.4 && $0 < 1 })
    #endif
  }
}

/// The first sequences of a trace.
struct FirstSequences: RoutingTraceReader {
  var base: any RoutingTraceReader
  let count: Int

  init(of base: any RoutingTraceReader, count: Int) {
    self.base = base
    self.count = count
  }

  var shape: RoutingShape { base.shape }
  var formatName: String { base.formatName }
  var hasGateWeights: Bool { base.hasGateWeights }
  var isRanked: Bool { base.isRanked }
  var expertBytes: [Int64]? { base.expertBytes }

  mutating func next(into event: inout RoutingLayerEvent) throws -> Bool {
    guard try base.next(into: &event) else { return false }
    return event.sequence < count
  }

  mutating func rewind() throws { try base.rewind() }
}
