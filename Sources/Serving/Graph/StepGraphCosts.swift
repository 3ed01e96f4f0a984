// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Policies

/// What the parts of a step cost, by the engine's timing and the tokens of each micro-batch.
///
/// Layers of the same coefficients and span share a class; each class is timed once for each
/// micro-batch of a step. Feed-forward parts whose number of distinct experts is drawn have a time of
/// their own for each layer. Of a group of devices, all is what one of them takes.
struct StepGraphCosts: GraphCosts {
  /// What one class of layers costs for one micro-batch.
  private struct Part {
    var input = GraphWork(seconds: 0)
    var attention = GraphWork(seconds: 0)
    var hostAttention = GraphWork(seconds: 0)
    var output = GraphWork(seconds: 0)
    var feedForward = GraphWork(seconds: 0)
    var queryBytes = 0.0
    var outputBytes = 0.0
    var cachedBytes = 0.0
    var newBytes = 0.0
  }

  /// What no step changes of a class of layers.
  private struct LayerClass {
    var costs: LayerCosts
    var span: Int
    var isMixture: Bool
    var queryBytesPerToken = 0.0
    var outputBytesPerToken = 0.0
    var cacheBytesPerRow = 0.0
    var expertBytes = 0.0
    var otherBytes = 0.0
    var rowElements = 0.0
  }

  let rates: GraphRates
  let overheadSeconds: Double
  private let model: ModelCosts
  private let timing: DeviceTiming
  private let hostTiming: DeviceTiming?
  private let classOfLayer: [Int32]
  private let classes: [LayerClass]
  private let hiddenBytesPerToken: Double
  private let elementBytes: Double
  private let group: DeviceGroup
  /// By class, then micro-batch.
  private var parts: [Part] = []
  /// By layer, then micro-batch; empty where no layer differs from its class.
  private var drawn: [GraphWork] = []
  /// The distinct experts that were drawn, as `drawn`.
  private var drawnDistinct: [Int] = []
  private var microBatches: [MicroBatch] = []
  private var loads: [AttentionLoad] = []

  init(_ configuration: ServingConfiguration, rates: GraphRates, group: DeviceGroup = .single) {
    let descriptor = configuration.model
    let plan = configuration.precision
    let costs = descriptor.costs(under: plan)
    var classOfLayer: [Int32] = []
    var classes: [LayerClass] = []
    for (index, layer) in descriptor.layers.enumerated() {
      let made = Self.layerClass(
        layer, costs: costs.layers[index], span: Int(costs.spanOfLayer[index]), plan: plan)
      let found = classes.firstIndex {
        $0.costs == made.costs && $0.span == made.span && $0.expertBytes == made.expertBytes
          && $0.otherBytes == made.otherBytes
      }
      classOfLayer.append(Int32(found ?? classes.count))
      if found == nil { classes.append(made) }
    }
    self.rates = rates
    model = costs
    timing = configuration.timing
    hostTiming = configuration.hostTiming
    overheadSeconds = configuration.timing.software.perStep
    self.classOfLayer = classOfLayer
    self.classes = classes
    self.group = group
    elementBytes = plan.activations.bytesPerElement
    hiddenBytesPerToken = Double(descriptor.layers.first?.hiddenSize ?? 0) * elementBytes
  }

  private static func layerClass(
    _ layer: LayerDescriptor, costs: LayerCosts, span: Int, plan: PrecisionPlan
  ) -> LayerClass {
    var made = LayerClass(costs: costs, span: span, isMixture: layer.mixture != nil)
    let activation = plan.activations.bytesPerElement
    if let mixer = layer.attention.mixer {
      let made1 = mixer.inputMatrices(hidden: layer.hiddenSize).reduce(0) { $0 + $1.output }
      let left = mixer.outputMatrices(hidden: layer.hiddenSize).first?.input ?? 0
      made.queryBytesPerToken = Double(made1) * activation
      made.outputBytesPerToken = Double(left) * activation
      made.cacheBytesPerRow = Double(mixer.cachedElementsPerRow) * plan.keyValue.bytesPerElement
    }
    let bytes = layer.bytes(under: plan)
    made.expertBytes = Double(bytes.experts)
    made.otherBytes = Double(bytes.resident)
    made.rowElements = Double(layer.mixture?.expertInput ?? 0)
    return made
  }

  var layerCount: Int { classOfLayer.count }

  /// Whether a layer has routed experts.
  func isMixture(layer: Int) -> Bool { classes[Int(classOfLayer[layer])].isMixture }

  // MARK: A step

