// SPDX-License-Identifier: GPL-3.0-or-later

import Testing

@testable import Calibration

@Suite struct DecodeAttentionTests {
  @Test(
    "Attention is that of plain loops, whether heads or the past are spread over threads",
    arguments: [(1, 1, 1), (1, 4, 2), (3, 8, 2), (2, 6, 6)], [1, 2, 7])
  func agreesWithPlainLoops(sizes: (Int, Int, Int), threads: Int) throws {
    let (batch, heads, keyHeads) = sizes
    let (headSize, capacity) = (48, 210)
    let pool = try ThreadPool(threads: threads)
    let count = batch * keyHeads * capacity * headSize
    let queries = NaiveLoops.values(batch * heads * headSize, seed: 1, scale: 3)
    let keys = NaiveLoops.values(count, seed: 2)
    let values = NaiveLoops.values(count, seed: 3)
    var halves: [[UInt16]] = []
    for source in [keys, values] {
      var half = [UInt16](repeating: 0, count: count)
      ElementLoops.toBFloat16(source, output: &half, count: count)
      halves.append(half)
    }
    for past in [1, 64, 65, 200] {
      let expected = NaiveLoops.attention(
        queries: queries, keys: keys, values: values, batch: batch, heads: heads,
        keyHeads: keyHeads, headSize: headSize, past: past, capacity: capacity)
      for isBFloat16 in [false, true] {
        let attention = try DecodeAttention(
          pool, batch: batch, heads: heads, keyHeads: keyHeads, headSize: headSize,
          capacity: capacity, isBFloat16: isBFloat16)
        var output = [Float](repeating: .nan, count: batch * heads * headSize)
        if isBFloat16 {
          attention.run(
            past: past, queries: queries, keys: halves[0], values: halves[1], output: &output)
        } else {
          attention.run(past: past, queries: queries, keys: keys, values: values, output: &output)
        }
        #expect(NaiveLoops.error(output, expected) < (isBFloat16 ? 0.02 : 1e-5))
      }
    }
  }
}
