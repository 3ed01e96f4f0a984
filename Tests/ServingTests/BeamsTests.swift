// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies
import Routing
import Testing

@testable import Serving

@Suite("Beams")
struct BeamsTests {
  @Test("the beams of a decoder share the whole blocks of a prompt")
  func sharesPrompt() throws {
    let model = try ServingHarness.model()
    // 4 layers, 4 heads of 64, keys and values, 2 bytes.
    let row = Int64(4 * 4 * 64 * 2 * 2)
    var cache = KeyValueCache(
      model: model, precision: .bf16, blockTokens: 16, capacity: 1 << 40, beams: 4)
    #expect(cache.bytes(prompt: 32, tokens: 32) == 32 * row)
    // Each beam takes a block of its own.
    #expect(cache.bytes(prompt: 32, tokens: 33) == (32 + 4 * 16) * row)
    #expect(cache.bytes(prompt: 32, tokens: 48) == (32 + 4 * 16) * row)
    // The last block of 40 tokens is half full, and each beam writes into a copy of it.
    #expect(cache.bytes(prompt: 40, tokens: 41) == (32 + 4 * 16) * row)
    #expect(cache.bytes(prompt: 40, tokens: 49) == (32 + 4 * 32) * row)
  }

  @Test("the beams behind an encoder share the prompt's keys and values")
  func sharesCross() throws {
    let model = try ModelDescriptor.named("switch-base-8")
    // 12 decoder layers, 12 heads of 64, keys and values, 2 bytes: of self- and cross-attention.
    let row = Int64(12 * 12 * 64 * 2 * 2)
    for beams in [1, 4] {
      var cache = KeyValueCache(
        model: model, precision: .bf16, blockTokens: 16, capacity: 1 << 40, beams: beams)
      // The prompt and the start of the output.
      #expect(cache.bytes(prompt: 256, tokens: 256) == (256 + Int64(beams) * 16) * row)
      #expect(cache.bytes(prompt: 250, tokens: 250) == (256 + Int64(beams) * 16) * row)
      #expect(cache.bytes(prompt: 256, tokens: 256 + 31) == (256 + Int64(beams) * 32) * row)
      #expect(cache.bytes(prompt: 256, tokens: 256 + 32) == (256 + Int64(beams) * 48) * row)
    }
  }

  @Test("a decoder's prompt is computed once, each output token once per beam")
  func computesTokens() throws {
    let model = try ServingHarness.model()
    let ledger = TokenLedger()
    let shape = RoutingShape(layers: 4, experts: 8, topK: 2)
    let beams = 3
    let configuration = ServingHarness.configuration(
      model: model, limits: BatchLimits(maximumSequences: 2, tokenBudget: 20, beams: beams),
      routing: { LedgerRouting(ScriptedRouting(shape: shape), ledger: ledger) },
      requests: ServingHarness.requests(count: 2, gapSeconds: 0))
    let result = try ServingHarness.run(configuration)
    #expect(result.requests.outputTokens == 32)
    for layer in 0..<4 {
      for token in 0..<32 {
        #expect(ledger.count(sequence: 1, position: token, layer: layer) == 1)
      }
      // The first output token is the prompt's; the last is an input of nothing.
      for token in 0..<15 * beams {
        #expect(ledger.count(sequence: 1, position: 1 << 30 | token, layer: layer) == 1)
      }
    }
    #expect(ledger.total == 2 * 4 * (32 + 15 * beams))
  }

  @Test("four beams of one sequence take a step as long as four sequences of the same length")
  func costsAsManySequences() throws {
    let model = try ServingHarness.model()
    // Every token chooses the same experts, so that only the number of tokens counts.
    let routing: @Sendable () throws -> any RoutingSource = {
      ScriptedRouting(
        shape: RoutingShape(layers: 4, experts: 8, topK: 2),
        prompt: Array(repeating: [0, 1], count: 4),
        decode: [Array(repeating: [0, 1], count: 4)])
    }
    func tokenTime(sequences: Int, beams: Int) throws -> Double {
      try #require(
        ServingHarness.run(
          ServingHarness.configuration(
            model: model, cache: CacheConfiguration(experts: .all),
            limits: BatchLimits(maximumSequences: sequences, tokenBudget: 4096, beams: beams),
            routing: routing,
            requests: ServingHarness.requests(count: sequences, gapSeconds: 0))
        ).itlMs?.mean)
    }
    let four = try tokenTime(sequences: 4, beams: 1)
    let beams = try tokenTime(sequences: 1, beams: 4)
    #expect(four == beams)
    #expect(try tokenTime(sequences: 1, beams: 1) < beams)
  }
}