  /// Computes what the step's micro-batches cost.
  ///
  /// - Parameters:
  ///   - entries: The step's entries.
  ///   - ranges: Those of each micro-batch.
  ///   - microBatches: Their numbers of sequences and tokens.
  mutating func prepare(
    entries: [StepEntry], ranges: [Range<Int>], microBatches: [MicroBatch]
  ) {
    self.microBatches = microBatches
    loads.removeAll(keepingCapacity: true)
    for range in ranges {
      for span in model.spans {
        var load = AttentionLoad()
        for entry in entries[range] {
          if entry.isPrefill {
            load.addPrefill(position: Int(entry.position), count: Int(entry.tokens), span: span)
          } else {
            load.addDecode(visible: Int(entry.position) + 1, span: span)
          }
        }
        loads.append(load)
      }
    }
    parts.removeAll(keepingCapacity: true)
    for layerClass in classes {
      for batch in microBatches.indices {
        parts.append(part(layerClass, batch: batch))
      }
    }
    drawn.removeAll(keepingCapacity: true)
  }

  private func part(_ layerClass: LayerClass, batch: Int) -> Part {
    let load = loads[batch * model.spans.count + layerClass.span]
    // The whole group's, and this device's.
    let all = microBatches[batch].tokens
    let tokens = group.own(all)
    let costs = layerClass.costs
    let attention = attentionWork(costs, load: load)
    var part = Part()
    part.input = work(attention.input) + work(costs.elementwiseWork(tokens: tokens))
    part.input.seconds += timing.software.perLayer
    part.attention = work(attention.prefill) + work(attention.decode)
    if let hostTiming {
      part.hostAttention = GraphWork(
        seconds: hostTiming.seconds(attention.prefill) + hostTiming.seconds(attention.decode),
        bytes: attention.prefill.bytes + attention.decode.bytes)
    }
    part.output = work(attention.output)
    let mixture = Double(costs.topK) * Double(tokens)
    part.feedForward =
      layerClass.isMixture
      ? mixturePart(costs, tokens: tokens)
        + experts(costs, assignments: mixture, distinct: min(mixture, Double(costs.expertCount)))
      : work(costs.denseWork(tokens: tokens))
    part.queryBytes = layerClass.queryBytesPerToken * Double(all)
    part.outputBytes = layerClass.outputBytesPerToken * Double(all)
    part.cachedBytes = layerClass.cacheBytesPerRow * (load.decodeContext + load.prefillContext)
    part.newBytes = layerClass.cacheBytesPerRow * Double(all)
    return part
  }

  /// One device's share of attention over a group's batch: of the tokens with data parallelism, of
  /// heads and weights with tensor parallelism.
  private func attentionWork(_ costs: LayerCosts, load: AttentionLoad) -> AttentionWork {
    var work = costs.attentionWork(load)
    guard group.devices > 1 else { return work }
    let tokens = Double(load.tokens) / Double(group.devices)
    work.prefill.divide(by: group.devices, rowsToo: group.attention == .data)
    work.decode.divide(by: group.devices, rowsToo: group.attention == .data)
    switch group.attention {
    case .data where costs.hasMixer:
      work.input = costs.attentionInput.work(rows: tokens)
      work.output = costs.attentionOutput.work(rows: tokens)
    case .data: break
    case .tensor:
      work.input.divide(by: group.devices, rowsToo: false)
      work.output.divide(by: group.devices, rowsToo: false)
    }
    return work
  }

  /// A mixture without its routed experts.
  private func mixturePart(_ costs: LayerCosts, tokens: Int) -> GraphWork {
    work(costs.gateWork(tokens: tokens)) + besideExperts(costs, tokens: tokens)
      + work(costs.combineWork(tokens: tokens))
  }

  /// What a mixture computes of every token beside its routed experts.
  private func besideExperts(_ costs: LayerCosts, tokens: Int) -> GraphWork {
    work(costs.sharedExpertWork(tokens: tokens)) + work(costs.parallelDenseWork(tokens: tokens))
      + work(costs.latentWork(tokens: tokens))
  }

  private func experts(
    _ costs: LayerCosts, assignments: Double, distinct: Double
  ) -> GraphWork {
    work(costs.expert.groupedWork(rows: assignments, groups: distinct))
  }

  /// Sets the experts of a layer that a micro-batch has drawn.
  mutating func setExperts(layer: Int, microBatch: Int, assignments: Int, distinct: Int) {
    if drawn.isEmpty {
      drawn = [GraphWork](
        repeating: GraphWork(seconds: -1), count: layerCount * microBatches.count)
      drawnDistinct = [Int](repeating: -1, count: drawn.count)
    }
    let costs = classes[Int(classOfLayer[layer])].costs
    drawnDistinct[layer * microBatches.count + microBatch] = distinct
    drawn[layer * microBatches.count + microBatch] =
      mixturePart(costs, tokens: microBatches[microBatch].tokens)
      + experts(costs, assignments: Double(assignments), distinct: Double(distinct))
  }

  private func work(_ kernel: KernelWork) -> GraphWork {
    GraphWork(seconds: timing.seconds(kernel), bytes: kernel.kernels > 0 ? kernel.bytes : 0)
  }

  private func part(layer: Int, _ microBatch: Int) -> Part {
    parts[Int(classOfLayer[layer]) * microBatches.count + microBatch]
  }

