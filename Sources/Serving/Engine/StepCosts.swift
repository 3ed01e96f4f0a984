// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import SimulationKernel
import Units

/// How long the operations of a step take on a device, in whole nanoseconds.
///
/// Layers with the same coefficients and the same span share a class; the parts of a step that do
/// not depend on the routing are computed once a step and class. Layers are counted through: those of
/// an encoder, then the decoder's.
///
/// Of an encoder–decoder, a step passes the prompts that join through the encoder's layers, each
/// token attending to its whole prompt, and then all that decodes through the decoder's, the first
/// token of the prompts that have just joined among it. Cross-attention reads the keys and values of
/// the prompt for each beam anew, and makes them in the step in which the prompt is encoded.
struct StepCosts {
  /// What a class of layers takes in the step under way. Small, since it is read at every layer.
  struct Times: BitwiseCopyable {
    var isMixture: Bool
    /// The mixer, norms and residuals [ns].
    var attention: UInt64 = 0
    /// A dense feed-forward network [ns].
    var dense: UInt64 = 0
    /// The gate [ns].
    var gate: UInt64 = 0
    /// Shared experts, a dense network beside the experts, projections of a latent [ns].
    var shared: UInt64 = 0
    /// The weighted sum of the experts' outputs [ns].
    var combine: UInt64 = 0
    /// The sums over GPUs of what attention and the feed-forward part have computed in parts [ns].
    var attentionSum: UInt64 = 0
    var feedForwardSum: UInt64 = 0
    /// Bytes of all of these.
    var bytes = 0.0
  }

  /// The coefficients of a class of layers, which no step changes.
  private struct Coefficients {
    let costs: LayerCosts
    let span: Int
    let isEncoder: Bool
    /// The same layer with its experts in each less precise version.
    var versions: [LayerCosts] = []
    /// An expert as the host computes it, whole where GPUs cut it.
    var hostExpert = ProjectionCost.none

    /// The layer with its experts in a version.
    @inline(__always)
    func costs(version: Int) -> LayerCosts { version == 0 ? costs : versions[version - 1] }
  }

  /// The tokens up to which the time of one expert is kept once computed.
  private static let keptTokens = 129

  private let model: ModelCosts
  private let timing: DeviceTiming
  /// The class of each layer.
  let classOfLayer: [Int32]
  private(set) var classes: [Times] = []
  private var coefficients: [Coefficients] = []
  /// One expert on n tokens, by class, version and n [ns]; 0 where not computed yet.
  private var expertTimes: [UInt64]
  private let versionCount: Int
  /// Loads of the decoder by span.
  private var loads: [AttentionLoad]
  /// The decoder's load of the step under way, by span.
  var decoderLoads: [AttentionLoad] { loads }
  /// Tokens that pass the decoder.
  var decoderTokens: Int { tokens }
  /// The load of the encoder's layers, and that of cross-attention.
  private var encoderLoad = AttentionLoad()
  private var crossLoad = AttentionLoad()
  private let encoderLayers: Int
  private let beams: Int
  /// The collectives among the replica's GPUs; `nil` with one.
  private let group: GroupCosts?
  /// The first layer that the step under way passes: the decoder's first where nothing is encoded.
  private(set) var firstLayer = 0
  /// The host's part of a step [ns].
  private(set) var overhead: UInt64
  /// The input embedding [ns].
  private(set) var embedding: UInt64 = 0
  /// The head and sampling [ns].
  private(set) var head: UInt64 = 0
  /// Bytes of embedding and head.
  private(set) var endBytes = 0.0
  /// Tokens that pass the encoder, and the decoder.
  private var encoderTokens = 0
  private var tokens = 0

