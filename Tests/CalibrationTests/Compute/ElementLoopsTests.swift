// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@testable import Calibration

@Suite struct ElementLoopsTests {
  @Test("The activation is right from far below zero to far above")
  func activates() {
    let gate = stride(from: Float(-100), through: 100, by: 0.37).map { $0 }
    let up = NaiveLoops.values(gate.count, seed: 5, scale: 2)
    var output = [Float](repeating: .nan, count: gate.count)
    ElementLoops.siluMultiply(gate: gate, up: up, output: &output, count: gate.count)
    for index in gate.indices {
      let expected = NaiveLoops.silu(gate[index]) * up[index]
      #expect(abs(output[index] - expected) <= 2e-6 * max(1, abs(expected)), "at \(gate[index])")
    }
  }

  @Test("A norm divides rows by their root mean square")
  func normalises() {
    let input = NaiveLoops.values(3 * 50, seed: 6, scale: 4)
    let weight = NaiveLoops.values(50, seed: 7)
    var output = [Float](repeating: .nan, count: input.count)
    ElementLoops.rootMeanSquareNorm(input, weight: weight, output: &output, rows: 3, width: 50)
    for row in 0..<3 {
      let values = input[row * 50..<row * 50 + 50]
      let root = (values.reduce(0) { $0 + $1 * $1 } / 50 + 1e-6).squareRoot()
      for index in 0..<50 {
        let expected = input[row * 50 + index] / root * weight[index]
        #expect(abs(output[row * 50 + index] - expected) < 1e-5)
      }
    }
  }

  @Test("The best experts are chosen, the first of equals, with weights that sum to 1")
  func chooses() {
    let scores: [Float] = [0, 3, 1, 3, -2]
    let chosen = scores.withUnsafeBufferPointer { ElementLoops.choose(3, of: $0) }
    #expect(chosen.map(\.expert) == [1, 3, 2])
    #expect(abs(chosen.map(\.weight).reduce(0, +) - 1) < 1e-6)
    #expect(abs(chosen[0].weight / chosen[2].weight - exp(2)) < 1e-4)
  }

  @Test("Passes over memory reach its every byte, whatever its size", arguments: [64, 200, 4100])
  func passesOverAll(count: Int) throws {
    let pool = try ThreadPool(threads: 3)
    let b = NaiveLoops.values(count, seed: 1)
    let c = NaiveLoops.values(count, seed: 2)
    var a = [Float](repeating: .nan, count: count)
    pool.triad(&a, b, c, count: count)
    for index in 0..<count { #expect(abs(a[index] - (b[index] + 3 * c[index])) < 1e-6) }
    var copied = [Float](repeating: .nan, count: count)
    pool.copy(4 * count, from: b, to: &copied)
    #expect(copied == b)
    let words = (0..<UInt64(count)).map { $0 * 1_000_003 }
    #expect(pool.read(8 * count, from: words) == words.reduce(0, &+))
  }
}
