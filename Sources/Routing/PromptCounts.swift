// SPDX-License-Identifier: GPL-3.0-or-later

import RandomStreams

/// Draws how many of a batch of prompt tokens choose each expert.
enum PromptCounts {
  /// Adds `tokens × topK` choices spread in proportion to `probability`, none above `tokens`.
  ///
  /// Binomials in turn, each given what is left; see `approximateBinomial`.
  /// - Complexity: O(experts).
  @inline(__always)
  static func add(
    tokens: Int, shape: RoutingShape, probability: (Int) -> Double,
    from stream: inout RandomStream, to activation: inout LayerActivation
  ) {
    var mass = 0.0
    for expert in 0..<shape.experts { mass += probability(expert) }
    var left = tokens * shape.topK
    let weight = 1 / Float(shape.topK)
    for expert in 0..<shape.experts where left > 0 {
      let own = probability(expert)
      let share = mass > own ? max(0, min(1, own / mass)) : 1
      mass -= own
      var drawn = approximateBinomial(trials: left, probability: share, from: &stream)
      drawn = min(drawn, tokens)
      drawn = max(drawn, left - (shape.experts - expert - 1) * tokens)
      if drawn > 0 {
        activation.add(
          expert: Int32(expert), weight: Float(drawn) * weight, tokens: Int32(drawn))
        left -= drawn
      }
    }
    activation.tokens += tokens
  }
}
