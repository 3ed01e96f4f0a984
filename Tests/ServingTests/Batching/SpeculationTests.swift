// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import ModelDescriptors
import Policies
import Testing
import Workload

@testable import Serving

@Suite("Speculative decoding")
struct SpeculationTests {
  static func configuration(
    drafts: Int, acceptance: Double, draft: SpeculativeDecoding.Draft = .share(0.02),
    requests: [Request], experts: CacheConfiguration.ExpertCapacity = .all, blocks: Int? = nil,
    ledger: TokenLedger? = nil
  ) throws -> ServingConfiguration {
    var configuration = ServingHarness.configuration(
      model: try ServingHarness.model(), cache: CacheConfiguration(experts: experts),
      limits: BatchLimits(maximumSequences: 4, tokenBudget: 64), requests: requests)
    configuration.cache.keyValueBlockTokens = 4
    configuration.cache.keyValueBlocks = blocks
    configuration.batching.speculation = SpeculativeDecoding(
      draftTokens: drafts, acceptance: acceptance, draft: draft)
    if let ledger {
      configuration.makeRouting = {
        LedgerRouting(
          ScriptedRouting(shape: .init(layers: 4, experts: 8, topK: 2)), ledger: ledger)
      }
    }
    return configuration
  }

  @Test(
    "a verification gives (1 − a^(k+1)) / (1 − a) tokens", arguments: [1, 3, 7],
    [0, 0.3, 0.8, 1])
  func acceptedLength(drafts: Int, acceptance: Double) {
    var model = AcceptanceModel(
      SpeculativeDecoding(draftTokens: drafts, acceptance: acceptance, draft: .share(0)), seed: 5,
      replication: 0)
    var sum = 0.0
    var squares = 0.0
    let count = 20_000
    for request in 0..<200 {
      var output = 1
      for _ in 0..<100 {
        let length = 1 + model.verify(request: UInt64(request), output: output)
        #expect(length <= drafts + 1)
        output += length
        sum += Double(length)
        squares += Double(length * length)
      }
    }
    let mean = sum / Double(count)
    let expected =
      acceptance == 1
      ? Double(drafts + 1)
      : (1 - pow(acceptance, Double(drafts + 1))) / (1 - acceptance)
    // Four standard errors.
    let deviation = max(0, squares / Double(count) - mean * mean).squareRoot()
    #expect(abs(mean - expected) <= 4 * deviation / Double(count).squareRoot() + 1e-9)
    #expect(model.verifications == Int64(count))
    #expect(abs(1 + Double(model.acceptedTokens) / Double(count) - mean) < 1e-9)
  }

