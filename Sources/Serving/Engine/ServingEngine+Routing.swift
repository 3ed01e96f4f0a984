// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Routing

extension ServingEngine {
  /// Draws what the gate of a MoE layer chose for the step's tokens.
  mutating func drawActivation(mixtureLayer: Int) {
    drawActivation(mixtureLayer: mixtureLayer, of: batch.entries.indices)
  }

  /// Draws what the gate of a MoE layer chose for the tokens of some of the step's entries.
  mutating func drawActivation(mixtureLayer: Int, of range: Range<Int>) {
    activation.reset()
    if resolve.needsScores {
      for index in scores.indices { scores[index] = .infinity }
    }
    for entry in batch.entries[range] {
      let sequence = batch[entry.sequence]
      if passesPrompts(mixtureLayer), entry.promptTokens > 0 {
        addPrompt(
          sequence, position: Int(entry.position), count: entry.promptTokens, layer: mixtureLayer)
      }
      // After a preemption output tokens are computed again, with the experts they had.
      for output in outputs(of: entry, mixtureLayer: mixtureLayer) {
        for beam in 0..<configuration.limits.beams {
          addDecode(
            sequence, output: routingPosition(output: output, beam: beam), layer: mixtureLayer)
        }
      }
    }
    if prefetchIsActive && prefetch.awaitsWholeLayers { addRestOfLayer() }
  }

  /// Adds the experts that nobody chose, for no token: they are waited for all the same.
  private mutating func addRestOfLayer() {
    for expert in 0..<Int32(activation.experts)
    where activation.tokensPerExpert[Int(expert)] == 0 {
      activation.add(expert: expert, weight: 0, tokens: 0)
    }
  }

  /// Whether prompts pass a MoE layer: all do, unless there is an encoder; then its own alone.
  @inline(__always)
  func passesPrompts(_ mixtureLayer: Int) -> Bool {
    guard let encoderMixtureLayers else { return true }
    return mixtureLayer < encoderMixtureLayers
  }

  /// The output tokens of an entry that pass a MoE layer.
  @inline(__always)
  func outputs(of entry: StepEntry, mixtureLayer: Int) -> Range<Int> {
    guard let encoderMixtureLayers else { return entry.outputs }
    return mixtureLayer < encoderMixtureLayers ? 0..<0 : entry.decoderInputs
  }

  /// Which output token of the routing's sequence a beam's token chooses as.
  ///
  /// The beams of a token are as alike as neighbouring tokens of one sequence: beam b of token n
  /// chooses as token n × beams + b. The start of an output behind an encoder is the same for all.
  @inline(__always)
  func routingPosition(output: Int, beam: Int) -> Int {
    output == 0 && encoderMixtureLayers != nil ? 0 : output * configuration.limits.beams + beam
  }

  /// Adds the choices of one output token.
  private mutating func addDecode(_ sequence: SequenceState, output: Int, layer: Int) {
    guard looksAtTokens else {
      routing.addDecode(
        slot: sequence.routingSlot, position: output, layer: layer, to: &activation)
      return
    }
    token.reset()
    routing.addDecode(slot: sequence.routingSlot, position: output, layer: layer, to: &token)
    let position = Int(sequence.request.promptTokens) + output
    observe(sequence, position: position, layer: layer)
    addToken()
  }

  /// Adds the choices of a piece of a prompt.
  private mutating func addPrompt(
    _ sequence: SequenceState, position: Int, count: Int, layer: Int
  ) {
    guard looksAtTokens else {
      routing.addPrefill(
        slot: sequence.routingSlot, position: position, count: count, layer: layer, to: &activation)
      return
    }
    token.reset()
    routing.addPrefill(
      slot: sequence.routingSlot, position: position, count: count, layer: layer, to: &token)
    observe(sequence, position: position, layer: layer)
    if count == 1 { return addToken() }
    if resolve.skipsChoices {
      addThinned(sequence, position: position, count: count, layer: layer)
      return
    }
    // Among many tokens an expert is almost surely somebody's first choice.
    if resolve.needsScores { for expert in token.distinct { scores[Int(expert)] = 0 } }
    activation.add(token)
  }

  private mutating func observe(_ sequence: SequenceState, position: Int, layer: Int) {
    guard predictionObserves else { return }
    prediction.observed(
      PredictionSubject(
        request: sequence.request.number, position: position, layer: layer, distance: 0),
      choices: token)
  }

  /// Takes over the choices of one token, which stand in `token`: those that are kept, each with the
  /// share of the token's gate weight that heavier ones hold.
  private mutating func addToken() {
    guard resolve.needsScores || resolve.skipsChoices else { return activation.add(token) }
    rankToken()
    let kept = resolve.skipsChoices ? resolve.kept(of: rankedWeights) : ranked.count
    counters.resolve.skippedChoices += UInt64(ranked.count - kept)
    let total = max(rankedWeights.reduce(0, +), .leastNonzeroMagnitude)
    var heavier: Float = 0
    for rank in 0..<kept {
      let expert = ranked[rank]
      if resolve.needsScores { scores[Int(expert)] = min(scores[Int(expert)], heavier / total) }
      heavier += rankedWeights[rank]
      activation.add(expert: expert, weight: rankedWeights[rank])
    }
    for rank in kept..<ranked.count {
      counters.gateMass.skipped += Double(rankedWeights[rank])
    }
    activation.tokens += token.tokens
  }

  /// Orders the experts in `token`, heaviest first.
  private mutating func rankToken() {
    ranked.removeAll(keepingCapacity: true)
    rankedWeights.removeAll(keepingCapacity: true)
    ranked.append(contentsOf: token.distinct)
    let weights = token.weightPerExpert
    ranked.sort { first, second in
      let left = weights[Int(first)]
      let right = weights[Int(second)]
      return left == right ? first < second : left > right
    }
    for expert in ranked { rankedWeights.append(weights[Int(expert)]) }
  }

  /// Adds a piece of a prompt of which only counts are drawn, thinned by the share of choices that
  /// single tokens of the sequence keep.
  private mutating func addThinned(
    _ sequence: SequenceState, position: Int, count: Int, layer: Int
  ) {
    let sample = min(count, Self.thinningSample)
    let drawn = token
    var all = 0
    var kept = 0
    for offset in 0..<sample {
      token.reset()
      routing.addPrefill(
        slot: sequence.routingSlot, position: position + offset * count / sample, count: 1,
        layer: layer, to: &token)
      rankToken()
      all += ranked.count
      kept += resolve.kept(of: rankedWeights)
    }
    let share = Double(kept) / Double(max(1, all))
    for expert in drawn.distinct {
      let tokens = drawn.tokensPerExpert[Int(expert)]
      let left = max(1, Int32((Double(tokens) * share).rounded()))
      counters.gateMass.skipped += Double(drawn.weightPerExpert[Int(expert)]) * (1 - share)
      counters.resolve.skippedChoices += UInt64(tokens - left)
      activation.add(
        expert: expert, weight: drawn.weightPerExpert[Int(expert)] * Float(share), tokens: left)
      if resolve.needsScores { scores[Int(expert)] = 0 }
    }
    activation.tokens += drawn.tokens
  }

  /// Tokens of a piece of a prompt that are looked at one by one to see how many choices they keep.
  private static var thinningSample: Int { 16 }
}
