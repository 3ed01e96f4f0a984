// SPDX-License-Identifier: GPL-3.0-or-later

import ModelDescriptors
import Policies
import Testing

@testable import Serving

@Suite("A KV cache given in blocks")
struct KeyValueBlocksTests {
  @Test("holds as much as its bytes do", arguments: [17, 40, 300], [4, 16])
  func blocks(count: Int, tokens: Int) throws {
    let model = try ServingHarness.model()
    let requests = ServingHarness.requests(count: 6, prompt: 20, output: 40, gapSeconds: 0)
    var inBlocks = try BatchingTests.configuration(requests: requests)
    inBlocks.cache.keyValueBlockTokens = tokens
    inBlocks.cache.keyValueBlocks = count
    var inBytes = inBlocks
    inBytes.cache.keyValueBlocks = nil
    // Keys and values of 4 heads of 64 in 4 layers, 2 bytes each.
    inBytes.cache.keyValue = .bytes(Int64(count * tokens * 2 * 4 * 64 * 4 * 2))
    let first = try ServingHarness.run(inBlocks)
    let second = try ServingHarness.run(inBytes)
    #expect(first.keyValueCache?.blocks == count)
    #expect(first.keyValueCache?.blockTokens == tokens)
    #expect(second.keyValueCache == nil)
    var without = first
    without.keyValueCache = nil
    without.schemaVersion = second.schemaVersion
    #expect(try ServingHarness.record(without) == ServingHarness.record(second))
    #expect(first.requests.completed == 6)
    #expect(model.stateBytesPerSequence(under: .bf16) == 0)
  }

  @Test("is refused where it is not what memory is divided by")
  func refusals() throws {
    var configuration = try BatchingTests.configuration(
      requests: ServingHarness.requests(count: 1))
    configuration.cache.keyValueBlocks = 100
    configuration.policy.admission = StaticBatch()
    #expect(throws: UnsupportedBatching.self) { try ServingHarness.run(configuration) }
    configuration.policy.admission = FirstComeFirstServed()
    configuration.limits.beams = 2
    #expect(throws: UnsupportedBatching.self) { try ServingHarness.run(configuration) }
    configuration.limits.beams = 1
    configuration.cache.keyValue = .elastic(minimumExpertBytes: 1)
    #expect(throws: UnsupportedBatching.self) { try ServingHarness.run(configuration) }
  }
}
