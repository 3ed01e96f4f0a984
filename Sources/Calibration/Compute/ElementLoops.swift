// SPDX-License-Identifier: GPL-3.0-or-later

import CComputeLibraries
import Foundation

/// Loops over vectors between the products of a layer, on the calling thread.
public enum ElementLoops {
  /// Rows over their root mean square, times a weight for each column.
  public static func rootMeanSquareNorm(
    _ input: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    output: UnsafeMutablePointer<Float>, rows: Int, width: Int, epsilon: Float = 1e-6
  ) {
    ccl_rms_norm(input, weight, output, rows, width, epsilon)
  }

  /// output[i] = silu(gate[i]) * up[i].
  public static func siluMultiply(
    gate: UnsafePointer<Float>, up: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    ccl_silu_multiply(gate, up, output, count)
  }

  /// output[i] += scale * values[i].
  public static func addScaled(
    _ values: UnsafePointer<Float>, scale: Float, to output: UnsafeMutablePointer<Float>, count: Int
  ) {
    ccl_add_scaled(output, values, scale, count)
  }

  /// Rounds to bfloat16.
  public static func toBFloat16(
    _ values: UnsafePointer<Float>, output: UnsafeMutablePointer<UInt16>, count: Int
  ) {
    ccl_to_bfloat16(values, output, count)
  }

  /// The best `count` of `scores`, best first, with weights that sum to 1: their softmax.
  public static func choose(
    _ count: Int, of scores: UnsafeBufferPointer<Float>
  ) -> [(expert: Int, weight: Float)] {
    precondition(count >= 1 && count <= scores.count, "A token uses experts that there are.")
    var chosen: [(expert: Int, weight: Float)] = []
    chosen.reserveCapacity(count + 1)
    for (expert, score) in scores.enumerated() {
      if chosen.count == count, score <= chosen[count - 1].weight { continue }
      let place = chosen.firstIndex { score > $0.weight } ?? chosen.count
      chosen.insert((expert, score), at: place)
      if chosen.count > count { chosen.removeLast() }
    }
    let best = chosen[0].weight
    let exponentials = chosen.map { exp($0.weight - best) }
    let total = exponentials.reduce(0, +)
    for place in chosen.indices { chosen[place].weight = exponentials[place] / total }
    return chosen
  }
}
