// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Compares routines with plain loops before they are timed.
enum RoutineCheck {
  /// The largest error beside the largest value: rounding of 24, of 8 bits, and of bytes with one scale.
  static func bound(_ precision: ComputePrecision) -> Float {
    switch precision {
    case .float32: 1e-4
    case .bfloat16: 0.03
    case .int8: 0.1
    }
  }

  private static func random(_ count: Int, seed: UInt64, scale: Float = 1) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    RandomValues.fill(&values, count: count, seed: seed, scale: scale)
    return values
  }

  private static func compare(
    _ values: [Float], _ expected: [Float], bound: Float, _ name: String
  ) throws {
    let largest = expected.map(abs).max() ?? 0
    let error = zip(values, expected).map { abs($0 - $1) }.max() ?? 0
    guard error <= bound * largest else {
      throw ComputeError(
        "\(name) is wrong by \(error) where values are up to \(largest), so it is not timed")
    }
  }

  private static func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
  ) -> Float {
    var sum = 0.0
    for index in 0..<count { sum += Double(a[index]) * Double(b[index]) }
    return Float(sum)
  }

  /// A whole expert on random weights.
  static func expert(_ library: ComputeLibrary, _ shape: ExpertShape, tokens: Int) throws {
    let (hidden, width) = (shape.hidden, shape.width)
    let weights = (0..<3).map { random(hidden * width, seed: UInt64($0), scale: 0.05) }
    let vectors = random(tokens * hidden, seed: 3)
    let network = try ExpertNetwork(library, hidden: hidden, width: width, maximumTokens: tokens)
    let expert = try LockableMemory(bytes: network.bytes)
    try network.pack(gate: weights[0], up: weights[1], down: weights[2], into: expert.base)
    var output = [Float](repeating: .nan, count: tokens * hidden)
    try network.run(expert: expert.base, tokens: tokens, vectors: vectors, output: &output)
    var expected: [Float] = []
    vectors.withUnsafeBufferPointer { vectors in
      for token in 0..<tokens {
        let vector = vectors.baseAddress! + token * hidden
        let inner = (0..<width).map { row in
          let gate = weights[0].withUnsafeBufferPointer {
            dot($0.baseAddress! + row * hidden, vector, hidden)
          }
          let up = weights[1].withUnsafeBufferPointer {
            dot($0.baseAddress! + row * hidden, vector, hidden)
          }
          return gate / (1 + exp(-gate)) * up
        }
        expected += (0..<hidden).map { row in
          weights[2].withUnsafeBufferPointer { dot($0.baseAddress! + row * width, inner, width) }
        }
      }
    }
    try compare(
      output, expected, bound: bound(library.precision),
      "an expert of \(hidden) by \(width) in \(library.precision.rawValue) by \(library.detail)")
  }

  /// Attention over random keys and values, in 32 bits.
  static func attention(_ pool: ThreadPool) throws {
    let (batch, heads, keyHeads, size, past) = (2, 6, 3, 40, 131)
    let queries = random(batch * heads * size, seed: 1)
    let keys = random(batch * keyHeads * past * size, seed: 2)
    let values = random(batch * keyHeads * past * size, seed: 3)
    let attention = try DecodeAttention(
      pool, batch: batch, heads: heads, keyHeads: keyHeads, headSize: size, capacity: past,
      isBFloat16: false)
    var output = [Float](repeating: .nan, count: queries.count)
    attention.run(past: past, queries: queries, keys: keys, values: values, output: &output)
    var expected: [Float] = []
    for query in 0..<batch * heads {
      let unit = query * keyHeads / heads
      let scores = (0..<past).map { position in
        (0..<size).reduce(Float(0)) {
          $0 + queries[query * size + $1] * keys[(unit * past + position) * size + $1]
        } / Float(size).squareRoot()
      }
      let weights = scores.map { exp($0) }
      let total = weights.reduce(0, +)
      for index in 0..<size {
        expected.append(
          (0..<past).reduce(Float(0)) {
            $0 + weights[$1] * values[(unit * past + $1) * size + index]
          } / total)
      }
    }
    try compare(output, expected, bound: 1e-4, "attention on \(pool.threads) threads")
  }

  /// Loops over vectors.
  static func elementLoops() throws {
    let (rows, width) = (3, 37)
    let a = random(rows * width, seed: 1, scale: 8)
    let b = random(rows * width, seed: 2)
    var output = [Float](repeating: .nan, count: a.count)
    ElementLoops.siluMultiply(gate: a, up: b, output: &output, count: a.count)
    try compare(
      output, zip(a, b).map { $0 / (1 + exp(-$0)) * $1 }, bound: 1e-5, "the loop of activations")
    ElementLoops.rootMeanSquareNorm(a, weight: b, output: &output, rows: rows, width: width)
    let expected = a.indices.map { index in
      let row = a[index / width * width..<(index / width + 1) * width]
      let mean = row.reduce(0) { $0 + $1 * $1 } / Float(width)
      return a[index] / (mean + 1e-6).squareRoot() * b[index % width]
    }
    try compare(output, expected, bound: 1e-5, "the loop of norms")
    output = a
    ElementLoops.addScaled(b, scale: 0.5, to: &output, count: a.count)
    try compare(output, zip(a, b).map { $0 + 0.5 * $1 }, bound: 1e-5, "the loop of sums")
  }

  /// A gate's choices against scores by plain loops.
  static func gate(
    _ gate: ExpertGate, weights: UnsafePointer<Float>, vectors: LockableMemory, tokens: Int
  ) throws {
    let vectors = vectors.values(of: Float.self)
    try gate.run(weights: weights, tokens: tokens, vectors: vectors)
    for token in 0..<min(tokens, 2) {
      let scores = (0..<gate.experts).map {
        dot(weights + $0 * gate.hidden, vectors + token * gate.hidden, gate.hidden)
      }
      // The last of those chosen is as good as the best of the others, up to rounding.
      let chosen = gate.choices[token * gate.topK..<(token + 1) * gate.topK].map(\.expert)
      let worst = chosen.map { scores[$0] }.min() ?? 0
      let best = scores.indices.filter { !chosen.contains($0) }.map { scores[$0] }.max()
      guard Set(chosen).count == gate.topK, (best ?? worst) <= worst + 1e-3 else {
        throw ComputeError("the gate of \(gate.experts) experts chooses wrongly")
      }
    }
  }
}
