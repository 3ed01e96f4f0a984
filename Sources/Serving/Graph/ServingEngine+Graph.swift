// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import SimulationKernel

extension ServingEngine {
  /// Tokens times choices for each expert of a layer from which on a micro-batch is taken to use all
  /// of them, without a draw: with even routing the chance that one of them stays unused is below
  /// e⁻³² each.
  static let choicesPerExpertWithoutDraw = 32

  /// Runs a step as its schedule's graph says.
  mutating func runGraphStep(in simulation: inout Simulation<EngineEvent>) {
    guard var state = graphState.take() else { return }
    splitIntoMicroBatches(&state)
    state.costs.prepare(
      entries: batch.entries, ranges: state.ranges, microBatches: state.context.microBatches)
    drawExperts(&state)
    state.graph.removeAll()
    state.schedule.write(state.context, costs: state.costs, into: &state.graph)
    precondition(!state.graph.operations.isEmpty, "A step has at least one operation.")
    precondition(state.graph.operations.count < 1 << 20, "A step has less than 2²⁰ operations.")
    state.execution.begin(state.graph, now: simulation.now.nanoseconds)
    state.execution.identifiers.removeAll(keepingCapacity: true)
    for (node, operation) in state.graph.operations.enumerated() {
      state.execution.identifiers.append(network.create(description(of: operation, node: node)))
    }
    for edge in state.graph.edges {
      network.addDependency(
        state.execution.identifiers[Int(edge.operation)],
        on: state.execution.identifiers[Int(edge.other)])
    }
    let identifiers = state.execution.identifiers
    graphState = consume state
    for identifier in identifiers { network.release(identifier, in: &simulation) }
  }

  /// Divides the step's entries: by the micro-batches of a closed batch, and prompts further by the
  /// token budget.
  private func splitIntoMicroBatches(_ state: inout GraphState) {
    state.ranges.removeAll(keepingCapacity: true)
    state.context.microBatches.removeAll(keepingCapacity: true)
    var prefills = 0
    var first = 0
    var part = MicroBatch(sequences: 0, tokens: 0, sampled: 0)
    for (index, entry) in batch.entries.enumerated() {
      let sequence = batch[entry.sequence]
      let tokens = Int(entry.tokens)
      let isNext =
        index > first
        && (sequence.microBatch != batch[batch.entries[index - 1].sequence].microBatch
          || (entry.isPrefill && part.tokens + tokens > state.prefillTokens))
      if isNext {
        state.ranges.append(first..<index)
        state.context.microBatches.append(part)
        first = index
        part = MicroBatch(sequences: 0, tokens: 0, sampled: 0)
      }
      part.sequences += 1
      part.tokens += tokens
      if sequence.computed + tokens >= sequence.prefillTarget { part.sampled += 1 }
      if entry.isPrefill { prefills += 1 }
    }
    state.ranges.append(first..<batch.entries.count)
    state.context.microBatches.append(part)
    state.context.phase =
      prefills == 0 ? .decode : prefills == batch.entries.count ? .prefill : .mixed
  }

  /// Draws which experts small micro-batches use.
  private mutating func drawExperts(_ state: inout GraphState) {
    guard memory.layers > 0 else { return }
    let topK = configuration.model.topK
    for (place, range) in state.ranges.enumerated() {
      let choices = state.context.microBatches[place].tokens * topK
      guard choices < Self.choicesPerExpertWithoutDraw * memory.experts else {
        if passCosts != nil { pass.markAll() }
        continue
      }
      for layer in 0..<state.context.layers where state.costs.isMixture(layer: layer) {
        drawActivation(mixtureLayer: Int(mixtureIndexOfLayer[layer]), of: range)
        markPassExperts(mixture: Int(mixtureIndexOfLayer[layer]))
        var assignments = 0
        for expert in activation.distinct {
          assignments += Int(activation.tokensPerExpert[Int(expert)])
        }
        state.costs.setExperts(
          layer: layer, microBatch: place, assignments: assignments,
          distinct: activation.distinct.count)
      }
    }
  }

  /// An operation of a graph as the kernel knows it.
  private func description(of operation: GraphOperation, node: Int) -> OperationDescription {
    let tag = OperationTag(
      .graph, layer: max(0, Int(operation.layer)), expert: Int(operation.label.rawValue),
      index: node
    ).bits
    var description: OperationDescription
    if operation.useCount == 0 && operation.maximumRate == 1 && operation.latency == 0 {
      description = OperationDescription(
        duration: SimulatedDuration(nanoseconds: StepCosts.nanoseconds(operation.work)), tag: tag)
    } else {
      description = OperationDescription(
        work: operation.work, maximumRate: operation.maximumRate,
        latency: SimulatedDuration(seconds: operation.latency), tag: tag)
    }
    description.priority = operation.priority
    for index in 0..<operation.holdCount {
      description.hold(
        machine.server(operation.holds[index].server), units: Int(operation.holds[index].units))
    }
    for index in 0..<operation.useCount {
      description.consume(
        machine.bandwidth(operation.uses[index].bandwidth), weight: operation.uses[index].weight)
    }
    return description
  }

