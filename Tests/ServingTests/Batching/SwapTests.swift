// SPDX-License-Identifier: GPL-3.0-or-later

import Testing
import Workload

@testable import Serving

@Suite("Preemption by swap")
struct SwapTests {
  /// Six requests that each end with 60 tokens, 15 blocks of 4, in a cache of so many blocks.
  static func configuration(
    blocks: Int, swapBlocks: Int = 1000, experts: Int = 8, linkRate: Double = 10e9,
    sequences: Int = 4, prompt: Int32 = 20, ledger: TokenLedger? = nil
  ) throws -> (ServingConfiguration, [Request]) {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 6, prompt: prompt, output: 40, gapSeconds: 0)
    var configuration = ServingHarness.configuration(
      model: model, cache: CacheConfiguration(experts: .count(experts)),
      limits: BatchLimits(maximumSequences: sequences, tokenBudget: 32),
      figures: ServingHarness.figures(linkRate: linkRate), requests: requests)
    configuration.cache.keyValueBlockTokens = 4
    configuration.cache.keyValueBlocks = blocks
    configuration.cache.swapBytes = Int64(swapBlocks) * Self.blockBytes
    configuration.batching.preemption = .swap
    if let ledger {
      configuration.makeRouting = {
        LedgerRouting(
          ScriptedRouting(shape: .init(layers: 4, experts: 8, topK: 2)), ledger: ledger)
      }
    }
    return (configuration, requests)
  }

  /// Keys and values of 4 tokens: 4 heads of 64 in 4 layers, 2 bytes each.
  static let blockBytes = Int64(4 * 2 * 4 * 64 * 4 * 2)

  private func bytes(_ result: SimulationResult, _ link: String) -> Int64 {
    result.traffic.filter { $0.link == link && $0.purpose == "kv-swap" }.reduce(0) { $0 + $1.bytes }
  }

  @Test(
    "what goes out comes back, once all is told, and nothing is computed twice",
    arguments: [17, 20, 29, 40], [5, 8])
  func balance(blocks: Int, experts: Int) throws {
    let ledger = TokenLedger()
    let (configuration, requests) = try Self.configuration(
      blocks: blocks, experts: experts, ledger: ledger)
    var held: Int64 = 0
    let result = try ServingHarness.probe(configuration) { engine, _ in
      let swap = engine.batch.swap!
      #expect(engine.batch.keyValue.used <= engine.batch.keyValue.capacity)
      #expect(swap.used <= swap.capacity && swap.leavingBytes >= 0)
      // Whoever is on the way computes nothing.
      if engine.stepIsActive {
        for entry in engine.batch.entries {
          #expect(engine.batch[entry.sequence].swap == .none)
        }
      }
      held = swap.used
    }
    #expect(held == 0)
    #expect(result.requests.completed == 6)
    #expect(result.requests.outputTokens == 240)
    #expect(result.requests.preemptions > 0)
    let report = try #require(result.keyValueCache)
    #expect(report.swapFallbacks == 0 && report.swapOuts > 0)
    #expect(bytes(result, "gpu0.d2h") > 0)
    #expect(bytes(result, "gpu0.d2h") == bytes(result, "gpu0.h2d"))
    let up = result.resources.first { $0.name == "gpu0.link.up" }!
    #expect(abs(up.workDone - Double(bytes(result, "gpu0.d2h"))) < 1)
    // Sequences that had computed nothing may have been sent away without a move.
    #expect(report.swapOuts <= result.requests.preemptions)
    for request in requests {
      for layer in 0..<4 {
        for position in 0..<Int(request.promptTokens) {
          #expect(ledger.count(sequence: request.number, position: position, layer: layer) == 1)
        }
        for position in 0..<39 {
          let output = 1 << 30 | position
          #expect(ledger.count(sequence: request.number, position: output, layer: layer) == 1)
        }
      }
    }
  }

  @Test("full host memory falls back to computing anew", arguments: [6, 12])
  func fallback(swapBlocks: Int) throws {
    let (configuration, _) = try Self.configuration(blocks: 20, swapBlocks: swapBlocks)
    let result = try ServingHarness.run(configuration)
    let report = try #require(result.keyValueCache)
    #expect(report.swapFallbacks > 0)
    #expect(report.swapHighWaterBytes <= Int64(swapBlocks) * Self.blockBytes)
    #expect(result.requests.completed == 6)
    #expect(result.requests.outputTokens == 240)
  }

  @Test("a slow link makes those wait who wait for their blocks alone")
  func stalls() throws {
    let (fast, _) = try Self.configuration(blocks: 17, linkRate: 10e9)
    let (slow, _) = try Self.configuration(blocks: 17, linkRate: 1e7)
    let (first, second) = (try ServingHarness.run(fast), try ServingHarness.run(slow))
    #expect(second.stallMsPerToken.kvSwap > first.stallMsPerToken.kvSwap)
    #expect(second.stallMsPerToken.kvSwap > 0)
    #expect(second.simulatedSeconds > first.simulatedSeconds)
    // Busy or stalled: with every expert resident there is nothing else between first and last token.
    let busy = second.timeMsPerToken.reduce(0) { $0 + $1.value } + second.stallMsPerToken.kvSwap
    #expect(abs(busy * 240 - second.simulatedSeconds * 1e3) < second.simulatedSeconds * 1e-3)
  }

  @Test("blocks and experts share the link")
  func contention() throws {
    let (configuration, _) = try Self.configuration(blocks: 17, experts: 5, linkRate: 1e9)
    var roomy = configuration
    roomy.cache.keyValueBlocks = 400
    let (tight, free) = (try ServingHarness.run(configuration), try ServingHarness.run(roomy))
    let down = tight.resources.first { $0.name == "gpu0.link.down" }!
    let experts = tight.expertCache.bytesLoaded
    #expect(abs(down.workDone - Double(experts + bytes(tight, "gpu0.h2d"))) < 1)
    #expect(tight.requests.preemptions > 0 && free.requests.preemptions == 0)
    #expect(tight.simulatedSeconds > free.simulatedSeconds)
  }

  @Test("together with shared prefixes all books still balance", arguments: [40, 60], [3, 6])
  func withPrefixes(blocks: Int, sequences: Int) throws {
    var random = SplitMix(UInt64(blocks + sequences))
    var requests: [Request] = []
    var identities: [[UInt64]] = []
    for number in 0..<40 {
      let prompt = 64 + Int(random.next() % 200)
      requests.append(
        Request(
          number: UInt64(number), arrivalNanoseconds: UInt64(number) * 2_000_000,
          promptTokens: Int32(prompt), outputTokens: Int32(1 + random.next() % 100)))
      identities.append((0..<(prompt + 63) / 64).map { UInt64($0 * 3) + random.next() % 2 })
    }
    var configuration = try PrefixServingTests.configuration(
      requests, blocks: identities, keyValueBlocks: blocks, sequences: sequences)
    configuration.cache.swapBytes = 1 << 30
    configuration.batching.preemption = .swap
    var left: (used: Int64, idle: Int64, host: Int64) = (-1, -2, -3)
    let result = try ServingHarness.probe(configuration) { engine, _ in
      #expect(engine.batch.keyValue.used <= engine.batch.keyValue.capacity)
      left = (
        engine.batch.keyValue.used, engine.batch.prefix!.idleBytes, engine.batch.swap!.used
      )
    }
    #expect(left.used == left.idle && left.host == 0)
    #expect(result.requests.completed + result.requests.rejected == 40)
    #expect(result.requests.completed > 30)
    #expect(bytes(result, "gpu0.d2h") == bytes(result, "gpu0.h2d"))
    if sequences == 6 { #expect(bytes(result, "gpu0.d2h") > 0) }
  }

  @Test("is refused where host memory is not there, or is the device's")
  func refusals() throws {
    var (configuration, _) = try Self.configuration(blocks: 40)
    configuration.cache.swapBytes = 1 << 50
    #expect(throws: DoesNotFit.self) { try ServingHarness.run(configuration) }
    configuration.cache.swapBytes = 1 << 20
    configuration.figures = ServingHarness.figures(drive: ServingHarness.drive, isUnified: true)
    #expect(throws: UnsupportedBatching.self) { try ServingHarness.run(configuration) }
  }
}