  /// - Parameters:
  ///   - versions: The formats of the experts' less precise versions.
  ///   - beams: Beams of each sequence.
  ///   - group: What several GPUs add, of each of which `model` is the part.
  init(
    model: ModelDescriptor, precision: PrecisionPlan, versions: [NumberFormat] = [],
    timing: DeviceTiming, beams: Int = 1, group: GroupCosts? = nil
  ) {
    self.beams = beams
    self.group = group
    let whole = group?.whole.costs(under: precision)
    let encoderLayers = model.encoder.count
    self.encoderLayers = encoderLayers
    let costs = model.costs(under: precision)
    let others = versions.map { format in
      var plan = precision
      plan.experts = format
      return model.costs(under: plan)
    }
    versionCount = 1 + versions.count
    self.model = costs
    self.timing = timing
    var classOfLayer: [Int32] = []
    for (index, layer) in model.allLayers.enumerated() {
      let isEncoder = index < encoderLayers
      let own = isEncoder ? costs.encoder[index] : costs.layers[index - encoderLayers]
      let span = isEncoder ? 0 : Int(costs.spanOfLayer[index - encoderLayers])
      let found = coefficients.firstIndex {
        $0.costs == own && $0.span == span && $0.isEncoder == isEncoder
      }
      if let found {
        classOfLayer.append(Int32(found))
      } else {
        classOfLayer.append(Int32(classes.count))
        let narrow = others.map {
          isEncoder ? $0.encoder[index] : $0.layers[index - encoderLayers]
        }
        var made = Coefficients(costs: own, span: span, isEncoder: isEncoder, versions: narrow)
        let unit = whole.map {
          isEncoder ? $0.encoder[index] : $0.layers[index - encoderLayers]
        }
        made.hostExpert = (unit ?? own).expert
        coefficients.append(made)
        classes.append(Times(isMixture: layer.mixture != nil))
      }
    }
    self.classOfLayer = classOfLayer
    expertTimes = [UInt64](
      repeating: 0, count: classes.count * versionCount * Self.keptTokens)
    loads = costs.spans.map { _ in AttentionLoad() }
    overhead = Self.nanoseconds(timing.software.perStep)
  }

  @inline(__always)
  static func nanoseconds(_ seconds: Double) -> UInt64 {
    UInt64((seconds * 1e9).rounded())
  }

  /// Computes the step's parts that do not depend on the routing.
  ///
  /// - Complexity: O(entries × spans + classes).
  mutating func prepare(entries: [StepEntry], sampled: Int) {
    if encoderLayers > 0 {
      prepareEncoderDecoder(entries)
    } else {
      prepareDecoder(entries)
    }
    for index in classes.indices { prepareClass(index) }
    let embed = model.embeddingWork(tokens: encoderTokens + tokens)
    let out = model.headWork(tokens: sampled)
    embedding = Self.nanoseconds(timing.seconds(embed))
    head = Self.nanoseconds(timing.seconds(out))
    endBytes = embed.bytes + out.bytes
  }

  /// Sums the loads of a decoder that has its prompts before its outputs.
  private mutating func prepareDecoder(_ entries: [StepEntry]) {
    for span in loads.indices {
      var load = AttentionLoad()
      let kind = model.spans[span]
      for entry in entries {
        guard entry.isPrefill else {
          if entry.tokens > 1 {
            load.addVerification(
              position: Int(entry.position), count: Int(entry.tokens), span: kind)
            continue
          }
          for _ in 0..<beams { load.addDecode(visible: Int(entry.position) + 1, span: kind) }
          continue
        }
        load.addPrefill(position: Int(entry.position), count: Int(entry.tokens), span: kind)
        // Other beams have the prompt in common, and compute again what followed it.
        let outputs = entry.outputs
        guard beams > 1, !outputs.isEmpty else { continue }
        for _ in 1..<beams {
          load.addPrefill(
            position: Int(entry.prompt) + outputs.lowerBound, count: outputs.count, span: kind)
        }
      }
      loads[span] = load
    }
    tokens = entries.reduce(0) {
      $0
        + ($1.isPrefill
          ? Int($1.tokens) + $1.outputs.count * (beams - 1) : beams + Int($1.tokens) - 1)
    }
  }

  /// Sums the loads of the encoder, of the decoder behind it, and of the attention between them.
  private mutating func prepareEncoderDecoder(_ entries: [StepEntry]) {
    encoderLoad = AttentionLoad()
    crossLoad = AttentionLoad()
    tokens = 0
    for span in loads.indices { loads[span] = AttentionLoad() }
    for entry in entries {
      if entry.isPrefill { encoderLoad.addBidirectional(count: Int(entry.prompt)) }
      let inputs = entry.decoderInputs
      for _ in 0..<beams {
        crossLoad.addCross(tokens: inputs.count, source: Int(entry.prompt))
        for span in loads.indices {
          if inputs.count == 1 {
            loads[span].addDecode(visible: inputs.upperBound, span: model.spans[span])
          } else {
            loads[span].addPrefill(position: 0, count: inputs.count, span: model.spans[span])
          }
        }
      }
      tokens += inputs.count * beams
    }
    encoderTokens = encoderLoad.tokens
    firstLayer = encoderTokens > 0 ? 0 : encoderLayers
  }

