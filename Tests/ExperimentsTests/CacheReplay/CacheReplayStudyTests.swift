// SPDX-License-Identifier: GPL-3.0-or-later

import Experiments
import Foundation
import Policies
import Residency
import Routing
import Testing

/// Small traces that can be followed by hand.
@Suite struct CacheReplayStudyTests {
  /// Three layers of four experts, five passes; every layer chooses the same.
  static func toy(expertBytes: [Int64]? = nil) -> ListReader {
    var reader = ListReader(
      shape: RoutingShape(layers: 3, experts: 4, topK: 2), expertBytes: expertBytes)
    for (step, set) in [[0, 1], [0, 2], [0, 1], [0, 3], [0, 1]].enumerated() {
      for layer in 0..<3 {
        reader.append(
          step: step, layer: layer, experts: set.map { Int32($0) }, weights: [0.6, 0.4])
      }
    }
    return reader
  }

  func run(
    _ reader: ListReader, _ evictions: [String], _ capacities: [CacheCapacity],
    change: (inout CacheReplayOptions) -> Void = { _ in }
  ) throws -> CacheReplayStudy.Report {
    var options = CacheReplayOptions(evictions: evictions, capacities: capacities)
    change(&options)
    var reader = reader
    return try CacheReplayStudy(options: options).run(&reader)
  }

  func run(
    _ reader: ListReader, _ capacities: [CacheCapacity],
    change: (inout CacheReplayOptions) -> Void = { _ in }
  ) throws -> CacheReplayStudy.Report {
    try run(reader, ["lru"], capacities, change: change)
  }

  @Test func heaviestIsTouchedLast() throws {
    // Expert 0 is the heaviest, hence the most recent, hence stays.
    let report = try run(Self.toy(), [.share(0.5)])
    let result = try #require(report.results.first)
    #expect((result.capacityExperts, result.capacityBytes) == (2, nil))
    #expect((result.accesses, result.hits) == (30, 12))
    #expect(result.hitRate == 0.4)
    #expect(result.layers.map(\.hits) == [4, 4, 4])
    #expect(result.layers.map(\.accesses) == [10, 10, 10])
    #expect(result.layers.map(\.layer) == [0, 1, 2])
  }

  @Test func capacitiesAreSharesCountsOrBytes() throws {
    let sizes: [Int64] = [10, 10, 10]
    func capacity(_ text: String, _ scope: PoolPlan.Scope) throws -> [Int64?] {
      let result = try run(Self.toy(expertBytes: sizes), [CacheCapacity(parsing: text)]) {
        $0.pool = scope
      }.results[0]
      return [Int64(result.capacityExperts), result.capacityBytes]
    }
    #expect(try capacity("50%", .perLayer) == [2, 20])
    #expect(try capacity("0.5", .global) == [6, 60])
    #expect(try capacity("70%", .perLayer) == [2, 20])
    #expect(try capacity("3", .perLayer) == [3, 30])
    #expect(try capacity("25 B", .perLayer) == [2, 25])
    #expect(try capacity("1 KiB", .global) == [12, 1024])
  }

  @Test(arguments: ["-1", "-5%", "120%", "3 s", "many", "", "-1 MiB", "nan", "inf", "1e300 GiB"])
  func nonsensicalCapacitiesAreErrors(text: String) {
    #expect(throws: CacheReplayError.self) { try CacheCapacity(parsing: text) }
  }

