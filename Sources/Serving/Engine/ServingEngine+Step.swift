// SPDX-License-Identifier: GPL-3.0-or-later

import Residency
import SimulationKernel

extension ServingEngine {
  /// Begins the next step, if any sequence has something to compute.
  mutating func beginStep(in simulation: inout Simulation<EngineEvent>) {
    guard failure == nil else { return }
    if !stepAwaitsRoom {
      noticeArrivals(now: simulation.now.nanoseconds)
      batch.planStep(admission: admission)
      if batch.swap != nil { moveKeysAndValues(in: &simulation) }
      guard !batch.entries.isEmpty else { return }
      stepPlanned = simulation.now.nanoseconds
    }
    stepIsActive = true
    if memory.isElastic {
      stepAwaitsRoom = !makeRoomForKeyValue(in: &simulation)
      if stepAwaitsRoom { return }
      counters.stalls.add(simulation.now.nanoseconds - stepPlanned, to: .memoryFull)
    }
    stepBegan = simulation.now.nanoseconds
    stepNumber += 1
    var sampled = 0
    for entry in batch.entries {
      var sequence = batch[entry.sequence]
      if sequence.computed + Int(entry.tokens) >= sequence.prefillTarget {
        // A decoder that has the prompt before its outputs makes its beams of one first token.
        let isOne = entry.isPrefill && entry.outputs.isEmpty && encoderMixtureLayers == nil
        sampled += isOne ? 1 : configuration.limits.beams + (entry.isPrefill ? 0 : batch.drafts)
      }
      guard !sequence.wasScheduled else { continue }
      sequence.wasScheduled = true
      sequence.scheduled = stepBegan
      do {
        sequence.routingSlot = try routing.beginSequence(
          sequence.request.number, promptTokens: Int(sequence.request.promptTokens),
          outputTokens: Int(sequence.request.outputTokens) * configuration.limits.beams
            + batch.drafts)
        if predictionObserves {
          prediction.sequenceBegan(
            sequence.request.number, promptTokens: Int(sequence.request.promptTokens))
          tellTendencies(of: sequence)
        }
        try lookAhead?.begin(
          sequence.request.number, promptTokens: Int(sequence.request.promptTokens),
          outputTokens: Int(sequence.request.outputTokens))
      } catch {
        failure = error
        return
      }
      batch[entry.sequence] = sequence
    }
    if let lookAhead { advance(lookAhead) }
    recordLevels(now: stepBegan)
    if history != nil { recordHistory(now: stepBegan) }
    if recordsDecisions { recordStep(now: stepBegan) }
    costs.prepare(entries: batch.entries, sampled: sampled)
    computedInStep = 0
    isDrafting = sampled > 0 && batch.acceptance != nil
    counters.deviceBytes += costs.endBytes
    if graphState != nil {
      runGraphStep(in: &simulation)
    } else if stepsAreWhole {
      runWholeStep(in: &simulation)
    } else {
      tier.beginStep()
      host?.beginStep()
      beginStepOfPredictions(in: &simulation)
      compute(costs.overhead, .init(.stepOverhead), .overhead, in: &simulation)
      compute(costs.embedding, .init(.attention, layer: 0), .attention, in: &simulation)
      beginLayers(from: costs.firstLayer, in: &simulation)
    }
  }

  /// Tells the rules that know the future which positions the step computes.
  private func advance(_ lookAhead: LookAhead) {
    lookAhead.reach(layer: -1)
    for entry in batch.entries {
      let sequence = batch[entry.sequence]
      // Behind an encoder the decoder's input 0 is the start of the output, not an output token.
      let first = encoderMixtureLayers == nil ? -1 : 0
      lookAhead.advance(
        sequence.request.number, to: entry.isPrefill ? first : sequence.produced + first)
    }
  }

  /// Emits the operations from a layer up to the next gate, or to the step's end.
  mutating func beginLayers(from first: Int, in simulation: inout Simulation<EngineEvent>) {
    var layer = first
    while layer < costs.classOfLayer.count {
      let index = Int(costs.classOfLayer[layer])
      let kind = costs.classes[index]
      counters.deviceBytes += kind.bytes
      if kind.isMixture {
        let mixture = Int(mixtureIndexOfLayer[layer])
        tier.beginLayer(mixture)
        if recordsDecisions { decisions!.take(.layer(mixture), at: simulation.now.nanoseconds) }
        if prefetchIsActive {
          prefetch.layerBegan(mixture, residency: tier.view, requests: &prefetchRequests)
          issuePrefetches(in: &simulation)
        }
        compute(kind.attention, .init(.attention, layer: layer), .attention, in: &simulation)
        if kind.attentionSum > 0 { sum(kind.attentionSum, layer: layer, in: &simulation) }
        compute(kind.gate, .init(.gate, layer: layer), .gate, in: &simulation)
        return
      }
      compute(kind.attention, .init(.attention, layer: layer), .attention, in: &simulation)
      if kind.attentionSum > 0 { sum(kind.attentionSum, layer: layer, in: &simulation) }
      if kind.dense > 0 {
        compute(kind.dense, .init(.dense, layer: layer), .dense, in: &simulation)
        if kind.feedForwardSum > 0 { sum(kind.feedForwardSum, layer: layer, in: &simulation) }
      }
      layer += 1
    }
    compute(costs.head, .init(.head), .head, in: &simulation)
    if isDrafting {
      compute(
        draftNanoseconds(computed: computedInStep), .init(.draft), .draft, in: &simulation)
    }
  }