  @Test("every request gets its tokens, in fewer steps", arguments: [1, 4], [0.0, 0.6, 1])
  func tokens(drafts: Int, acceptance: Double) throws {
    let requests = (0..<8).map {
      Request(
        number: UInt64($0), arrivalNanoseconds: UInt64($0) * 1_000_000, promptTokens: 40,
        outputTokens: Int32(1 + $0 * 9))
    }
    let ledger = TokenLedger()
    let configuration = try Self.configuration(
      drafts: drafts, acceptance: acceptance, requests: requests, experts: .count(5),
      ledger: ledger)
    let result = try ServingHarness.probe(configuration) { engine, _ in
      #expect(engine.batch.keyValue.used <= engine.batch.keyValue.capacity)
    }
    ServingHarness.checkBooks(result, configuration, requests: requests)
    #expect(result.itlMs?.count == requests.reduce(0) { $0 + Int($1.outputTokens) - 1 })
    let report = try #require(result.speculation)
    #expect(report.draftedTokens == report.verifications * Int64(drafts))
    if acceptance == 0 { #expect(report.acceptedTokens == 0) }
    if acceptance == 1 { #expect(report.acceptedTokens == report.draftedTokens) }
    // All that is verified is computed, in every layer: the prompts once, and the drafts.
    let prompts = requests.reduce(0) { $0 + Int($1.promptTokens) }
    #expect(ledger.total == 4 * (prompts + Int(report.verifications) * (drafts + 1)))
    // Without any accepted, each token after the first is a verification.
    let later = requests.reduce(0) { $0 + Int($1.outputTokens) - 1 }
    if acceptance == 0 { #expect(report.verifications == Int64(later)) }
    if acceptance == 1 {
      let needed = requests.reduce(0) { $0 + (Int($1.outputTokens) - 1 + drafts) / (drafts + 1) }
      #expect(report.verifications == Int64(needed))
    }
  }

  @Test("the same tokens are accepted whatever the cache", arguments: [0.3, 0.8])
  func commonDraws(acceptance: Double) throws {
    let requests = ServingHarness.requests(count: 5, prompt: 30, output: 50, gapSeconds: 0.002)
    let reports = try [CacheConfiguration.ExpertCapacity.all, .count(3), .count(6)].map {
      try ServingHarness.run(
        Self.configuration(drafts: 3, acceptance: acceptance, requests: requests, experts: $0)
      ).speculation
    }
    #expect(reports[0] == reports[1] && reports[1] == reports[2])
    #expect(reports[0]!.acceptedTokens > 0)
  }

  @Test("keys and values of rejected tokens are given back")
  func givesBack() throws {
    let model = try ServingHarness.model()
    var scheduler = BatchScheduler(
      limits: BatchLimits(maximumSequences: 1, tokenBudget: 16),
      keyValue: KeyValueCache(
        model: model, precision: .bf16, blockTokens: 4, capacity: 100 * SwapTests.blockBytes),
      acceptance: AcceptanceModel(
        SpeculativeDecoding(draftTokens: 4, acceptance: 0, draft: .share(0)), seed: 1,
        replication: 0))
    scheduler.enqueue(
      Request(number: 0, arrivalNanoseconds: 0, promptTokens: 8, outputTokens: 20))
    scheduler.planStep(admission: FirstComeFirstServed())
    #expect(scheduler.keyValue.used == 2 * SwapTests.blockBytes)
    scheduler[0].computed = 8
    scheduler[0].produced = 1
    for step in 0..<6 {
      scheduler.planStep(admission: FirstComeFirstServed())
      #expect(scheduler.entries.count == 1 && scheduler.entries[0].tokens == 5)
      #expect(scheduler.stepTokens == 5)
      #expect(
        scheduler.keyValue.used == Int64((8 + step + 5 + 3) / 4) * SwapTests.blockBytes)
      var sequence = scheduler[0]
      #expect(scheduler.verify(&sequence) == 1)
      sequence.produced += 1
      scheduler[0] = sequence
      #expect(
        scheduler.keyValue.used == Int64((8 + step + 1 + 3) / 4) * SwapTests.blockBytes)
    }
  }

  @Test("a short cache preempts, and all tokens still come", arguments: [18, 30])
  func shortCache(blocks: Int) throws {
    let requests = ServingHarness.requests(count: 6, prompt: 20, output: 40, gapSeconds: 0)
    let configuration = try Self.configuration(
      drafts: 4, acceptance: 0.5, requests: requests, blocks: blocks)
    var used: Int64 = -1
    let result = try ServingHarness.probe(configuration) { engine, _ in
      #expect(engine.batch.keyValue.used <= engine.batch.keyValue.capacity)
      used = engine.batch.keyValue.used
    }
    #expect(used == 0)
    #expect(result.requests.completed == 6 && result.requests.outputTokens == 240)
    #expect(result.requests.preemptions > 0)
  }

  @Test(
    "a step in one operation takes as long as operation by operation", arguments: [true, false])
  func wholeSteps(hasModel: Bool) throws {
    let model = try ModelDescriptor.named("llama-3.1-8b")
    let requests = ServingHarness.requests(count: 4, prompt: 30, output: 9, gapSeconds: 10)
    var configuration = try Self.configuration(
      drafts: 3, acceptance: 0.7, draft: hasModel ? .model(model, .bf16) : .share(0.05),
      requests: requests)
    let whole = try ServingHarness.run(configuration)
    configuration.mergesWholeSteps = false
    let fine = try ServingHarness.run(configuration)
    #expect(whole.simulatedSeconds == fine.simulatedSeconds)
    #expect(whole.timeMsPerToken.map(\.value) == fine.timeMsPerToken.map(\.value))
    let drafting = try #require(whole.timeMsPerToken.first { $0.name == "drafting" })
    #expect(drafting.value > 0)
    if hasModel {
      // Drafting reads the weights of the smaller model for each token, at 1 TB/s: behind a prompt
      // once, behind a verification three times.
      let bytes = model.bytes(under: .bf16)
      let pass = Double(bytes.total - bytes.embedding) / 1e12 * 1e3
      let passes = 4 + 3 * Double(whole.speculation!.verifications)
      #expect(drafting.value * 36 >= passes * pass * 0.9)
      #expect(drafting.value * 36 < passes * pass * 1.1)
    } else {
      let rest = whole.timeMsPerToken.reduce(0) { $0 + $1.value } - drafting.value
      #expect(abs(drafting.value - rest * 0.15) < rest * 1e-4)
    }
  }

  @Test("is refused where no verification fits, and of models that are not dense")
  func refusals() throws {
    let requests = ServingHarness.requests(count: 1)
    let mixture = try ServingHarness.model()
    #expect(throws: UnsupportedBatching.self) {
      try ServingHarness.run(
        Self.configuration(
          drafts: 3, acceptance: 0.5, draft: .model(mixture, .bf16), requests: requests))
    }
    #expect(throws: UnsupportedBatching.self) {
      try ServingHarness.run(
        Self.configuration(drafts: 64, acceptance: 0.5, requests: requests))
    }
  }
}