  @Test func capacitiesThatDoNotSuitTheTraceAreErrors() {
    #expect(throws: CacheReplayError.self) { try run(Self.toy(), [.count(5)]) }
    #expect(throws: CacheReplayError.self) { try run(Self.toy(), [.bytes(100)]) }
    #expect(throws: CacheReplayError.self) {
      try run(Self.toy(expertBytes: [1, 0, 1]), [.count(1)])
    }
    #expect(throws: CacheReplayError.nothingToDo) { try run(Self.toy(), []) }
    #expect(throws: EvictionError.self) { try run(Self.toy(), ["lrru"], [.count(1)]) }
  }

  @Test func sizesGivenByTheUserServeWhereTheTraceHasNone() throws {
    let result = try run(Self.toy(), [.bytes(20)]) { $0.expertBytes = 10 }.results[0]
    #expect((result.capacityExperts, result.hits) == (2, 12))
  }

  @Test func resetEmptiesTheCacheAtEachSequence() throws {
    var reader = ListReader(shape: RoutingShape(layers: 1, experts: 4, topK: 1))
    for sequence in 0..<3 {
      for step in 0..<2 {
        reader.append(sequence: sequence, step: step, layer: 0, experts: [1], weights: [1])
      }
    }
    #expect(try run(reader, [.count(2)]).results[0].hits == 5)
    #expect(try run(reader, [.count(2)]) { $0.reset = .request }.results[0].hits == 3)
  }

  @Test func phaseChoosesWhatIsCountedNotWhatIsReplayed() throws {
    var reader = ListReader(shape: RoutingShape(layers: 1, experts: 4, topK: 1))
    reader.append(
      step: 0, layer: 0, phase: .prefill, tokens: 3, experts: [2, 1, 2], weights: [1, 1, 1])
    reader.append(step: 1, layer: 0, experts: [2], weights: [1])
    func counts(_ phase: CacheReplayOptions.Phase) throws -> [Int] {
      let result = try run(reader, [.count(2)]) { $0.phase = phase }.results[0]
      return [result.accesses, result.hits]
    }
    #expect(try counts(.all) == [3, 1])
    #expect(try counts(.prefill) == [2, 0])
    #expect(try counts(.decode) == [1, 1])
  }

  @Test func recordedOrderIsThatOfLastOccurrence() throws {
    // 2 is chosen first and last: by record it is the most recent, by weight the least.
    var reader = ListReader(shape: RoutingShape(layers: 1, experts: 4, topK: 1))
    reader.append(
      step: 0, layer: 0, phase: .prefill, tokens: 3, experts: [2, 1, 2], weights: [0.1, 1, 0.1])
    reader.append(step: 1, layer: 0, experts: [0], weights: [1])
    reader.append(step: 2, layer: 0, experts: [2], weights: [1])
    #expect(try run(reader, [.count(2)]).results[0].hits == 0)
    #expect(try run(reader, [.count(2)]) { $0.touchOrder = .recorded }.results[0].hits == 1)
  }

  @Test func setLargerThanItsPoolKeepsItsHeaviestMembers() throws {
    var reader = ListReader(shape: RoutingShape(layers: 1, experts: 8, topK: 4))
    reader.append(step: 0, layer: 0, experts: [0, 1, 2, 3], weights: [0.1, 0.4, 0.2, 0.3])
    reader.append(step: 1, layer: 0, experts: [1, 3, 4, 5], weights: [0.3, 0.1, 0.2, 0.4])
    reader.append(step: 2, layer: 0, experts: [1, 5, 6, 7], weights: [1, 1, 0, 0])
    for order in TouchOrder.allCases {
      let options = { (options: inout CacheReplayOptions) in options.touchOrder = order }
      // {1, 3} stay, of which the second finds both; {1, 5} stay of that.
      #expect(try run(reader, [.count(2)], change: options).results[0].hits == 4)
    }
  }

  @Test func unequalSizesAreNoBound() throws {
    let sizes: [Int64] = [10, 20, 10]
    let bytes = try run(Self.toy(expertBytes: sizes), ["lru", "belady"], [.bytes(40)])
    #expect(bytes.results.map { $0.note?.contains("no bound") } == [nil, true])
    #expect(bytes.notices.contains { $0.contains("no bound") })
    let slots = try run(Self.toy(expertBytes: sizes), ["belady"], [.count(2)])
    #expect(slots.results[0].note?.contains("not on the bytes") == true)
    #expect(try run(Self.toy(), ["belady"], [.count(2)]).results[0].note == nil)
  }

  @Test func jsonHasTheDocumentedKeys() throws {
    let report = try run(Self.toy(expertBytes: [7, 7, 7]), [.count(2)])
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let text = String(decoding: try encoder.encode(report.results), as: UTF8.self)
    let layer = #""accesses":10,"hits":4,"layer":"#
    #expect(
      text == #"[{"accesses":30,"capacity_bytes":14,"capacity_experts":2,"eviction":"lru","#
        + #""hit_rate":0.4,"hits":12,"layers":[{"# + layer + "0},{" + layer + "1},{" + layer
        + #"2}],"pool":"per-layer"}]"#)
    let decoded = try JSONDecoder().decode(
      [CacheReplayResult].self, from: encoder.encode(report.results))
    #expect(decoded == report.results)
    // Unknown sizes are written, as null.
    let unknown = try encoder.encode(try run(Self.toy(), [.count(2)]).results)
    #expect(String(decoding: unknown, as: UTF8.self).contains(#""capacity_bytes":null"#))
  }

  @Test func tracesWithoutWeightsSaySo() throws {
    var reader = Self.toy()
    reader.hasGateWeights = false
    for index in reader.events.indices { reader.events[index].weights = [] }
    let ranked = try run(reader, [.count(2)])
    #expect(ranked.results[0].hits == 12)
    #expect(ranked.notices.contains { $0.contains("rank") })
    reader.isRanked = false
    #expect(try run(reader, [.count(2)]).notices.contains { $0.contains("expert number") })
  }

  @Test func staticKeepsTheMostPopularOfTheTrace() throws {
    let result = try run(Self.toy(), ["static"], [.count(2)]).results[0]
    // Experts 0 (five uses) and 1 (three) stay; the first use of each misses.
    #expect(result.hits == 3 * (4 + 2))
  }
}
