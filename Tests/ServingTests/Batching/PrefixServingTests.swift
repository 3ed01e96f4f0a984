// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Workload

@testable import Serving

/// Listed requests whose prompts consist of listed blocks of 64 tokens.
struct PrefixedRequests: RequestSource {
  private let requests: [Request]
  private let blocks: [[UInt64]]
  private var place = 0
  init(_ requests: [Request], blocks: [[UInt64]]) {
    self.requests = requests
    self.blocks = blocks
  }
  var isClosedLoop: Bool { false }
  var notices: [String] { [] }
  var prefixBlockTokens: Int { 64 }
  mutating func next() throws -> Request? {
    guard place < requests.count else { return nil }
    place += 1
    return requests[place - 1]
  }
  mutating func next(user: Int, afterNanoseconds: UInt64) throws -> Request? { nil }
  func prefixBlocks(of request: Request) -> ArraySlice<UInt64> {
    request.number + 1 == UInt64(place) ? blocks[place - 1][...] : []
  }
}

@Suite("Shared prefixes in an engine")
struct PrefixServingTests {
  static func configuration(
    _ requests: [Request], blocks: [[UInt64]], keyValueBlocks: Int = 4000, sequences: Int = 4,
    ledger: TokenLedger? = nil
  ) throws -> ServingConfiguration {
    let model = try ServingHarness.model()
    var configuration = ServingHarness.configuration(
      model: model, cache: CacheConfiguration(experts: .count(5)),
      limits: BatchLimits(maximumSequences: sequences, tokenBudget: 128), requests: [])
    configuration.cache.keyValueBlocks = keyValueBlocks
    configuration.batching.sharesPrefixes = true
    configuration.makeRequests = { PrefixedRequests(requests, blocks: blocks) }
    if let ledger {
      configuration.makeRouting = {
        LedgerRouting(
          ScriptedRouting(shape: .init(layers: 4, experts: 8, topK: 2)), ledger: ledger)
      }
    }
    return configuration
  }

  @Test(
    "a later request computes what differs, and at least one token",
    arguments: [(200, 192), (192, 176), (130, 128), (64, 48), (63, 48), (15, 0)])
  func hits(prompt: Int32, found: Int64) throws {
    let requests = ServingHarness.requests(count: 2, prompt: prompt, output: 8, gapSeconds: 10)
    let ids = (0..<(Int(prompt) + 63) / 64).map { UInt64($0) }
    let ledger = TokenLedger()
    let configuration = try Self.configuration(requests, blocks: [ids, ids], ledger: ledger)
    let result = try ServingHarness.run(configuration)
    let report = try #require(result.keyValueCache)
    #expect(report.prefixHitTokens == found)
    #expect(report.prefixAskedTokens == 2 * Int64(prompt))
    #expect(result.requests.outputTokens == 16)
    for layer in 0..<4 {
      for position in 0..<Int(prompt) {
        let again = Int64(position) < found ? 0 : 1
        #expect(ledger.count(sequence: 0, position: position, layer: layer) == 1)
        #expect(ledger.count(sequence: 1, position: position, layer: layer) == again)
      }
    }
    // Others' prompts save nothing.
    let other = try ServingHarness.run(
      Self.configuration(requests, blocks: [ids, ids.map { $0 + 1000 }]))
    #expect(other.keyValueCache?.prefixHitTokens == 0)
    if found > 0 { #expect(other.ttftMs!.min > result.ttftMs!.min) }
  }

  @Test(
    "books balance and the cache keeps within its capacity, whatever is shared",
    arguments: [40, 60, 120, 4000], [1, 3, 6])
  func pressure(keyValueBlocks: Int, sequences: Int) throws {
    var random = SplitMix(UInt64(keyValueBlocks * 10 + sequences))
    var requests: [Request] = []
    var blocks: [[UInt64]] = []
    for number in 0..<60 {
      let prompt = 1 + Int(random.next() % 400)
      requests.append(
        Request(
          number: UInt64(number), arrivalNanoseconds: UInt64(number) * 3_000_000,
          promptTokens: Int32(prompt), outputTokens: Int32(1 + random.next() % 100)))
      var path: UInt64 = 0
      blocks.append(
        (0..<(prompt + 63) / 64).map { _ in
          path = path &* 5 &+ 1 &+ random.next() % 2
          return path
        })
    }
    let configuration = try Self.configuration(
      requests, blocks: blocks, keyValueBlocks: keyValueBlocks, sequences: sequences)
    var engineIdle: Int64 = -1
    var used: Int64 = -2
    let result = try ServingHarness.probe(configuration) { engine, _ in
      #expect(engine.batch.keyValue.used <= engine.batch.keyValue.capacity)
      // What sequences hold alone and what the cache holds is all that is used.
      engineIdle = engine.batch.prefix!.idleBytes
      used = engine.batch.keyValue.used
    }
    #expect(used == engineIdle)
    let fits = requests.filter {
      (Int($0.promptTokens + $0.outputTokens) + 15) / 16 + ($0.promptTokens % 16 == 0 ? 1 : 0)
        <= keyValueBlocks
    }
    #expect(result.requests.completed == fits.count)
    #expect(result.requests.rejected == requests.count - fits.count)
    #expect(
      result.requests.outputTokens == fits.reduce(0) { $0 + Int64($1.outputTokens) })
    let report = try #require(result.keyValueCache)
    #expect(report.prefixHitTokens > 0)
    #expect(report.prefixAskedTokens == fits.reduce(0) { $0 + Int64($1.promptTokens) })
    #expect(report.blocks == keyValueBlocks && report.highWaterBlocks <= keyValueBlocks)
    if keyValueBlocks < 100 { #expect(report.prefixEvictions > 0) }
    let again = try ServingHarness.run(configuration)
    #expect(try ServingHarness.record(again) == ServingHarness.record(result))
  }

  @Test("without a common block the run is as without sharing")
  func nothingShared() throws {
    let requests = ServingHarness.requests(count: 6, prompt: 150, output: 20, gapSeconds: 0.001)
    let blocks = (0..<6).map { number in (0..<3).map { UInt64(number * 3 + $0) } }
    var configuration = try Self.configuration(requests, blocks: blocks)
    let shared = try ServingHarness.run(configuration)
    configuration.batching.sharesPrefixes = false
    let plain = try ServingHarness.run(configuration)
    #expect(shared.simulatedSeconds == plain.simulatedSeconds)
    #expect(shared.steps == plain.steps)
    #expect(shared.ttftMs?.mean == plain.ttftMs?.mean)
  }

  @Test("is refused where prefixes cannot be shared")
  func refusals() throws {
    let requests = ServingHarness.requests(count: 1)
    var configuration = try Self.configuration(requests, blocks: [[0]])
    configuration.cache.keyValueBlockTokens = 48
    #expect(throws: UnsupportedBatching.self) { try ServingHarness.run(configuration) }
    configuration.cache.keyValueBlockTokens = 16
    configuration.makeRequests = { ListedRequests(requests) }
    #expect(throws: UnsupportedBatching.self) { try ServingHarness.run(configuration) }
    configuration.makeRequests = { PrefixedRequests(requests, blocks: [[0]]) }
    _ = try ServingHarness.run(configuration)
    configuration.limits.beams = 2
    #expect(throws: UnsupportedBatching.self) { try ServingHarness.run(configuration) }
  }
}
