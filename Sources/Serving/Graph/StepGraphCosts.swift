// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import Policies

/// What the parts of a step cost, by the engine's timing and the tokens of each micro-batch.
///
/// Layers of the same coefficients and span share a class; each class is timed once for each
/// micro-batch of a step. Feed-forward parts whose number of distinct experts is drawn have a time of
/// their own for each layer.
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
  }

  let rates: GraphRates
  let overheadSeconds: Double
  private let model: ModelCosts
  private let timing: DeviceTiming
  private let hostTiming: DeviceTiming?
  private let classOfLayer: [Int32]
  private let classes: [LayerClass]
  private let hiddenBytesPerToken: Double
  /// By class, then micro-batch.
  private var parts: [Part] = []
  /// By layer, then micro-batch; empty where no layer differs from its class.
  private var drawn: [GraphWork] = []
  private var microBatches: [MicroBatch] = []
  private var loads: [AttentionLoad] = []

  init(_ configuration: ServingConfiguration, rates: GraphRates) {
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
    hiddenBytesPerToken =
      Double(descriptor.layers.first?.hiddenSize ?? 0) * plan.activations.bytesPerElement
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
    let tokens = microBatches[batch].tokens
    let costs = layerClass.costs
    let attention = costs.attentionWork(load)
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
    part.queryBytes = layerClass.queryBytesPerToken * Double(tokens)
    part.outputBytes = layerClass.outputBytesPerToken * Double(tokens)
    part.cachedBytes = layerClass.cacheBytesPerRow * (load.decodeContext + load.prefillContext)
    part.newBytes = layerClass.cacheBytesPerRow * Double(tokens)
    return part
  }

  /// A mixture without its routed experts.
  private func mixturePart(_ costs: LayerCosts, tokens: Int) -> GraphWork {
    work(costs.gateWork(tokens: tokens)) + work(costs.sharedExpertWork(tokens: tokens))
      + work(costs.parallelDenseWork(tokens: tokens)) + work(costs.latentWork(tokens: tokens))
      + work(costs.combineWork(tokens: tokens))
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
    }
    let costs = classes[Int(classOfLayer[layer])].costs
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
    work(model.embeddingWork(tokens: microBatches[microBatch].tokens))
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
    let sampled = microBatches[microBatch].sampled
    return sampled > 0 ? work(model.headWork(tokens: sampled)) : GraphWork(seconds: 0)
  }
  func experts(layer: Int, assignments: Double, distinct: Double) -> GraphWork {
    experts(classes[Int(classOfLayer[layer])].costs, assignments: assignments, distinct: distinct)
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