  // MARK: What schedules ask

  func embedding(microBatch: Int) -> GraphWork {
    work(model.embeddingWork(tokens: group.own(microBatches[microBatch].tokens)))
  }
  func attentionInput(layer: Int, microBatch: Int) -> GraphWork {
    part(layer: layer, microBatch).input
  }
  func attention(layer: Int, microBatch: Int) -> GraphWork {
    part(layer: layer, microBatch).attention
  }
  func hostAttention(layer: Int, microBatch: Int) -> GraphWork {
    part(layer: layer, microBatch).hostAttention
  }
  func attentionOutput(layer: Int, microBatch: Int) -> GraphWork {
    part(layer: layer, microBatch).output
  }
  func feedForward(layer: Int, microBatch: Int) -> GraphWork {
    if !drawn.isEmpty {
      let own = drawn[layer * microBatches.count + microBatch]
      if own.seconds >= 0 { return own }
    }
    return part(layer: layer, microBatch).feedForward
  }
  func head(microBatch: Int) -> GraphWork {
    let sampled = group.own(microBatches[microBatch].sampled)
    return sampled > 0 ? work(model.headWork(tokens: sampled)) : GraphWork(seconds: 0)
  }
  func experts(layer: Int, assignments: Double, distinct: Double) -> GraphWork {
    experts(classes[Int(classOfLayer[layer])].costs, assignments: assignments, distinct: distinct)
  }
  func expertLoad(layer: Int, microBatch: Int) -> ExpertLoad? {
    let layerClass = classes[Int(classOfLayer[layer])]
    guard layerClass.isMixture else { return nil }
    let tokens = microBatches[microBatch].tokens
    let experts = Double(layerClass.costs.expertCount)
    var used = min(experts, Double(layerClass.costs.topK) * Double(tokens))
    if !drawn.isEmpty {
      let distinct = drawnDistinct[layer * microBatches.count + microBatch]
      if distinct >= 0 { used = Double(distinct) }
    }
    return ExpertLoad(
      tokens: tokens, choices: Int(layerClass.costs.topK),
      experts: Int(layerClass.costs.expertCount), used: used, rowElements: layerClass.rowElements,
      elementBytes: elementBytes)
  }
  func gate(layer: Int, microBatch: Int) -> GraphWork {
    let tokens = group.own(microBatches[microBatch].tokens)
    return work(classes[Int(classOfLayer[layer])].costs.gateWork(tokens: tokens))
  }
  func sharedExperts(layer: Int, microBatch: Int) -> GraphWork {
    besideExperts(
      classes[Int(classOfLayer[layer])].costs,
      tokens: group.own(microBatches[microBatch].tokens))
  }
  func expertProducts(
    layer: Int, rows: Double, experts: Double, kernel: ExpertKernel, share: Double
  ) -> GraphWork {
    guard rows > 0, experts > 0 else { return GraphWork(seconds: 0) }
    let cost = classes[Int(classOfLayer[layer])].costs.expert
    let grouped = kernel == .grouped
    let kernel =
      grouped ? cost.groupedWork(rows: rows, groups: experts) : cost.work(rows: rows / experts)
    let parts = timing.parts(kernel)
    let times = grouped ? 1 : experts
    return GraphWork(
      seconds: times * (parts.overhead + max(parts.compute / share, parts.memory)),
      bytes: times * kernel.bytes)
  }
  func elementwise(bytes: Double) -> GraphWork {
    work(KernelWork(family: .elementwise, flop: 0, bytes: bytes, rows: 1))
  }
  func queryBytes(layer: Int, microBatch: Int) -> Double {
    part(layer: layer, microBatch).queryBytes
  }
  func attentionOutputBytes(layer: Int, microBatch: Int) -> Double {
    part(layer: layer, microBatch).outputBytes
  }
  func hiddenBytes(microBatch: Int) -> Double {
    hiddenBytesPerToken * Double(microBatches[microBatch].tokens)
  }
  func cachedKeyValueBytes(layer: Int, microBatch: Int) -> Double {
    part(layer: layer, microBatch).cachedBytes
  }
  func newKeyValueBytes(layer: Int, microBatch: Int) -> Double {
    part(layer: layer, microBatch).newBytes
  }
  func expertWeightBytes(layer: Int) -> Double { classes[Int(classOfLayer[layer])].expertBytes }
  func otherWeightBytes(layer: Int) -> Double { classes[Int(classOfLayer[layer])].otherBytes }
}

extension KernelWork {
  /// Leaves one of so many equal parts of the work, in as many launches.
  ///
  /// - Parameter rowsToo: Whether rows are divided as well, rather than columns or heads.
  fileprivate mutating func divide(by parts: Int, rowsToo: Bool) {
    flop /= Double(parts)
    bytes /= Double(parts)
    if rowsToo { rows /= Double(parts) } else { columns /= Double(parts) }
  }
}
