// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Routing

/// Buffers that predictions use again and again.
struct PredictionBuffers {
  /// What a later layer's gate will choose for one subject.
  var truth: LayerActivation
  /// What is predicted for it.
  var answer: LayerActivation
  /// What is predicted for the whole step.
  var step: LayerActivation
  /// The experts of `step`, heaviest first.
  var experts: [PredictedExpert] = []
  var order: [Int32] = []
  var keys: [UInt64] = []

  init(experts count: Int) {
    truth = LayerActivation(experts: count)
    answer = LayerActivation(experts: count)
    step = LayerActivation(experts: count)
    experts.reserveCapacity(count)
  }

  /// Lists what is predicted for the step, heaviest first.
  mutating func list() {
    step.touchOrderByWeight(into: &order, keys: &keys)
    experts.removeAll(keepingCapacity: true)
    for expert in order.reversed() {
      experts.append(
        PredictedExpert(expert: expert, weight: step.weightPerExpert[Int(expert)]))
    }
  }
}

extension ServingEngine {
  /// The gate of a layer has decided: predicts for the layers behind it, and hands what is named to
  /// the prefetch policy.
  ///
  /// The true choices are drawn ahead from the routing source, which draws the same when their
  /// layer's turn comes. Nothing is predicted beyond the step's last layer: the tokens of the next
  /// step are not known yet. Nor is anything predicted across the end of an encoder, whose output
  /// decides what its decoder computes.
  mutating func predict(after mixture: Int) {
    let end = passesPrompts(mixture) ? encoderMixtureLayers ?? memory.layers : memory.layers
    let last = min(end - 1, mixture + predictionDepth)
    guard mixture < last else { return }
    for layer in mixture + 1...last {
      let distance = layer - mixture
      predictionBuffers!.step.reset()
      for entry in batch.entries { predict(entry, layer: layer, distance: distance) }
      predictionBuffers!.list()
      prefetch.predicted(
        layer: layer, distance: distance, experts: predictionBuffers!.experts,
        residency: tier.view, requests: &prefetchRequests)
    }
  }

  /// Predicts for what one sequence contributes to the step.
  private mutating func predict(_ entry: StepEntry, layer: Int, distance: Int) {
    let sequence = batch[entry.sequence]
    let prompt = Int(sequence.request.promptTokens)
    var subject = PredictionSubject(
      request: sequence.request.number, position: 0, layer: layer, distance: distance)
    let prompts = passesPrompts(layer)
    if prompts, entry.isPrefill, entry.tokens > PredictionSubject.largestPromptPiece { return }
    if prompts, entry.promptTokens > 0 {
      subject.position = Int(entry.position)
      // With the range that the gate draws, since of some sources only that sums to the same.
      predictionBuffers!.truth.reset()
      routing.addPrefill(
        slot: sequence.routingSlot, position: Int(entry.position), count: entry.promptTokens,
        layer: layer, to: &predictionBuffers!.truth)
      predict(subject)
    }
    for output in outputs(of: entry, mixtureLayer: layer) {
      for beam in 0..<configuration.limits.beams {
        let position = routingPosition(output: output, beam: beam)
        subject.position = prompt + position
        predictionBuffers!.truth.reset()
        routing.addDecode(
          slot: sequence.routingSlot, position: position, layer: layer,
          to: &predictionBuffers!.truth)
        predict(subject)
      }
    }
  }

  /// Asks the predictor about a subject whose truth has been drawn, and counts how right it is.
  private mutating func predict(_ subject: PredictionSubject) {
    predictionBuffers!.answer.reset()
    prediction.predict(
      subject, truth: predictionBuffers!.truth, into: &predictionBuffers!.answer)
    for expert in predictionBuffers!.answer.distinct {
      counters.prefetch.predicted += 1
      if predictionBuffers!.truth.tokensPerExpert[Int(expert)] > 0 {
        counters.prefetch.predictedRight += 1
      }
    }
    predictionBuffers!.step.add(predictionBuffers!.answer)
  }
}