  /// An operation of the step's graph has ended; with the last one the step has.
  mutating func graphOperationEnded(
    _ end: OperationEnd, in simulation: inout Simulation<EngineEvent>
  ) {
    guard var state = graphState.take() else { return }
    let node = OperationTag(bits: end.tag).index
    let operation = state.graph.operations[node]
    let runs = end.ended.nanoseconds - end.started.nanoseconds
    state.execution.ended(node, end)
    count(operation, nanoseconds: runs)
    if operation.holds(.stream) {
      chargeStall(until: end.started.nanoseconds, before: Int32(node), state)
      state.execution.streamFree = end.ended.nanoseconds
    }
    let isLast = state.execution.remaining == 0
    if isLast, end.ended.nanoseconds > state.execution.streamFree {
      // What the step still does when the device has done its part.
      chargeWait(until: end.ended.nanoseconds, cause: Int32(node), state)
    }
    graphState = consume state
    if isLast { finishStep(in: &simulation) }
  }

  /// Counts an operation's time or bytes.
  private mutating func count(_ operation: GraphOperation, nanoseconds: UInt64) {
    let label = operation.label
    if let activity = label.activity {
      counters.add(nanoseconds, to: activity)
      if label.isDeviceCompute { counters.deviceBytes += operation.bytes }
    } else if let purpose = label.purpose {
      counters.moved(Int64(operation.bytes.rounded()), for: purpose, device: 0)
      counters.transferred(purpose, device: 0)
    }
  }

  /// Charges the time in which the device's stream stood still before an operation began.
  private mutating func chargeStall(until start: UInt64, before node: Int32, _ state: GraphState) {
    let times = state.execution.times[Int(node)]
    let free = state.execution.streamFree
    guard start > free else { return }
    if start > times.ready {
      // Ready, and the stream free: it waited for something else that it holds.
      counters.stalls.add(start - max(free, times.ready), to: .computeQueue)
    }
    if times.ready > free { chargeWait(until: times.ready, cause: times.released, state) }
  }

  /// Charges the time from when the stream became free to `end` to the chain of operations that led
  /// to it, the last of which is `cause`: to each while it ran, or while it waited for its servers.
  private mutating func chargeWait(until end: UInt64, cause: Int32, _ state: GraphState) {
    let free = state.execution.streamFree
    var high = end
    var node = cause
    while high > free, node >= 0 {
      let times = state.execution.times[Int(node)]
      let label = state.graph.operations[Int(node)].label
      let started = max(free, min(high, times.started))
      counters.stalls.add(high - started, to: label.stall)
      high = started
      let ready = max(free, min(high, times.ready))
      counters.stalls.add(high - ready, to: label.queueing)
      high = ready
      node = times.released
    }
    if high > free { counters.stalls.add(high - free, to: .computeQueue) }
  }
}

extension SimulatedMachine {
  /// The kernel's name of a graph's server.
  func server(_ server: GraphServer) -> ServerID {
    switch server {
    case .stream: compute
    case .multiprocessors: multiprocessors
    case .collective: collective
    case .hostToDevice: hostToDevice
    case .deviceToHost: deviceToHost
    case .staging: staging
    case .hostCompute: hostCompute
    }
  }

  /// The kernel's name of a graph's bandwidth.
  func bandwidth(_ bandwidth: GraphBandwidth) -> BandwidthID {
    switch bandwidth {
    case .linkDown: linkDown
    case .linkUp: linkUp
    case .hostMemory: dram
    case .peerEgress: peerEgress
    case .peerIngress: peerIngress
    }
  }
}

extension GraphLabel {
  /// The activity that its time belongs to; `nil` for copies.
  var activity: EngineCounters.Activity? {
    switch self {
    case .overhead: .overhead
    case .embedding, .attentionInput, .attention, .attentionOutput: .attention
    case .dense: .dense
    case .gate: .gate
    case .sharedExperts: .sharedExpert
    case .experts: .experts
    case .head: .head
    case .hostAttention: .hostAttention
    case .hostExperts: .hostExperts
    case .dispatch, .combine, .weightStaging, .weightLoad, .keyValueStaging, .keyValueLoad,
      .keyValueStore, .activationLoad, .activationStore:
      nil
    }
  }

  /// Why its bytes move; `nil` for computations.
  var purpose: TransferPurpose? {
    switch self {
    case .weightStaging, .keyValueStaging: .staging
    case .weightLoad: .weights
    case .keyValueLoad: .keyValueLoad
    case .keyValueStore: .keyValueStore
    case .activationLoad: .activationsDown
    case .activationStore: .activationsUp
    case .dispatch, .combine: .collective
    default: nil
    }
  }

  /// The cause of a stall in which the device waits for it to end.
  var stall: StallCause {
    switch self {
    case .weightLoad: .latePrefetch
    case .weightStaging, .keyValueStaging: .staging
    case .keyValueLoad, .keyValueStore: .keyValueSwap
    case .hostAttention, .hostExperts, .activationLoad, .activationStore: .hostCompute
    case .dispatch, .combine: .collective
    default: .computeQueue
    }
  }

  /// The cause of a stall in which it waits for what it needs to run.
  var queueing: StallCause {
    switch self {
    case .hostAttention, .hostExperts: .hostCompute
    default: purpose == nil ? .computeQueue : .linkContention
    }
  }
}
