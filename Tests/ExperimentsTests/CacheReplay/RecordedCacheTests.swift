// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation
import Residency
import Routing
import TestSupport
import Testing

/// The replay against caches that really ran, and against published figures.
@Suite(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.absence)))
struct RecordedCacheTests {
  /// A phone's run of Qwen3-30B-A3B with 4000 MiB for experts: every access was recorded with
  /// whether it was resident (github.com/Helldez/BigMoeOnEdge, docs/bench-data).
  static func phone() throws -> ListReader {
    let text = try String(
      contentsOfFile: #require(SharedData.path("bigmoeonedge/qwen.route.csv")), encoding: .utf8)
    var sizes: [Int64] = []
    var prompt: [Int: RoutingLayerEvent] = [:]
    var decode: [RoutingLayerEvent] = []
    for line in text.split(whereSeparator: \.isNewline) {
      if line.hasPrefix("# layer=") {
        sizes.append(Int64(line.split(separator: "=")[2].split(separator: " ")[0])!)
      }
      guard line.first?.isNumber == true else { continue }
      let fields = line.split(separator: ",")
      let (phase, step, layer) = (Int(fields[1])!, Int(fields[2])!, Int(fields[3])!)
      var event =
        phase == 0 ? prompt[layer] ?? RoutingLayerEvent() : decode.last ?? RoutingLayerEvent()
      let isNew = phase == 1 && (decode.isEmpty || event.step != step || event.layer != layer)
      if isNew { event = RoutingLayerEvent() }
      event.phase = phase == 0 ? .prefill : .decode
      event.step = step
      event.layer = layer
      if fields[4] == "0" { event.tokens += 1 }
      event.experts.append(Int32(fields[5])!)
      event.weights.append(Float(fields[6])!)
      event.recordedResidency.append(UInt8(fields[7])!)
      event.recordedBytes.append(Int64(fields[8])!)
      if phase == 0 {
        prompt[layer] = event
      } else if isNew {
        decode.append(event)
      } else {
        decode[decode.count - 1] = event
      }
    }
    var reader = ListReader(
      shape: RoutingShape(layers: 48, experts: 128, topK: 6), expertBytes: sizes)
    reader.events = prompt.keys.sorted().map { prompt[$0]! } + decode
    return reader
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
    print("bytes a step: worst error \(worst), of the total \(total)")
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
    let budgets = published["lru"]!.keys.sorted()
    var reader = try Self.phone()
    let report = try CacheReplayStudy(
      options: Self.options(
        ["lru", "lfu", "belady"], budgets.map { .bytes(Int64($0) << 20) }, phase)
    ).run(&reader)
    #expect(report.results.count == 33)
    for (index, result) in report.results.enumerated() {
      let budget = budgets[index % budgets.count]
      let expected = published[result.eviction]![budget]!
      #expect(
        abs(100 * result.hitRate! - expected) < 0.00051,
        "\(result.eviction) at \(budget) MiB: \(100 * result.hitRate!), published \(expected)")
    }
  }

  /// Decode tokens of gpt-oss-20b, batch 1
  /// (github.com/AmanPriyanshu/GPT-OSS-MoE-ExpertFingerprinting).
  static func gptOSS(sequences: Int) throws -> ListReader {
    let index = try String(
      contentsOfFile: #require(SharedData.path("gptoss20b_routing/decode_topk_norepeat_index.csv")),
      encoding: .utf8)
    let data = try Data(
      contentsOf: URL(
        filePath: #require(SharedData.path("gptoss20b_routing/decode_topk_norepeat.bin"))))
    var reader = ListReader(shape: RoutingShape(layers: 24, experts: 32, topK: 4))
    reader.hasGateWeights = false
    let bytes = [UInt8](data)
    for (sequence, line) in index.split(whereSeparator: \.isNewline).dropFirst().prefix(sequences)
      .enumerated()
    {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      let (tokens, first) = (Int(fields[5])!, Int(fields[6])!)
      for token in 0..<tokens {
        for layer in 0..<24 {
          let at = ((first + token) * 24 + layer) * 4
          reader.append(
            sequence: sequence, step: token, layer: layer,
            experts: bytes[at..<at + 4].map { Int32($0) }, weights: [])
        }
      }
    }
    return reader
  }

  @Test func gptOSSHitRates() throws {
    #if DEBUG
      let sequences = 12
    #else
      let sequences = 494
    #endif
    var reader = try Self.gptOSS(sequences: sequences)
    var options = CacheReplayOptions(
      evictions: ["lru", "lfu", "fifo", "belady"],
      capacities: [.share(0.25), .share(0.5), .share(0.75)])
    options.reset = .request
    let started = ContinuousClock.now
    let results = try CacheReplayStudy(options: options).run(&reader).results
    print("took", ContinuousClock.now - started)
    for result in results { print(result.eviction, result.capacityExperts, result.hitRate!) }
    let rates = results.map { $0.hitRate! }
    for rule in 1..<3 {
      for capacity in 0..<3 { #expect(rates[rule * 3 + capacity] <= rates[9 + capacity]) }
    }
    #if !DEBUG
      for (rate, published) in zip(rates, [0.660, 0.892, 0.967]) {
        #expect(abs(rate - published) <= 0.002)
      }
    #endif
  }
}