  private mutating func prepareClass(_ index: Int) {
    let costs = coefficients[index].costs
    let isEncoder = coefficients[index].isEncoder
    let tokens = isEncoder ? encoderTokens : tokens
    guard tokens > 0 else { return }
    let attention = costs.attentionWork(
      isEncoder ? encoderLoad : loads[coefficients[index].span])
    let around = costs.elementwiseWork(tokens: tokens)
    var seconds =
      timing.seconds(attention) + timing.seconds(around) + timing.software.perLayer
    classes[index].bytes = attention.bytes + around.bytes
    if costs.crossCore.kernels > 0 {
      let cross = costs.crossAttentionWork(crossLoad)
      let keysAndValues = costs.crossKeyValueWork(sourceTokens: encoderTokens)
      seconds += timing.seconds(cross) + timing.seconds(keysAndValues)
      classes[index].bytes += cross.bytes + keysAndValues.bytes
    }
    classes[index].attention = Self.nanoseconds(seconds)
    if let group {
      classes[index].attentionSum = costs.hasMixer ? group.attentionSum(tokens: tokens) : 0
      classes[index].feedForwardSum = group.feedForwardSum(
        tokens: tokens, isMixture: classes[index].isMixture)
    }
    guard classes[index].isMixture else {
      let dense = costs.denseWork(tokens: tokens)
      classes[index].dense = Self.nanoseconds(timing.seconds(dense))
      classes[index].bytes += dense.bytes
      return
    }
    let gate = costs.gateWork(tokens: tokens)
    classes[index].gate = Self.nanoseconds(timing.seconds(gate))
    let shared = costs.sharedExpertWork(tokens: tokens)
    let parallel = costs.parallelDenseWork(tokens: tokens)
    let latent = costs.latentWork(tokens: tokens)
    let combine = costs.combineWork(tokens: tokens)
    seconds = timing.seconds(shared) + timing.seconds(parallel) + timing.seconds(latent)
    classes[index].shared = Self.nanoseconds(seconds)
    classes[index].combine = Self.nanoseconds(timing.seconds(combine))
    for work in [gate, shared, parallel, latent, combine] {
      classes[index].bytes += work.bytes
    }
  }

  /// One expert of a layer on `tokens` tokens [ns].
  @inline(__always)
  mutating func expert(layerClass: Int, version: Int = 0, tokens: Int) -> UInt64 {
    guard tokens < Self.keptTokens else {
      return Self.nanoseconds(
        expertSeconds(layerClass: layerClass, version: version, tokens: tokens))
    }
    let place = (layerClass * versionCount + version) * Self.keptTokens + tokens
    if expertTimes[place] == 0 {
      expertTimes[place] = Self.nanoseconds(
        expertSeconds(layerClass: layerClass, version: version, tokens: tokens))
    }
    return expertTimes[place]
  }

  /// One expert's kernels and what the software takes to call them [s].
  private func expertSeconds(layerClass: Int, version: Int, tokens: Int) -> Double {
    timing.seconds(coefficients[layerClass].costs(version: version).expertWork(tokens: tokens))
      + timing.software.perExpert
  }

  /// The work of one whole expert of a layer on `tokens` tokens, as the host does it.
  func expertWork(layerClass: Int, tokens: Int) -> KernelWork {
    coefficients[layerClass].hostExpert.work(rows: Double(tokens))
  }

  /// The work of several whole experts of a layer in one call, as the host does it for several GPUs.
  func hostExpertsWork(layerClass: Int, assignments: Int, distinct: Int) -> KernelWork {
    coefficients[layerClass].hostExpert.groupedWork(
      rows: Double(assignments), groups: Double(distinct))
  }

  /// Whether a layer is one of the encoder's.
  func isEncoder(_ layer: Int) -> Bool { layer < encoderLayers }

  /// Bytes that each GPU sends when partial results of the step's tokens are summed.
  func sumBytes(encoder: Bool) -> Double {
    group?.wireBytes(tokens: encoder ? encoderTokens : tokens) ?? 0
  }

  /// Several experts of a layer in one grouped kernel [ns].
  @inline(__always)
  func groupedExperts(
    layerClass: Int, version: Int = 0, assignments: Int, distinct: Int
  ) -> UInt64 {
    Self.nanoseconds(
      timing.seconds(
        coefficients[layerClass].costs(version: version).groupedExpertWork(
          assignments: assignments, distinct: distinct))
        + Double(distinct) * timing.software.perExpert)
  }

  /// Bytes that `distinct` experts read and write on `assignments` token–expert pairs.
  @inline(__always)
  func expertBytes(
    layerClass: Int, version: Int = 0, assignments: Int, distinct: Int
  ) -> Double {
    coefficients[layerClass].costs(version: version)
      .groupedExpertWork(assignments: assignments, distinct: distinct).bytes
  }
}
