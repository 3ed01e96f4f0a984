// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

@testable import Calibration

/// The routines again, as plainly as they can be written.
enum NaiveLoops {
  /// Pseudo-random values between -scale and scale, from a linear congruence.
  static func values(_ count: Int, seed: UInt64, scale: Float = 1) -> [Float] {
    var state = seed &* 6_364_136_223_846_793_005 &+ 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (Float(state >> 40) / Float(1 << 23) - 1) * scale
    }
  }

  /// x[rows][depth] times the transpose of w[columns][depth].
  static func product(_ x: [Float], _ w: [Float], rows: Int, columns: Int, depth: Int) -> [Float] {
    var result: [Float] = []
    for row in 0..<rows {
      for column in 0..<columns {
        var sum = 0.0
        for index in 0..<depth {
          sum += Double(x[row * depth + index]) * Double(w[column * depth + index])
        }
        result.append(Float(sum))
      }
    }
    return result
  }

  static func silu(_ value: Float) -> Float { value / (1 + exp(-value)) }

  /// down(silu(gate x) * up x).
  static func expert(
    _ x: [Float], gate: [Float], up: [Float], down: [Float], tokens: Int, hidden: Int, width: Int
  ) -> [Float] {
    let gated = product(x, gate, rows: tokens, columns: width, depth: hidden)
    let upward = product(x, up, rows: tokens, columns: width, depth: hidden)
    let inner = zip(gated, upward).map { silu($0) * $1 }
    return product(inner, down, rows: tokens, columns: hidden, depth: width)
  }

  /// Attention of one token for each sequence.
  static func attention(
    queries: [Float], keys: [Float], values: [Float], batch: Int, heads: Int, keyHeads: Int,
    headSize: Int, past: Int, capacity: Int
  ) -> [Float] {
    var output: [Float] = []
    for sequence in 0..<batch {
      for head in 0..<heads {
        let unit = sequence * keyHeads + head / (heads / keyHeads)
        let query = (sequence * heads + head) * headSize
        let scores = (0..<past).map { position in
          (0..<headSize).reduce(0.0) {
            $0 + Double(queries[query + $1])
              * Double(keys[(unit * capacity + position) * headSize + $1])
          } / Double(headSize).squareRoot()
        }
        let largest = scores.max()!
        let weights = scores.map { exp($0 - largest) }
        let total = weights.reduce(0, +)
        for index in 0..<headSize {
          let sum = (0..<past).reduce(0.0) {
            $0 + weights[$1] * Double(values[(unit * capacity + $1) * headSize + index])
          }
          output.append(Float(sum / total))
        }
      }
    }
    return output
  }

  /// The largest difference over the largest value.
  static func error(_ values: [Float], _ expected: [Float]) -> Float {
    let largest = expected.map(abs).max()!
    return zip(values, expected).map { abs($0 - $1) }.max()! / largest
  }
}

/// What of the machine tests need.
enum Present {
  static func has(_ precision: ComputePrecision) -> Bool {
    (try? ComputeLibrary(precision: precision, threads: 1)) != nil
  }
}
