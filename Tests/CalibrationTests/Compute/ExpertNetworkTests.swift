// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Calibration

@Suite struct ExpertNetworkTests {
  /// Errors of inputs in 8 bits of mantissa, and of bytes, against sums in double.
  static let bounds: [ComputePrecision: Float] = [.float32: 1e-5, .bfloat16: 0.02, .int8: 0.06]

  @Test(
    "An expert's output is that of plain loops at several batch sizes, all from one packing",
    arguments: ComputePrecision.allCases)
  func agreesWithPlainLoops(precision: ComputePrecision) throws {
    guard Present.has(precision) else {
      print("skipped: no library for \(precision.rawValue)")
      return
    }
    let (hidden, width, tokens) = (128, 192, 70)
    let gate = NaiveLoops.values(hidden * width, seed: 1, scale: 0.05)
    let up = NaiveLoops.values(hidden * width, seed: 2, scale: 0.05)
    let down = NaiveLoops.values(hidden * width, seed: 3, scale: 0.05)
    let vectors = NaiveLoops.values(tokens * hidden, seed: 4, scale: 3)
    let expected = NaiveLoops.expert(
      vectors, gate: gate, up: up, down: down, tokens: tokens, hidden: hidden, width: width)
    for threads in [1, 2] {
      let library = try ComputeLibrary(precision: precision, threads: threads)
      let network = try ExpertNetwork(
        library, hidden: hidden, width: width, maximumTokens: tokens)
      #expect(network.bytes % 4096 == 0)
      #expect(network.bytes >= 3 * hidden * width * precision.weightBytes)
      let expert = try LockableMemory(bytes: network.bytes)
      try network.pack(gate: gate, up: up, down: down, into: expert.base)
      for batch in [1, 2, 3, 16, 33, tokens] {
        var output = [Float](repeating: .nan, count: batch * hidden)
        try network.run(
          expert: expert.base, tokens: batch, vectors: vectors, output: &output)
        let error = NaiveLoops.error(output, Array(expected.prefix(batch * hidden)))
        #expect(
          error < Self.bounds[precision]!, "\(precision) at \(batch) tokens, \(threads) threads")
      }
    }
  }

  @Test("Random weights are the same for the same seed, others for another, and not zero")
  func fillsBySeed() throws {
    for precision in ComputePrecision.allCases where Present.has(precision) {
      let library = try ComputeLibrary(precision: precision, threads: 1)
      let network = try ExpertNetwork(library, hidden: 64, width: 128, maximumTokens: 1)
      func output(_ seed: UInt64) throws -> [Float] {
        let expert = try LockableMemory(bytes: network.bytes)
        try network.fill(expert.base, seed: seed)
        var output = [Float](repeating: 0, count: 64)
        let vector = NaiveLoops.values(64, seed: 9)
        try network.run(expert: expert.base, tokens: 1, vectors: vector, output: &output)
        return output
      }
      #expect(try output(1) == output(1))
      #expect(try output(1) != output(2))
      #expect(try output(1).contains { $0 != 0 })
    }
  }
}
