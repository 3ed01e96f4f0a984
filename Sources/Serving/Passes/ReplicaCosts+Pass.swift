// SPDX-License-Identifier: GPL-3.0-or-later

extension ReplicaCosts {
  /// What the step prepared last must read and compute, by the whole model's coefficients.
  ///
  /// - Complexity: O(ranks × spans).
  func pass(_ costs: PassCosts) -> PassFigures {
    var figures = PassFigures()
    let spans = loads.count / plan.data
    for rank in 0..<plan.data {
      let own = loads[rank * spans..<(rank + 1) * spans]
      guard let load = own.first, load.tokens > 0 else { continue }
      figures.tokens += load.tokens
      figures.sequences += load.decodeSequences + load.prefillSequences
      figures.keyValueBytes += costs.keyValueBytes(own)
      figures.flop += costs.flop(tokens: load.tokens, loads: own)
    }
    let decodes = decodeTokens.contains { $0 > 0 }
    figures.mode = !prompts.contains(true) ? .decode : decodes ? .mixed : .prefill
    figures.weightBytes = costs.fixedBytes + activatedExperts * costs.meanExpertBytes
    if costs.mixtureLayers > 0 {
      figures.activatedExperts = activatedExperts / Double(costs.mixtureLayers)
    }
    return figures
  }
}
