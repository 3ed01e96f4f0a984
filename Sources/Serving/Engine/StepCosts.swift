// SPDX-License-Identifier: GPL-3.0-or-later

import KernelTiming
import ModelDescriptors
import SimulationKernel
import Units

/// How long the operations of a step take on a device, in whole nanoseconds.
///
/// Layers with the same coefficients and the same span share a class; the parts of a step that do
/// not depend on the routing are computed once a step and class.
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
    /// Bytes of all of these.
    var bytes = 0.0
  }

  /// The coefficients of a class of layers, which no step changes.
  private struct Coefficients {
    let costs: LayerCosts
    let span: Int
    /// The same layer with its experts in each less precise version.
    var versions: [LayerCosts] = []

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
  /// Loads by span.
  private var loads: [AttentionLoad]
  /// The host's part of a step [ns].
  private(set) var overhead: UInt64
  /// The input embedding [ns].
  private(set) var embedding: UInt64 = 0
  /// The head and sampling [ns].
  private(set) var head: UInt64 = 0
  /// Bytes of embedding and head.
  private(set) var endBytes = 0.0
  private var tokens = 0

  /// - Parameter versions: The formats of the experts' less precise versions.
  init(
    model: ModelDescriptor, precision: PrecisionPlan, versions: [NumberFormat] = [],
    timing: DeviceTiming
  ) {
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
    for (index, layer) in model.layers.enumerated() {
      let span = Int(costs.spanOfLayer[index])
      let found = coefficients.firstIndex { $0.costs == costs.layers[index] && $0.span == span }
      if let found {
        classOfLayer.append(Int32(found))
      } else {
        classOfLayer.append(Int32(classes.count))
        coefficients.append(
          Coefficients(
            costs: costs.layers[index], span: span, versions: others.map { $0.layers[index] }))
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
    for span in loads.indices {
      var load = AttentionLoad()
      let kind = model.spans[span]
      for entry in entries {
        if entry.isPrefill {
          load.addPrefill(position: Int(entry.position), count: Int(entry.tokens), span: kind)
        } else {
          load.addDecode(visible: Int(entry.position) + 1, span: kind)
        }
      }
      loads[span] = load
    }
    tokens = entries.reduce(0) { $0 + Int($1.tokens) }
    for index in classes.indices { prepareClass(index) }
    let embed = model.embeddingWork(tokens: tokens)
    let out = model.headWork(tokens: sampled)
    embedding = Self.nanoseconds(timing.seconds(embed))
    head = Self.nanoseconds(timing.seconds(out))
    endBytes = embed.bytes + out.bytes
  }

  private mutating func prepareClass(_ index: Int) {
    let costs = coefficients[index].costs
    let attention = costs.attentionWork(loads[coefficients[index].span])
    let around = costs.elementwiseWork(tokens: tokens)
    var seconds =
      timing.seconds(attention.input) + timing.seconds(attention.prefill)
      + timing.seconds(attention.decode) + timing.seconds(attention.output)
      + timing.seconds(around) + timing.software.perLayer
    classes[index].attention = Self.nanoseconds(seconds)
    classes[index].bytes = attention.bytes + around.bytes
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
        timing.seconds(coefficients[layerClass].costs(version: version).expertWork(tokens: tokens)))
    }
    let place = (layerClass * versionCount + version) * Self.keptTokens + tokens
    if expertTimes[place] == 0 {
      expertTimes[place] = Self.nanoseconds(
        timing.seconds(coefficients[layerClass].costs(version: version).expertWork(tokens: tokens)))
    }
    return expertTimes[place]
  }

  /// The work of one expert of a layer on `tokens` tokens.
  func expertWork(layerClass: Int, tokens: Int) -> KernelWork {
    coefficients[layerClass].costs.expertWork(tokens: tokens)
  }

  /// Several experts of a layer in one grouped kernel [ns].
  @inline(__always)
  func groupedExperts(
    layerClass: Int, version: Int = 0, assignments: Int, distinct: Int
  ) -> UInt64 {
    Self.nanoseconds(
      timing.seconds(
        coefficients[layerClass].costs(version: version).groupedExpertWork(
          assignments: assignments, distinct: distinct)))
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