  /// Submits one operation to the compute stream.
  @inline(__always)
  mutating func compute(
    _ nanoseconds: UInt64, _ tag: OperationTag, _ activity: EngineCounters.Activity,
    in simulation: inout Simulation<EngineEvent>
  ) {
    counters.add(nanoseconds, to: activity)
    computedInStep &+= nanoseconds
    computeOperation.work = SimulatedDuration(nanoseconds: nanoseconds).seconds
    computeOperation.tag = tag.bits
    if deviceCount > 1 { return computeOnAll(in: &simulation) }
    computeOutstanding += 1
    _ = network.submit(computeOperation, in: &simulation)
  }

  /// A step in which nothing can contend, as one operation of the length of all of them.
  private mutating func runWholeStep(in simulation: inout Simulation<EngineEvent>) {
    var total = costs.overhead + costs.embedding + costs.head
    counters.add(costs.overhead, to: .overhead)
    counters.add(costs.embedding, to: .attention)
    counters.add(costs.head, to: .head)
    for layer in costs.firstLayer..<costs.classOfLayer.count {
      let index = Int(costs.classOfLayer[layer])
      let attention = costs.classes[index].attention
      counters.deviceBytes += costs.classes[index].bytes
      counters.add(attention, to: .attention)
      total += attention
      guard costs.classes[index].isMixture else {
        counters.add(costs.classes[index].dense, to: .dense)
        total += costs.classes[index].dense
        continue
      }
      total += wholeMixture(layer: layer, layerClass: index)
    }
    if isDrafting {
      let draft = draftNanoseconds(computed: total)
      counters.add(draft, to: .draft)
      total += draft
    }
    computeOperation.work = SimulatedDuration(nanoseconds: total).seconds
    computeOperation.tag = OperationTag(.wholeStep).bits
    computeOutstanding += 1
    _ = network.submit(computeOperation, in: &simulation)
  }

  /// The MoE part of a layer whose experts are all resident [ns].
  private mutating func wholeMixture(layer: Int, layerClass: Int) -> UInt64 {
    let mixture = Int(mixtureIndexOfLayer[layer])
    drawActivation(mixtureLayer: mixture)
    var assignments = 0
    for expert in activation.distinct {
      assignments += Int(activation.tokensPerExpert[Int(expert)])
    }
    let distinct = activation.distinct.count
    notePassExperts(mixture: mixture)
    counters.fast.hits[mixture] += UInt64(distinct)
    counters.fast.accesses[mixture] += UInt64(distinct)
    counters.cacheDecisions += UInt64(distinct)
    let kind = costs.classes[layerClass]
    let experts = costs.groupedExperts(
      layerClass: layerClass, version: 0, assignments: assignments, distinct: distinct)
    counters.deviceBytes += costs.expertBytes(
      layerClass: layerClass, version: 0, assignments: assignments, distinct: distinct)
    counters.add(kind.gate, to: .gate)
    counters.add(kind.shared, to: .sharedExpert)
    counters.add(experts + kind.combine, to: .experts)
    return kind.gate + kind.shared + experts + kind.combine
  }

  /// Goes on where an operation has ended.
  mutating func operationEnded(
    _ end: OperationEnd, in simulation: inout Simulation<EngineEvent>
  ) {
    counters.operations += 1
    let tag = OperationTag(bits: end.tag)
    switch tag.kind {
    case .attention, .dense, .sharedExpert, .stepOverhead, .segmentEnd:
      computeOutstanding -= 1
    case .gate:
      computeOutstanding -= 1
      gateDecided(layer: tag.layer, in: &simulation)
    case .expert:
      computeOutstanding -= 1
      expertComputed(place: tag.index, in: &simulation)
    case .groupedExperts:
      computeOutstanding -= 1
      groupComputed(index: tag.index, in: &simulation)
    case .head:
      computeOutstanding -= 1
      if !isDrafting { finishStep(in: &simulation) }
    case .wholeStep, .draft:
      computeOutstanding -= 1
      finishStep(in: &simulation)
    case .activationsUp:
      countActivations(.activationsUp, end: end)
    case .hostExpert:
      if machine.isUnified { remoteComputed(tag.index, in: &simulation) }
    case .activationsDown:
      countActivations(.activationsDown, end: end)
      remoteComputed(tag.index, in: &simulation)
    case .load:
      loadEnded(slot: tag.index, end: end, in: &simulation)
    case .writeBack:
      writeBackEnded(BlockID(tag.index), in: &simulation)
    case .staging:
      stagingEnded(slot: tag.index, end: end, in: &simulation)
    case .driveRead:
      driveReadEnded(slot: tag.index, end: end, in: &simulation)
    case .mirror:
      computeOutstanding -= 1
    case .collective:
      sumEnded(end, device: tag.index)
    case .hostOutputs:
      countActivations(.activationsDown, end: end)
      remoteComputedTogether(in: &simulation)
    case .keyValueSwap:
      swapEnded(tag.index, end: end, in: &simulation)
    case .graph:
      graphOperationEnded(end, in: &simulation)
    }
    noteIdle(now: simulation.now.nanoseconds)
  }

  /// Notes when the compute stream goes idle while experts are waited for.
  private mutating func noteIdle(now: UInt64) {
    if stepIsActive && computeOutstanding == 0 && layerSet.waitingCount > 0 && stallBegan == nil {
      stallBegan = now
    }
  }
}
