// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Routing
import SimulationKernel

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
  /// A step begins: predicts for its first layers, where the predictor does that.
  mutating func beginStepOfPredictions(in simulation: inout Simulation<EngineEvent>) {
    guard prefetchIsActive else { return }
    gatesPassed = -1
    let layout = tier.layout
    for device in ahead.queues.indices {
      ahead.queues[device].compact(layerOf: { layout.layer(of: $0) })
    }
    guard predictionDepth > 0, prediction.predictsAtStepStart else { return }
    predict(after: -1, in: &simulation)
    issuePrefetches(in: &simulation)
  }

  /// The gate of a layer has decided: predicts for the layers behind it, and hands what is named to
  /// the prefetch policy, at once or when the predictor has done its computation.
  ///
  /// The true choices are drawn ahead from the routing source, which draws the same when their
  /// layer's turn comes. Nothing is predicted beyond the step's last layer: the tokens of the next
  /// step are not known yet. Nor is anything predicted across the end of an encoder, whose output
  /// decides what its decoder computes.
  ///
  /// - Parameter mixture: The layer; -1 when the step begins.
  mutating func predict(after mixture: Int, in simulation: inout Simulation<EngineEvent>) {
    var mixture = mixture
    if mixture < 0, costs.firstLayer > 0 { mixture = (encoderMixtureLayers ?? 0) - 1 }
    let isInEncoder = mixture + 1 < encoderMixtureLayers ?? 0
    if isInEncoder && !prefetch.servesEncoder { return }
    let end = isInEncoder ? encoderMixtureLayers ?? 0 : memory.layers
    if let encoderMixtureLayers, mixture == encoderMixtureLayers - 1, costs.firstLayer == 0 {
      return
    }
    let last = min(end - 1, mixture + predictionDepth)
    guard mixture < last else { return }
    let delay = UInt64((prediction.latencySeconds * 1e9).rounded())
    let now = simulation.now.nanoseconds
    let ready = max(now, ahead.delayed.predictorFree) + delay
    for layer in mixture + 1...last {
      let distance = layer - mixture
      predictionBuffers!.step.reset()
      for entry in batch.entries { predict(entry, layer: layer, distance: distance) }
      guard !predictionBuffers!.step.isEmpty else { continue }
      predictionBuffers!.list()
      if delay == 0 {
        handOver(layer: layer, distance: distance)
      } else {
        ahead.delayed.append(
          .init(
            ready: ready, step: stepNumber, layer: Int32(layer),
            distance: Int32(distance), count: Int32(predictionBuffers!.experts.count)),
          experts: predictionBuffers!.experts)
      }
    }
    guard delay > 0 else { return }
    ahead.delayed.predictorFree = ready
    simulation.schedule(.predictionsReady, at: SimulatedTime(nanoseconds: ready))
  }

  /// Takes up predictions whose computation has ended; those that their gate has overtaken are lost.
  mutating func takePredictions(in simulation: inout Simulation<EngineEvent>) {
    let now = simulation.now.nanoseconds
    while let batch = ahead.delayed.next(now: now, into: &predictionBuffers!.experts) {
      guard stepIsActive, batch.step == stepNumber, Int(batch.layer) > gatesPassed else {
        continue
      }
      handOver(layer: Int(batch.layer), distance: Int(batch.distance))
    }
    issuePrefetches(in: &simulation)
  }

  /// Tells of the experts in the buffer: the eviction rule, and the prefetch policy.
  private mutating func handOver(layer: Int, distance: Int) {
    for predicted in predictionBuffers!.experts {
      let block = tier.layout.block(layer: layer, expert: Int(predicted.expert))
      tier.predict(block, probability: min(1, predicted.weight))
      if !ahead.isPredicted[block.index] {
        ahead.isPredicted[block.index] = true
        ahead.predicted[layer].append(block)
      }
    }
    prefetch.predicted(
      layer: layer, distance: distance, experts: predictionBuffers!.experts,
      residency: tier.view, requests: &prefetchRequests)
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
